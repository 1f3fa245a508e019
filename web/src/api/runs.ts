//! Reading and changing runs.

import { jsonBody, requestJson } from "./http";
import type { ColumnsAnswer, EditAction, EditsAnswer, ExperimentList, TablePage, TableRequest } from "./types";

/** One page of the table of runs. */
export function readTable(body: TableRequest, signal?: AbortSignal): Promise<TablePage> {
  return requestJson("table", jsonBody("POST", body, signal));
}

/** What there is to choose columns and filters from. */
export function readColumns(experiment: string | undefined): Promise<ColumnsAnswer> {
  const query = experiment === undefined ? "" : `?experiment=${encodeURIComponent(experiment)}`;
  return requestJson(`columns${query}`);
}

/** The question for columns, under the name that all who ask it share. */
export function columnsQuery(experiment: string | undefined) {
  return { queryKey: ["columns", experiment ?? null], queryFn: () => readColumns(experiment), staleTime: 10_000 };
}

/** All experiments. */
export function readExperiments(): Promise<ExperimentList> {
  return requestJson("experiments");
}

/** Runs of one request, as the server takes them. */
const RUNS_MAX = 1_000;

/** Does something with runs; what could not be done stands in the results. */
export async function editRuns(runs: readonly string[], action: EditAction): Promise<EditsAnswer> {
  let change = 0;
  const results: EditsAnswer["results"] = [];
  for (let start = 0; start < runs.length; start += RUNS_MAX) {
    const body = { runs: runs.slice(start, start + RUNS_MAX), action };
    const answer = await requestJson<EditsAnswer>("edits", jsonBody("POST", body));
    change = answer.change;
    results.push(...answer.results);
  }
  return { change, results };
}
