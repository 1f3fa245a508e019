import { expect, it } from "vitest";
import { describeDrawn } from "./attributes";
import { bandOf } from "./bands";
import type { Line } from "./lines";

const SPAN = { from: 0, to: 9 };
const SHOWN = { span: SPAN, range: { min: 0, max: 1 }, drawn: { min: 1, max: 3 } };

function lineOf(key: string, steps?: Float64Array): Line {
  const x = Float64Array.from([0, 1, 2]);
  return { key, label: key, x, y: Float64Array.from([1, 2, 3]), steps: steps ?? x };
}

it("the mean of a group says its last step where x is the step, and none elsewhere", () => {
  const root = { dataset: {} as DOMStringMap };
  describeDrawn(root, [bandOf("g", "g", [lineOf("a"), lineOf("b")]).mean], SHOWN, false);
  expect(root.dataset).toMatchObject({ lastValue: "3", lastStep: "2" });
  const steps = Float64Array.from([10, 20, 30]);
  describeDrawn(root, [bandOf("g", "g", [lineOf("a", steps)]).mean], SHOWN, false);
  expect(root.dataset).toMatchObject({ lastValue: "3" });
  expect(root.dataset).not.toHaveProperty("lastStep");
});
