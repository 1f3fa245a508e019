//! A chart as a PNG: with title and legend, on light or dark ground, whatever the page has.

import type { Composition } from "./compose";
import { CHART_FONT } from "./theme";
import { type ChartModel, ChartView } from "./view";

/** Size of the plot in a picture, in CSS pixels. */
export interface PictureSize {
  readonly width: number;
  readonly height: number;
}

const HEAD_HEIGHT = 34;
const ROW_HEIGHT = 20;
const MARGIN = 12;
/** Entries of the legend in a picture. */
const ENTRIES_MAX = 60;

/** Draws a chart on a canvas of its own and gives it as PNG. */
export async function pictureOf(
  title: string,
  model: ChartModel,
  composition: Composition,
  size: PictureSize,
): Promise<Blob> {
  const host = document.createElement("div");
  host.style.cssText = `position:fixed;left:-20000px;top:0;width:${size.width}px;height:${size.height}px`;
  document.body.append(host);
  const view = new ChartView(host, model, size, { onSelect: () => undefined, onDrawn: () => undefined });
  try {
    // uPlot draws in a microtask after it was told to.
    await new Promise((resolve) => requestAnimationFrame(resolve));
    const chart = view.canvas;
    if (chart === undefined) {
      throw new Error("the chart has no canvas");
    }
    return await composed(title, chart, model, composition, size);
  } finally {
    view.destroy();
    host.remove();
  }
}

async function composed(
  title: string,
  chart: HTMLCanvasElement,
  model: ChartModel,
  composition: Composition,
  size: PictureSize,
): Promise<Blob> {
  const ratio = chart.width / size.width;
  const canvas = document.createElement("canvas");
  const context = canvas.getContext("2d");
  if (context === null) {
    throw new Error("this browser gives no canvas");
  }
  context.font = `12px ${CHART_FONT}`;
  const rows = legendRows(context, composition, size.width - 2 * MARGIN);
  canvas.width = Math.round(size.width * ratio);
  canvas.height = Math.round((HEAD_HEIGHT + size.height + rows.length * ROW_HEIGHT + MARGIN) * ratio);
  context.scale(ratio, ratio);
  context.fillStyle = model.theme.ground;
  context.fillRect(0, 0, canvas.width, canvas.height);
  context.fillStyle = model.theme.title;
  context.textBaseline = "middle";
  context.font = `600 15px ${CHART_FONT}`;
  context.fillText(title, MARGIN, HEAD_HEIGHT / 2 + 2, size.width - 2 * MARGIN);
  context.drawImage(chart, 0, HEAD_HEIGHT, size.width, size.height);
  context.font = `12px ${CHART_FONT}`;
  for (const [index, row] of rows.entries()) {
    const y = HEAD_HEIGHT + size.height + (index + 0.5) * ROW_HEIGHT + 4;
    for (const entry of row) {
      context.strokeStyle = entry.color;
      context.lineWidth = 2.5;
      context.setLineDash([...entry.dash]);
      context.beginPath();
      context.moveTo(MARGIN + entry.left, y);
      context.lineTo(MARGIN + entry.left + 16, y);
      context.stroke();
      context.fillStyle = model.theme.title;
      context.fillText(entry.label, MARGIN + entry.left + 21, y);
    }
  }
  const blob = await new Promise<Blob | null>((resolve) => canvas.toBlob(resolve, "image/png"));
  if (blob === null) {
    throw new Error("the picture is too large for this browser");
  }
  return blob;
}

interface PlacedEntry {
  readonly label: string;
  readonly color: string;
  readonly dash: readonly number[];
  readonly left: number;
}

/** Entries of visible lines, broken into rows of a width. */
function legendRows(
  context: CanvasRenderingContext2D,
  composition: Composition,
  width: number,
): readonly (readonly PlacedEntry[])[] {
  const visible = composition.legend.filter((entry) => !entry.hidden);
  const rows: PlacedEntry[][] = [];
  let left = Number.POSITIVE_INFINITY;
  for (const entry of visible.slice(0, ENTRIES_MAX)) {
    const needed = context.measureText(entry.label).width + 40;
    if (left + needed > width) {
      rows.push([]);
      left = 0;
    }
    rows.at(-1)?.push({ label: entry.label, color: entry.style.color, dash: entry.style.dash, left });
    left += needed;
  }
  if (visible.length > ENTRIES_MAX) {
    rows.push([{ label: `and ${visible.length - ENTRIES_MAX} more`, color: "transparent", dash: [], left: 0 }]);
  }
  return rows;
}

/** Hands a file to the person. */
export function download(content: Blob | string, name: string): void {
  const blob = typeof content === "string" ? new Blob([content], { type: "text/csv;charset=utf-8" }) : content;
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  // Browsers read the address after the click has returned.
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}
