// A page of another origin, and a name that was bound to loopback, against a server without a token.
//
// The same page served by an origin that the server allows is the control: there its tricks work.

import { createServer, type Server as HttpServer } from "node:http";
import type { AddressInfo } from "node:net";
import type { Browser } from "playwright-core";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { launchBrowser, openPage } from "./support/browser";
import { runScript } from "./support/script";
import { Server } from "./support/server";

interface Outcome {
  readonly trick: string;
  readonly result: string;
}

// Runs inside of the page. Everything that a page can try without the server's leave.
async function attack({ target, run }: { target: string; run: string }): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const edit = JSON.stringify({ runs: [run], action: { kind: "delete" } });
  const attempt = async (trick: string, send: () => Promise<string>) => {
    try {
      outcomes.push({ trick, result: await send() });
    } catch (error) {
      outcomes.push({ trick, result: `threw ${String(error)}` });
    }
  };
  const read = async (response: Response) =>
    `${response.type} ${response.status} ${(await response.text()).length > 0}`;
  await attempt("read by fetch", async () => read(await fetch(`${target}/runstone/v1/runs`)));
  await attempt("blind fetch", async () => read(await fetch(`${target}/runstone/v1/runs`, { mode: "no-cors" })));
  await attempt("json post", async () =>
    read(
      await fetch(`${target}/runstone/v1/edits`, {
        method: "POST",
        headers: { "content-type": "application/json" },
        body: edit,
      }),
    ),
  );
  await attempt("simple post", async () =>
    read(await fetch(`${target}/runstone/v1/edits`, { method: "POST", mode: "no-cors", body: edit })),
  );
  await attempt("typeless post", async () =>
    read(await fetch(`${target}/runstone/v1/edits`, { method: "POST", mode: "no-cors", body: new Blob([edit]) })),
  );
  await attempt("delete", async () => read(await fetch(`${target}/runstone/v1/runs/${run}`, { method: "DELETE" })));
  await attempt("empty post", async () =>
    read(await fetch(`${target}/runstone/v1/runs/${run}/undelete`, { method: "POST", mode: "no-cors" })),
  );
  await attempt("beacon", async () => String(navigator.sendBeacon(`${target}/runstone/v1/edits`, edit)));
  await attempt("form post", async () => {
    const frame = document.createElement("iframe");
    frame.name = "sink";
    document.body.append(frame);
    for (const type of ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"]) {
      const form = document.createElement("form");
      form.action = `${target}/runstone/v1/edits`;
      form.method = "post";
      form.enctype = type;
      form.target = "sink";
      const field = document.createElement("input");
      field.name = `${edit.slice(0, -1)},"x":"`;
      field.value = '"}';
      form.append(field);
      document.body.append(form);
      form.submit();
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
    return "sent";
  });
  await attempt(
    "event source",
    () =>
      new Promise((resolve) => {
        const source = new EventSource(`${target}/runstone/v1/changes/stream?since=0`);
        const end = (result: string) => {
          source.close();
          resolve(result);
        };
        source.addEventListener("change", () => end("read a change"));
        source.onerror = () => end("refused");
        setTimeout(() => end("silent"), 3_000);
      }),
  );
  await attempt(
    "web socket",
    () =>
      new Promise((resolve) => {
        const socket = new WebSocket(`${target.replace("http", "ws")}/runstone/v1/changes/stream`);
        socket.onopen = () => resolve("opened");
        socket.onerror = () => resolve("refused");
        setTimeout(() => resolve("silent"), 3_000);
      }),
  );
  await attempt(
    "script tag",
    () =>
      new Promise((resolve) => {
        const script = document.createElement("script");
        script.src = `${target}/runstone/v1/runs`;
        script.onload = () => resolve("loaded");
        script.onerror = () => resolve("refused");
        document.body.append(script);
      }),
  );
  return outcomes;
}

const READING = ["read by fetch", "event source", "web socket", "script tag"];

async function storeState(server: Server): Promise<string> {
  const changes = await server.get<{ newest: number }>("changes?limit=1");
  const runs = await server.get<unknown>("runs");
  return JSON.stringify([changes.newest, runs]);
}

describe("a page that is not ours", () => {
  let server: Server;
  let browser: Browser;
  let elsewhere: HttpServer;
  let elsewherePort: number;
  let run: string;

  beforeAll(async () => {
    elsewhere = createServer((_, response) => {
      response.setHeader("content-type", "text/html");
      response.end("<!doctype html><title>elsewhere</title><body></body>");
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, "127.0.0.1", resolve));
    elsewherePort = (elsewhere.address() as AddressInfo).port;
    server = await Server.start();
    run = await runScript(
      server,
      `
from runstone import Run
with Run(experiment="target", name="victim") as run:
    run.track(1.0, name="loss", step=0)
print(run.hash)
`,
    );
    browser = await launchBrowser(
      "--host-resolver-rules=MAP evil.example 127.0.0.1, MAP localhost 127.0.0.1",
      // The browser's own guard of loopback is not what is tested here, and not every browser has it.
      "--disable-features=LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests",
    );
  });

  afterAll(async () => {
    await browser?.close();
    await server?.stop();
    elsewhere?.close();
  });

  test.each(["127.0.0.1", "localhost", "evil.example"])(
    "served by another port of %s changes and reads nothing",
    async (host) => {
      const before = await storeState(server);
      const { page, context } = await openPage(browser);
      await page.goto(`http://${host}:${elsewherePort}/`);
      const outcomes = await page.evaluate(attack, { target: server.url, run });
      await context.close();
      expect(outcomes.length).toBe(12);
      for (const { trick, result } of outcomes.filter(({ trick }) => READING.includes(trick))) {
        expect(`${trick}: ${result}`).toMatch(/refused|threw|silent/);
      }
      expect(await storeState(server)).toBe(before);
    },
  );

  test("whose name is bound to our address and port changes and reads nothing", async () => {
    const before = await storeState(server);
    const { page, context } = await openPage(browser);
    const origin = `http://evil.example:${server.port}`;
    // The page itself came from elsewhere before the name was bound again.
    await page.route(`${origin}/`, (route) =>
      route.fulfill({ contentType: "text/html", body: "<!doctype html><title>rebound</title><body></body>" }),
    );
    await page.goto(`${origin}/`);
    const outcomes = await page.evaluate(attack, { target: origin, run });
    const status = await page.evaluate(async () => (await fetch("runstone/v1/runs")).status);
    await context.close();
    expect(status).toBe(421);
    for (const { trick, result } of outcomes) {
      expect(`${trick}: ${result}`).not.toMatch(/ 2\d\d |read a change|opened|loaded/);
    }
    expect(await storeState(server)).toBe(before);
  });

  test("would do harm if it were ours: the control", async () => {
    const { page, context } = await openPage(browser);
    await page.goto(`${server.url}/`);
    const outcomes = await page.evaluate(attack, { target: server.url, run });
    await context.close();
    const results = new Map(outcomes.map(({ trick, result }) => [trick, result]));
    expect(results.get("read by fetch")).toBe("basic 200 true");
    expect(results.get("json post")).toBe("basic 200 true");
    expect(results.get("event source")).toBe("read a change");
    const deleted = await server.get<{ changes: unknown[] }>(`changes?kind=deleted`);
    expect(deleted.changes.length).toBeGreaterThan(0);
  });
});
