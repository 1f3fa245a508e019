//! One chart: typed arrays in, lines on the screen. It knows neither the API nor the URL: what is to
//! be shown comes as props, what the person does goes out as callbacks.
//!
//! A chart that is not `visible` keeps its place on the page and draws nothing.

import { Button, Loader, useComputedColorScheme } from "@mantine/core";
import { memo, type ReactNode, useCallback, useId, useMemo, useRef, useState } from "react";
import "uplot/dist/uPlot.min.css";
import { describeDrawn } from "./attributes";
import { nameOfX, type XAxis } from "./axes";
import { ChartCursor } from "./ChartCursor";
import { ChartLegend } from "./ChartLegend";
import { useChartLink, useHighlighted } from "./ChartLinkContext";
import { ChartTools } from "./ChartTools";
import classes from "./chart.module.css";
import { type ChartSeries, compose, familyOf, marksOf } from "./compose";
import { csvOfLines, fileName } from "./csv";
import type { Line, Span } from "./lines";
import { notesOf, nothingDrawn, tallyInside } from "./omissions";
import type { Scheme } from "./palette";
import { download, pictureOf } from "./picture";
import { isSmoothed, type Smoothing } from "./smoothing";
import { CHART_THEMES } from "./theme";
import { useChartView, useDraggedSpan, useElement, useWidth } from "./useChartView";
import { useGestures } from "./useGestures";
import type { ChartModel, Shown } from "./view";

/** Whether there is something to draw. */
export type ChartState =
  | { readonly kind: "loading" }
  | { readonly kind: "ready" }
  | { readonly kind: "empty"; readonly message: string }
  | { readonly kind: "error"; readonly message: string };

interface LineChartProps {
  /** Name of the metric, in `data-chart` too. */
  readonly title: string;
  readonly series: readonly ChartSeries[];
  readonly state: ChartState;
  /** Reads again what could not be read. */
  readonly onRetry?: () => void;
  readonly axis: XAxis;
  readonly logX: boolean;
  readonly logY: boolean;
  readonly smoothing: Smoothing;
  /** The window of x; `undefined`: all. */
  readonly span: Span | undefined;
  readonly onSpan: (span: Span | undefined) => void;
  /** Keys of lines that are not drawn. */
  readonly hidden: ReadonlySet<string>;
  readonly onHidden: (hidden: ReadonlySet<string>) => void;
  /** Height of the plot with its axes, in pixels. */
  readonly height: number;
  readonly visible: boolean;
  readonly fullScreen: boolean;
  readonly onFullScreen: () => void;
  /** The page has a legend of all families: a chart shows its own only where it says more. */
  readonly legendOnPage?: boolean;
  /** The lines with all their points, for a CSV. */
  readonly readAll?: () => Promise<readonly Line[]>;
  /** Words below the chart: what is not drawn and why. */
  readonly notes?: readonly string[];
  /** Further buttons. */
  readonly tools?: ReactNode;
}

const NO_NOTES: readonly string[] = [];

