import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ChangeFeed } from "./changes";
import { ApiError } from "./http";

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** A stream of text; `end` closes it. */
function source() {
  const encoder = new TextEncoder();
  let keep: ReadableStreamDefaultController<Uint8Array> | undefined;
  const stream = new ReadableStream<Uint8Array>({
    start(controller) {
      keep = controller;
    },
  });
  return {
    stream,
    say: (text: string) => keep?.enqueue(encoder.encode(text)),
    end: () => keep?.close(),
  };
}

const change = (number: number) =>
  `id: ${number}\nevent: change\ndata: ${JSON.stringify({ change: number, at_micros: 0, run: "r", experiment: "e", kinds: ["points"] })}\n\n`;

test("a feed that is cut off resumes after the last change it has told", async () => {
  const asked: (string | undefined)[] = [];
  const sources = [source(), source()];
  let opened = 0;
  const feed = new ChangeFeed(async (lastId) => {
    asked.push(lastId);
    const next = sources[opened];
    opened += 1;
    if (next === undefined) {
      throw new Error("nobody answers");
    }
    return next.stream;
  });
  const heard: number[] = [];
  const resets = vi.fn();
  const states: string[] = [];
  feed.onState(() => states.push(feed.state));
  feed.listen({ onChange: (item) => heard.push(item.change), onReset: resets });
  await vi.advanceTimersByTimeAsync(0);
  sources[0]?.say(change(4) + change(5).slice(0, 9));
  await vi.advanceTimersByTimeAsync(0);
  sources[0]?.end();
  await vi.advanceTimersByTimeAsync(2_000);
  sources[1]?.say(change(5));
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual([4, 5]);
  expect(asked.slice(0, 2)).toEqual([undefined, "4"]);
  expect(states).toEqual(["live", "offline", "live"]);
  expect(resets).toHaveBeenCalledTimes(1);
  sources[1]?.say('id: 9\nevent: reset\ndata: {"next":9}\n\n');
  await vi.advanceTimersByTimeAsync(0);
  expect(resets).toHaveBeenCalledTimes(2);
});

test("a feed that had nothing before it was cut off has what is shown read again", async () => {
  const sources = [source(), source()];
  let opened = 0;
  const feed = new ChangeFeed(async () => {
    const next = sources[opened];
    opened += 1;
    return next?.stream ?? new ReadableStream();
  });
  const resets = vi.fn();
  feed.listen({ onReset: resets });
  await vi.advanceTimersByTimeAsync(0);
  sources[0]?.end();
  expect(resets).toHaveBeenCalledTimes(1);
  await vi.advanceTimersByTimeAsync(2_000);
  expect(resets).toHaveBeenCalledTimes(2);
});

test("a feed whose first opening fails has what is shown read again once it is open", async () => {
  let opened = 0;
  const feed = new ChangeFeed(async () => {
    opened += 1;
    if (opened === 1) {
      throw new ApiError(503, "busy", undefined);
    }
    return source().stream;
  });
  const resets = vi.fn();
  feed.listen({ onReset: resets });
  await vi.advanceTimersByTimeAsync(3_000);
  expect(feed.state).toBe("live");
  expect(resets).toHaveBeenCalledTimes(1);
});

test("a feed that is asked for a token waits until one is given", async () => {
  let opened = 0;
  let hasToken = false;
  const feed = new ChangeFeed(async () => {
    opened += 1;
    if (!hasToken) {
      throw new ApiError(401, "a token is needed", undefined);
    }
    return source().stream;
  });
  feed.listen({});
  await vi.advanceTimersByTimeAsync(600_000);
  expect(feed.state).toBe("locked");
  expect(opened).toBe(1);
  hasToken = true;
  feed.retry();
  await vi.advanceTimersByTimeAsync(0);
  expect(feed.state).toBe("live");
});

/** Locks of one origin, as far as the feed uses them: who holds one is named, the rest wait. */
function locks() {
  const queue: (() => void)[] = [];
  return {
    queue,
    navigator: {
      locks: {
        request: (_name: string, work: () => Promise<void>) =>
          new Promise<void>((resolve) => {
            queue.push(() => void work().then(resolve));
          }),
      },
    },
  };
}

test("a tab that takes over reads again what it shows, whatever it thought of the connection", async () => {
  const { queue, navigator } = locks();
  vi.stubGlobal("navigator", navigator);
  const told: unknown[] = [];
  const channel = new BroadcastChannel("test");
  vi.spyOn(channel, "postMessage").mockImplementation((message: unknown) => void told.push(message));
  const asked: (string | undefined)[] = [];
  const feed = new ChangeFeed(async (lastId) => {
    asked.push(lastId);
    return source().stream;
  }, channel);
  const resets = vi.fn();
  feed.listen({ onReset: resets });
  feed.retry();
  await vi.advanceTimersByTimeAsync(100);
  expect(asked).toEqual([]);
  expect(told).toEqual([{ kind: "hello" }, { kind: "retry" }]);
  channel.onmessage?.(new MessageEvent("message", { data: { kind: "state", state: "offline" } }));
  expect(feed.state).toBe("offline");
  queue[0]?.();
  await vi.advanceTimersByTimeAsync(0);
  expect(asked).toEqual([undefined]);
  expect(feed.state).toBe("live");
  expect(resets).toHaveBeenCalledTimes(1);
  expect(told.slice(2)).toEqual([{ kind: "state", state: "live" }, { kind: "reset" }]);
  channel.close();
  vi.unstubAllGlobals();
});
