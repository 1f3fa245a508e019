//! The controls above a board of charts: search, axis, logarithms, smoothing, size.

import { ActionIcon, Chip, Group, Popover, SegmentedControl, Select, Slider, Text, TextInput } from "@mantine/core";
import { IconSearch, IconX, IconZoomReset } from "@tabler/icons-react";
import { useRef } from "react";
import { xAxisFromText, xAxisToText } from "./axes";
import classes from "./board.module.css";
import type { NameSearch } from "./names";
import type { ChartSettings } from "./settings";
import { isSmoothed, MEAN_POINTS_MAX, type Smoothing, UNSMOOTHED, WEIGHT_MAX } from "./smoothing";

interface ChartToolbarProps {
  readonly settings: ChartSettings;
  readonly onSettings: (settings: ChartSettings) => void;
  readonly query: string;
  readonly onQuery: (query: string) => void;
  readonly search: NameSearch;
  /** How many of how many metrics are shown. */
  readonly found: number;
  readonly total: number;
  /** Metrics that can stand on x. */
  readonly metrics: readonly string[];
}

const AXES = [
  { value: "step", label: "step" },
  { value: "relative", label: "relative time" },
  { value: "time", label: "wall time" },
  { value: "epoch", label: "epoch" },
];

/** All of it in one row that wraps. */
export function ChartToolbar(props: ChartToolbarProps) {
  const { settings, onSettings } = props;
  const box = useRef<HTMLInputElement>(null);
  return (
    <div className={classes["toolbar"]} role="toolbar" aria-label="charts">
      <TextInput
        ref={box}
        size="xs"
        w={260}
        aria-label="search metrics"
        placeholder="search metrics, or /regex/"
        leftSection={<IconSearch size={14} />}
        rightSectionWidth={props.query === "" ? 62 : 84}
        rightSection={
          <Group gap={2} wrap="nowrap">
            <Text size="xs" c="dimmed" aria-live="polite">
              {props.found === props.total ? props.total : `${props.found}/${props.total}`}
            </Text>
            {props.query !== "" && (
              <ActionIcon
                size="xs"
                variant="subtle"
                color="gray"
                aria-label="clear the search"
                onClick={() => props.onQuery("")}
              >
                <IconX size={12} />
              </ActionIcon>
            )}
          </Group>
        }
        value={props.query}
        error={props.search.kind === "invalid" ? props.search.reason : undefined}
        onChange={(event) => props.onQuery(event.currentTarget.value)}
        data-search-metrics
      />
      <Select
        size="xs"
        w={150}
        aria-label="axis of x"
        searchable={props.metrics.length > 8}
        allowDeselect={false}
        data={[
          { group: "x", items: AXES },
          { group: "another metric", items: props.metrics.map((name) => ({ value: `metric:${name}`, label: name })) },
        ]}
        value={xAxisToText(settings.axis) ?? "step"}
        onChange={(value) => onSettings({ ...settings, axis: xAxisFromText(value ?? ""), span: undefined })}
        comboboxProps={{ width: 260, position: "bottom-start" }}
      />
      <Group gap={4} wrap="nowrap">
        <Chip
          size="xs"
          radius="sm"
          checked={settings.logX}
          onChange={(logX) => onSettings({ ...settings, logX, span: undefined })}
        >
          log x
        </Chip>
        <Chip size="xs" radius="sm" checked={settings.logY} onChange={(logY) => onSettings({ ...settings, logY })}>
          log y
        </Chip>
      </Group>
      <SmoothingControl
        smoothing={settings.smoothing}
        onSmoothing={(smoothing) => onSettings({ ...settings, smoothing })}
      />
      <SegmentedControl
        size="xs"
        aria-label="size of charts"
        data={[
          { value: "s", label: "S" },
          { value: "m", label: "M" },
          { value: "l", label: "L" },
        ]}
        value={settings.size}
        onChange={(size) => onSettings({ ...settings, size: size === "s" || size === "l" ? size : "m" })}
      />
      {settings.span !== undefined && (
        <Chip
          size="xs"
          radius="sm"
          checked
          icon={<IconZoomReset size={12} />}
          onChange={() => onSettings({ ...settings, span: undefined })}
        >
          zoomed: show all
        </Chip>
      )}
    </div>
  );
}

/** Half-lives of the slider: near 1 each step counts more. */
function weightFromSlider(place: number): number {
  return place <= 0 ? 0 : Math.min(1 - 10 ** (-place * 3), WEIGHT_MAX);
}

function sliderFromWeight(weight: number): number {
  return weight <= 0 ? 0 : Math.min(-Math.log10(1 - weight) / 3, 1);
}

function SmoothingControl(props: {
  readonly smoothing: Smoothing;
  readonly onSmoothing: (smoothing: Smoothing) => void;
}) {
  const { smoothing } = props;
  const weight = smoothing.kind === "exponential" ? smoothing.weight : 0;
  return (
    <Group gap={8} wrap="nowrap">
      <Popover position="bottom" withArrow shadow="md">
        <Popover.Target>
          <Text
            component="button"
            type="button"
            size="xs"
            style={{ background: "none", border: "none", cursor: "pointer", color: "inherit" }}
            title="kind of smoothing"
          >
            smoothing{smoothing.kind === "mean" ? ` (mean of ${smoothing.points})` : ""}
          </Text>
        </Popover.Target>
        <Popover.Dropdown>
          <SegmentedControl
            size="xs"
            data={[
              { value: "exponential", label: "exponential" },
              { value: "mean", label: "running mean" },
            ]}
            value={smoothing.kind === "mean" ? "mean" : "exponential"}
            onChange={(kind) => props.onSmoothing(kind === "mean" ? { kind: "mean", points: 25 } : UNSMOOTHED)}
          />
          <Text size="xs" c="dimmed" mt={6} maw={240}>
            Both work on the points as they are drawn. The line as logged stays behind.
          </Text>
        </Popover.Dropdown>
      </Popover>
      {smoothing.kind === "mean" ? (
        <TextInput
          size="xs"
          w={76}
          type="number"
          min={2}
          max={MEAN_POINTS_MAX}
          aria-label="points of the running mean"
          value={smoothing.points}
          onChange={(event) => {
            const points = Math.round(event.currentTarget.valueAsNumber);
            if (points > 1) {
              props.onSmoothing({ kind: "mean", points: Math.min(points, MEAN_POINTS_MAX) });
            }
          }}
        />
      ) : (
        <Slider
          w={110}
          size="sm"
          min={0}
          max={1}
          step={0.01}
          label={(place) => weightFromSlider(place).toFixed(3)}
          aria-label="smoothing"
          value={sliderFromWeight(weight)}
          onChange={(place) => props.onSmoothing({ kind: "exponential", weight: weightFromSlider(place) })}
        />
      )}
      <Text size="xs" c="dimmed" w={36} style={{ fontVariantNumeric: "tabular-nums" }}>
        {isSmoothed(smoothing) && smoothing.kind === "exponential"
          ? smoothing.weight.toFixed(weight > 0.99 ? 3 : 2)
          : ""}
      </Text>
    </Group>
  );
}
