//! The page of one run: head, charts of all its metrics, and everything else about it.

import { Alert, Center, Loader, Stack, Tabs, Text } from "@mantine/core";
import { useCallback, useMemo, useRef } from "react";
import type { RunDetail } from "../../api/types";
import { type BoardState, ChartBoard } from "../../charts/ChartBoard";
import { useLiveLines } from "../../charts/useLines";
import { metricsOfRun } from "./metrics";
import { Overview } from "./Overview";
import { useLiveRun, useRun, useRunSeries } from "./queries";
import { RunHeader } from "./RunHeader";
import { type RunPageState, type RunSearch, runStateFromSearch, searchFromRunState } from "./search";
import { isGone, UnknownRun } from "./UnknownRun";

interface RunPageProps {
  /** Id of the run. */
  readonly run: string;
  /** What the URL says. */
  readonly search: RunSearch;
  /** Writes the URL; `push` makes a step that the browser's back button undoes. */
  readonly onSearch: (search: RunSearch, push: boolean) => void;
  /** Address of the runs of an experiment. */
  readonly experimentHref: (experiment: string) => string;
  /** Address of a run's page. */
  readonly runHref: (run: string) => string;
}

/** The page. */
export function RunPage(props: RunPageProps) {
  const run = useRun(props.run);
  const id = run.data?.id ?? props.run;
  useLiveRun(id);
  if (run.data !== undefined && !isGone(run.error)) {
    return <KnownRun {...props} detail={run.data} />;
  }
  if (run.error !== null) {
    return (
      <UnknownRun
        run={props.run}
        id={run.data?.id}
        error={run.error}
        onRetry={() => void run.refetch()}
        runHref={props.runHref}
      />
    );
  }
  return (
    <Center h={240}>
      <Loader type="dots" color="gray" aria-label="loading" />
    </Center>
  );
}

function KnownRun(props: RunPageProps & { readonly detail: RunDetail }) {
  const { detail, search } = props;
  const state = useMemo(() => runStateFromSearch({ ...search }), [search]);
  const latest = useRef({ state, onSearch: props.onSearch });
  latest.current = { state, onSearch: props.onSearch };
  const change = useCallback((part: Partial<RunPageState>, push = false) => {
    const { state: now, onSearch } = latest.current;
    onSearch(searchFromRunState({ ...now, ...part }), push);
  }, []);
  const onBoard = useCallback(
    (part: Partial<BoardState>) =>
      change({ board: { ...latest.current.state.board, ...part } }, isStep(part, latest.current.state.board)),
    [change],
  );
  return (
    <Stack gap="sm" p="md">
      <RunHeader run={detail} experimentHref={props.experimentHref(detail.experiment)} />
      <Tabs
        value={state.tab}
        onChange={(tab) => change({ tab: tab === "overview" ? "overview" : "metrics" }, true)}
        keepMounted={false}
      >
        <Tabs.List mb="sm">
          <Tabs.Tab value="metrics">metrics</Tabs.Tab>
          <Tabs.Tab value="overview">
            overview
            {detail.warnings.length > 0
              ? ` (${detail.warnings.length} ${detail.warnings.length === 1 ? "warning" : "warnings"})`
              : ""}
          </Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="metrics">
          <Metrics run={detail} board={state.board} onBoard={onBoard} />
        </Tabs.Panel>
        <Tabs.Panel value="overview">
          <Overview run={detail} query={state.params} onQuery={(params) => change({ params })} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  );
}

/** Zooms and full screens are steps to go back from; sliders and search boxes are not. */
function isStep(part: Partial<BoardState>, before: BoardState): boolean {
  return "chart" in part || (part.settings !== undefined && part.settings.span !== before.settings.span);
}

function Metrics(props: {
  readonly run: RunDetail;
  readonly board: BoardState;
  readonly onBoard: (part: Partial<BoardState>) => void;
}) {
  const { run } = props;
  const runs = useMemo(() => [run.id], [run.id]);
  useLiveLines(runs);
  const series = useRunSeries(run.id);
  const named = useNames(
    series.data?.series.map((one) => `${one.name} ${one.value_type} ${JSON.stringify(one.context)}`),
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: summaries change with each point, charts only with the names
  const metrics = useMemo(() => metricsOfRun(run.id, series.data?.series ?? []), [run.id, named]);
  if (series.data === undefined) {
    return series.error === null ? (
      <Center h={240}>
        <Loader type="dots" color="gray" aria-label="loading" />
      </Center>
    ) : (
      <Alert color="red" title="the metrics could not be read">
        {series.error.message}
      </Alert>
    );
  }
  return (
    <>
      {series.data.truncated && (
        <Text size="sm" c="dimmed" mb="xs">
          the first {series.data.series.length} series of this run; there are more
        </Text>
      )}
      <ChartBoard
        metrics={metrics}
        state={props.board}
        onState={props.onBoard}
        empty={
          run.state === "running"
            ? "no metric was logged yet; the first one appears here by itself"
            : "no metric was logged"
        }
      />
    </>
  );
}

/** The same text as long as the names are the same. */
function useNames(names: readonly string[] | undefined): string {
  return names === undefined ? "" : names.join("\n");
}
