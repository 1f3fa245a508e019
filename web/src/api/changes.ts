//! The change feed of the server: one stream a browser, and who listens to it in this page.
//!
//! Browsers open six connections to an origin, and a stream holds one. So the first tab that gets
//! the lock reads the stream and hands on what it says; where there are no locks each tab reads.

import { EventParser } from "./events";
import { ApiError, localName, request } from "./http";
import type { ChangeItem } from "./types";

/** Whether the page hears the server; `locked`: the server wants a token first. */
export type ConnectionState = "connecting" | "live" | "offline" | "locked";

/** What the feed tells. */
export interface FeedListener {
  /** Something was changed. */
  readonly onChange?: (change: ChangeItem) => void;
  /** What happened meanwhile is not known: read again what is shown. */
  readonly onReset?: () => void;
}

/** What tabs tell each other. */
type Told =
  | { readonly kind: "state"; readonly state: ConnectionState }
  | { readonly kind: "change"; readonly change: ChangeItem }
  | { readonly kind: "reset" }
  | { readonly kind: "retry" }
  | { readonly kind: "hello" };

/** Servers below one origin (`/proxy/1`, `/proxy/2`) share neither stream nor messages. */
const NAME = localName("runstone.changes");
const RETRY_MILLIS_MIN = 500;
const RETRY_MILLIS_MAX = 5_000;
/** The server sends something every 15 s; past this the line is dead. */
const SILENCE_MILLIS_MAX = 40_000;

/** Opens the stream after an id; replaced in tests. */
export type OpenStream = (lastId: string | undefined, signal: AbortSignal) => Promise<ReadableStream<Uint8Array>>;

const openStream: OpenStream = async (lastId, signal) => {
  const headers: Record<string, string> = { accept: "text/event-stream" };
  if (lastId !== undefined) {
    headers["last-event-id"] = lastId;
  }
  const response = await request("changes/stream", { headers, signal, cache: "no-store" });
  if (response.body === null) {
    throw new ApiError(response.status, "the stream of changes has no body", undefined);
  }
  return response.body;
};

/** One stream, many listeners. */
export class ChangeFeed {
  readonly #listeners = new Set<FeedListener>();
  readonly #stateReaders = new Set<() => void>();
  readonly #open: OpenStream;
  readonly #channel: BroadcastChannel | undefined;
  #state: ConnectionState = "connecting";
  #isOpen = false;
  #isLeading = false;
  /** Ends the pause before the next try. */
  #wake: (() => void) | undefined;

  constructor(open: OpenStream = openStream, channel?: BroadcastChannel) {
    this.#open = open;
    this.#channel = channel;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Listens; the answer ends it. */
  listen(listener: FeedListener): () => void {
    this.#listeners.add(listener);
    this.#start();
    return () => this.#listeners.delete(listener);
  }

  /** Told when the connection changes; the answer ends it. */
  readonly onState = (reader: () => void): (() => void) => {
    this.#stateReaders.add(reader);
    this.#start();
    return () => this.#stateReaders.delete(reader);
  };

  /** Tries again now: the network is back, or a token was given. */
  retry(): void {
    if (this.#isLeading) {
      this.#wake?.();
    } else {
      this.#channel?.postMessage({ kind: "retry" } satisfies Told);
    }
  }

  #start(): void {
    if (this.#isOpen) {
      return;
    }
    this.#isOpen = true;
    globalThis.addEventListener?.("online", () => this.retry());
    const channel = this.#channel;
    if (channel === undefined || globalThis.navigator?.locks === undefined) {
      this.#isLeading = true;
      void this.#lead();
      return;
    }
    channel.onmessage = (message: MessageEvent<Told>) => this.#heard(message.data);
    channel.postMessage({ kind: "hello" } satisfies Told);
    // Held as long as the tab lives; then the next tab takes over.
    void navigator.locks.request(NAME, async () => {
      this.#isLeading = true;
      await this.#lead();
    });
  }

  #heard(told: Told): void {
    if (told.kind === "hello") {
      if (this.#isLeading) {
        this.#channel?.postMessage({ kind: "state", state: this.#state } satisfies Told);
      }
    } else if (told.kind === "state") {
      this.#become(told.state);
    } else if (told.kind === "change") {
      this.#change(told.change);
    } else if (told.kind === "retry") {
      if (this.#isLeading) {
        this.#wake?.();
      }
    } else {
      this.#reset();
    }
  }

  #tell(told: Told): void {
    if (this.#isLeading) {
      this.#channel?.postMessage(told);
    }
  }

  /**
   * Reads the stream for ever, resuming after each cut. A stream that is opened without an id begins
   * now: what was changed since pages have read, or since another tab has led, is not in it.
   */
  async #lead(): Promise<void> {
    let lastId: string | undefined;
    let pause = RETRY_MILLIS_MIN;
    for (;;) {
      const abort = new AbortController();
      let state: ConnectionState = "offline";
      try {
        const stream = await this.#open(lastId, abort.signal);
        this.#announce("live");
        pause = RETRY_MILLIS_MIN;
        if (lastId === undefined) {
          this.#reset();
          this.#tell({ kind: "reset" });
        }
        lastId = await this.#read(stream, lastId, abort);
      } catch (error) {
        // Told by the state; the next try says whether it is over.
        state = error instanceof ApiError && error.status === 401 ? "locked" : "offline";
      }
      abort.abort();
      this.#announce(state);
      // Without a token there is nothing to try: whoever gives one calls `retry`.
      await this.#rest(state === "locked" ? undefined : pause * (0.75 + Math.random() / 2));
      pause = Math.min(pause * 2, RETRY_MILLIS_MAX);
    }
  }

  #announce(state: ConnectionState): void {
    this.#become(state);
    this.#tell({ kind: "state", state });
  }

  async #read(
    stream: ReadableStream<Uint8Array>,
    former: string | undefined,
    abort: AbortController,
  ): Promise<string | undefined> {
    const parser = new EventParser();
    const decoder = new TextDecoder();
    const reader = stream.getReader();
    let lastId = former;
    let watch: ReturnType<typeof setTimeout> | undefined;
    try {
      for (;;) {
        clearTimeout(watch);
        watch = setTimeout(() => abort.abort(), SILENCE_MILLIS_MAX);
        const { done, value } = await reader.read();
        if (done) {
          return lastId;
        }
        for (const event of parser.push(decoder.decode(value, { stream: true }))) {
          lastId = event.id ?? lastId;
          if (event.event === "change") {
            const change: ChangeItem = JSON.parse(event.data);
            this.#change(change);
            this.#tell({ kind: "change", change });
          } else if (event.event === "reset") {
            this.#reset();
            this.#tell({ kind: "reset" });
          }
        }
      }
    } catch {
      return lastId;
    } finally {
      clearTimeout(watch);
    }
  }

  /** Waits so long, or until it is woken. */
  #rest(millis: number | undefined): Promise<void> {
    return new Promise((resolve) => {
      const timer = millis === undefined ? undefined : setTimeout(resolve, millis);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  #change(change: ChangeItem): void {
    for (const listener of this.#listeners) {
      listener.onChange?.(change);
    }
  }

  #reset(): void {
    for (const listener of this.#listeners) {
      listener.onReset?.();
    }
  }

  #become(state: ConnectionState): void {
    if (state !== this.#state) {
      this.#state = state;
      for (const reader of this.#stateReaders) {
        reader();
      }
    }
  }
}

/** The feed of this page. */
export const feed = new ChangeFeed(
  openStream,
  typeof BroadcastChannel === "undefined" ? undefined : new BroadcastChannel(NAME),
);
