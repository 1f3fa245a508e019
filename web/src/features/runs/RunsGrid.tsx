//! The rows of the table: only those in view are in the document, however many there are.

import { useVirtualizer } from "@tanstack/react-virtual";
import {
  type KeyboardEvent,
  type MouseEvent,
  memo,
  type RefObject,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "react";
import type { Column, JsonValue, RunProperty, Sort, TableRow } from "../../api/types";
import { agoText, durationText, groupedText, numberText, timeText } from "../../base/text";
import { StateBadge } from "../../widgets/StateBadge";
import { Tags } from "../../widgets/Tags";
import { useNow } from "../../widgets/useNow";
import { columnKey, columnTitle, propertyValue } from "./columns";
import styles from "./runs.module.css";
import { extended, movedRows, type Selection, toggled } from "./selection";

const ROW_PIXELS = 34;
const OVERSCAN_ROWS = 6;
/** Rows from the end at which the next page is asked for. */
const AHEAD_ROWS = 60;

interface FixedColumn {
  readonly key: string;
  readonly title: string;
  readonly width: number;
  readonly property: RunProperty | undefined;
}

const FIXED: readonly FixedColumn[] = [
  { key: "name", title: "Name", width: 210, property: "name" },
  { key: "state", title: "State", width: 220, property: "state" },
  { key: "experiment", title: "Experiment", width: 130, property: "experiment" },
  { key: "tags", title: "Tags", width: 150, property: undefined },
];
/** Tags of a row; the others are counted. */
const TAGS_MAX = 3;
const CHECK_PIXELS = 36;
const COLUMN_PIXELS = 124;

interface RunsGridProps {
  readonly rows: readonly TableRow[];
  readonly matching: number;
  readonly complete: boolean;
  readonly columns: readonly Column[];
  readonly sort: Sort | undefined;
  readonly onSort: (column: Column) => void;
  readonly selection: Selection;
  readonly onSelection: (selection: Selection) => void;
  /** The address of a run's page; stable. */
  readonly hrefOf: (run: string) => string;
  readonly onOpen: (run: string) => void;
  readonly onTag: (tag: string) => void;
  readonly onMore: () => void;
}

/** The table, as a grid that the keyboard walks. */
export function RunsGrid(props: RunsGridProps) {
  const { rows, columns, selection, onSelection, onOpen, onMore, complete } = props;
  const scroller = useRef<HTMLDivElement>(null);
  // Held as a run, not as a place: new runs above must not change which one Enter opens.
  const [activeRun, setActiveRun] = useState<string | undefined>();
  const order = useMemo(() => rows.map((row) => row.run.id), [rows]);
  const virtualizer = useVirtualizer({
    count: rows.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW_PIXELS,
    overscan: OVERSCAN_ROWS,
    getItemKey: (index) => order[index] ?? index,
    useFlushSync: false,
  });
  useKeptView(scroller, order);
  const places = useMemo(() => new Map(order.map((run, index) => [run, index])), [order]);
  const active = activeRun === undefined ? -1 : (places.get(activeRun) ?? -1);
  const items = virtualizer.getVirtualItems();
  const lastShown = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (!complete && lastShown > rows.length - AHEAD_ROWS) {
      onMore();
    }
  }, [complete, lastShown, rows.length, onMore]);

  const template = `${CHECK_PIXELS}px ${FIXED.map((column) => `${column.width}px`).join(" ")}${
    columns.length === 0 ? "" : ` repeat(${columns.length}, ${COLUMN_PIXELS}px)`
  }`;
  const width = CHECK_PIXELS + FIXED.reduce((sum, column) => sum + column.width, 0) + columns.length * COLUMN_PIXELS;

  const latest = useRef({ selection, order, onSelection });
  latest.current = { selection, order, onSelection };
  const pick = useCallback((run: string, range: boolean) => {
    const { selection: now, order: shown, onSelection: tell } = latest.current;
    tell(range ? extended(now, run, shown) : toggled(now, run));
  }, []);

  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    if (
      event.target instanceof HTMLElement &&
      event.target.closest("input, button, a") !== null &&
      event.key !== "Escape"
    ) {
      return;
    }
    const page = Math.max(1, Math.floor((scroller.current?.clientHeight ?? 0) / ROW_PIXELS) - 2);
    const steps: Readonly<Record<string, number>> = {
      ArrowDown: 1,
      j: 1,
      ArrowUp: -1,
      k: -1,
      PageDown: page,
      PageUp: -page,
      Home: -rows.length,
      End: rows.length,
    };
    const step = steps[event.key];
    const run = order[active];
    if (step !== undefined) {
      const next = Math.max(0, Math.min(rows.length - 1, active + step));
      setActiveRun(order[next]);
      virtualizer.scrollToIndex(next);
      const target = order[next];
      if (event.shiftKey && target !== undefined) {
        pick(target, true);
      }
    } else if (run !== undefined && (event.key === " " || event.key === "x")) {
      pick(run, event.shiftKey);
    } else if (run !== undefined && event.key === "Enter") {
      onOpen(run);
    } else {
      return;
    }
    event.preventDefault();
  };

  const chosenCount = order.filter((run) => selection.runs.has(run)).length;
  const columnKeys = useMemo(() => columns.map(columnKey), [columns]);
  return (
    <div
      ref={scroller}
      className={styles.scroller}
      role="grid"
      aria-label="runs"
      aria-rowcount={props.matching + 1}
      aria-multiselectable="true"
      aria-activedescendant={order[active] === undefined ? undefined : `row-${order[active]}`}
      tabIndex={0}
      onKeyDown={onKeyDown}
    >
      <div className={styles.header} role="row" aria-rowindex={1} style={{ gridTemplateColumns: template, width }}>
        <span className={styles.cell} role="columnheader">
          <input
            type="checkbox"
            aria-label="select all loaded runs"
            checked={rows.length > 0 && chosenCount === rows.length}
            ref={(box) => {
              if (box !== null) {
                box.indeterminate = chosenCount > 0 && chosenCount < rows.length;
              }
            }}
            onChange={(event) =>
              onSelection({ runs: new Set(event.currentTarget.checked ? order : []), anchor: undefined })
            }
          />
        </span>
        {FIXED.map((column) => (
          <HeaderCell
            key={column.key}
            title={column.title}
            column={column.property === undefined ? undefined : { kind: "property", property: column.property }}
            sort={props.sort}
            onSort={props.onSort}
          />
        ))}
        {columns.map((column, index) => (
          <HeaderCell
            key={columnKeys[index]}
            title={columnTitle(column)}
            column={column}
            sort={props.sort}
            onSort={props.onSort}
            end
          />
        ))}
      </div>
      <div className={styles.body} style={{ height: virtualizer.getTotalSize(), width }}>
        {items.map((item) => {
          const row = rows[item.index];
          return row === undefined ? undefined : (
            <RunRow
              key={item.key}
              row={row}
              top={item.start}
              index={item.index}
              template={template}
              columns={columns}
              columnKeys={columnKeys}
              selected={selection.runs.has(row.run.id)}
              active={item.index === active}
              hrefOf={props.hrefOf}
              onOpen={onOpen}
              onPick={pick}
              onTag={props.onTag}
            />
          );
        })}
      </div>
    </div>
  );
}

