//! Colours of charts besides the lines: one set for light ground, one for dark.

import type { Scheme } from "./palette";

/** Tokens of a chart. */
export interface ChartTheme {
  readonly scheme: Scheme;
  /** Labels of ticks. */
  readonly text: string;
  /** Lines of the grid. */
  readonly grid: string;
  /** Lines of the axes. */
  readonly axis: string;
  /** Behind a picture that is exported. */
  readonly ground: string;
  /** Titles of a picture that is exported. */
  readonly title: string;
}

/** Tokens by scheme; text stands at least 4.5:1 against the ground. */
export const CHART_THEMES: Readonly<Record<Scheme, ChartTheme>> = {
  light: {
    scheme: "light",
    text: "#5c636a",
    grid: "rgba(0, 0, 0, 0.07)",
    axis: "rgba(0, 0, 0, 0.2)",
    ground: "#ffffff",
    title: "#1f2328",
  },
  dark: {
    scheme: "dark",
    text: "#a5adb5",
    grid: "rgba(255, 255, 255, 0.08)",
    axis: "rgba(255, 255, 255, 0.24)",
    ground: "#1f1f1f",
    title: "#e8eaed",
  },
};

/** Font of axes and exported pictures. */
export const CHART_FONT = 'system-ui, -apple-system, "Segoe UI", Roboto, "DejaVu Sans", sans-serif';
