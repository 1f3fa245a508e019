import { describe, expect, it } from "vitest";
import { HUES, type Scheme, STYLES_MAX, slotsInOrder, slotsOf, slotVariant, styleOfSlot } from "./palette";

type Rgb = readonly [number, number, number];

const GROUNDS: Readonly<Record<Scheme, string>> = { light: "#ffffff", dark: "#1f1f1f" };

function linear(color: string): Rgb {
  const channel = (start: number): number => {
    const share = Number.parseInt(color.slice(start, start + 2), 16) / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  };
  return [channel(1), channel(3), channel(5)];
}

function luminance([red, green, blue]: Rgb): number {
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}

function contrast(one: string, two: string): number {
  const [dark = 0, light = 0] = [luminance(linear(one)), luminance(linear(two))].sort((a, b) => a - b);
  return (light + 0.05) / (dark + 0.05);
}

/** Machado, Oliveira, Fernandes 2009, severity 1. */
const DEFICIENCIES: Readonly<Record<string, readonly [Rgb, Rgb, Rgb]>> = {
  none: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function seen(color: Rgb, matrix: readonly [Rgb, Rgb, Rgb]): Rgb {
  const row = (weights: Rgb): number =>
    Math.min(1, Math.max(0, weights[0] * color[0] + weights[1] * color[1] + weights[2] * color[2]));
  return [row(matrix[0]), row(matrix[1]), row(matrix[2])];
}

function oklab([red, green, blue]: Rgb): Rgb {
  const long = Math.cbrt(0.4122214708 * red + 0.5363325363 * green + 0.0514459929 * blue);
  const medium = Math.cbrt(0.2119034982 * red + 0.6806995451 * green + 0.1073969566 * blue);
  const short = Math.cbrt(0.0883024619 * red + 0.2817188376 * green + 0.6299787005 * blue);
  return [
    0.2104542553 * long + 0.793617785 * medium - 0.0040720468 * short,
    1.9779984951 * long - 2.428592205 * medium + 0.4505937099 * short,
    0.0259040371 * long + 0.7827717662 * medium - 0.808675766 * short,
  ];
}

describe.each(["light", "dark"] as const)("hues on %s ground", (scheme) => {
  it("stand at least 3:1 against it", () => {
    for (const hue of HUES[scheme]) {
      expect(contrast(hue, GROUNDS[scheme]), hue).toBeGreaterThanOrEqual(3);
    }
  });

  it.each(Object.entries(DEFICIENCIES))("differ from each other with %s", (_name, matrix) => {
    const hues = HUES[scheme];
    let least = Number.POSITIVE_INFINITY;
    let pair = "";
    for (const [index, one] of hues.entries()) {
      for (const two of hues.slice(index + 1)) {
        const [a, b] = [oklab(seen(linear(one), matrix)), oklab(seen(linear(two), matrix))];
        const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        if (distance < least) {
          least = distance;
          pair = `${one} ${two}`;
        }
      }
    }
    expect(least, pair).toBeGreaterThan(0.07);
  });
});

describe("slots", () => {
  const keys = Array.from({ length: 8 }, (_, index) => `01M7ZB3P6DG1N6WQTFNKC8N0H${index}`);

  it("are all different while there are styles", () => {
    const many = Array.from({ length: STYLES_MAX }, (_, index) => `run ${index}`);
    expect(new Set(slotsOf(many).values()).size).toBe(STYLES_MAX);
    expect(slotsOf([...many, "one more"]).get("one more")).toBeLessThan(STYLES_MAX);
  });

  it("of five keys are the five hues that differ most", () => {
    expect([...slotsOf(keys.slice(0, 5)).values()].sort()).toEqual([0, 1, 2, 3, 4]);
    expect([...slotsOf(keys).values()].every((slot) => slot < 10)).toBe(true);
  });

  it("stay when a key is added at the end", () => {
    const before = slotsOf(keys);
    const after = slotsOf([...keys, "another"]);
    for (const key of keys) {
      expect(after.get(key)).toBe(before.get(key));
    }
  });

  it("move at most a few keys when one goes", () => {
    const before = slotsOf(keys);
    const after = slotsOf(keys.slice(1));
    const moved = keys.slice(1).filter((key) => after.get(key) !== before.get(key));
    expect(moved.length).toBeLessThanOrEqual(4);
  });

  it("in order count up, each key once", () => {
    expect([...slotsInOrder(["a", "b", "a", "c"]).entries()]).toEqual([
      ["a", 0],
      ["b", 1],
      ["c", 2],
    ]);
  });

  it("have variants of one hue with other dashes", () => {
    expect(slotVariant(3, 0)).toBe(3);
    expect(styleOfSlot(slotVariant(3, 1), "dark").color).toBe(styleOfSlot(3, "dark").color);
    expect(styleOfSlot(slotVariant(3, 1), "dark").dash).not.toEqual([]);
  });

  it("past the first ten are dashed", () => {
    expect(styleOfSlot(3, "light").dash).toEqual([]);
    expect(styleOfSlot(13, "light")).toEqual({ color: HUES.light[3], dash: [6, 3] });
  });
});
