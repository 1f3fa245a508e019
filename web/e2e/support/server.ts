// The real binary as a server process with a home of its own, and its API as tests read it.

import { type ChildProcess, spawn } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";

/** Path of the binary under test: `RUNSTONE_BINARY`, else where `make test` builds it. */
export function runstoneBinary(): string {
  const cache = process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache");
  const target = process.env["CARGO_TARGET_DIR"] ?? join(cache, "runstone", "target");
  const path = process.env["RUNSTONE_BINARY"] ?? join(target, "ci", "runstone");
  if (!existsSync(path)) {
    throw new Error(`there is no binary at ${path}\nhint: cargo build --profile ci -p runstone-cli`);
  }
  return path;
}

export class Server {
  readonly home: string;
  url = "";
  port = 0;
  private child: ChildProcess | undefined;
  private readonly options: readonly string[];

  private constructor(home: string, options: readonly string[]) {
    this.home = home;
    this.options = options;
  }

  /** Starts a server on a free port; what it needs lies in a new folder. */
  static async start(...options: readonly string[]): Promise<Server> {
    const server = new Server(await mkdtemp(join(tmpdir(), "runstone-browser-")), options);
    await server.launch("127.0.0.1:0");
    return server;
  }

  /** Environment of scripts that log to this server. */
  get environment(): NodeJS.ProcessEnv {
    const own = { ...process.env, RUNSTONE_HOME: this.home, NO_COLOR: "1" };
    for (const name of ["RUNSTONE_URL", "RUNSTONE_SPOOL", "RUNSTONE_TOKEN", "RUNSTONE_MODE"]) {
      Reflect.deleteProperty(own, name);
    }
    return own;
  }

  private async launch(listen: string): Promise<void> {
    const arguments_ = ["up", "--json", "--data", join(this.home, "data"), "--listen", listen];
    const child = spawn(runstoneBinary(), [...arguments_, ...this.options], {
      env: this.environment,
      stdio: ["ignore", "pipe", "pipe"],
    });
    this.child = child;
    child.stderr.pipe(createWriteStream(join(this.home, "server.log"), { flags: "a" }));
    const lines = createInterface({ input: child.stdout });
    const ready = await new Promise<string>((resolve, reject) => {
      lines.once("line", resolve);
      child.once("exit", (code) => reject(new Error(`the server ended with exit code ${code}: ${this.home}`)));
    });
    const parsed: unknown = JSON.parse(ready);
    if (typeof parsed !== "object" || parsed === null || !("url" in parsed)) {
      throw new Error(`the line of readiness names no address: ${ready}`);
    }
    this.url = String(parsed.url);
    this.port = Number(new URL(this.url).port);
  }

  /** Ends the process as Ctrl-C does; the folder and the port stay its own. */
  async halt(): Promise<void> {
    const child = this.child;
    this.child = undefined;
    if (child === undefined || child.exitCode !== null) {
      return;
    }
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGTERM");
    const killer = setTimeout(() => child.kill("SIGKILL"), 20_000);
    await ended;
    clearTimeout(killer);
  }

  /** Starts it again on the same port and folder. */
  async resume(): Promise<void> {
    await this.launch(`127.0.0.1:${this.port}`);
  }

  /** Ends the process and removes its folder. */
  async stop(): Promise<void> {
    await this.halt();
    await rm(this.home, { recursive: true, force: true });
  }

  /** The body of an answer of the native API; fails unless it is a 2xx. */
  async get<T>(path: string): Promise<T> {
    return this.answer<T>(await fetch(`${this.url}/runstone/v1/${path}`), path);
  }

  /** As `get`, with a JSON body. */
  async send<T>(method: "POST" | "PATCH" | "DELETE", path: string, body?: unknown): Promise<T> {
    const init: RequestInit = { method };
    if (body !== undefined) {
      init.headers = { "content-type": "application/json" };
      init.body = JSON.stringify(body);
    }
    return this.answer<T>(await fetch(`${this.url}/runstone/v1/${path}`, init), path);
  }

  private async answer<T>(response: Response, path: string): Promise<T> {
    const text = await response.text();
    if (!response.ok) {
      throw new Error(`${path}: ${response.status} ${text}`);
    }
    return text === "" ? (undefined as T) : JSON.parse(text);
  }

  /** The last point of a series, by the API. */
  async lastPoint(run: string, name: string): Promise<{ step: number; value: number }> {
    const list = await this.get<SeriesList>(`runs/${run}/series?name=${encodeURIComponent(name)}`);
    const last = list.series[0]?.summary.last;
    if (last === undefined || last === null) {
      throw new Error(`the run ${run} has no ${name}`);
    }
    return { step: last.step, value: last.value };
  }
}

interface SeriesList {
  readonly series: readonly {
    readonly name: string;
    readonly summary: {
      readonly count: number;
      readonly last: { readonly step: number; readonly value: number } | null;
    };
  }[];
}
