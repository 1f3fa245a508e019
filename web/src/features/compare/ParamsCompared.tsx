//! Params of the compared runs side by side: a column for each run, a row for each param.

import { Checkbox, Group, Text, TextInput } from "@mantine/core";
import { IconArrowDown, IconArrowUp, IconSearch } from "@tabler/icons-react";
import { useMemo } from "react";
import classes from "./compare.module.css";
import { cellText, chosenParams, compareParams, runOrder } from "./paramsTable";
import type { ComparedDetail } from "./queries";

/** Rows that are drawn; a search finds the others. */
const ROWS_MAX = 1_000;

interface ParamsComparedProps {
  readonly compared: readonly ComparedDetail[];
  readonly labels: ReadonlyMap<string, string>;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly onlyDifferent: boolean;
  readonly onOnlyDifferent: (only: boolean) => void;
  /** Key of the param that orders the runs, `-` before it for falling order. */
  readonly sort: string | undefined;
  readonly onSort: (sort: string | undefined) => void;
}

/** The table. */
export function ParamsCompared(props: ParamsComparedProps) {
  const { compared, labels } = props;
  const rows = useMemo(() => compareParams(compared.map((one) => one.run.params)), [compared]);
  const chosen = useMemo(
    () => chosenParams(rows, props.query, props.onlyDifferent),
    [rows, props.query, props.onlyDifferent],
  );
  const descending = props.sort?.startsWith("-") === true;
  const sortedBy = descending ? props.sort?.slice(1) : props.sort;
  const order = useMemo(
    () =>
      runOrder(
        rows.find((row) => row.path.join(".") === sortedBy),
        compared.length,
        descending,
      ),
    [rows, compared.length, sortedBy, descending],
  );
  const sortBy = (path: string): void => props.onSort(sortedBy !== path ? path : descending ? undefined : `-${path}`);
  return (
    <>
      <Group gap="sm" mb="xs">
        <TextInput
          size="xs"
          w={260}
          aria-label="search params"
          placeholder="search names and values"
          leftSection={<IconSearch size={14} />}
          value={props.query}
          onChange={(event) => props.onQuery(event.currentTarget.value)}
        />
        <Checkbox
          size="xs"
          label="only different"
          checked={props.onlyDifferent}
          onChange={(event) => props.onOnlyDifferent(event.currentTarget.checked)}
        />
        <Text size="xs" c="dimmed">
          {chosen.length} of {rows.length} params
        </Text>
      </Group>
      {chosen.length === 0 ? (
        <Text c="dimmed" py="xl" ta="center">
          {rows.length === 0
            ? "these runs have no params"
            : props.onlyDifferent && props.query === ""
              ? "all params are equal"
              : "no param is left"}
        </Text>
      ) : (
        <div className={classes["tableWrap"]}>
          <table className={classes["table"]} data-testid="params-compared">
            <thead>
              <tr>
                <th>param</th>
                {order.map((index) => {
                  const run = compared[index]?.run;
                  return run === undefined ? null : (
                    <th key={run.id} title={run.id}>
                      {labels.get(run.id)}
                    </th>
                  );
                })}
              </tr>
            </thead>
            <tbody>
              {chosen.slice(0, ROWS_MAX).map((row) => {
                const path = row.path.join(".");
                const Arrow = descending ? IconArrowDown : IconArrowUp;
                return (
                  <tr key={row.key} data-param={path} data-differs={row.differs ? "" : undefined}>
                    <td title={path}>
                      <button
                        type="button"
                        className={classes["sorter"]}
                        title="order the runs by this param"
                        onClick={() => sortBy(path)}
                      >
                        {path} {sortedBy === path && <Arrow size={12} />}
                      </button>
                    </td>
                    {order.map((index) => {
                      const run = compared[index]?.run;
                      const cell = row.cells[index];
                      const marks = [
                        row.numeric ? classes["number"] : "",
                        row.differs ? classes["differs"] : "",
                        cell === undefined ? classes["absent"] : "",
                      ];
                      return (
                        <td
                          key={run?.id ?? index}
                          className={marks.join(" ")}
                          title={cellText(cell)}
                          data-run={run?.id}
                          data-value={cellText(cell)}
                        >
                          {cell === undefined ? "–" : cellText(cell)}
                        </td>
                      );
                    })}
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
      {chosen.length > ROWS_MAX && (
        <Text size="sm" c="dimmed" mt="xs">
          and {chosen.length - ROWS_MAX} more: search
        </Text>
      )}
    </>
  );
}
