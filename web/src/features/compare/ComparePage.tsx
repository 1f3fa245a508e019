//! Several runs beside each other: their metrics overlaid, their params and values in tables.

import {
  ActionIcon,
  Alert,
  Center,
  Group,
  Loader,
  SegmentedControl,
  Stack,
  Tabs,
  Text,
  Title,
  UnstyledButton,
  useComputedColorScheme,
} from "@mantine/core";
import { IconArrowUpRight, IconX } from "@tabler/icons-react";
import { type ReactNode, useCallback, useMemo, useRef } from "react";
import type { RunItem } from "../../api/types";
import { type BoardState, ChartBoard } from "../../charts/ChartBoard";
import { Swatch } from "../../charts/ChartLegend";
import { ChartLinkProvider, useChartLink } from "../../charts/ChartLinkContext";
import { type Scheme, styleOfSlot } from "../../charts/palette";
import { useLiveLines } from "../../charts/useLines";
import classes from "./compare.module.css";
import { type Family, families, metricsOfRuns, runLabels } from "./metrics";
import { ParamsCompared } from "./ParamsCompared";
import { type ComparedDetail, type Comparison, useComparison, useMeantRuns } from "./queries";
import {
  type ColorBy,
  type ComparePageState,
  type CompareSearch,
  compareStateFromSearch,
  RUNS_MAX,
  searchFromCompareState,
} from "./search";
import { ValuesCompared } from "./ValuesCompared";

interface ComparePageProps {
  /** What the URL says. */
  readonly search: CompareSearch;
  /** Writes the URL; `push` makes a step that the browser's back button undoes. */
  readonly onSearch: (search: CompareSearch, push: boolean) => void;
  /** Address of a run's page. */
  readonly runHref: (run: string) => string;
}

/** The page. */
export function ComparePage(props: ComparePageProps) {
  const { search } = props;
  const state = useMemo(() => compareStateFromSearch({ ...search }), [search]);
  const meant = useMeantRuns(state.runs, state.experiment, state.group);
  const key = meant.ids.join("\n");
  const ids = useMemo(() => (key === "" ? [] : key.split("\n")), [key]);
  useLiveLines(ids);
  const comparison = useComparison(ids);
  const latest = useRef({ state, onSearch: props.onSearch });
  latest.current = { state, onSearch: props.onSearch };
  const change = useCallback((part: Partial<ComparePageState>, push = false) => {
    const { state: now, onSearch } = latest.current;
    onSearch(searchFromCompareState({ ...now, ...part }), push);
  }, []);
  if (meant.error !== undefined) {
    return (
      <Alert color="red" m="md" title="the runs could not be read">
        {meant.error.message}
      </Alert>
    );
  }
  if (meant.loading) {
    return <Waiting />;
  }
  if (ids.length === 0) {
    return (
      <Center h={320}>
        <Text c="dimmed" data-testid="compare-empty">
          no runs are chosen: choose some in the table of runs, then compare them
        </Text>
      </Center>
    );
  }
  return (
    <ChartLinkProvider>
      <Stack gap="sm" p="md">
        <Head state={state} comparison={comparison} ids={ids} change={change} runHref={props.runHref} />
        {comparison.compared.length > 0 ? (
          <Content state={state} comparison={comparison} change={change} />
        ) : (
          comparison.loading && <Waiting />
        )}
      </Stack>
    </ChartLinkProvider>
  );
}

function Waiting() {
  return (
    <Center h={240}>
      <Loader type="dots" color="gray" aria-label="loading" />
    </Center>
  );
}

type Change = (part: Partial<ComparePageState>, push?: boolean) => void;

