//! What a comparison reads: the runs that are meant, each with its params and series, kept up to date.

import { useQueries, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo } from "react";
import { feed } from "../../api/changes";
import { ApiError, requestJson } from "../../api/http";
import { readTable } from "../../api/runs";
import type { RunDetail, SeriesList } from "../../api/types";
import type { ComparedRun } from "./metrics";
import { RUNS_MAX } from "./search";

/** Series of a run that a comparison looks at. */
const SERIES_MAX = 2_000;
/** Rows of the table in one page. */
const TABLE_PAGE_MAX = 1_000;
/** Changed runs are read again so often while points arrive. */
const REST_MILLIS = 1_000;

/** A run with everything that is compared. */
export interface ComparedDetail extends ComparedRun {
  readonly run: RunDetail;
}

/** What a comparison shows. */
export interface Comparison {
  readonly compared: readonly ComparedDetail[];
  /** Ids without a run. */
  readonly missing: readonly string[];
  /** Runs that could not be read, with the reason. */
  readonly failed: readonly { readonly id: string; readonly reason: string }[];
  readonly loading: boolean;
}

/** Ids of the runs that are meant: those named, or those of an experiment or group. */
export function useMeantRuns(ids: readonly string[], experiment: string | undefined, group: string | undefined) {
  const byFilter = ids.length === 0 && (experiment !== undefined || group !== undefined);
  const list = useQuery({
    queryKey: ["compare", "runs", experiment, group],
    // The text of the table finds groups too, among other things: those that are meant are picked out below.
    queryFn: () =>
      readTable({
        ...(experiment === undefined ? {} : { experiment }),
        ...(group === undefined ? {} : { text: group }),
        limit: group === undefined ? RUNS_MAX : TABLE_PAGE_MAX,
      }),
    enabled: byFilter,
  });
  const client = useQueryClient();
  useEffect(() => {
    if (!byFilter) {
      return undefined;
    }
    const again = (): void => void client.invalidateQueries({ queryKey: ["compare", "runs"] });
    return feed.listen({
      onChange: (change) => {
        if (
          change.kinds.some(
            (kind) => kind === "created" || kind === "deleted" || kind === "undeleted" || kind === "properties",
          )
        ) {
          again();
        }
      },
      onReset: again,
    });
  }, [byFilter, client]);
  const found = list.data?.rows
    .filter(({ run }) => group === undefined || run.group === group)
    .slice(0, RUNS_MAX)
    .map(({ run }) => run.id);
  return {
    ids: byFilter ? (found ?? []) : ids,
    loading: byFilter && list.isPending,
    error: list.error ?? undefined,
  };
}

async function readRun(id: string): Promise<ComparedDetail> {
  const path = `runs/${encodeURIComponent(id)}`;
  const [run, list] = await Promise.all([
    requestJson<RunDetail>(path),
    requestJson<SeriesList>(`${path}/series?limit=${SERIES_MAX}`),
  ]);
  return { run, series: list.series };
}

/** The runs, in the order asked. */
export function useComparison(ids: readonly string[]): Comparison {
  const results = useQueries({
    queries: ids.map((id) => ({
      queryKey: ["compare", "run", id],
      queryFn: () => readRun(id),
      retry: (count: number, error: Error) => !(error instanceof ApiError && error.status < 500) && count < 2,
    })),
  });
  useLiveComparison(ids);
  const stamp = results.map((result) => `${result.dataUpdatedAt} ${result.errorUpdatedAt} ${result.status}`).join(",");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the stamp stands for the results
  return useMemo(() => {
    const gone = (error: Error | null): boolean =>
      error instanceof ApiError && (error.status === 404 || error.status === 410);
    return {
      compared: results.flatMap((result) => (result.data === undefined || gone(result.error) ? [] : [result.data])),
      missing: ids.filter((_, index) => gone(results[index]?.error ?? null)),
      failed: ids.flatMap((id, index) => {
        const result = results[index];
        return result?.error == null || gone(result.error) || result.data !== undefined
          ? []
          : [{ id, reason: result.error.message }];
      }),
      loading: results.some((result) => result.isPending),
    };
  }, [ids, stamp]);
}

/** Reads changed runs again, each at most once a second. */
function useLiveComparison(ids: readonly string[]): void {
  const client = useQueryClient();
  const key = ids.join("\n");
  useEffect(() => {
    const followed = new Set(key.split("\n"));
    const due = new Map<string, ReturnType<typeof setTimeout>>();
    const again = (run: string): void => {
      if (followed.has(run) && !due.has(run)) {
        due.set(
          run,
          setTimeout(() => {
            due.delete(run);
            void client.invalidateQueries({ queryKey: ["compare", "run", run] });
          }, REST_MILLIS),
        );
      }
    };
    const stop = feed.listen({
      onChange: (change) => again(change.run),
      onReset: () => void client.invalidateQueries({ queryKey: ["compare"] }),
    });
    return () => {
      stop();
      for (const timer of due.values()) {
        clearTimeout(timer);
      }
    };
  }, [client, key]);
}
