import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { ChangeFeed } from "./changes";

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
  expect(resets).not.toHaveBeenCalled();
  sources[1]?.say('id: 9\nevent: reset\ndata: {"next":9}\n\n');
  await vi.advanceTimersByTimeAsync(0);
  expect(resets).toHaveBeenCalledTimes(1);
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
  await vi.advanceTimersByTimeAsync(2_000);
  expect(resets).toHaveBeenCalledTimes(1);
});