function Head(props: {
  readonly state: ComparePageState;
  readonly comparison: Comparison;
  readonly ids: readonly string[];
  readonly change: Change;
  readonly runHref: (run: string) => string;
}) {
  const { state, comparison, ids, change } = props;
  const scheme: Scheme = useComputedColorScheme("light");
  const runs = useMemo(() => comparison.compared.map((one) => one.run), [comparison.compared]);
  const labels = useMemo(() => runLabels(runs), [runs]);
  const link = useChartLink();
  const hidden = new Set(state.board.hidden);
  const buttonsOf = (run: RunItem) => ({
    label: labels.get(run.id) ?? run.id,
    href: props.runHref(run.id),
    onLeaveOut: () => without(run.id),
  });
  const without = (id: string): void =>
    change({ runs: ids.filter((other) => other !== id), experiment: undefined, group: undefined }, true);
  return (
    <>
      <Group gap="md">
        <Title order={2} size="h3">
          {runs.length} {runs.length === 1 ? "run" : "runs"} compared
        </Title>
        {state.runs.length === 0 && (
          <Text size="sm" c="dimmed">
            {[
              state.experiment === undefined ? "" : `experiment ${state.experiment}`,
              state.group === undefined ? "" : `group ${state.group}`,
            ]
              .filter((word) => word !== "")
              .join(", ")}
            {ids.length >= RUNS_MAX ? `: the newest ${RUNS_MAX}` : ""}
          </Text>
        )}
        <Group gap={6} ml="auto">
          <Text size="xs" c="dimmed">
            colour by
          </Text>
          <SegmentedControl
            size="xs"
            aria-label="colour by"
            data={["run", "group", "seed"]}
            value={state.colorBy}
            onChange={(by) => change({ colorBy: colorByOf(by), board: { ...state.board, hidden: [] } }, true)}
          />
        </Group>
      </Group>
      <div className={classes["runs"]} onPointerLeave={() => link.highlight(undefined)}>
        {families(runs, state.colorBy).map((family) => (
          <FamilyChip
            key={family.key}
            family={family}
            scheme={scheme}
            hidden={hidden.has(family.key)}
            onToggle={() => change({ board: { ...state.board, hidden: toggled(state.board.hidden, family.key) } })}
            onHighlight={(on) => link.highlight(on && !hidden.has(family.key) ? family.key : undefined)}
          >
            {state.colorBy === "run" && family.runs.map((run) => <RunButtons key={run.id} {...buttonsOf(run)} />)}
          </FamilyChip>
        ))}
      </div>
      {state.colorBy !== "run" && (
        <div className={classes["runs"]}>
          {runs.map((run) => (
            <span key={run.id} className={classes["run"]} data-compared={run.id}>
              {labels.get(run.id)}
              <RunButtons {...buttonsOf(run)} />
            </span>
          ))}
        </div>
      )}
      {(comparison.missing.length > 0 || comparison.failed.length > 0) && (
        <Alert
          color="yellow"
          variant="light"
          py={8}
          data-testid="compare-missing"
          title={comparison.compared.length > 0 ? "some runs are not shown" : "none of these runs is there"}
        >
          {comparison.missing.map((id) => (
            <Text key={id} size="sm">
              <code>{id}</code>: there is no such run, or it was deleted
            </Text>
          ))}
          {comparison.failed.map(({ id, reason }) => (
            <Text key={id} size="sm">
              <code>{id}</code>: {reason}
            </Text>
          ))}
        </Alert>
      )}
    </>
  );
}

function toggled(words: readonly string[], word: string): readonly string[] {
  return words.includes(word) ? words.filter((other) => other !== word) : [...words, word];
}

/** An entry of the legend of the page: a click hides or shows its lines, hovering lights them up. */
function FamilyChip(props: {
  readonly family: Family;
  readonly scheme: Scheme;
  readonly hidden: boolean;
  readonly onToggle: () => void;
  readonly onHighlight: (on: boolean) => void;
  readonly children: ReactNode;
}) {
  const { family } = props;
  return (
    <span
      className={classes["run"]}
      data-compared={family.key}
      data-hidden={props.hidden ? "" : undefined}
      onPointerEnter={() => props.onHighlight(true)}
    >
      <UnstyledButton
        className={classes["toggle"]}
        aria-pressed={!props.hidden}
        title={`${family.label}\nclick: hide or show`}
        onClick={props.onToggle}
        onFocus={() => props.onHighlight(true)}
        onBlur={() => props.onHighlight(false)}
      >
        <Swatch style={styleOfSlot(family.slot, props.scheme)} />
        <span>
          {family.label}
          {family.runs.length > 1 ? ` (${family.runs.length})` : ""}
        </span>
      </UnstyledButton>
      {props.children}
    </span>
  );
}

