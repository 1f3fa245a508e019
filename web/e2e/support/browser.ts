// Debian's Chromium, driven by Playwright: one browser a test file, one context a test.

import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { type Browser, type BrowserContext, chromium, type Page } from "playwright-core";

const path = process.env["RUNSTONE_CHROMIUM"] ?? "/usr/bin/chromium";

/** Starts the browser; `extra` are further switches. */
export async function launchBrowser(...extra: readonly string[]): Promise<Browser> {
  if (!existsSync(path)) {
    throw new Error(`there is no browser at ${path}\nhint: apt-get install chromium, or set RUNSTONE_CHROMIUM`);
  }
  return chromium.launch({
    executablePath: path,
    args: [
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
      ...extra,
    ],
  });
}

/** A page of its own in a fresh context. What the page throws fails the test that asks `errors`. */
export interface OpenPage {
  readonly page: Page;
  readonly context: BrowserContext;
  /** Uncaught exceptions and violations of the content security policy so far. */
  readonly errors: readonly string[];
}

export async function openPage(
  browser: Browser,
  options: Parameters<Browser["newContext"]>[0] = {},
): Promise<OpenPage> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...options });
  const page = await context.newPage();
  const errors: string[] = [];
  page.on("pageerror", (error) => errors.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error" && /Content Security Policy/.test(message.text())) {
      errors.push(message.text());
    }
  });
  return { page, context, errors };
}

/** Keeps a picture of the page where RUNSTONE_SCREENSHOTS names a folder. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env["RUNSTONE_SCREENSHOTS"];
  if (folder !== undefined) {
    await mkdir(folder, { recursive: true });
    await page.screenshot({ path: join(folder, `${name}.png`) });
  }
}
