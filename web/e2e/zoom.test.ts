// A million points, one of them a spike: seen from afar, and exact when zoomed in.

import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage, picture } from "./support/browser";
import { runScript } from "./support/script";
import { Server } from "./support/server";

const POINTS = 1_000_000;
const SPIKE_STEP = 734_567;
const SPIKE = 42.25;

describe("a million points", () => {
  let server: Server;
  let browser: Browser;
  let run: string;

  beforeAll(async () => {
    server = await Server.start();
    run = await runScript(
      server,
      `
import math
from runstone import Run
with Run(experiment="long", name="million") as run:
    for step in range(${POINTS}):
        value = ${SPIKE} if step == ${SPIKE_STEP} else math.sin(step / 5000)
        run.track(value, name="signal", step=step)
    print(run.hash)
`,
    );
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("show a spike of one point from afar, and zoom shows its step and neighbours", async () => {
    const { page, errors, context } = await openPage(browser);
    await expect.poll(async () => (await server.lastPoint(run, "signal")).step, { timeout: 60_000 }).toBe(POINTS - 1);
    await page.goto(`${server.url}/app/runs/${run}`);
    const chart = page.locator('[data-chart="signal"]').first();
    await page.locator('[data-chart="signal"][data-state="ready"]').first().waitFor();
    await expect.poll(async () => Number(await chart.getAttribute("data-y-max"))).toBe(SPIKE);
    expect(Number(await chart.getAttribute("data-point-count"))).toBeLessThan(20_000);
    await picture(page, "million");

    // Drags over the spike until every point of the window is drawn.
    const area = chart.locator(".u-over").first();
    await area.scrollIntoViewIfNeeded();
    for (let zoom = 0; zoom < 12; zoom += 1) {
      const low = Number(await chart.getAttribute("data-x-min"));
      const high = Number(await chart.getAttribute("data-x-max"));
      if (high - low < 400) {
        break;
      }
      const box = await area.boundingBox();
      if (box === null) {
        throw new Error("the chart has no area");
      }
      const place = (SPIKE_STEP - low) / (high - low);
      const half = 0.1;
      const from = box.x + box.width * Math.max(0.005, place - half);
      const to = box.x + box.width * Math.min(0.995, place + half);
      const y = box.y + box.height / 2;
      await page.mouse.move(from, y);
      await page.mouse.down();
      await page.mouse.move((from + to) / 2, y, { steps: 4 });
      await page.mouse.move(to, y, { steps: 4 });
      await page.mouse.up();
      await expect
        .poll(
          async () => Number(await chart.getAttribute("data-x-max")) - Number(await chart.getAttribute("data-x-min")),
        )
        .toBeLessThan((high - low) * 0.5);
      await page.locator('[data-chart="signal"][data-state="ready"]').first().waitFor();
      await expect.poll(async () => Number(await chart.getAttribute("data-y-max"))).toBe(SPIKE);
    }
    const low = Number(await chart.getAttribute("data-x-min"));
    const high = Number(await chart.getAttribute("data-x-max"));
    expect(high - low).toBeLessThan(400);
    const window = await server.send<{ lines: { x: number[]; y: number[]; exact: boolean }[] }>("POST", "lines", {
      series: [{ run, name: "signal" }],
      pixels: 2_000,
      from: low,
      to: high,
    });
    const line = window.lines[0];
    expect(line?.exact).toBe(true);
    expect(line?.y[line.x.indexOf(SPIKE_STEP)]).toBe(SPIKE);
    await expect.poll(async () => Number(await chart.getAttribute("data-point-count"))).toBe(line?.x.length);
    await picture(page, "million-zoomed");

    // The window stands in the address: another page shows the same.
    const copy = await context.newPage();
    await copy.goto(page.url());
    const twin = copy.locator('[data-chart="signal"][data-state="ready"]').first();
    await twin.waitFor();
    await expect.poll(async () => Number(await twin.getAttribute("data-y-max"))).toBe(SPIKE);
    await expect.poll(async () => Number(await twin.getAttribute("data-point-count"))).toBe(line?.x.length);
    expect(errors).toEqual([]);
    await context.close();
  });
});
