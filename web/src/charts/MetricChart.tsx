//! One metric as a chart: reads its lines from the server while it is in view, and draws them. Out of
//! view it is an empty box of the same height, so that a page of a thousand charts costs no more than
//! those on the screen.

import { type ReactNode, useCallback, useMemo, useRef } from "react";
import classes from "./chart.module.css";
import { familyOf } from "./compose";
import { type ChartState, LineChart } from "./LineChart";
import type { Span } from "./lines";
import { noteOfLogX } from "./omissions";
import type { ChartSettings } from "./settings";
import { errorsOfAnswer, type SeriesSource, seriesFromAnswer } from "./source";
import { useElement, useWidth } from "./useChartView";
import { useInView } from "./useInView";
import { readAllLines, useLeftOfLogX, useLines } from "./useLines";

/** One metric of a page. */
export interface MetricChartProps {
  readonly metric: string;
  readonly sources: readonly SeriesSource[];
  readonly settings: ChartSettings;
  readonly onSpan: (span: Span | undefined) => void;
  readonly hidden: ReadonlySet<string>;
  readonly onHidden: (hidden: ReadonlySet<string>) => void;
  readonly height: number;
  readonly fullScreen: boolean;
  readonly onFullScreen: (metric: string) => void;
  /** The page has a legend of its own. */
  readonly legendOnPage: boolean;
  readonly notes?: readonly string[];
  readonly tools?: ReactNode;
}

/** Title, legend and edges of a chart that was not drawn yet, in pixels. */
const FRAME_HEIGHT = 44;

/** Draws one metric once it is in view. */
export function MetricChart(props: MetricChartProps) {
  const [viewRef, inView] = useInView();
  const [element, elementRef] = useElement();
  const width = useWidth(element);
  const lastHeight = useRef<number>(undefined);
  const ref = useCallback(
    (found: HTMLElement | null) => {
      elementRef(found);
      return viewRef(found);
    },
    [elementRef, viewRef],
  );
  const drawn = (inView || props.fullScreen) && width > 0;
  if (drawn && element !== undefined && element.offsetHeight > props.height) {
    lastHeight.current = element.offsetHeight;
  }
  const reserved = Math.max(lastHeight.current ?? 0, props.height + FRAME_HEIGHT);
  return (
    <div ref={ref} style={{ minWidth: 0 }}>
      {drawn ? (
        <DrawnMetric {...props} pixels={Math.round(width * globalThis.devicePixelRatio)} />
      ) : (
        <section
          className={classes["root"]}
          style={{ height: reserved }}
          data-chart={props.metric}
          data-state="loading"
        >
          <div className={classes["head"]}>
            <div className={classes["title"]}>{props.metric}</div>
          </div>
        </section>
      )}
    </div>
  );
}

function DrawnMetric(props: MetricChartProps & { readonly pixels: number }) {
  const { metric, sources, settings, onFullScreen } = props;
  const { answer, error, stale, retry } = useLines(sources, settings.axis, settings.logX, settings.span, props.pixels);
  const series = useMemo(() => (answer === undefined ? [] : seriesFromAnswer(sources, answer)), [sources, answer]);
  const shown = useMemo(() => sources.filter((source) => !isHidden(source, props.hidden)), [sources, props.hidden]);
  const reachesLeft = settings.logX && (settings.span === undefined || settings.span.from <= 0);
  const left = noteOfLogX(useLeftOfLogX(shown, settings.axis, reachesLeft));
  const notes = useMemo(
    () => [
      ...(props.notes ?? []),
      ...(answer === undefined ? [] : errorsOfAnswer(sources, answer)),
      ...(left === undefined ? [] : [left]),
      ...(error === undefined || answer === undefined ? [] : [`not up to date: ${error.message}`]),
    ],
    [sources, answer, error, left, props.notes],
  );
  const state = useMemo((): ChartState => {
    if (series.length > 0) {
      return { kind: "ready" };
    }
    if (error !== undefined && answer === undefined) {
      return { kind: "error", message: error.message };
    }
    return answer === undefined || stale
      ? { kind: "loading" }
      : { kind: "empty", message: left === undefined ? emptyMessage(settings) : "no point at x above 0 (log x)" };
  }, [answer, series, error, stale, settings, left]);
  return (
    <LineChart
      title={metric}
      series={series}
      state={state}
      onRetry={retry}
      axis={settings.axis}
      logX={settings.logX}
      logY={settings.logY}
      smoothing={settings.smoothing}
      span={settings.span}
      onSpan={props.onSpan}
      hidden={props.hidden}
      onHidden={props.onHidden}
      height={props.height}
      visible
      fullScreen={props.fullScreen}
      legendOnPage={props.legendOnPage}
      onFullScreen={useCallback(() => onFullScreen(metric), [onFullScreen, metric])}
      readAll={useCallback(
        () => readAllLines(sources, settings.axis, settings.logX),
        [sources, settings.axis, settings.logX],
      )}
      notes={notes}
      tools={props.tools}
    />
  );
}

/** Whether a series is hidden, alone or with its group or family. */
function isHidden(source: SeriesSource, hidden: ReadonlySet<string>): boolean {
  const key = source.group?.key ?? source.key;
  return hidden.has(key) || hidden.has(familyOf(key));
}

/** Why nothing is drawn although the series is there. */
function emptyMessage(settings: ChartSettings): string {
  switch (settings.axis.kind) {
    case "epoch":
      return "no point has an epoch";
    case "metric":
      return `no point has a value of ${settings.axis.name} at its step`;
    default:
      return settings.span === undefined ? "no points yet" : "no points in this window";
  }
}
