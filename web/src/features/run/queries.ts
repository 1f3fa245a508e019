//! What a run's page reads, kept up to date by the change feed, and what it changes.

import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { feed } from "../../api/changes";
import { jsonBody, request, requestJson } from "../../api/http";
import { readTable } from "../../api/runs";
import type { RunDetail, RunEdit, RunItem, SeriesItem, SeriesList } from "../../api/types";
import { meantRuns } from "./meant";

/** Series of a page of the API. */
const SERIES_PAGE = 2_000;
/** Series that the page shows at most. */
const SERIES_MAX = 10_000;
/** New metrics are looked for so often while points arrive. */
const SERIES_REST_MILLIS = 1_500;
/** A run without any metric yet is looked at sooner. */
const FIRST_SERIES_REST_MILLIS = 120;
const DETAIL_REST_MILLIS = 250;

/** Series of a run, and whether there are more. */
export interface RunSeries {
  readonly series: readonly SeriesItem[];
  readonly truncated: boolean;
}

/** The run; `run` is an id, the start of one or a name. */
export function useRun(run: string) {
  return useQuery({ queryKey: ["run", run], queryFn: () => requestJson<RunDetail>(`runs/${encodeURIComponent(run)}`) });
}

/** Runs that are read to find those that an address means. */
const MEANT_RUNS_MAX = 1_000;

/** The runs that an address means, of those that live or of the trash. */
export function useMeantRuns(address: string, where: "living" | "trash", enabled: boolean) {
  return useQuery({
    queryKey: ["run-meant", where, address],
    queryFn: async () => {
      const page = await readTable({
        text: address,
        archived: true,
        deleted: where === "trash",
        limit: MEANT_RUNS_MAX,
      });
      return meantRuns(
        page.rows.map((row) => row.run),
        address,
      );
    },
    enabled,
    // Kept no longer than it is shown: what is in the trash changes.
    gcTime: 0,
  });
}

/** Its series with their summaries. */
export function useRunSeries(run: string) {
  return useQuery({ queryKey: ["series", run], queryFn: () => readSeries(run) });
}

async function readSeries(run: string): Promise<RunSeries> {
  const series: SeriesItem[] = [];
  let cursor: string | null = null;
  do {
    const page: SeriesList = await requestJson<SeriesList>(
      `runs/${encodeURIComponent(run)}/series?limit=${SERIES_PAGE}${cursor === null ? "" : `&cursor=${encodeURIComponent(cursor)}`}`,
    );
    series.push(...page.series);
    cursor = page.next_cursor;
  } while (cursor !== null && series.length < SERIES_MAX);
  return { series, truncated: cursor !== null };
}

/** Calls `work` soon, and not again before it has rested. */
class Rested {
  readonly #work: () => void;
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(work: () => void) {
    this.#work = work;
  }

  soon(restMillis: number): void {
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#work();
    }, restMillis);
  }

  stop(): void {
    clearTimeout(this.#timer);
  }
}

/** Keeps the run and the list of its series up to date; `run` is its id. */
export function useLiveRun(run: string): void {
  const client = useQueryClient();
  useEffect(() => {
    const detail = new Rested(() => void client.invalidateQueries({ queryKey: ["run"] }));
    const series = new Rested(() => void client.invalidateQueries({ queryKey: ["series", run] }));
    const stop = feed.listen({
      onChange: (change) => {
        if (change.run !== run) {
          return;
        }
        detail.soon(change.kinds.includes("state") ? 0 : DETAIL_REST_MILLIS);
        if (change.kinds.includes("points")) {
          const known = client.getQueryData<RunSeries>(["series", run]);
          series.soon(known === undefined || known.series.length === 0 ? FIRST_SERIES_REST_MILLIS : SERIES_REST_MILLIS);
        }
      },
      onReset: () => {
        detail.soon(0);
        series.soon(0);
      },
    });
    return () => {
      stop();
      detail.stop();
      series.stop();
    };
  }, [client, run]);
}

/** Changes properties of the run; the page shows what the server answered. */
export function useRunEdit(run: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (edit: RunEdit) => requestJson<RunItem>(`runs/${encodeURIComponent(run)}`, jsonBody("PATCH", edit)),
    onSuccess: (item) => {
      client.setQueriesData<RunDetail>({ queryKey: ["run"] }, (before) =>
        before?.id === item.id ? { ...before, ...item } : before,
      );
    },
  });
}

/** Moves the run to the trash, or takes it back. */
export function useRunTrash(run: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (action: "delete" | "undelete") =>
      action === "delete"
        ? request(`runs/${encodeURIComponent(run)}`, { method: "DELETE" })
        : request(`runs/${encodeURIComponent(run)}/undelete`, { method: "POST" }),
    onSuccess: () => client.invalidateQueries({ queryKey: ["run"] }),
  });
}
