//! Which params, metrics and properties stand in the table.

import { Button, Checkbox, Group, Popover, Select, Stack, Text, TextInput } from "@mantine/core";
import { useMemo, useState } from "react";
import type { Column, ColumnsAnswer, MetricColumn, MetricValue } from "../../api/types";
import { columnKey, columnTitle, contextText, METRIC_VALUES, PROPERTIES } from "./columns";
import styles from "./runs.module.css";

interface ColumnPickerProps {
  readonly known: ColumnsAnswer | undefined;
  readonly columns: readonly Column[];
  readonly onColumns: (columns: readonly Column[]) => void;
}

/** Columns of the server at most. */
const COLUMNS_MAX = 64;

/** A button with the choice below it. */
export function ColumnPicker({ known, columns, onColumns }: ColumnPickerProps) {
  const [text, setText] = useState("");
  const [value, setValue] = useState<MetricValue>("last");
  const chosen = useMemo(() => new Set(columns.map(columnKey)), [columns]);
  const words = text.toLowerCase().split(/\s+/);
  const fits = (title: string) => words.every((word) => title.toLowerCase().includes(word));
  const choose = (column: Column, add: boolean) => {
    const key = columnKey(column);
    onColumns(add ? [...columns, column] : columns.filter((other) => columnKey(other) !== key));
  };
  const box = (column: Column, label: string) => {
    const key = columnKey(column);
    const isChosen = chosen.has(key);
    return fits(label) ? (
      <Checkbox
        key={key}
        size="xs"
        label={label}
        checked={isChosen}
        disabled={!isChosen && columns.length >= COLUMNS_MAX}
        onChange={(event) => choose(column, event.currentTarget.checked)}
      />
    ) : undefined;
  };
  return (
    <Popover position="bottom-end" width={340} shadow="md" trapFocus returnFocus>
      <Popover.Target>
        <Button variant="default" size="xs">
          Columns
        </Button>
      </Popover.Target>
      <Popover.Dropdown>
        <Stack gap="xs">
          <TextInput
            size="xs"
            placeholder="search columns"
            aria-label="search columns"
            value={text}
            onChange={(event) => setText(event.currentTarget.value)}
          />
          <Stack gap={6} className={styles.columns ?? ""}>
            <Text size="xs" fw={600}>
              Params
            </Text>
            {known?.params.map((path) => {
              const column: Column = { kind: "param", path };
              return box(column, columnTitle(column));
            })}
            <Group justify="space-between" wrap="nowrap">
              <Text size="xs" fw={600}>
                Metrics
              </Text>
              <Select
                size="xs"
                w={110}
                aria-label="value of the metric"
                allowDeselect={false}
                comboboxProps={{ withinPortal: false }}
                data={METRIC_VALUES.map((one) => ({ value: one, label: one.replace("_", " ") }))}
                value={value}
                onChange={(picked) => setValue(METRIC_VALUES.find((one) => one === picked) ?? "last")}
              />
            </Group>
            {known?.metrics.map((metric) => box(metricColumn(metric, value), metricLabel(metric)))}
            <Text size="xs" fw={600}>
              Properties
            </Text>
            {PROPERTIES.map((property) => {
              const column: Column = { kind: "property", property };
              return box(column, columnTitle(column));
            })}
          </Stack>
          {known?.truncated === true ? (
            <Text size="xs" c="dimmed">
              of the newest {known.runs_examined} runs
            </Text>
          ) : undefined}
        </Stack>
      </Popover.Dropdown>
    </Popover>
  );
}

/** The column of a metric; an empty context is said too, so that the column means one series. */
export function metricColumn(metric: MetricColumn, value: MetricValue): Column {
  return { kind: "metric", name: metric.name, context: metric.context, value };
}

function metricLabel(metric: MetricColumn): string {
  const context = contextText(metric.context);
  return context === "" ? metric.name : `${metric.name} ${context}`;
}
