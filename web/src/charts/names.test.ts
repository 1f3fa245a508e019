import { describe, expect, it } from "vitest";
import { compareNames, groupNames, matchesSearch, prefixOf, readSearch } from "./names";

function found(search: string, names: readonly string[]): readonly string[] {
  const read = readSearch(search);
  return names.filter((name) => matchesSearch(name, read));
}

const NAMES = ["train/loss", "val/loss", "val/Accuracy", "lr"];

describe("search", () => {
  it("finds all words, whatever the case", () => {
    expect(found("", NAMES)).toEqual(NAMES);
    expect(found("LOSS val", NAMES)).toEqual(["val/loss"]);
    expect(found("acc", NAMES)).toEqual(["val/Accuracy"]);
    expect(found(".", NAMES)).toEqual([]);
  });

  it("reads expressions between slashes, also while they are typed", () => {
    expect(found("/^train|lr$/", NAMES)).toEqual(["train/loss", "lr"]);
    expect(found("/loss$", NAMES)).toEqual(["train/loss", "val/loss"]);
    expect(found("/accuracy/", NAMES)).toEqual(["val/Accuracy"]);
    expect(found("/ACCURACY/", NAMES)).toEqual([]);
    expect(found("/val\\/", NAMES)).toEqual(["val/loss", "val/Accuracy"]);
    expect(found("/", NAMES)).toEqual(NAMES);
  });

  it("says why an expression cannot be read", () => {
    const read = readSearch("/loss(/");
    expect(read.kind).toBe("invalid");
    expect(matchesSearch("loss(", read)).toBe(true);
    expect(readSearch(`/${"a".repeat(1_000)}/`).kind).toBe("invalid");
  });
});

describe("groups", () => {
  it("have names without a prefix first, in the order of people", () => {
    expect(groupNames(["val/loss", "lr", "layer/w10", "layer/w2", "val/acc", "lr"])).toEqual([
      { prefix: "", names: ["lr"] },
      { prefix: "layer", names: ["layer/w2", "layer/w10"] },
      { prefix: "val", names: ["val/acc", "val/loss"] },
    ]);
  });

  it("go by the first slash that has something at both sides", () => {
    expect(["a/b/c", "/a", "a/", "a"].map(prefixOf)).toEqual(["a", "", "", ""]);
  });

  it("order different names differently", () => {
    expect(compareNames("a", "A")).not.toBe(0);
    expect(compareNames("a", "a")).toBe(0);
  });
});
