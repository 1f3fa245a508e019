//! The page of the measurement: one LineChart, as the pages of a run and of a comparison mount it,
//! with 100 lines of 1,000 points. pan.mjs opens it and holds the mouse button; what moves then is here.

import "@mantine/core/styles.css";
import { MantineProvider } from "@mantine/core";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";
import { STEP_AXIS } from "../../web/src/charts/axes";
import type { ChartSeries } from "../../web/src/charts/compose";
import { LineChart } from "../../web/src/charts/LineChart";
import type { Span } from "../../web/src/charts/lines";
import { UNSMOOTHED } from "../../web/src/charts/smoothing";

const LINES = 100;
const POINTS = 1_000;

/** A random walk that is the same each time. */
function walk(line: number): ChartSeries {
  let state = line * 7_919 + 1;
  let value = line / 8;
  const x = Float64Array.from({ length: POINTS }, (_, index) => index + line / LINES);
  const y = Float64Array.from({ length: POINTS }, () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    value += (state / 2 ** 32 - 0.5) * 0.4;
    return value;
  });
  const key = `line ${line}`;
  return { kind: "line", line: { key, label: key, x, y, steps: x }, slot: line % 40 };
}

const SERIES = Array.from({ length: LINES }, (_, line) => walk(line));
const NOTHING: ReadonlySet<string> = new Set();
const ignore = (): void => undefined;

function Page() {
  const [span, setSpan] = useState<Span | undefined>({ from: 200, to: 800 });
  return (
    <LineChart
      title="pan"
      series={SERIES}
      state={{ kind: "ready" }}
      axis={STEP_AXIS}
      logX={false}
      logY={false}
      smoothing={UNSMOOTHED}
      span={span}
      onSpan={setSpan}
      hidden={NOTHING}
      onHidden={ignore}
      height={420}
      visible
      fullScreen={false}
      onFullScreen={ignore}
    />
  );
}

const nextFrame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve));

/** Moves the held pointer by `pixels` each frame, forth and back, and gives the times between frames. */
async function pan(frames: number, pixels: number): Promise<readonly number[]> {
  const stage = document.querySelector('[data-chart="pan"] .u-over');
  const box = stage?.getBoundingClientRect();
  if (stage === null || box === undefined) {
    throw new Error("the chart is not there");
  }
  const gaps: number[] = [];
  let x = box.left + box.width / 2;
  let last = await nextFrame();
  for (let frame = 0; frame < frames; frame += 1) {
    x += frame % 60 < 30 ? pixels : -pixels;
    stage.dispatchEvent(new PointerEvent("pointermove", { bubbles: true, clientX: x, clientY: box.top + 100 }));
    const now = await nextFrame();
    gaps.push(now - last);
    last = now;
  }
  return gaps;
}

declare global {
  interface Window {
    pan: typeof pan;
  }
}
window.pan = pan;

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <MantineProvider>
        <Page />
      </MantineProvider>
    </StrictMode>,
  );
}
