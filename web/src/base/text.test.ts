import { expect, test } from "vitest";
import { agoText, countText, durationText, groupedText, numberText, timeText } from "./text";

test("durations show their two greatest units", () => {
  expect(durationText(0)).toBe("0s");
  expect(durationText(999)).toBe("0s");
  expect(durationText(61_000)).toBe("1m 1s");
  expect(durationText(3_600_000)).toBe("1h");
  expect(durationText(90_061_000)).toBe("1d 1h");
  expect(durationText(3_601_000)).toBe("1h");
});

test("ages show one unit, and never the future", () => {
  expect(agoText(10_000_000, 9_000)).toBe("now");
  expect(agoText(0, 59_999)).toBe("59s ago");
  expect(agoText(0, 7_200_000)).toBe("2h ago");
});

test("numbers are short, whole ones are exact", () => {
  expect(numberText(0.1 + 0.2)).toBe("0.3");
  expect(numberText(1234567)).toBe("1234567");
  expect(numberText(0.00001234)).toBe("1.234e-5");
  expect(numberText(Number.NaN)).toBe("NaN");
  expect(numberText(Number.NEGATIVE_INFINITY)).toBe("−∞");
  expect(countText(1, "run")).toBe("1 run");
  expect(countText(12000, "run")).toBe("12,000 runs");
});

test("times are those of this place, whole numbers have their thousands apart", () => {
  const at = new Date(2026, 10, 8, 9, 5, 0);
  expect(timeText(at.getTime() * 1_000)).toBe("2026-11-08 09:05:00");
  expect([0, 999, 1_000, -1_234_567].map(groupedText)).toEqual(["0", "999", "1,000", "-1,234,567"]);
});
