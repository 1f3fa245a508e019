//! Server-sent events from bytes, wherever they are cut.

/** One event. */
export interface ServerEvent {
  readonly event: string;
  readonly data: string;
  /** The newest id so far; a reader that is cut off resumes after it. */
  readonly id: string | undefined;
}

/** Takes text as it comes and gives events as they end. */
export class EventParser {
  #rest = "";
  #event = "";
  #data: string[] = [];
  #id: string | undefined;

  /** Events that `text` completes. */
  push(text: string): readonly ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.#rest + text).split("\n");
    this.#rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = this.#line(line.endsWith("\r") ? line.slice(0, -1) : line);
      if (event !== undefined) {
        events.push(event);
      }
    }
    return events;
  }

  #line(line: string): ServerEvent | undefined {
    if (line === "") {
      const complete = {
        event: this.#event === "" ? "message" : this.#event,
        data: this.#data.join("\n"),
        id: this.#id,
      };
      const hasData = this.#data.length > 0;
      this.#event = "";
      this.#data = [];
      return hasData ? complete : undefined;
    }
    const colon = line.indexOf(":");
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (field === "event") {
      this.#event = value;
    } else if (field === "data") {
      this.#data.push(value);
    } else if (field === "id") {
      this.#id = value;
    }
    return undefined;
  }
}
