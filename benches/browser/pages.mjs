// The pages against a real server, in headless Chromium: from `track` to the drawn point, a table of
// 10,000 runs while it scrolls, and the first load.
//
// `RUNSTONE_BINARY=... PYTHON=... node benches/browser/pages.mjs` after `scripts/web.sh --install`;
// PYTHON is one that has the package. Prints one JSON object. Times are of one machine's one clock.

import { spawn } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const require = createRequire(join(here, "..", "..", "web", "package.json"));
const { chromium } = require("playwright-core");

const RUNS = 10_000;
const SAMPLES = 40;
const binary = process.env.RUNSTONE_BINARY ?? "runstone";
const python = process.env.PYTHON ?? "python3";

const home = await mkdtemp(join(tmpdir(), "runstone-pages-"));
const environment = { ...process.env, RUNSTONE_HOME: home };

/** A process and its lines. */
function start(command, args) {
  const child = spawn(command, args, { env: environment, stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  return { child, line: async () => (await lines.next()).value };
}

const server = start(binary, ["up", "--json", "--listen", "127.0.0.1:0", "--data", join(home, "data")]);
const { url } = JSON.parse(await server.line());
environment.RUNSTONE_URL = url;

const MANY = `
import sys
from runstone import Run
for number in range(${RUNS}):
    with Run(experiment=f"sweep-{number % 7}", name=f"run-{number}", config={"lr": number / 1000, "depth": number % 9},
             tags=["even" if number % 2 == 0 else "odd"]) as run:
        run.log({"loss": 1 / (number + 1), "accuracy": number / ${RUNS}}, step=1)
print("done", flush=True)
`;
const ON_DEMAND = `
import sys, time
from runstone import Run
run = Run(experiment="latency", name="latency")
run.track(0.0, name="loss", step=0)
print(run.hash, flush=True)
for step, _ in enumerate(sys.stdin, start=1):
    at = time.time()
    run.track(float(step), name="loss", step=step)
    print(at * 1000, flush=True)
`;

const median = (numbers) => [...numbers].sort((one, other) => one - other)[Math.floor(numbers.length / 2)];
const browser = await chromium.launch({
  executablePath: process.env.RUNSTONE_CHROMIUM ?? "/usr/bin/chromium",
  args: [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
  ],
});

async function measureLatency() {
  const script = start(python, ["-c", ON_DEMAND]);
  const run = await script.line();
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${url}/app/runs/${run}`);
  const chart = '[data-chart="loss"]';
  await page.waitForSelector(`${chart}[data-state="ready"]`);
  await page.evaluate((selector) => {
    const drawn = {};
    Object.assign(globalThis, { drawn });
    const root = document.querySelector(selector);
    const look = () => {
      // An attribute is set before the picture is shown: the next frame counts.
      const step = root?.getAttribute("data-last-step");
      requestAnimationFrame(() => {
        drawn[step] ??= performance.timeOrigin + performance.now();
      });
    };
    new MutationObserver(look).observe(root, { attributes: true });
  }, chart);
  const millis = [];
  for (let step = 1; step <= SAMPLES; step += 1) {
    // Not in step with anything of the page.
    await new Promise((resolve) => setTimeout(resolve, 150 + ((step * 37) % 200)));
    script.child.stdin.write("\n");
    const tracked = Number(await script.line());
    const drawn = await page.waitForFunction((wanted) => globalThis.drawn[wanted], String(step), { polling: "raf" });
    millis.push((await drawn.jsonValue()) - tracked);
  }
  script.child.stdin.end();
  await page.close();
  return { median_millis: median(millis), worst_millis: Math.max(...millis), samples: millis.length };
}

async function measureFirstLoad() {
  const times = [];
  let bytes = 0;
  for (let round = 0; round < 5; round += 1) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    // From the start of the navigation, as the page's own clock has it, to the frame with the first rows.
    await page.addInitScript(() => {
      const observer = new MutationObserver(() => {
        if (document.querySelector("[data-run]") !== null) {
          observer.disconnect();
          requestAnimationFrame(() => setTimeout(() => Object.assign(globalThis, { shownAt: performance.now() })));
        }
      });
      observer.observe(document, { childList: true, subtree: true });
    });
    await page.goto(`${url}/app/runs`);
    const shown = await page.waitForFunction(() => globalThis.shownAt);
    times.push(await shown.jsonValue());
    bytes = await page.evaluate(() =>
      performance
        .getEntriesByType("resource")
        .filter((entry) => entry.name.includes("/assets-ui/"))
        .reduce((sum, entry) => sum + entry.encodedBodySize, 0),
    );
    await context.close();
  }
  return { median_millis: median(times), bytes };
}

async function measureTable() {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  await page.goto(`${url}/app/runs`);
  await page.waitForSelector("[data-run]");
  await page.evaluate(() => {
    const tasks = [];
    Object.assign(globalThis, { tasks });
    new PerformanceObserver((list) => tasks.push(...list.getEntries().map((entry) => entry.duration))).observe({
      type: "longtask",
    });
  });
  const grid = page.locator('[role="grid"]');
  const frames = await grid.evaluate(async (element) => {
    let count = 0;
    let still = 0;
    const began = performance.now();
    // To the end, page by page as they load, and back.
    for (const direction of [1, -1]) {
      still = 0;
      while (still < 120) {
        const before = element.scrollTop;
        element.scrollTop += direction * 700;
        await new Promise((resolve) => requestAnimationFrame(resolve));
        count += 1;
        still = element.scrollTop === before ? still + 1 : 0;
      }
    }
    return (count / (performance.now() - began)) * 1000;
  });
  const rows = Number(await grid.getAttribute("aria-rowcount")) - 1;
  const tasks = await page.evaluate(() => globalThis.tasks);
  await page.close();
  return {
    rows,
    frames_per_second: frames,
    longest_task_millis: Math.max(0, ...tasks),
    tasks_over_50_millis: tasks.length,
  };
}

try {
  const latency = await measureLatency();
  const many = start(python, ["-c", MANY]);
  if ((await many.line()) !== "done") {
    throw new Error("the runs were not logged");
  }
  const firstLoad = await measureFirstLoad();
  const table = await measureTable();
  console.log(JSON.stringify({ track_to_drawn: latency, first_load: firstLoad, table }, undefined, 1));
} finally {
  await browser.close();
  server.child.kill("SIGTERM");
  await new Promise((resolve) => server.child.once("exit", resolve));
  await rm(home, { recursive: true, force: true });
}