function RunButtons(props: { readonly label: string; readonly href: string; readonly onLeaveOut: () => void }) {
  return (
    <Group gap={0} wrap="nowrap">
      <ActionIcon
        component="a"
        href={props.href}
        size="xs"
        variant="subtle"
        color="gray"
        aria-label={`open ${props.label}`}
        title="open this run"
      >
        <IconArrowUpRight size={12} />
      </ActionIcon>
      <ActionIcon
        size="xs"
        variant="subtle"
        color="gray"
        aria-label={`leave out ${props.label}`}
        title="leave out"
        onClick={props.onLeaveOut}
      >
        <IconX size={12} />
      </ActionIcon>
    </Group>
  );
}

function colorByOf(text: string): ColorBy {
  return text === "group" || text === "seed" ? text : "run";
}

function Content(props: {
  readonly state: ComparePageState;
  readonly comparison: Comparison;
  readonly change: Change;
}) {
  const { state, change } = props;
  const { compared } = props.comparison;
  const labels = useMemo(() => runLabels(compared.map((one) => one.run)), [compared]);
  const board = useRef(state.board);
  board.current = state.board;
  const onBoard = useCallback(
    (part: Partial<BoardState>) => {
      const push =
        "chart" in part || (part.settings !== undefined && part.settings.span !== board.current.settings.span);
      change({ board: { ...board.current, ...part } }, push);
    },
    [change],
  );
  return (
    <Tabs
      value={state.tab}
      onChange={(tab) => change({ tab: tab === "params" || tab === "values" ? tab : "metrics" }, true)}
      keepMounted={false}
    >
      <Tabs.List mb="sm">
        <Tabs.Tab value="metrics">metrics</Tabs.Tab>
        <Tabs.Tab value="params">params</Tabs.Tab>
        <Tabs.Tab value="values">values</Tabs.Tab>
      </Tabs.List>
      <Tabs.Panel value="metrics">
        <Charts compared={compared} colorBy={state.colorBy} board={state.board} onBoard={onBoard} />
      </Tabs.Panel>
      <Tabs.Panel value="params">
        <ParamsCompared
          compared={compared}
          labels={labels}
          query={state.params}
          onQuery={(params) => change({ params })}
          onlyDifferent={state.onlyDifferent}
          onOnlyDifferent={(onlyDifferent) => change({ onlyDifferent })}
          sort={state.sort}
          onSort={(sort) => change({ sort })}
        />
      </Tabs.Panel>
      <Tabs.Panel value="values">
        <ValuesCompared compared={compared} labels={labels} query={state.board.query} />
      </Tabs.Panel>
    </Tabs>
  );
}

function Charts(props: {
  readonly compared: readonly ComparedDetail[];
  readonly colorBy: ColorBy;
  readonly board: BoardState;
  readonly onBoard: (part: Partial<BoardState>) => void;
}) {
  const { compared, colorBy } = props;
  const shape = compared
    .map(({ run, series }) =>
      [
        run.id,
        run.name,
        run.group,
        run.seed,
        ...series.map((one) => `${one.name} ${one.value_type} ${JSON.stringify(one.context)}`),
      ].join(" "),
    )
    .join("\n");
  // biome-ignore lint/correctness/useExhaustiveDependencies: summaries change with each point, charts only with names
  const metrics = useMemo(() => metricsOfRuns(compared, colorBy), [shape, colorBy]);
  return (
    <ChartBoard
      metrics={metrics}
      state={props.board}
      onState={props.onBoard}
      legendOnPage
      empty="these runs have no metric"
    />
  );
}
