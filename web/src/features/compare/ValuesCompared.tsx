//! Last, best, least and greatest values of all metrics, a column for each run.

import { SegmentedControl } from "@mantine/core";
import { useMemo } from "react";
import { matchesSearch, readSearch } from "../../charts/names";
import { formatStep, formatValue } from "../../charts/numbers";
import classes from "./compare.module.css";
import { bestRun, valueRows } from "./metrics";
import type { ComparedDetail } from "./queries";
import type { ValueKind } from "./search";

const KINDS: readonly { readonly value: ValueKind; readonly label: string }[] = [
  { value: "last", label: "last" },
  { value: "best", label: "best" },
  { value: "min", label: "min" },
  { value: "max", label: "max" },
];

interface ValuesComparedProps {
  readonly compared: readonly ComparedDetail[];
  readonly labels: ReadonlyMap<string, string>;
  readonly kind: ValueKind;
  readonly onKind: (kind: ValueKind) => void;
  /** Search of the metrics, as on the charts. */
  readonly query: string;
}

/** The table. */
export function ValuesCompared(props: ValuesComparedProps) {
  const { kind } = props;
  const search = useMemo(() => readSearch(props.query), [props.query]);
  const rows = useMemo(
    () => valueRows(props.compared, kind).filter((row) => matchesSearch(row.metric, search)),
    [props.compared, kind, search],
  );
  return (
    <>
      <SegmentedControl
        size="xs"
        mb="xs"
        aria-label="which value"
        data={[...KINDS]}
        value={kind}
        onChange={(value) => props.onKind(KINDS.find((one) => one.value === value)?.value ?? "last")}
      />
      <div className={classes["tableWrap"]}>
        <table className={classes["table"]} data-testid="values-compared">
          <thead>
            <tr>
              <th>metric</th>
              {props.compared.map(({ run }) => (
                <th key={run.id} className={classes["number"]} title={run.id}>
                  {props.labels.get(run.id)}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => {
              const best = bestRun(row);
              return (
                <tr key={row.key} data-metric={row.metric}>
                  <td
                    title={
                      row.goal === undefined
                        ? row.metric
                        : `${row.metric}: ${row.goal === "min" ? "small" : "great"} is good`
                    }
                  >
                    {row.metric} <span className={classes["absent"]}>{row.context}</span>
                  </td>
                  {props.compared.map(({ run }) => {
                    const point = row.values.get(run.id);
                    return point === undefined ? (
                      <td key={run.id} className={`${classes["number"]} ${classes["absent"]}`}>
                        –
                      </td>
                    ) : (
                      <td
                        key={run.id}
                        className={`${classes["number"]} ${best === run.id ? classes["best"] : ""}`}
                        title={`${String(point.value)} at step ${formatStep(point.step)}`}
                        data-run={run.id}
                        data-value={String(point.value)}
                      >
                        {formatValue(point.value)}
                      </td>
                    );
                  })}
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
    </>
  );
}
