//! All runs: filtered, sorted, live; many of them compared, tagged, moved, deleted at once.

import { Button, Text } from "@mantine/core";
import { useQuery } from "@tanstack/react-query";
import { useCallback, useEffect, useMemo, useRef, useState, useSyncExternalStore } from "react";
import { feed } from "../../api/changes";
import { columnsQuery, editRuns, readTable } from "../../api/runs";
import type { Column, ColumnsAnswer, EditAction, TableRequest } from "../../api/types";
import { joinList, splitList } from "../../base/search";
import { countText } from "../../base/text";
import { EmptyPanel, ErrorPanel, FirstRun, LoadingPanel } from "../../widgets/Panels";
import { useToast } from "../../widgets/Toasts";
import { ColumnPicker, metricColumn } from "./ColumnPicker";
import { columnKey, columnsText } from "./columns";
import { AfterRows, ExperimentField, SearchField, ShownField, StatesField, TagsField } from "./Filters";
import { RunsGrid } from "./RunsGrid";
import styles from "./runs.module.css";
import { SelectionBar } from "./SelectionBar";
import { chosenColumns, type RunsSearch, requestOf, sortFromText, sortText, without, withTag } from "./search";
import { NOTHING, type Selection } from "./selection";
import { RunTable } from "./table";

/** Columns that are shown when nobody chose. */
const DEFAULT_PARAMS = 3;
const DEFAULT_METRICS = 4;
/** Selected runs that the address holds. */
const SELECTED_IN_ADDRESS_MAX = 50;
const NO_TAGS: readonly string[] = [];

interface RunsPageProps {
  readonly search: RunsSearch;
  /** Takes the new state of the address; `replace` leaves no step behind. */
  readonly onSearch: (search: RunsSearch, replace: boolean) => void;
  /** The address of a run's page; stable. */
  readonly hrefOf: (run: string) => string;
  readonly onOpen: (run: string) => void;
  readonly onCompare: (runs: readonly string[]) => void;
}

/** The page at `app/runs`. */
export function RunsPage({ search, onSearch, hrefOf, onOpen, onCompare }: RunsPageProps) {
  const known = useQuery({ ...columnsQuery(search.experiment), refetchInterval: 15_000 });
  const chosen = useMemo(() => chosenColumns(search), [search]);
  const columns = useStable(chosen ?? defaultColumns(known.data));
  const sort = useMemo(() => sortFromText(search.sort), [search.sort]);
  const { table, state } = useRunTable(search, columns, chosen !== undefined || !known.isPending);
  const [selection, setSelection] = useSelection(search, onSearch);
  const toast = useToast();

  const act = async (runs: readonly string[], action: EditAction, done: string, back?: EditAction) => {
    try {
      const answer = await editRuns(runs, action);
      const failed = answer.results.filter((result) => result.error !== undefined);
      const changed = answer.results
        .filter((result) => result.error === undefined && !result.unchanged)
        .map((result) => result.run);
      if (failed.length > 0) {
        toast({
          kind: "error",
          text: `${countText(failed.length, "run")} left as they are: ${failed[0]?.error?.detail ?? ""}`,
        });
      }
      if (changed.length > 0) {
        const text = `${done} ${countText(changed.length, "run")}`;
        toast(back === undefined ? { text } : { text, undo: () => void act(changed, back, "took back") });
      }
      table.reread();
    } catch (error) {
      toast({ kind: "error", text: error instanceof Error ? error.message : String(error) });
    }
  };
  const selected = [...selection.runs];
  const edit = (change: Extract<EditAction, { kind: "edit" }>["edit"]): EditAction => ({ kind: "edit", edit: change });
  const clear = () => setSelection(NOTHING);
  const isTrash = search.show === "trash";
  const isFiltered = Object.keys(requestOf({ ...search, sort: "" })).length > 0;
  const onTag = useCallback((tag: string) => onSearch(withTag(search, tag), false), [search, onSearch]);
  const onSort = (column: Column) => {
    const isSame = sort !== undefined && columnKey(sort.column) === columnKey(column);
    // Up, down, and back to the newest first.
    const next = !isSame
      ? sortText({ column, descending: false })
      : sort.descending === true
        ? undefined
        : sortText({ column, descending: true });
    onSearch(
      without({ ...search, ...(next === undefined ? {} : { sort: next }) }, next === undefined ? ["sort"] : []),
      false,
    );
  };
  const onMore = useCallback(() => table.more(), [table]);

  return (
    <div className={styles.page}>
      <div className={styles.bar}>
        <SearchField
          value={search.q ?? ""}
          onValue={(q) => onSearch(without({ ...search, q }, q === "" ? ["q"] : []), true)}
        />
        <AfterRows ready={!state.loading || state.error !== undefined}>
          <ExperimentField search={search} onSearch={onSearch} />
          <StatesField search={search} onSearch={onSearch} />
          <TagsField search={search} onSearch={onSearch} tags={known.data?.tags ?? NO_TAGS} />
          <ShownField search={search} onSearch={onSearch} onShow={clear} />
          <Text size="xs" c="dimmed" data-testid="matching" data-value={state.read ? state.matching : undefined}>
            {state.read ? countText(state.matching, "run") : ""}
          </Text>
          <span style={{ flex: 1 }} />
          <ColumnPicker
            known={known.data}
            columns={columns}
            onColumns={(next) => onSearch({ ...search, columns: next.length === 0 ? "none" : columnsText(next) }, true)}
          />
        </AfterRows>
      </div>
      {selected.length === 0 ? undefined : (
        <SelectionBar
          count={selected.length}
          trash={isTrash}
          name={state.rows.find((row) => row.run.id === selected[0])?.run.name ?? undefined}
          onCompare={() => onCompare(selected)}
          onArchive={(archived) => {
            void act(
              selected,
              edit({ archived }),
              archived ? "archived" : "took from the archive",
              edit({ archived: !archived }),
            );
            clear();
          }}
          onTag={(tag, add) =>
            void act(
              selected,
              edit(add ? { add_tags: [tag] } : { remove_tags: [tag] }),
              add ? `tagged ${tag}:` : `took ${tag} from`,
              edit(add ? { remove_tags: [tag] } : { add_tags: [tag] }),
            )
          }
          onMove={(experiment) => void act(selected, edit({ experiment }), `moved to ${experiment}:`)}
          onRename={(name) => void act(selected, edit({ name }), "renamed")}
          onDelete={() => {
            void act(selected, { kind: "delete" }, "deleted", { kind: "undelete" });
            clear();
          }}
          onUndelete={() => {
            void act(selected, { kind: "undelete" }, "restored", { kind: "delete" });
            clear();
          }}
          onClear={clear}
        />
      )}
      {state.error !== undefined && state.rows.length > 0 ? (
        <div className={styles.note} role="alert">
          {state.error.message}; what is shown may be old
        </div>
      ) : undefined}
      <Body
        loading={state.loading}
        error={state.error}
        count={state.rows.length}
        filtered={isFiltered}
        trash={isTrash}
        onRetry={() => table.reread()}
        onReset={() => onSearch({}, false)}
      >
        <RunsGrid
          rows={state.rows}
          matching={state.matching}
          complete={state.complete}
          columns={columns}
          sort={sort}
          onSort={onSort}
          selection={selection}
          onSelection={setSelection}
          hrefOf={hrefOf}
          onOpen={onOpen}
          onTag={onTag}
          onMore={onMore}
        />
      </Body>
    </div>
  );
}