/**
 * Keeps the rows in view where they are when runs come or go above them; at the top the newest are
 * what one wants to see.
 */
function useKeptView(scroller: RefObject<HTMLDivElement | null>, order: readonly string[]) {
  const former = useRef(order);
  useLayoutEffect(() => {
    const before = former.current;
    former.current = order;
    const place = scroller.current;
    if (place !== null && before !== order && place.scrollTop >= ROW_PIXELS) {
      const rows = movedRows(before, order, Math.floor(place.scrollTop / ROW_PIXELS));
      if (rows !== 0) {
        place.scrollTop += rows * ROW_PIXELS;
      }
    }
  }, [scroller, order]);
}

interface HeaderCellProps {
  readonly title: string;
  readonly column: Column | undefined;
  readonly sort: Sort | undefined;
  readonly onSort: (column: Column) => void;
  readonly end?: boolean;
}

function HeaderCell({ title, column, sort, onSort, end }: HeaderCellProps) {
  const isSorted = column !== undefined && sort !== undefined && columnKey(sort.column) === columnKey(column);
  const direction = sort?.descending === true ? "descending" : "ascending";
  return (
    <span
      className={styles.cell}
      data-end={end === true ? "true" : undefined}
      role="columnheader"
      aria-sort={isSorted ? direction : "none"}
      title={title}
    >
      {column === undefined ? (
        <span className={styles.title}>{title}</span>
      ) : (
        <button type="button" className={styles.title} onClick={() => onSort(column)}>
          {title}
          {isSorted ? <span aria-hidden="true">{sort.descending === true ? " ↓" : " ↑"}</span> : undefined}
        </button>
      )}
    </span>
  );
}

interface RunRowProps {
  readonly row: TableRow;
  readonly top: number;
  readonly index: number;
  readonly template: string;
  readonly columns: readonly Column[];
  readonly columnKeys: readonly string[];
  readonly selected: boolean;
  readonly active: boolean;
  readonly hrefOf: (run: string) => string;
  readonly onOpen: (run: string) => void;
  readonly onPick: (run: string, range: boolean) => void;
  readonly onTag: (tag: string) => void;
}

