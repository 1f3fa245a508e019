//! Mounts a ChartView while its chart is in view, keeps its size, and hands it what to draw.

import { type RefObject, useCallback, useEffect, useLayoutEffect, useRef, useState } from "react";
import type { Span } from "./lines";
import type { ChartLink } from "./link";
import { type ChartModel, ChartView, type Shown } from "./view";

/** After this long a dragged window that the page did not take is given up. */
const DRAG_FORGOTTEN_MILLIS = 600;

/** An element and the ref that finds it. */
export function useElement(): readonly [HTMLElement | undefined, (element: HTMLElement | null) => void] {
  const [element, setElement] = useState<HTMLElement>();
  const ref = useCallback((found: HTMLElement | null) => setElement(found ?? undefined), []);
  return [element, ref];
}

/** Width of an element in whole pixels; 0 until it is known. */
export function useWidth(element: HTMLElement | undefined): number {
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (element === undefined) {
      return undefined;
    }
    setWidth(Math.floor(element.clientWidth));
    const observer = new ResizeObserver(() => setWidth(Math.floor(element.clientWidth)));
    observer.observe(element);
    return () => observer.disconnect();
  }, [element]);
  return width;
}

/** The view of a chart, `undefined` while there is none. */
export function useChartView(
  host: HTMLElement | undefined,
  size: { readonly width: number; readonly height: number },
  mounted: boolean,
  model: ChartModel,
  onSelect: (span: Span) => void,
  onDrawn: (shown: Shown) => void,
): RefObject<ChartView | undefined> {
  const view = useRef<ChartView>(undefined);
  const latest = useRef({ model, size, onSelect, onDrawn });
  latest.current = { model, size, onSelect, onDrawn };
  const ready = mounted && size.width > 0;
  useEffect(() => {
    if (host === undefined || !ready) {
      return undefined;
    }
    const made = new ChartView(host, latest.current.model, latest.current.size, {
      onSelect: (span) => latest.current.onSelect(span),
      onDrawn: (shown) => latest.current.onDrawn(shown),
    });
    view.current = made;
    return () => {
      view.current = undefined;
      made.destroy();
    };
  }, [host, ready]);
  useEffect(() => {
    view.current?.resize(size.width, size.height);
  }, [size.width, size.height]);
  useEffect(() => {
    view.current?.update(model);
  }, [model]);
  return view;
}

/** Follows a window that is dragged in any chart of the page, until the page has taken it. */
export function useDraggedSpan(view: RefObject<ChartView | undefined>, link: ChartLink, taken: Span | undefined): void {
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const stop = link.onSpan((span) => {
      view.current?.drag(span);
      clearTimeout(timer);
      timer = setTimeout(() => view.current?.drag(undefined), DRAG_FORGOTTEN_MILLIS);
    });
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [view, link]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new window is what ends the drag
  useEffect(() => {
    view.current?.drag(undefined);
  }, [view, taken]);
}
