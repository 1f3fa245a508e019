//! The cursor of a chart: a hair line, a dot on each line, and what stands there: as a tooltip in
//! the chart under the pointer, as a line of text in the others.

import { type RefObject, useEffect, useRef, useState } from "react";
import { createPortal } from "react-dom";
import { formatX, nameOfX, type XAxis } from "./axes";
import { Swatch } from "./ChartLegend";
import classes from "./chart.module.css";
import type { Composition } from "./compose";
import type { ChartLink, LinkedCursor } from "./link";
import { formatStep, formatValue } from "./numbers";
import { nearestReading, type Reading, readingsAt, readingsShown } from "./reading";
import type { ChartView } from "./view";

/** Rows of a tooltip. */
const ROWS_MAX = 14;
/** Dots of a crowd would hide it. */
const DOTS_MAX = 14;
/** Pixels from its end at which a line still answers. */
const REACH = 24;

interface ChartCursorProps {
  readonly id: string;
  readonly link: ChartLink;
  readonly view: RefObject<ChartView | undefined>;
  readonly composition: Composition;
  readonly axis: XAxis;
  readonly smoothed: boolean;
  /** Where the pointer is, in pixels from the plot's top; `undefined` for the keyboard. */
  readonly pointerY: RefObject<number | undefined>;
  /** Where the readout of a chart that is only linked goes. */
  readonly readout: HTMLElement | undefined;
}

/** Follows the link of the page, once a frame. */
function useLinkedCursor(link: ChartLink): LinkedCursor | undefined {
  const [cursor, setCursor] = useState(link.cursor);
  const frame = useRef<number>(undefined);
  useEffect(() => {
    const stop = link.onCursor(() => {
      frame.current ??= requestAnimationFrame(() => {
        frame.current = undefined;
        setCursor(link.cursor);
      });
    });
    return () => {
      stop();
      if (frame.current !== undefined) {
        cancelAnimationFrame(frame.current);
        frame.current = undefined;
      }
    };
  }, [link]);
  return cursor;
}

/** What is drawn over a chart while the cursor stands on its page. */
export function ChartCursor(props: ChartCursorProps) {
  const cursor = useLinkedCursor(props.link);
  const view = props.view.current;
  if (cursor === undefined || view === undefined) {
    return null;
  }
  const { box, span } = view;
  const left = view.pixelOfX(cursor.x);
  if (!(left >= 0 && left <= box.width)) {
    return null;
  }
  const reach = Math.abs(view.xAtPixel(left + REACH) - cursor.x);
  const readings = readingsAt(props.composition.lines, props.composition.raw, cursor.x, span, reach);
  const own = cursor.source === props.id;
  const pointer = own ? props.pointerY.current : undefined;
  const pointerValue = pointer === undefined ? undefined : view.yAtPixel(pointer);
  const shown = readingsShown(readings, pointerValue, ROWS_MAX);
  const nearest = nearestReading(readings, pointerValue);
  return (
    <>
      <div className={classes["crosshair"]} style={{ left: box.left + left, top: box.top, height: box.height }} />
      <Dots view={view} readings={shown.slice(0, DOTS_MAX)} composition={props.composition} />
      {own ? (
        <Tooltip
          {...props}
          view={view}
          x={cursor.x}
          left={left}
          readings={shown}
          nearest={nearest}
          more={readings.length - shown.length}
        />
      ) : (
        props.readout !== undefined &&
        createPortal(<Readout composition={props.composition} readings={shown} />, props.readout)
      )}
    </>
  );
}

function colorOf(composition: Composition, key: string): string | undefined {
  return composition.legend.find((entry) => entry.key === key)?.style.color;
}

function Dots(props: {
  readonly view: ChartView;
  readonly readings: readonly Reading[];
  readonly composition: Composition;
}) {
  const { box } = props.view;
  return props.readings.map((reading) => {
    const top = props.view.pixelOfY(reading.value);
    const left = props.view.pixelOfX(reading.x);
    const inside = top >= -1 && top <= box.height + 1 && left >= -1 && left <= box.width + 1;
    return (
      inside && (
        <div
          key={reading.key}
          className={classes["dot"]}
          style={{
            left: box.left + left,
            top: box.top + top,
            background: colorOf(props.composition, reading.key),
          }}
        />
      )
    );
  });
}

function Readout(props: { readonly composition: Composition; readonly readings: readonly Reading[] }) {
  return props.readings.slice(0, 3).map((reading) => (
    <span key={reading.key} style={{ color: colorOf(props.composition, reading.key), marginLeft: 8 }}>
      {formatValue(reading.value)}
    </span>
  ));
}

interface TooltipProps {
  readonly view: ChartView;
  readonly x: number;
  readonly left: number;
  readonly axis: XAxis;
  readonly smoothed: boolean;
  readonly composition: Composition;
  readonly readings: readonly Reading[];
  readonly nearest: Reading | undefined;
  readonly more: number;
}

function Tooltip(props: TooltipProps) {
  const { box } = props.view;
  const onTheLeft = props.left > box.width / 2;
  const lead = props.nearest ?? props.readings[0];
  const edge = onTheLeft
    ? { right: `calc(100% - ${box.left + props.left - 12}px)` }
    : { left: box.left + props.left + 12 };
  const styles = new Map(props.composition.legend.map((entry) => [entry.key, entry.style]));
  return (
    <div className={classes["tooltip"]} style={{ top: box.top + 4, ...edge }} data-testid="chart-tooltip">
      <div className={classes["tooltipHead"]}>
        {nameOfX(props.axis)} {formatX(props.axis, lead?.x ?? props.x)}
        {props.axis.kind !== "step" && lead !== undefined && Number.isFinite(lead.step)
          ? ` · step ${formatStep(lead.step)}`
          : ""}
      </div>
      {props.readings.map((reading) => {
        const style = styles.get(reading.key);
        return (
          <div
            key={reading.key}
            className={classes["tooltipRow"]}
            data-nearest={props.readings.length > 1 && reading.key === props.nearest?.key ? "" : undefined}
          >
            {style === undefined ? <span /> : <Swatch style={style} />}
            <span className={classes["tooltipLabel"]}>{reading.label}</span>
            <span className={classes["tooltipValue"]}>
              {formatValue(reading.value)}
              {props.smoothed && <span className={classes["raw"]}>{formatValue(reading.raw)}</span>}
            </span>
          </div>
        );
      })}
      {props.readings.length === 0 && <div>no point here</div>}
      {props.more > 0 && <div className={classes["tooltipHead"]}>and {props.more} more</div>}
    </div>
  );
}