const RunRow = memo(function RunRow(props: RunRowProps) {
  const { row, columns, columnKeys, onPick } = props;
  const { run } = row;
  const onName = (event: MouseEvent) => {
    // With a key held it selects, as the rest of the row does, and else it opens here.
    if (event.button === 0 && !event.shiftKey && !event.ctrlKey && !event.metaKey && !event.altKey) {
      event.preventDefault();
      props.onOpen(run.id);
    }
  };
  const onClick = (event: MouseEvent) => {
    if (event.shiftKey || event.ctrlKey || event.metaKey) {
      event.preventDefault();
      onPick(run.id, event.shiftKey);
    }
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the grid has the keys, a click with shift or ctrl is a short way
    <div
      className={styles.row}
      role="row"
      id={`row-${run.id}`}
      aria-rowindex={props.index + 2}
      aria-selected={props.selected}
      data-run={run.id}
      data-active={props.active ? "true" : undefined}
      tabIndex={-1}
      style={{ gridTemplateColumns: props.template, transform: `translateY(${props.top}px)` }}
      onClick={onClick}
    >
      <span className={styles.cell} role="gridcell">
        <input
          type="checkbox"
          tabIndex={-1}
          aria-label={`select ${run.name ?? run.id}`}
          checked={props.selected}
          onChange={() => undefined}
          onClick={(event) => {
            event.stopPropagation();
            onPick(run.id, event.shiftKey);
          }}
        />
      </span>
      <span className={styles.cell} role="gridcell" data-column="name">
        {run.deleted_at_micros === null ? (
          <a href={props.hrefOf(run.id)} className={styles.name} title={run.name ?? run.id} onClick={onName}>
            {run.name ?? run.id}
          </a>
        ) : (
          <span className={styles.name}>{run.name ?? run.id}</span>
        )}
        {run.archived ? <span className={styles.archived}>archived</span> : undefined}
      </span>
      <span className={styles.cell} role="gridcell" data-column="state" data-value={run.state}>
        <StateBadge run={run} />
      </span>
      <span
        className={styles.cell}
        role="gridcell"
        data-column="experiment"
        data-value={run.experiment}
        title={run.experiment}
      >
        <span className={styles.clip}>{run.experiment}</span>
      </span>
      <span className={styles.cell} role="gridcell" data-column="tags" title={run.tags.join(", ")}>
        <Tags tags={run.tags} onPick={props.onTag} max={TAGS_MAX} />
      </span>
      {columns.map((column, index) => (
        <ValueCell
          key={columnKeys[index]}
          columnKey={columnKeys[index] ?? ""}
          column={column}
          row={row}
          value={row.cells[index] ?? null}
        />
      ))}
    </div>
  );
});

interface ValueCellProps {
  readonly column: Column;
  readonly columnKey: string;
  readonly row: TableRow;
  readonly value: JsonValue;
}

function ValueCell({ column, columnKey: key, row, value }: ValueCellProps) {
  if (column.kind === "property") {
    return <PropertyCell property={column.property} columnKey={key} row={row} />;
  }
  const exact = value === null ? "" : typeof value === "string" ? value : JSON.stringify(value);
  const text = typeof value === "number" ? numberText(value) : exact;
  return (
    <span
      className={styles.cell}
      role="gridcell"
      data-end={typeof value === "string" ? undefined : "true"}
      data-column={key}
      data-value={exact}
      title={exact}
    >
      <span className={styles.clip}>{text === "" ? "–" : text}</span>
    </span>
  );
}

function PropertyCell({
  property,
  columnKey: key,
  row,
}: {
  readonly property: RunProperty;
  readonly columnKey: string;
  readonly row: TableRow;
}) {
  const now = useNow();
  const value = propertyValue(row, property, now * 1_000);
  const isTime =
    property === "created" || property === "started" || property === "ended" || property === "last_received";
  let text = value === null ? "–" : String(value);
  let title = text;
  if (typeof value === "number" && isTime) {
    text = agoText(value, now);
    title = timeText(value);
  } else if (typeof value === "number" && property === "duration") {
    text = durationText(value * 1_000);
  } else if (typeof value === "number") {
    text = Number.isInteger(value) ? groupedText(value) : numberText(value);
  }
  return (
    <span
      className={styles.cell}
      role="gridcell"
      data-end={typeof value === "number" ? "true" : undefined}
      data-column={key}
      data-value={String(value)}
      title={title}
    >
      <span className={styles.clip}>{text}</span>
    </span>
  );
}