interface BodyProps {
  readonly loading: boolean;
  readonly error: Error | undefined;
  readonly count: number;
  readonly filtered: boolean;
  readonly trash: boolean;
  readonly onRetry: () => void;
  readonly onReset: () => void;
  readonly children: React.ReactNode;
}

/** The rows, or what stands there without any. */
function Body({ loading, error, count, filtered, trash, onRetry, onReset, children }: BodyProps) {
  if (count > 0) {
    return children;
  }
  if (error !== undefined) {
    return <ErrorPanel error={error} onRetry={onRetry} />;
  }
  if (loading) {
    return <LoadingPanel what="runs" />;
  }
  if (trash) {
    return <EmptyPanel title="No runs in the trash">Deleted runs stand here and can be restored.</EmptyPanel>;
  }
  if (filtered) {
    return (
      <EmptyPanel title="No runs match">
        <Button size="xs" variant="light" onClick={onReset}>
          Show all runs
        </Button>
      </EmptyPanel>
    );
  }
  return (
    <EmptyPanel title="No runs yet">
      <p>The first one appears here as soon as a script logs to this server:</p>
      <FirstRun />
    </EmptyPanel>
  );
}

/** The first params and metrics there are. */
function defaultColumns(known: ColumnsAnswer | undefined): readonly Column[] {
  return [
    ...(known?.metrics.slice(0, DEFAULT_METRICS) ?? []).map((metric) => metricColumn(metric, "last")),
    ...(known?.params.slice(0, DEFAULT_PARAMS) ?? []).map((path): Column => ({ kind: "param", path })),
  ];
}

/** The same array as long as its columns are the same. */
function useStable(columns: readonly Column[]): readonly Column[] {
  const kept = useRef(columns);
  if (columnsText(kept.current) !== columnsText(columns)) {
    kept.current = columns;
  }
  return kept.current;
}

/** The rows of a search, live. */
function useRunTable(search: RunsSearch, columns: readonly Column[], ready: boolean) {
  const key = JSON.stringify({ ...requestOf(search), columns });
  const table = useMemo(() => {
    const request: TableRequest = JSON.parse(key);
    return new RunTable((page) => readTable(page), request);
  }, [key]);
  useEffect(() => {
    if (!ready) {
      return undefined;
    }
    table.start();
    const stop = feed.listen({ onChange: (change) => table.hear(change), onReset: () => table.reread() });
    return () => {
      stop();
      table.stop();
    };
  }, [table, ready]);
  const state = useSyncExternalStore(table.subscribe, table.state);
  // While another search is read, the rows of the former one stay, so that nothing flickers.
  const former = useRef(state);
  if (!state.loading) {
    former.current = state;
  }
  return {
    table,
    state: state.loading ? { ...former.current, error: state.error, loading: former.current.rows.length === 0 } : state,
  };
}

/** The selection, which the address holds while it is small. */
function useSelection(search: RunsSearch, onSearch: RunsPageProps["onSearch"]) {
  const [selection, setSelection] = useState<Selection>(() => ({
    runs: new Set(splitList(search.selected ?? "")),
    anchor: undefined,
  }));
  const latest = useRef({ search, onSearch });
  latest.current = { search, onSearch };
  const select = useCallback((next: Selection) => {
    setSelection(next);
    const { search: now, onSearch: tell } = latest.current;
    const held = next.runs.size > 0 && next.runs.size <= SELECTED_IN_ADDRESS_MAX;
    if (held || now.selected !== undefined) {
      tell(held ? { ...now, selected: joinList([...next.runs]) } : without(now, ["selected"]), true);
    }
  }, []);
  return [selection, select] as const;
}
