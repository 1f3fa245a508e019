//! What pointer, wheel and keys do with a chart. A drag zooms (that is uPlot's, see view.ts); a drag
//! with shift or the middle button, or along the axis of x, pans; the wheel with shift or ctrl zooms;
//! a double click shows all. Keys: arrows move the cursor, + and - zoom, 0 shows all, f fills the
//! screen, Escape leaves.

import { type RefObject, useEffect, useRef } from "react";
import uPlot from "uplot";
import type { Line, Span } from "./lines";
import type { ChartLink } from "./link";
import { pannedSpan, zoomedSpan } from "./projection";
import { neighbourX } from "./reading";
import type { ChartView } from "./view";

/** What gestures need, as it is when they happen. */
export interface GestureScene {
  readonly id: string;
  readonly link: ChartLink;
  readonly lines: readonly Line[];
  readonly logX: boolean;
  readonly onSpan: (span: Span | undefined) => void;
  readonly onFullScreen: () => void;
  readonly pointerY: RefObject<number | undefined>;
}

/** How long the wheel rests before its window is taken. */
const WHEEL_REST_MILLIS = 180;
const WHEEL_FACTOR = 1.0018;
const KEY_FACTOR = 0.6;

/** Listens on the stage of a chart. */
export function useGestures(
  stage: HTMLElement | undefined,
  root: HTMLElement | undefined,
  view: RefObject<ChartView | undefined>,
  scene: GestureScene,
): void {
  const current = useRef(scene);
  current.current = scene;
  useEffect(() => {
    if (stage === undefined || root === undefined) {
      return undefined;
    }
    const stop = new AbortController();
    const gestures = new Gestures(stage, view, current);
    const options = { signal: stop.signal };
    stage.addEventListener("pointerdown", gestures.down, options);
    stage.addEventListener("pointermove", gestures.move, options);
    stage.addEventListener("pointerup", gestures.up, options);
    stage.addEventListener("pointercancel", gestures.up, options);
    stage.addEventListener("pointerleave", gestures.leave, options);
    stage.addEventListener("dblclick", gestures.showAll, options);
    stage.addEventListener("wheel", gestures.wheel, { ...options, passive: false });
    root.addEventListener("keydown", gestures.key, options);
    root.addEventListener("blur", gestures.leave, options);
    return () => {
      stop.abort();
      gestures.end();
    };
  }, [stage, root, view]);
}

class Gestures {
  readonly #stage: HTMLElement;
  readonly #view: RefObject<ChartView | undefined>;
  readonly #scene: RefObject<GestureScene>;
  #pan: { readonly pointer: number; readonly x: number; readonly span: Span } | undefined;
  #panned: Span | undefined;
  #wheelSpan: Span | undefined;
  #wheelTimer: ReturnType<typeof setTimeout> | undefined;

  constructor(stage: HTMLElement, view: RefObject<ChartView | undefined>, scene: RefObject<GestureScene>) {
    this.#stage = stage;
    this.#view = view;
    this.#scene = scene;
  }

