//! Words for times, durations and values.

const SECOND = 1_000;
const UNITS: readonly (readonly [string, number])[] = [
  ["d", 24 * 3_600 * SECOND],
  ["h", 3_600 * SECOND],
  ["m", 60 * SECOND],
  ["s", SECOND],
];

/** A duration in its two greatest units: `2d 3h`, `4m 10s`, `0s`. */
export function durationText(millis: number): string {
  let rest = Math.max(0, Math.floor(millis / SECOND) * SECOND);
  const parts: string[] = [];
  for (const [unit, length] of UNITS) {
    const count = Math.floor(rest / length);
    if (count > 0 || (parts.length === 0 && unit === "s")) {
      parts.push(`${count}${unit}`);
      rest -= count * length;
    } else if (parts.length > 0) {
      break;
    }
    if (parts.length === 2) {
      break;
    }
  }
  return parts.join(" ");
}

/** How long ago, in the greatest unit: `3h ago`, `now`. */
export function agoText(atMicros: number, nowMillis: number): string {
  const millis = nowMillis - atMicros / 1_000;
  for (const [unit, length] of UNITS) {
    if (millis >= length) {
      return `${Math.floor(millis / length)}${unit} ago`;
    }
  }
  return "now";
}

/** A date and time of this place, for titles: `2026-11-28 09:05:00`. */
export function timeText(atMicros: number): string {
  // By hand: the first date that Intl formats costs as much as a page of rows.
  const at = new Date(atMicros / 1_000);
  const two = (value: number) => String(value).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  return `${day} ${two(at.getHours())}:${two(at.getMinutes())}:${two(at.getSeconds())}`;
}

/** A whole number with its thousands apart: `12,345`. */
export function groupedText(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ",");
}

/** A number in at most six significant digits; the exact one belongs in a title. */
export function numberText(value: number): string {
  if (Number.isInteger(value) && Math.abs(value) < 1e15) {
    return String(value);
  }
  if (!Number.isFinite(value)) {
    return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  }
  const size = Math.abs(value);
  return size >= 1e6 || size < 1e-4 ? value.toExponential(3) : String(Number(value.toPrecision(6)));
}

/** A count with its noun: `1 run`, `3 runs`. */
export function countText(count: number, noun: string): string {
  return `${groupedText(count)} ${noun}${count === 1 ? "" : "s"}`;
}
