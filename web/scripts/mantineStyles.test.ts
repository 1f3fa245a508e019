import { expect, test } from "vitest";
import { complaints } from "./mantineStyles";

const ORDER = ["default-css-variables", "baseline", "global", "Input", "Button"];
const BASE = ["default-css-variables", "baseline", "global"];
const button = "/x/node_modules/@mantine/core/esm/components/Button/Button.module.mjs";
const input = "/x/node_modules/@mantine/core/esm/components/Input/Input.module.mjs";

test("styles of a component that is bundled must be named, and no others, in order", () => {
  expect(complaints([...BASE, "Input", "Button"], [button, input], ORDER).found).toEqual([]);
  expect(complaints([...BASE, "Input"], [button, input], ORDER).found).toEqual(["styles of Button are not named"]);
  expect(complaints([...BASE, "Input", "Button"], [input], ORDER).found).toEqual([
    "styles of Button are named and not needed",
  ]);
  expect(complaints([...BASE, "Button", "Input"], [button, input], ORDER).found).toEqual([
    "styles are not in Mantine's order",
  ]);
});
