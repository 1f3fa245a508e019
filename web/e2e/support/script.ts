// Python scripts that log with the real package, as a user's do.

import { type ChildProcess, spawn } from "node:child_process";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Server } from "./server";

const root = join(dirname(fileURLToPath(import.meta.url)), "..", "..", "..");

/** A script under way. */
export interface Script {
  readonly process: ChildProcess;
  /** Resolves with what it printed when it has ended well. */
  readonly done: Promise<string>;
  /** Ends it, if it has not. */
  stop(): Promise<void>;
}

/** Starts a script with the package of the development environment. */
export function startScript(server: Server, source: string): Script {
  const child = spawn(join(root, "scripts", "venv.sh"), ["python", "-c", source], {
    env: { ...server.environment, RUNSTONE_URL: server.url },
    stdio: ["pipe", "pipe", "pipe"],
    detached: true,
  });
  let printed = "";
  let complaints = "";
  child.stdout.on("data", (data) => {
    printed += data;
  });
  child.stderr.on("data", (data) => {
    complaints += data;
  });
  const ended = new Promise<number | null>((resolve) => child.once("exit", resolve));
  const done = ended.then((code) => {
    if (code !== 0) {
      throw new Error(`the script ended with exit code ${code}: ${complaints}`);
    }
    return printed.trim();
  });
  // Whoever waits for it sees the failure; nobody else must.
  done.catch(() => undefined);
  return {
    process: child,
    done,
    async stop() {
      if (child.exitCode === null && child.pid !== undefined) {
        process.kill(-child.pid, "SIGTERM");
        await ended;
      }
    },
  };
}

/** Runs a script to its end; what it printed. */
export function runScript(server: Server, source: string): Promise<string> {
  return startScript(server, source).done;
}
