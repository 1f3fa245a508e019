//! Numbers, durations and times as charts write them: on axes, in tooltips and in tables.

/** A value with up to `digits` significant digits; exponents for the very small and great. */
export function formatValue(value: number, digits = 5): string {
  if (!Number.isFinite(value)) {
    return nonFiniteWord(value);
  }
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e7 || size < 1e-4)) {
    return shortExponent(value.toExponential(digits - 1));
  }
  if (Number.isInteger(value)) {
    return grouped(String(value));
  }
  return grouped(trimmed(value.toFixed(decimalsFor(size, digits))));
}

/** A step or another whole count: all its digits, in groups of three. */
export function formatStep(step: number): string {
  if (!Number.isFinite(step)) {
    return nonFiniteWord(step);
  }
  return Number.isInteger(step) && Math.abs(step) < 1e15 ? grouped(String(step)) : formatValue(step, 8);
}

/** Infinity as the sign that it has in print. */
function nonFiniteWord(value: number): string {
  return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "-∞";
}

function decimalsFor(size: number, digits: number): number {
  const whole = Math.floor(Math.log10(size)) + 1;
  return Math.min(Math.max(digits - whole, 0), 12);
}

/** Without zeros at the end of the fraction. */
function trimmed(text: string): string {
  return text.includes(".") ? text.replace(/\.?0+$/, "") : text;
}

/** `1.50000e+3` as `1.5e3`. */
function shortExponent(text: string): string {
  const [mantissa = text, exponent = "0"] = text.split("e");
  return `${trimmed(mantissa)}e${exponent.replace("+", "")}`;
}

/** Thin spaces between groups of three digits, from five digits on. */
function grouped(text: string): string {
  const [whole = text, fraction] = text.split(".");
  const spaced = whole.replace("-", "").length < 5 ? whole : whole.replaceAll(/\B(?=(\d{3})+(?!\d))/g, "\u202f");
  return fraction === undefined ? spaced : `${spaced}.${fraction}`;
}

/** Seconds as `1:02:03`, `2:03`, `3.25 s`; days stand before (`2d 03:00:00`). */
export function formatDuration(seconds: number, decimals?: number): string {
  if (!Number.isFinite(seconds)) {
    return nonFiniteWord(seconds);
  }
  const sign = seconds < 0 ? "-" : "";
  const size = Math.abs(seconds);
  if (size < 60) {
    const digits = decimals ?? (size < 10 && !Number.isInteger(size) ? 2 : 0);
    return `${sign}${trimmed(size.toFixed(digits))} s`;
  }
  const places = decimals ?? 0;
  const unit = 10 ** places;
  const ticks = Math.round(size * unit);
  const whole = Math.floor(ticks / unit);
  const part = places === 0 ? "" : `.${String(ticks % unit).padStart(places, "0")}`;
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor((whole % 86_400) / 3_600);
  const minutes = Math.floor((whole % 3_600) / 60);
  const rest = `${two(whole % 60)}${part}`;
  if (days > 0) {
    return `${sign}${days}d ${two(hours)}:${two(minutes)}:${rest}`;
  }
  return hours > 0 ? `${sign}${hours}:${two(minutes)}:${rest}` : `${sign}${minutes}:${rest}`;
}

/** Parts of a local time. */
export interface WallParts {
  readonly date: string;
  readonly clock: string;
}

/** Minutes that the local clock is behind UTC at a time, as `Date.getTimezoneOffset`. */
export type MinutesBehind = (micros: number) => number;

/** The zone of this browser. */
export const localMinutesBehind: MinutesBehind = (micros) => new Date(micros / 1_000).getTimezoneOffset();

const MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"] as const;

/** Date (`Nov 28`) and clock (`14:03:05.250`, with so many decimals) of a time. */
export function wallParts(micros: number, decimals: number, behind: MinutesBehind): WallParts {
  const local = new Date(Math.round(micros / 1_000) - behind(micros) * 60_000);
  if (Number.isNaN(local.getTime())) {
    return { date: "", clock: formatValue(micros) };
  }
  const fraction = decimals === 0 ? "" : `.${fractionOfSecond(micros, decimals)}`;
  return {
    date: `${MONTHS[local.getUTCMonth()] ?? ""} ${local.getUTCDate()}`,
    clock: `${two(local.getUTCHours())}:${two(local.getUTCMinutes())}:${two(local.getUTCSeconds())}${fraction}`,
  };
}

/** A time in whole: `2026-11-28 14:03:05.250`. */
export function formatWall(micros: number, behind: MinutesBehind = localMinutesBehind): string {
  const local = new Date(micros / 1_000 - behind(micros) * 60_000);
  return Number.isNaN(local.getTime()) ? formatValue(micros) : local.toISOString().replace("T", " ").replace("Z", "");
}

function fractionOfSecond(micros: number, decimals: number): string {
  const inside = ((Math.round(micros) % 1_000_000) + 1_000_000) % 1_000_000;
  return String(inside).padStart(6, "0").slice(0, decimals);
}

function two(count: number): string {
  return String(count).padStart(2, "0");
}
