import { expect, it } from "vitest";
import { boardFromSearch, searchFromBoard } from "./boardSearch";

it("a board reads back from the URL as it was written", () => {
  const search = {
    q: "/loss|acc/",
    closed: "train,val",
    hide: '{"subset":"a"\\,"b":1}',
    pin: "train/loss",
    chart: "lr",
    s: "0.9",
  };
  expect(searchFromBoard(boardFromSearch(search))).toEqual(search);
  expect(boardFromSearch(search).hidden).toEqual(['{"subset":"a","b":1}']);
});

it("a board that was never touched leaves no trace in the URL", () => {
  expect(searchFromBoard(boardFromSearch({}))).toEqual({});
  expect(searchFromBoard(boardFromSearch({ q: {}, closed: [1], chart: undefined }))).toEqual({});
});
