//! Smoothing of a line: exponential with debias (as TensorBoard does it), or a running mean.
//!
//! Both work on the points that are drawn, keep x, and leave gaps and infinities where they are:
//! those never enter a mean.

import { at, type Line } from "./lines";

/** How to smooth. */
export type Smoothing =
  | { readonly kind: "none" }
  /** Weight of the past, 0 (nothing) to below 1. */
  | { readonly kind: "exponential"; readonly weight: number }
  /** Points of a centred window. */
  | { readonly kind: "mean"; readonly points: number };

/** Greatest weight that a slider gives. */
export const WEIGHT_MAX = 0.999;
/** Widest window that a slider gives. */
export const MEAN_POINTS_MAX = 1_000;

/** The line as it is. */
export const UNSMOOTHED: Smoothing = { kind: "none" };

/** Smoothed values, one for each of `y`. */
export function smooth(y: Float64Array, smoothing: Smoothing): Float64Array {
  switch (smoothing.kind) {
    case "none":
      return y;
    case "exponential":
      return smoothExponentially(y, smoothing.weight);
    case "mean":
      return smoothByMean(y, smoothing.points);
  }
}

/** The line with smoothed values; the same object where nothing is smoothed. */
export function smoothLine(line: Line, smoothing: Smoothing): Line {
  return isSmoothed(smoothing) ? { ...line, y: smooth(line.y, smoothing) } : line;
}

/** Whether this changes anything. */
export function isSmoothed(smoothing: Smoothing): boolean {
  switch (smoothing.kind) {
    case "none":
      return false;
    case "exponential":
      return smoothing.weight > 0;
    case "mean":
      return smoothing.points > 1;
  }
}

/**
 * s(n) = weight * s(n-1) + (1 - weight) * y(n), divided by 1 - weight^n so that the first points
 * are not drawn towards 0. A constant line stays exactly as it is.
 */
function smoothExponentially(y: Float64Array, weight: number): Float64Array {
  const past = Math.min(Math.max(weight, 0), WEIGHT_MAX);
  const smoothed = new Float64Array(y.length);
  let sum = 0;
  let weights = 0;
  for (let index = 0; index < y.length; index += 1) {
    const value = at(y, index);
    if (!Number.isFinite(value)) {
      smoothed[index] = value;
      continue;
    }
    sum = past * sum + (1 - past) * value;
    weights = past * weights + (1 - past);
    smoothed[index] = sum / weights;
  }
  return smoothed;
}

/**
 * Mean of the finite values among `points` neighbours, the point itself in the middle. Windows are
 * cut at both ends. Each window is summed anew: running sums would let one spike of 1e300 spoil
 * all that follows, and points x window stays below some millions for what a screen draws.
 */
function smoothByMean(y: Float64Array, points: number): Float64Array {
  const half = Math.max(0, Math.floor((Math.min(points, MEAN_POINTS_MAX) - 1) / 2));
  const smoothed = new Float64Array(y.length);
  for (let index = 0; index < y.length; index += 1) {
    const own = at(y, index);
    smoothed[index] = Number.isFinite(own) ? meanBetween(y, index - half, index + half) : own;
  }
  return smoothed;
}

function meanBetween(y: Float64Array, first: number, last: number): number {
  let sum = 0;
  let count = 0;
  for (let index = Math.max(0, first); index <= Math.min(y.length - 1, last); index += 1) {
    const value = at(y, index);
    if (Number.isFinite(value)) {
      sum += value;
      count += 1;
    }
  }
  return sum / count;
}

/** Reads the short form of the URL: "0.6" is exponential, "25p" a mean of 25 points. */
export function smoothingFromText(text: string): Smoothing {
  const mean = /^(\d{1,4})p$/.exec(text);
  if (mean?.[1] !== undefined) {
    const points = Number(mean[1]);
    return points > 1 && points <= MEAN_POINTS_MAX ? { kind: "mean", points } : UNSMOOTHED;
  }
  const weight = /^0?\.\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  return weight > 0 && weight <= WEIGHT_MAX ? { kind: "exponential", weight } : UNSMOOTHED;
}

/** The short form of the URL; `undefined` for none. */
export function smoothingToText(smoothing: Smoothing): string | undefined {
  if (!isSmoothed(smoothing)) {
    return undefined;
  }
  switch (smoothing.kind) {
    case "none":
      return undefined;
    case "exponential":
      return String(Number(smoothing.weight.toFixed(4)));
    case "mean":
      return `${smoothing.points}p`;
  }
}