/** Draws lines; how is told in view.ts and layer.ts. */
export const LineChart = memo(function LineChart(props: LineChartProps) {
  const id = useId();
  const link = useChartLink();
  const scheme: Scheme = useComputedColorScheme("light");
  const [root, rootRef] = useElement();
  const [stage, stageRef] = useElement();
  const [readout, readoutRef] = useElement();
  const highlight = useHighlighted(link);
  const [saving, setSaving] = useState<string>();
  // Buttons are most of what a chart costs to mount: they are made when the pointer or the focus first comes.
  const [used, setUsed] = useState(false);
  const use = useCallback(() => setUsed(true), []);
  const pointerY = useRef<number>(undefined);
  const width = useWidth(stage);
  const { series, smoothing, hidden, axis, logX, logY, span, onSpan, onHidden, title } = props;

  const composition = useMemo(
    () => compose(series, { smoothing, hidden, scheme }),
    [series, smoothing, hidden, scheme],
  );
  const model = useMemo(
    (): ChartModel => ({
      marks: composition.marks,
      highlighted: marksOf(composition, highlight),
      reaching: composition.reaching,
      axis,
      logX,
      logY,
      span,
      theme: CHART_THEMES[scheme],
    }),
    [composition, highlight, axis, logX, logY, span, scheme],
  );
  const onDrawn = (drawn: Shown): void => {
    if (root !== undefined) {
      describeDrawn(root, composition.lines, drawn, logY);
    }
  };
  const drawable = props.state.kind === "ready";
  const view = useChartView(stage, { width, height: props.height }, props.visible && drawable, model, onSpan, onDrawn);
  useDraggedSpan(view, link, span);
  useGestures(stage, root, view, {
    id,
    link,
    lines: composition.lines,
    logX,
    onSpan,
    onFullScreen: props.onFullScreen,
    pointerY,
  });

  const save = useCallback((what: string, work: () => Promise<void>) => {
    setSaving(what);
    work().then(
      () => setSaving(undefined),
      (error: unknown) => setSaving(`could not save: ${error instanceof Error ? error.message : String(error)}`),
    );
  }, []);
  const savePicture = (ground: "page" | "light"): void =>
    save("drawing", async () => {
      const ownScheme = ground === "light" ? "light" : scheme;
      const own = compose(series, { smoothing, hidden, scheme: ownScheme });
      const picture = {
        ...model,
        marks: own.marks,
        highlighted: [],
        reaching: own.reaching,
        theme: CHART_THEMES[ownScheme],
      };
      const size = { width: Math.max(width, 640), height: Math.max(props.height, 320) };
      download(await pictureOf(title, picture, own, size), fileName([title], "png"));
    });
  const saveCsv = (): void => download(csvOfLines(composition.lines, nameOfX(axis)), fileName([title], "csv"));
  const { readAll } = props;
  const saveAll =
    readAll === undefined
      ? undefined
      : () =>
          save("reading all points", async () =>
            download(csvOfLines(await readAll(), nameOfX(axis)), fileName([title, "all"], "csv")),
          );

  const saysMore = composition.legend.some((entry) => familyOf(entry.key) !== entry.key);
  const hasLegend =
    props.fullScreen || (props.legendOnPage === true ? saysMore : composition.legend.length > 1 || hidden.size > 0);
  const highlightLine = useCallback((key: string | undefined) => link.highlight(key), [link]);
  const tally = useMemo(() => tallyInside(composition.logged, span), [composition.logged, span]);
  const notes = [...(props.notes ?? NO_NOTES), ...(drawable ? notesOf(tally, logY) : NO_NOTES)];
  return (
    <section
      ref={rootRef}
      className={props.fullScreen ? `${classes["root"]} ${classes["bare"]}` : classes["root"]}
      // biome-ignore lint/a11y/noNoninteractiveTabindex: a chart takes keys: arrows, +, -, 0, f
      tabIndex={0}
      aria-label={`chart of ${title}; arrows move the cursor, plus and minus zoom, 0 shows all, f fills the screen`}
      onPointerEnter={use}
      onFocus={use}
      data-chart={title}
      data-state={props.state.kind}
      data-zoomed={span === undefined ? undefined : ""}
    >
      <div className={classes["head"]}>
        <div className={classes["title"]} title={title}>
          {title}
        </div>
        <div className={classes["readout"]} ref={readoutRef} />
        {(used || props.fullScreen) && (
          <ChartTools
            zoomed={span !== undefined}
            fullScreen={props.fullScreen}
            onShowAll={() => onSpan(undefined)}
            onFullScreen={props.onFullScreen}
            onPicture={savePicture}
            onCsv={saveCsv}
            onCsvOfAll={saveAll}
          >
            {props.tools}
          </ChartTools>
        )}
      </div>
      <div className={classes["stage"]} style={{ height: props.height }} ref={stageRef}>
        {props.visible && drawable && (
          <ChartCursor
            id={id}
            link={link}
            view={view}
            composition={composition}
            axis={axis}
            smoothed={isSmoothed(smoothing)}
            pointerY={pointerY}
            readout={readout}
          />
        )}
        <Cover state={props.state} nothing={nothingDrawn(tally, logY)} onRetry={props.onRetry} />
      </div>
      {hasLegend && (
        <ChartLegend
          entries={composition.legend}
          onHidden={onHidden}
          onHighlight={highlightLine}
          all={props.fullScreen}
        />
      )}
      {(notes.length > 0 || saving !== undefined) && (
        <div className={classes["notes"]}>
          {saving !== undefined && <span role="status">{saving}</span>}
          {notes.map((note) => (
            <span key={note}>{note}</span>
          ))}
        </div>
      )}
    </section>
  );
});

interface CoverProps {
  readonly state: ChartState;
  /** Why nothing is drawn although there are points. */
  readonly nothing: string | undefined;
  readonly onRetry: (() => void) | undefined;
}

function Cover(props: CoverProps) {
  switch (props.state.kind) {
    case "ready":
      return props.nothing === undefined ? null : (
        <div className={`${classes["cover"]} ${classes["above"]}`}>{props.nothing}</div>
      );
    case "loading":
      return (
        <div className={classes["cover"]}>
          <Loader size="sm" type="dots" color="gray" />
        </div>
      );
    case "empty":
      return <div className={classes["cover"]}>{props.state.message}</div>;
    case "error":
      return (
        <div className={classes["cover"]} role="alert">
          {props.state.message}
          {props.onRetry !== undefined && (
            <Button size="compact-xs" variant="default" onClick={props.onRetry}>
              try again
            </Button>
          )}
        </div>
      );
  }
}