  /** Forgets what is under way. */
  end(): void {
    clearTimeout(this.#wheelTimer);
  }

  readonly down = (event: PointerEvent): void => {
    const view = this.#view.current;
    const place = this.#place(event);
    const onAxis = place !== undefined && place.y > place.height;
    const pans = event.button === 1 || (event.button === 0 && (event.shiftKey || onAxis));
    if (view === undefined || !pans) {
      return;
    }
    event.preventDefault();
    this.#stage.setPointerCapture(event.pointerId);
    this.#stage.dataset["panning"] = "";
    this.#pan = { pointer: event.pointerId, x: event.clientX, span: view.span };
    this.#panned = undefined;
  };

  readonly move = (event: PointerEvent): void => {
    const view = this.#view.current;
    const place = this.#place(event);
    if (view === undefined || place === undefined) {
      return;
    }
    const { id, link, logX, pointerY } = this.#scene.current;
    if (this.#pan !== undefined) {
      // Whole device pixels, so that the picture can be moved instead of drawn anew.
      const pixels = Math.round((event.clientX - this.#pan.x) * uPlot.pxRatio) / uPlot.pxRatio;
      this.#panned = pannedSpan(this.#pan.span, -pixels / place.width, logX);
      link.dragSpan(this.#panned, id);
      return;
    }
    const inside = place.x >= 0 && place.x <= place.width && place.y >= 0 && place.y <= place.height;
    if (inside) {
      pointerY.current = place.y;
      link.moveCursor({ x: view.xAtPixel(place.x), source: id });
    } else if (link.cursor?.source === id) {
      link.moveCursor(undefined);
    }
  };

  readonly up = (event: PointerEvent): void => {
    if (this.#pan?.pointer === event.pointerId) {
      delete this.#stage.dataset["panning"];
      this.#pan = undefined;
      if (this.#panned !== undefined) {
        this.#scene.current.onSpan(this.#panned);
      }
    }
  };

  readonly leave = (): void => {
    const { id, link, pointerY } = this.#scene.current;
    pointerY.current = undefined;
    if (link.cursor?.source === id) {
      link.moveCursor(undefined);
    }
  };

  readonly showAll = (): void => {
    this.#scene.current.onSpan(undefined);
  };

  readonly wheel = (event: WheelEvent): void => {
    const view = this.#view.current;
    const place = this.#place(event);
    if (view === undefined || place === undefined || !(event.ctrlKey || event.shiftKey || event.metaKey)) {
      return;
    }
    event.preventDefault();
    const { id, link, logX } = this.#scene.current;
    // Browsers turn the wheel sideways while shift is held.
    const turned = event.deltaY === 0 ? event.deltaX : event.deltaY;
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 16 : 1;
    const around = view.xAtPixel(Math.min(Math.max(place.x, 0), place.width));
    const factor = WHEEL_FACTOR ** Math.min(Math.max(turned * lines, -400), 400);
    this.#wheelSpan = zoomedSpan(this.#wheelSpan ?? view.span, factor, around, logX);
    link.dragSpan(this.#wheelSpan, id);
    clearTimeout(this.#wheelTimer);
    this.#wheelTimer = setTimeout(() => {
      const span = this.#wheelSpan;
      this.#wheelSpan = undefined;
      this.#scene.current.onSpan(span);
    }, WHEEL_REST_MILLIS);
  };

  readonly key = (event: KeyboardEvent): void => {
    const view = this.#view.current;
    const ownKey = event.target instanceof HTMLElement && event.target.dataset["chart"] !== undefined;
    if (view === undefined || !ownKey || event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (this.#act(event.key, event.shiftKey, view)) {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  #act(key: string, far: boolean, view: ChartView): boolean {
    const { onSpan, onFullScreen, logX, link } = this.#scene.current;
    const around = link.cursor?.x ?? view.xAtPixel(view.box.width / 2);
    switch (key) {
      case "ArrowLeft":
      case "ArrowRight":
        this.#moveCursor(view, key === "ArrowRight", far ? 10 : 1);
        return true;
      case "+":
      case "=":
        onSpan(zoomedSpan(view.span, KEY_FACTOR, around, logX));
        return true;
      case "-":
        onSpan(zoomedSpan(view.span, 1 / KEY_FACTOR, around, logX));
        return true;
      case "0":
        onSpan(undefined);
        return true;
      case "f":
        onFullScreen();
        return true;
      case "Escape":
        if (link.cursor === undefined) {
          return false;
        }
        link.moveCursor(undefined);
        return true;
      default:
        return false;
    }
  }

  /** To the next point of any line, `times` over. */
  #moveCursor(view: ChartView, forward: boolean, times: number): void {
    const { id, link, lines, pointerY } = this.#scene.current;
    pointerY.current = undefined;
    let x = link.cursor?.x;
    for (let step = 0; step < times; step += 1) {
      x = neighbourX(lines, x, forward, view.span) ?? x;
    }
    if (x !== undefined) {
      link.moveCursor({ x, source: id });
    }
  }

  /** Where a pointer is, in pixels from the plot's corner. */
  #place(
    event: MouseEvent,
  ): { readonly x: number; readonly y: number; readonly width: number; readonly height: number } | undefined {
    const box = this.#view.current?.box;
    if (box === undefined) {
      return undefined;
    }
    const edge = this.#stage.getBoundingClientRect();
    return {
      x: event.clientX - edge.left - box.left,
      y: event.clientY - edge.top - box.top,
      width: box.width,
      height: box.height,
    };
  }
}
