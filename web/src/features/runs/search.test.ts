import { expect, test } from "vitest";
import type { Column } from "../../api/types";
import { parseSearch, stringifySearch } from "../../base/search";
import { columnFromKey, columnKey, columnsFromText, columnsText } from "./columns";
import { requestOf, runsSearch, sortFromText, sortText } from "./search";

const COLUMNS: readonly Column[] = [
  { kind: "param", path: ["lr"] },
  { kind: "param", path: ["a.b", "c,d", "e\\f", "g:h"] },
  { kind: "metric", name: "loss", value: "best" },
  { kind: "metric", name: "train/loss, x:y", value: "last_step", context: { subset: "val,a:b", fold: 1 } },
  { kind: "property", property: "created" },
];

test("columns come back from their keys, whatever their names hold", () => {
  for (const column of COLUMNS) {
    expect(columnFromKey(columnKey(column))).toEqual(column);
    const sort = { column, descending: true };
    expect(sortFromText(sortText(sort))).toEqual(sort);
  }
  expect(columnsFromText(columnsText(COLUMNS))).toEqual(COLUMNS);
});

test("the state of the page comes back from its address", () => {
  const search = runsSearch({
    q: "a b & c=d",
    state: "running,failed",
    tag: "x,y",
    show: "archived",
    sort: "-metric:last:loss",
    columns: columnsText(COLUMNS),
  });
  expect(runsSearch(parseSearch(stringifySearch({ ...search })))).toEqual(search);
  expect(requestOf(search)).toEqual({
    text: "a b & c=d",
    states: ["running", "failed"],
    tags: ["x", "y"],
    archived: true,
    sort: { column: { kind: "metric", name: "loss", value: "last" }, descending: true },
  });
});

test("what is malformed or not known is as if it were not there", () => {
  expect(runsSearch({ state: "flying", show: "all", sort: "colour", other: "1", q: "" })).toEqual({});
  expect(columnsFromText("param:,metric:last,colour:red,property:shoe,metric:odd:x")).toEqual([]);
});
