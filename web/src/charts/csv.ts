//! CSV of what a chart draws, or of all points of a series.
//!
//! Numbers are written so that reading them gives the same bits; NaN and the infinities are the
//! words that the API uses. Quoting after RFC 4180; lines end with CRLF as it says.

import { at, type Line } from "./lines";

/** A cell; `undefined` is empty. */
export type Cell = string | number | undefined;

/** A number with all its digits, NaN and the infinities as words. */
export function numberText(value: number): string {
  // String() already gives the shortest text that reads back to the same bits, and "NaN",
  // "Infinity" and "-Infinity"; only -0 loses its sign.
  return Object.is(value, -0) ? "-0" : String(value);
}

/** A text as one cell: quoted where it holds a comma, a quote, a line end or outer spaces. */
export function quoted(text: string): string {
  return /[",\r\n]|^\s|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

/** Rows as CSV, the last one ended too. */
export function csvOfRows(rows: Iterable<readonly Cell[]>): string {
  const lines: string[] = [];
  for (const row of rows) {
    lines.push(row.map(cellText).join(","));
  }
  return lines.length === 0 ? "" : `${lines.join("\r\n")}\r\n`;
}

function cellText(cell: Cell): string {
  if (cell === undefined) {
    return "";
  }
  return typeof cell === "number" ? numberText(cell) : quoted(cell);
}

/** Lines one below the other: `line,x,step,value`, without `step` where x is the step. */
export function csvOfLines(lines: readonly Line[], nameOfX: string): string {
  return csvOfRows(rowsOfLines(lines, nameOfX));
}

function* rowsOfLines(lines: readonly Line[], nameOfX: string): Generator<readonly Cell[]> {
  const withSteps = lines.some((line) => line.steps !== line.x);
  yield withSteps ? ["line", nameOfX, "step", "value"] : ["line", nameOfX, "value"];
  for (const line of lines) {
    for (let index = 0; index < line.x.length; index += 1) {
      const x = at(line.x, index);
      const value = at(line.y, index);
      yield withSteps ? [line.label, x, at(line.steps, index), value] : [line.label, x, value];
    }
  }
}

/** A name for a file: what no file system minds, at most 100 characters. */
export function fileName(parts: readonly string[], extension: string): string {
  const name = parts
    .join("-")
    .replaceAll(/[^\p{L}\p{N}._-]+/gu, "-")
    .replaceAll(/^[-.]+|[-.]+$/g, "")
    .slice(0, 100);
  return `${name === "" ? "chart" : name}.${extension}`;
}
