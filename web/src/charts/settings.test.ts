import { describe, expect, it } from "vitest";
import { listFromText, listToText, SETTINGS_AT_BIRTH, searchFromSettings, settingsFromSearch } from "./settings";

describe("settings in the URL", () => {
  it("are nothing as long as nothing was changed", () => {
    expect(searchFromSettings(SETTINGS_AT_BIRTH)).toEqual({});
    expect(settingsFromSearch({})).toEqual(SETTINGS_AT_BIRTH);
  });

  it("read back what was written", () => {
    const search = { x: "metric:train/tokens", log: "xy", s: "0.6", w: "100~250.5", size: "l" };
    expect(searchFromSettings(settingsFromSearch(search))).toEqual(search);
    expect(settingsFromSearch({ s: 0.6 }).smoothing).toEqual({ kind: "exponential", weight: 0.6 });
  });

  it("fall back where they make no sense", () => {
    const broken = { x: ["step"], log: "z", s: { a: 1 }, w: "9~1", size: "huge" };
    expect(settingsFromSearch(broken)).toEqual(SETTINGS_AT_BIRTH);
  });
});

describe("lists in the URL", () => {
  it("keep commas and percent signs inside words", () => {
    const words = ["a,b", "100%", "plain", "%2C"];
    expect(listFromText(listToText(words))).toEqual(words);
    expect(listToText([])).toBeUndefined();
    expect(listFromText(undefined)).toEqual([]);
    expect(listFromText(",,ok,")).toEqual(["ok"]);
  });
});
