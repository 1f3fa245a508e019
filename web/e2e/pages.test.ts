// Runs, compare and addresses: what the pages show is what the API answers.

import { createServer, type Server as HttpServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser, Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage, picture } from "./support/browser";
import { runScript } from "./support/script";
import { Server } from "./support/server";

const SCRIPT = `
import math
from runstone import Run
ids = []
for number in range(12):
    rate = [0.01, 0.1, 0.5][number % 3]
    with Run(experiment="digits" if number < 9 else "other", name=f"sgd-{number}",
             config={"lr": rate, "batch": 32 * (1 + number % 2), "model": {"depth": number % 4}},
             tags=["baseline"] if number % 2 else ["tuned", "long"], seed=number % 3, group=f"fold-{number % 2}") as run:
        for step in range(200):
            run.log({"loss": math.exp(-rate * step / 10) + number / 100, "train/accuracy": 1 - math.exp(-rate * step / 20)}, step=step)
    ids.append(run.hash)
print(" ".join(ids))
`;

interface TablePage {
  readonly rows: readonly { readonly run: { readonly id: string }; readonly cells: readonly unknown[] }[];
  readonly matching: number;
}

/** Ids of the rows that the table shows, from top to bottom. */
async function shownRuns(page: Page): Promise<string[]> {
  return page.locator("[data-run]").evaluateAll((rows) =>
    rows
      .map((row) => ({ id: row.getAttribute("data-run") ?? "", top: row.getBoundingClientRect().top }))
      .sort((one, other) => one.top - other.top)
      .map(({ id }) => id),
  );
}

async function cellValues(page: Page, run: string): Promise<Record<string, string>> {
  const cells = await page
    .locator(`[data-run="${run}"] [data-column]`)
    .evaluateAll((found) =>
      found.map((cell) => [
        cell.getAttribute("data-column") ?? "",
        cell.getAttribute("data-value") ?? cell.querySelector("[data-value]")?.getAttribute("data-value") ?? "",
      ]),
    );
  return Object.fromEntries(cells);
}

