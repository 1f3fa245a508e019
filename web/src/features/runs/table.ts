//! The rows that are loaded, kept true while runs change.
//!
//! Pages are read as the reader scrolls. A change of loaded runs reads these alone and puts them in
//! place; what may move rows (new runs, states, the order by a moving value) reads again what is
//! loaded, at a rest that grows with its size. One request is under way at a time.

import { ApiError } from "../../api/http";
import type { ChangeItem, TablePage, TableRequest, TableRow } from "../../api/types";

/** Reads a page; replaced in tests. */
export type ReadPage = (request: TableRequest) => Promise<TablePage>;

/** What the page shows. */
export interface TableState {
  readonly rows: readonly TableRow[];
  /** Runs that match, loaded or not. */
  readonly matching: number;
  /** All that match are loaded. */
  readonly complete: boolean;
  readonly loading: boolean;
  /** Something was read: until then the other fields say nothing about the server. */
  readonly read: boolean;
  readonly error: Error | undefined;
}

/** Rows of the first page: what a screen shows, drawn at once. */
const FIRST_ROWS = 64;
/** Rows of a page while one scrolls: few enough that taking them in does not hold up a frame. */
const PAGE_ROWS = 200;
/** Rows of a page when all that is loaded is read again. */
const REREAD_ROWS = 1_000;
/** Rest between two requests for changes. */
const PATCH_REST_MILLIS = 120;
const REREAD_REST_MILLIS = 500;
/** Runs that are read alone; past it all is read again. */
const PATCH_RUNS_MAX = 200;
/** Kinds after which a row may stand elsewhere or not at all. */
const MOVING: ReadonlySet<string> = new Set(["created", "deleted", "undeleted", "properties", "tags", "state"]);

const EMPTY: TableState = { rows: [], matching: 0, complete: false, loading: true, read: false, error: undefined };

/** The rows of one request. */
export class RunTable {
  readonly #read: ReadPage;
  readonly #request: TableRequest;
  readonly #readers = new Set<() => void>();
  #state = EMPTY;
  #loaded: ReadonlySet<string> = new Set();
  #cursor: string | null = null;
  #changed = new Set<string>();
  #mayMove = false;
  #wantsMore = false;
  #working = false;
  #stopped = false;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #rereadAt = 0;
  #restUntil = 0;

  constructor(read: ReadPage, request: TableRequest) {
    this.#read = read;
    this.#request = request;
    this.#mayMove = true;
  }

  readonly subscribe = (reader: () => void): (() => void) => {
    this.#readers.add(reader);
    return () => this.#readers.delete(reader);
  };

  readonly state = (): TableState => this.#state;

