//! What the charts of a page share while the pointer moves: the x under the cursor, a window that is
//! being dragged, and the line that is lit up. All are too quick for the URL; charts subscribe.

import type { Span } from "./lines";

/** Where the cursor stands. */
export interface LinkedCursor {
  /** x in the unit of the axis. */
  readonly x: number;
  /** The chart that the pointer or the keyboard is in. */
  readonly source: string;
}

/** Cursor, dragged window and highlight of a page. */
export class ChartLink {
  readonly #cursorReaders = new Set<(cursor: LinkedCursor | undefined) => void>();
  readonly #spanReaders = new Set<(span: Span, source: string) => void>();
  readonly #highlightReaders = new Set<() => void>();
  #cursor: LinkedCursor | undefined;
  #highlighted: string | undefined;

  /** Where the cursor stands now. */
  get cursor(): LinkedCursor | undefined {
    return this.#cursor;
  }

  /** Moves the cursor in all charts, or takes it away. */
  moveCursor(cursor: LinkedCursor | undefined): void {
    this.#cursor = cursor;
    for (const reader of this.#cursorReaders) {
      reader(cursor);
    }
  }

  /** Shows a window in all charts while it is dragged. */
  dragSpan(span: Span, source: string): void {
    for (const reader of this.#spanReaders) {
      reader(span, source);
    }
  }

  /** Calls `reader` at each move; the answer ends that. */
  onCursor(reader: (cursor: LinkedCursor | undefined) => void): () => void {
    this.#cursorReaders.add(reader);
    return () => this.#cursorReaders.delete(reader);
  }

  /** Calls `reader` while a window is dragged; the answer ends that. */
  onSpan(reader: (span: Span, source: string) => void): () => void {
    this.#spanReaders.add(reader);
    return () => this.#spanReaders.delete(reader);
  }

  /** Key of the line that is lit up; see `familyOf` for what it covers. */
  get highlighted(): string | undefined {
    return this.#highlighted;
  }

  /** Lights a line up in all charts; `undefined` ends that. */
  highlight(key: string | undefined): void {
    if (key !== this.#highlighted) {
      this.#highlighted = key;
      for (const reader of this.#highlightReaders) {
        reader();
      }
    }
  }

  /** Calls `reader` when another line is lit up; the answer ends that. */
  readonly onHighlight = (reader: () => void): (() => void) => {
    this.#highlightReaders.add(reader);
    return () => this.#highlightReaders.delete(reader);
  };
}
