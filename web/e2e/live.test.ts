// What a person sees while a script logs, and after the server was away.

import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage, picture } from "./support/browser";
import { type Script, startScript } from "./support/script";
import { Server } from "./support/server";

// Logs until its standard input is closed, then a few points more, and ends.
const LOGS_UNTIL_TOLD = `
import sys, threading, time
from runstone import Run
told = threading.Event()
threading.Thread(target=lambda: (sys.stdin.read(), told.set()), daemon=True).start()
run = Run(experiment="live", name="growing", config={"lr": 0.05})
print(run.hash, flush=True)
step = 0
while not told.is_set():
    run.log({"loss": 1.0 / (step + 1), "train/accuracy": step / (step + 10)}, step=step)
    step += 1
    time.sleep(0.02)
for _ in range(7):
    run.log({"loss": 1.0 / (step + 1), "train/accuracy": step / (step + 10)}, step=step)
    step += 1
run.close()
`;

async function firstLine(script: Script): Promise<string> {
  const line = new Promise<string>((resolve) => {
    script.process.stdout?.once("data", (data) => resolve(String(data).trim()));
  });
  return Promise.race([line, script.done]);
}

/** What a chart shows last, by its data attributes. */
async function drawnLast(page: Page, chart: string): Promise<{ step: number; value: number }> {
  const root = page.locator(`[data-chart="${chart}"]`).first();
  const value = await root.getAttribute("data-last-value");
  const step = await root.getAttribute("data-last-step");
  return { step: Number(step), value: Number(value) };
}

describe("while a script logs", () => {
  let server: Server;
  let browser: Browser;

  beforeAll(async () => {
    server = await Server.start();
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  test("its run appears, its chart follows, and the last drawn value is the API's", async () => {
    const { page, errors, context } = await openPage(browser);
    await page.goto(`${server.url}/app/runs`);
    await page
      .getByText(/no runs/i)
      .first()
      .waitFor();
    const script = startScript(server, LOGS_UNTIL_TOLD);
    try {
      const id = await firstLine(script);
      const row = page.locator(`[data-run="${id}"]`);
      await row.waitFor();
      await expect.poll(() => row.innerText()).toContain("growing");
      await expect.poll(() => row.innerText()).toContain("running");
      await row.getByRole("link", { name: "growing" }).click();
      await page.waitForURL(`**/app/runs/${id}**`);
      await page.locator('[data-chart="loss"][data-state="ready"]').waitFor();
      const early = await drawnLast(page, "loss");
      await expect.poll(async () => (await drawnLast(page, "loss")).step).toBeGreaterThan(early.step + 20);
      script.process.stdin?.end();
      await script.done;
      const last = await server.lastPoint(id, "loss");
      await expect.poll(() => drawnLast(page, "loss")).toEqual(last);
      const accuracy = await server.lastPoint(id, "train/accuracy");
      await expect.poll(() => drawnLast(page, "train/accuracy")).toEqual(accuracy);
      await expect.poll(() => page.getByTestId("run-state").first().innerText()).toContain("succeeded");
      await picture(page, "run-live");
      expect(errors).toEqual([]);
    } finally {
      await script.stop();
      await context.close();
    }
  });

  test("a server that is stopped and started again is waited for, and what was logged meanwhile is drawn", async () => {
    const { page, errors, context } = await openPage(browser);
    const script = startScript(server, LOGS_UNTIL_TOLD);
    try {
      const id = await firstLine(script);
      await page.goto(`${server.url}/app/runs/${id}`);
      await page.locator('[data-chart="loss"][data-state="ready"]').waitFor();
      await server.halt();
      await page.locator('[data-testid="connection"][data-state="offline"]').waitFor();
      const before = await drawnLast(page, "loss");
      expect(Number.isFinite(before.value)).toBe(true);
      await server.resume();
      await page.locator('[data-testid="connection"][data-state="live"]').waitFor({ timeout: 60_000 });
      script.process.stdin?.end();
      await script.done;
      await expect
        .poll(async () => (await server.lastPoint(id, "loss")).step, { timeout: 60_000 })
        .toBeGreaterThan(before.step);
      const last = await server.lastPoint(id, "loss");
      await expect.poll(() => drawnLast(page, "loss"), { timeout: 30_000 }).toEqual(last);
      expect(errors).toEqual([]);
    } finally {
      await script.stop();
      await context.close();
    }
  });
});