  /** Begins, or goes on after `stop`. */
  start(): void {
    this.#stopped = false;
    void this.#work();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  /** The next page, if there is one. */
  more(): void {
    if (!this.#state.complete && !this.#wantsMore) {
      this.#wantsMore = true;
      void this.#work();
    }
  }

  /** Reads again what is loaded, now. */
  reread(): void {
    this.#mayMove = true;
    this.#rereadAt = 0;
    void this.#work();
  }

  /** Takes note of a change. */
  hear(change: ChangeItem): void {
    const loaded = this.#loaded.has(change.run);
    const moves = change.kinds.some((kind) => MOVING.has(kind)) || (loaded && this.#sortsByMoving());
    if (!loaded && !moves) {
      return;
    }
    if (loaded) {
      this.#changed.add(change.run);
    }
    this.#mayMove ||= moves;
    if (this.#timer === undefined && !this.#working) {
      this.#later(Math.max(0, this.#restUntil - Date.now()));
    }
  }

  #sortsByMoving(): boolean {
    const column = this.#request.sort?.column;
    return column !== undefined && (column.kind === "metric" || column.kind === "property");
  }

  async #work(): Promise<void> {
    if (this.#working || this.#stopped) {
      return;
    }
    this.#working = true;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    try {
      await this.#step();
      if (this.#state.error !== undefined) {
        this.#become({ error: undefined });
      }
    } catch (error) {
      this.#mayMove = true;
      this.#rereadAt = 0;
      this.#become({ error: error instanceof Error ? error : new Error(String(error)), loading: false });
      // A server that wants a token is asked again when there is one: `reread`.
      if (!(error instanceof ApiError && error.status === 401)) {
        this.#later(2_000);
      }
    } finally {
      this.#working = false;
    }
  }

  async #step(): Promise<void> {
    const now = Date.now();
    if (this.#mayMove && now >= this.#rereadAt) {
      await this.#readAgain();
    } else if (this.#wantsMore) {
      await this.#readMore();
    } else if (this.#changed.size > 0) {
      await this.#readChanged();
    }
    this.#restUntil = Date.now() + PATCH_REST_MILLIS;
    if (this.#changed.size > 0 || this.#wantsMore) {
      this.#later(this.#wantsMore ? 0 : PATCH_REST_MILLIS);
    } else if (this.#mayMove) {
      this.#later(Math.max(PATCH_REST_MILLIS, this.#rereadAt - Date.now()));
    }
  }

  #later(millis: number): void {
    clearTimeout(this.#timer);
    if (!this.#stopped) {
      this.#timer = setTimeout(() => void this.#work(), millis);
    }
  }

  async #readAgain(): Promise<void> {
    this.#mayMove = false;
    this.#changed = new Set();
    const wanted = Math.max(FIRST_ROWS, this.#state.rows.length);
    const began = Date.now();
    const former = new Map(this.#state.rows.map((row) => [row.run.id, row]));
    // Rows move while pages are read: a run that stood on a former page is not taken again.
    const rows = new Map<string, TableRow>();
    let page: TablePage;
    let cursor: string | null = null;
    let taken = 0;
    do {
      const limit = Math.min(REREAD_ROWS, wanted - taken);
      page = await this.#read({ ...this.#request, limit, cursor });
      for (const row of page.rows) {
        if (!rows.has(row.run.id)) {
          rows.set(row.run.id, keepSame(former.get(row.run.id), row));
        }
      }
      cursor = page.next_cursor;
      // Doubles count too: where rows move as fast as they are read it ends all the same.
      taken += limit;
    } while (cursor !== null && taken < wanted);
    this.#cursor = cursor;
    this.#become({
      rows: [...rows.values()],
      matching: page.matching,
      complete: cursor === null,
      loading: false,
      read: true,
    });
    // Never more than a fifth of the time is spent on this.
    this.#rereadAt = Date.now() + Math.max(REREAD_REST_MILLIS, 4 * (Date.now() - began));
  }

  async #readMore(): Promise<void> {
    this.#wantsMore = false;
    if (this.#cursor === null) {
      return;
    }
    const page = await this.#read({ ...this.#request, limit: PAGE_ROWS, cursor: this.#cursor });
    this.#cursor = page.next_cursor;
    const rows = [...this.#state.rows, ...page.rows.filter((row) => !this.#loaded.has(row.run.id))];
    this.#become({ rows, matching: page.matching, complete: page.next_cursor === null });
  }

  async #readChanged(): Promise<void> {
    const changed = this.#changed;
    this.#changed = new Set();
    if (changed.size > PATCH_RUNS_MAX) {
      this.#mayMove = true;
      return;
    }
    const page = await this.#read({ ...this.#request, runs: [...changed], limit: PATCH_RUNS_MAX, cursor: null });
    const fresh = new Map(page.rows.map((row) => [row.run.id, row]));
    const rows = this.#state.rows.flatMap((row) => {
      if (!changed.has(row.run.id)) {
        return row;
      }
      return fresh.get(row.run.id) ?? [];
    });
    const gone = this.#state.rows.length - rows.length;
    this.#become({ rows, matching: this.#state.matching - gone });
  }

  #become(next: Partial<TableState>): void {
    this.#state = { ...this.#state, ...next };
    if (next.rows !== undefined) {
      this.#loaded = new Set(next.rows.map((row) => row.run.id));
    }
    for (const reader of this.#readers) {
      reader();
    }
  }
}

/** A row that is as it was stays the same object, so that it is not drawn anew. */
function keepSame(former: TableRow | undefined, row: TableRow): TableRow {
  return former !== undefined && isSame(former, row) ? former : row;
}

/** Whether two values as JSON holds them are equal; fields of an object come in any order. */
export function isSame(left: unknown, right: unknown): boolean {
  if (Object.is(left, right)) {
    return true;
  }
  if (typeof left !== "object" || typeof right !== "object" || left === null || right === null) {
    return false;
  }
  const fields = Object.entries(left);
  if (Array.isArray(left) !== Array.isArray(right) || fields.length !== Object.keys(right).length) {
    return false;
  }
  const others = new Map(Object.entries(right));
  return fields.every(([name, value]) => others.has(name) && isSame(value, others.get(name)));
}
