// Frames a second while 100 lines of 1,000 points are panned, in headless Chromium without a GPU.
//
// `node benches/browser/pan.mjs` after `scripts/web.sh --install`; prints one JSON object. The chart is
// the one of the pages, built by the same Vite; the button is held by Playwright, the moves are events
// in the page, one a frame, so that only drawing is measured. RUNSTONE_CHROMIUM names another browser.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, extname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const here = dirname(fileURLToPath(import.meta.url));
const web = join(here, "..", "..", "web");
const require = createRequire(join(web, "package.json"));
const load = (name) => import(pathToFileURL(require.resolve(name)).href);

const FRAMES = 240;
const PIXELS = 7;
const TYPES = { ".html": "text/html", ".js": "text/javascript", ".css": "text/css" };

const { build } = await load("vite");
const { default: react } = await load("@vitejs/plugin-react");
const { chromium } = require("playwright-core");

const dist = await mkdtemp(join(tmpdir(), "runstone-pan-"));
try {
  await build({
    configFile: false,
    root: here,
    base: "./",
    logLevel: "error",
    plugins: [react()],
    // The page stands outside of web/, what it imports by name does not.
    resolve: {
      alias: ["@mantine/core", "react", "react-dom"].map((name) => ({
        find: new RegExp(`^${name}(/.*)?$`),
        replacement: join(web, "node_modules", name) + "$1",
      })),
    },
    build: { outDir: dist, emptyOutDir: true, rollupOptions: { input: join(here, "pan.html") } },
  });
  process.stdout.write(`${JSON.stringify(await measure())}\n`);
} finally {
  await rm(dist, { recursive: true, force: true });
}

async function measure() {
  const server = createServer(async (asked, answer) => {
    try {
      const path = new URL(asked.url ?? "/", "http://localhost").pathname;
      const body = await readFile(join(dist, path));
      answer.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" }).end(body);
    } catch {
      answer.writeHead(404).end();
    }
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const browser = await chromium.launch({
    executablePath: process.env.RUNSTONE_CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"],
  });
  try {
    const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
    await page.goto(`http://127.0.0.1:${server.address().port}/pan.html`);
    const area = page.locator('[data-chart="pan"][data-last-value] .u-over');
    await area.waitFor();
    const box = await area.boundingBox();
    await page.mouse.move(box.x + box.width / 2, box.y + 100);
    await page.keyboard.down("Shift");
    await page.mouse.down();
    await page.evaluate(([frames, pixels]) => window.pan(frames, pixels), [60, PIXELS]);
    const gaps = await page.evaluate(([frames, pixels]) => window.pan(frames, pixels), [FRAMES, PIXELS]);
    await page.mouse.up();
    const sorted = [...gaps].sort((one, two) => one - two);
    const total = gaps.reduce((sum, gap) => sum + gap, 0);
    return {
      lines: 100,
      points_per_line: 1_000,
      frames: gaps.length,
      frames_per_second: Number(((1_000 * gaps.length) / total).toFixed(1)),
      frame_millis_median: Number(sorted[Math.floor(sorted.length / 2)].toFixed(2)),
      frame_millis_95th: Number(sorted[Math.floor(sorted.length * 0.95)].toFixed(2)),
      browser: `Chromium ${browser.version()}`,
    };
  } finally {
    await browser.close();
    server.close();
  }
}
