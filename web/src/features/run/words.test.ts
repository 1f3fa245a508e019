import { expect, it } from "vitest";
import { agoWords, reasonWords } from "./words";

it("ages have one unit", () => {
  const now = 1_000_000_000;
  const ago = (seconds: number) => agoWords((now / 1_000 - seconds) * 1e6, now);
  expect([2, 59, 60, 7_300, 172_800, -5].map(ago)).toEqual([
    "just now",
    "59 seconds ago",
    "1 minute ago",
    "2 hours ago",
    "2 days ago",
    "just now",
  ]);
});

it("causes say code and text", () => {
  expect(reasonWords({ code: "exit_code", text: "1" })).toBe("exit code: 1");
  expect(reasonWords({ code: "oom", text: "" })).toBe("oom");
  expect(reasonWords(null)).toBeUndefined();
});