describe("the pages", () => {
  let server: Server;
  let browser: Browser;
  let ids: readonly string[];

  beforeAll(async () => {
    server = await Server.start();
    ids = (await runScript(server, SCRIPT)).split(" ");
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
  });

  const id = (index: number): string => {
    const found = ids[index];
    if (found === undefined) {
      throw new Error(`no run ${index}`);
    }
    return found;
  };

  test("rows filtered by text, in the order of a column, equal the API's", async () => {
    const { page, errors, context } = await openPage(browser);
    await page.goto(`${server.url}/app/runs`);
    await expect.poll(() => shownRuns(page)).toHaveLength(12);
    await page.keyboard.press("/");
    await page.keyboard.type("digits tuned");
    const wanted = await server.send<TablePage>("POST", "table", { text: "digits tuned" });
    expect(wanted.rows.length).toBe(5);
    await expect.poll(() => shownRuns(page)).toEqual(wanted.rows.map((row) => row.run.id));
    expect(new URL(page.url()).search).toContain("digits");
    await picture(page, "runs-filtered");

    // A copied address shows the same elsewhere.
    const other = await openPage(browser);
    await other.page.goto(page.url());
    await expect.poll(() => shownRuns(other.page)).toEqual(wanted.rows.map((row) => row.run.id));
    await other.context.close();
    expect(errors).toEqual([]);
    await context.close();
  });

  test("chosen params and metrics stand in the columns with the API's values", async () => {
    const { page, errors, context } = await openPage(browser);
    await page.goto(`${server.url}/app/runs`);
    await expect.poll(() => shownRuns(page)).toHaveLength(12);
    await page.getByRole("button", { name: /columns/i }).click();
    await page.getByRole("checkbox", { name: "lr", exact: true }).check();
    await page.getByRole("checkbox", { name: "model.depth", exact: true }).check();
    await page.keyboard.press("Escape");
    const table = await server.send<TablePage>("POST", "table", {
      columns: [
        { kind: "param", path: ["lr"] },
        { kind: "param", path: ["model", "depth"] },
      ],
    });
    for (const row of table.rows) {
      await expect
        .poll(() => cellValues(page, row.run.id))
        .toMatchObject({
          "param:lr": String(row.cells[0]),
          "param:model.depth": String(row.cells[1]),
        });
    }
    await picture(page, "runs-columns");
    expect(errors).toEqual([]);
    await context.close();
  });

  test("a deleted run goes and comes back with undo", async () => {
    const { page, errors, context } = await openPage(browser);
    await page.goto(`${server.url}/app/runs`);
    const row = page.locator(`[data-run="${id(11)}"]`);
    await row.getByRole("checkbox").check();
    await page.getByRole("button", { name: /^delete/i }).click();
    await row.waitFor({ state: "detached" });
    await expect(server.get(`runs/${id(11)}`)).rejects.toThrow(/404/);
    await page.getByRole("button", { name: /undo/i }).click();
    await row.waitFor();
    expect((await server.get<{ id: string }>(`runs/${id(11)}`)).id).toBe(id(11));
    expect(errors).toEqual([]);
    await context.close();
  });

  test("rows are chosen, opened and archived by keyboard alone", async () => {
    const { page, context } = await openPage(browser);
    await page.goto(`${server.url}/app/runs`);
    await expect.poll(() => shownRuns(page)).toHaveLength(12);
    await page.getByRole("grid").focus();
    await page.keyboard.press("ArrowDown");
    await page.keyboard.press("ArrowDown");
    const second = (await shownRuns(page))[1];
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/app/runs/${second}**`);
    await context.close();
  });

  test("compared lines end in the API's values, and params that differ stand side by side", async () => {
    const { page, errors, context } = await openPage(browser);
    await page.goto(`${server.url}/app/runs`);
    for (const index of [0, 1, 2]) {
      await page
        .locator(`[data-run="${id(index)}"]`)
        .getByRole("checkbox")
        .check();
    }
    await page
      .getByRole("button", { name: /compare/i })
      .or(page.getByRole("link", { name: /compare/i }))
      .first()
      .click();
    await page.waitForURL("**/app/compare**");
    const chart = page.locator('[data-chart="loss"][data-state="ready"]').first();
    await chart.waitFor();
    const wanted: Record<string, number> = {};
    for (const index of [0, 1, 2]) {
      wanted[id(index)] = (await server.lastPoint(id(index), "loss")).value;
    }
    await expect
      .poll(async () => {
        const lasts: unknown = JSON.parse((await chart.getAttribute("data-last-values")) ?? "{}");
        return lasts;
      })
      .toEqual(wanted);
    await picture(page, "compare");
    expect(errors).toEqual([]);
    await context.close();
  });

  test("light and dark follow the system, and the choice is kept", async () => {
    for (const scheme of ["light", "dark"] as const) {
      const { page, context } = await openPage(browser, { colorScheme: scheme });
      await page.goto(`${server.url}/app/runs`);
      await expect.poll(() => shownRuns(page)).toHaveLength(12);
      expect(await page.locator("html").getAttribute("data-mantine-color-scheme")).toBe(scheme);
      const background = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
      const brightness = (background.match(/\d+/g) ?? []).slice(0, 3).reduce((sum, part) => sum + Number(part), 0);
      expect(brightness > 384).toBe(scheme === "light");
      await picture(page, `runs-${scheme}`);
      await context.close();
    }
  });
});

/** A proxy that strips a prefix, as Jupyter's does. */
async function stripPrefix(target: Server, prefix: string): Promise<{ url: string; close: () => void }> {
  const proxy: HttpServer = createServer((asked: IncomingMessage, answer: ServerResponse) => {
    const path = asked.url ?? "/";
    if (!path.startsWith(`${prefix}/`)) {
      answer.statusCode = 404;
      answer.end("outside of the prefix");
      return;
    }
    const forwarded = request(
      {
        host: "127.0.0.1",
        port: target.port,
        method: asked.method,
        path: path.slice(prefix.length),
        headers: asked.headers,
      },
      (reply) => {
        answer.writeHead(reply.statusCode ?? 502, reply.headers);
        reply.pipe(answer);
      },
    );
    forwarded.on("error", () => answer.destroy());
    asked.pipe(forwarded);
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  const { port } = proxy.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}${prefix}`,
    close: () => {
      proxy.closeAllConnections();
      proxy.close();
    },
  };
}

describe("below a base path", () => {
  let browser: Browser;

  beforeAll(async () => {
    browser = await launchBrowser();
  });

  afterAll(async () => {
    await browser?.close();
  });

  test.each(["a proxy that strips it", "--base-path"])("given by %s, every page and its data load", async (way) => {
    const stripped = way !== "--base-path";
    const server = stripped ? await Server.start() : await Server.start("--base-path", "/proxy/53800");
    const base = stripped ? await stripPrefix(server, "/user/me/proxy/53800") : undefined;
    const { page, errors, context } = await openPage(browser);
    try {
      const id = await runScript(
        server,
        `
from runstone import Run
with Run(experiment="below", name="a-run") as run:
    for step in range(50):
        run.track(step * 0.5, name="loss", step=step)
print(run.hash)
`,
      );
      const root = base?.url ?? server.url;
      const outside: string[] = [];
      page.on("request", (asked) => {
        if (!asked.url().startsWith(`${root}/`)) {
          outside.push(asked.url());
        }
      });
      await page.goto(`${root}/`);
      const row = page.locator(`[data-run="${id}"]`);
      await row.waitFor();
      await row.getByRole("link", { name: "a-run" }).click();
      const chart = page.locator('[data-chart="loss"][data-state="ready"]').first();
      await chart.waitFor();
      await expect.poll(async () => Number(await chart.getAttribute("data-last-value"))).toBe(24.5);
      await page.reload();
      await chart.waitFor();
      await expect.poll(async () => Number(await chart.getAttribute("data-last-value"))).toBe(24.5);
      expect(page.url().startsWith(`${root}/app/runs/${id}`)).toBe(true);
      expect(outside.filter((url) => !url.startsWith("data:") && !url.startsWith("blob:"))).toEqual([]);
      expect(errors).toEqual([]);
    } finally {
      await context.close();
      base?.close();
      await server.stop();
    }
  });
});
