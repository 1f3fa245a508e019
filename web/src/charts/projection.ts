//! From values to pixels and back: both axes, linear or logarithmic, as two numbers an axis.

import type { Span } from "./lines";

/** One axis: pixel = offset + scale * (log10 of) value. */
export interface AxisProjection {
  readonly scale: number;
  readonly offset: number;
  readonly log: boolean;
}

/** Both axes of a plot, in device pixels from its left and top edge. */
export interface Projection {
  readonly x: AxisProjection;
  readonly y: AxisProjection;
}

/** The axis that puts `from` at one pixel and `to` at another. */
export function projectAxis(span: Span, fromPixel: number, toPixel: number, log: boolean): AxisProjection {
  const from = log ? Math.log10(span.from) : span.from;
  const to = log ? Math.log10(span.to) : span.to;
  const scale = (toPixel - fromPixel) / (to - from);
  return { scale, offset: fromPixel - scale * from, log };
}

/** Pixel of a value; NaN for what a logarithmic axis cannot show. */
export function pixelOf(axis: AxisProjection, value: number): number {
  if (!axis.log) {
    return axis.offset + axis.scale * value;
  }
  return value > 0 ? axis.offset + axis.scale * Math.log10(value) : Number.NaN;
}

/** Value at a pixel. */
export function valueAtPixel(axis: AxisProjection, pixel: number): number {
  const position = (pixel - axis.offset) / axis.scale;
  return axis.log ? 10 ** position : position;
}

/** The window moved by a share of its own width, to the right if positive. */
export function pannedSpan(span: Span, share: number, log: boolean): Span {
  return mapSpan(span, log, (from, to) => [from + share * (to - from), to + share * (to - from)]);
}

/**
 * The window made wider (factor above 1) or narrower around one of its values. It never gets
 * narrower than the floats around it can tell apart.
 */
export function zoomedSpan(span: Span, factor: number, around: number, log: boolean): Span {
  const zoomed = mapSpan(span, log, (from, to) => {
    const fixed = log ? Math.log10(around) : around;
    return [fixed - (fixed - from) * factor, fixed + (to - fixed) * factor];
  });
  const finest = Math.max(Math.abs(zoomed.from), Math.abs(zoomed.to)) * 1e-13;
  return zoomed.to - zoomed.from > finest && Number.isFinite(zoomed.to - zoomed.from) ? zoomed : span;
}

/** The window with margins of so many widths at either side: what is fetched around it. */
export function widenedSpan(span: Span, margin: number, log: boolean): Span {
  return mapSpan(span, log, (from, to) => [from - margin * (to - from), to + margin * (to - from)]);
}

function mapSpan(span: Span, log: boolean, change: (from: number, to: number) => readonly [number, number]): Span {
  if (!log) {
    const [from, to] = change(span.from, span.to);
    return { from, to };
  }
  const [from, to] = change(Math.log10(span.from), Math.log10(span.to));
  return { from: 10 ** from, to: 10 ** to };
}

/** Reads the short form of the URL: `FROM~TO`. */
export function spanFromText(text: string): Span | undefined {
  const parts = text.split("~");
  if (parts.length !== 2 || parts.some((part) => part.trim() === "")) {
    return undefined;
  }
  const [from, to] = parts.map(Number);
  return from !== undefined && to !== undefined && Number.isFinite(from) && Number.isFinite(to) && from < to
    ? { from, to }
    : undefined;
}

/** The short form of the URL: ends to a ten-thousandth of the width, no longer than they need be. */
export function spanToText(span: Span): string {
  const width = span.to - span.from;
  return `${shortest(span.from, width)}~${shortest(span.to, width)}`;
}

function shortest(value: number, width: number): string {
  const size = Math.max(Math.abs(value), width);
  const digits = Math.min(Math.max(Math.ceil(Math.log10(size / width)) + 5, 5), 17);
  return String(Number(value.toPrecision(digits)));
}
