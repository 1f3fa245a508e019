import { expect, test } from "vitest";
import { joinList, parseSearch, splitList, stringifySearch } from "./search";

/** A small generator with a seed, so that a failure can be run again. */
function randomTexts(seed: number, count: number): readonly string[] {
  const alphabet = ["a", ",", "\\", ":", ".", "é", " ", "&", "=", "%", "{", '"', "/"];
  let state = seed;
  const next = (limit: number) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return state % limit;
  };
  return Array.from({ length: count }, () =>
    Array.from({ length: next(8) }, () => alphabet[next(alphabet.length)] ?? "").join(""),
  );
}

test("lists and queries come back as they went, whatever stands in them", () => {
  for (let seed = 1; seed < 300; seed += 1) {
    const parts = randomTexts(seed, 1 + (seed % 4));
    if (parts.join("") !== "") {
      expect(splitList(joinList(parts)), `seed ${seed}`).toEqual(parts);
    }
    const search = Object.fromEntries(parts.filter((part) => part !== "").map((part, index) => [`k${index}`, part]));
    expect(parseSearch(stringifySearch(search)), `seed ${seed}`).toEqual(search);
  }
});

test("absent values leave no trace", () => {
  expect(stringifySearch({ a: undefined, b: "", c: "x,y:z" })).toBe("?c=x,y:z");
  expect(stringifySearch({})).toBe("");
});
