import { expect, test } from "vitest";
import { EventParser } from "./events";

const TEXT =
  ': hello\nretry: 500\n\nid: 7\nevent: change\ndata: {"a":1}\n\nid: 8\r\nevent: change\r\ndata: x\r\ndata: y\r\n\r\nevent: empty\n\n';

test("events come out the same wherever the text is cut", () => {
  for (let size = 1; size <= TEXT.length; size += 1) {
    const parser = new EventParser();
    const events = [];
    for (let start = 0; start < TEXT.length; start += size) {
      events.push(...parser.push(TEXT.slice(start, start + size)));
    }
    expect(events).toEqual([
      { event: "change", data: '{"a":1}', id: "7" },
      { event: "change", data: "x\ny", id: "8" },
    ]);
  }
});

test("an event that has not ended is not given", () => {
  const parser = new EventParser();
  expect(parser.push("id: 1\ndata: x\n")).toEqual([]);
  expect(parser.push("\n")).toEqual([{ event: "message", data: "x", id: "1" }]);
});
