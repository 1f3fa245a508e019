//! Requests of the native API, relative to where the page lives.

import type { Problem } from "./types";

/** An answer that is no success, or none at all (status 0). */
export class ApiError extends Error {
  readonly status: number;
  readonly hint: string | undefined;
  constructor(status: number, detail: string, hint: string | undefined) {
    super(detail);
    this.name = "ApiError";
    this.status = status;
    this.hint = hint;
  }
}

/** A name that pages of other servers below the same origin do not use. */
export function localName(name: string): string {
  const path = typeof document === "undefined" ? "/" : new URL(".", document.baseURI).pathname;
  return `${name} ${path}`;
}

/** Where the token is kept: for this tab, until it is closed. Never in the address. */
const TOKEN_KEY = localName("runstone.token");
/** What a person at a browser does; the server's own hint is for programs. */
const TOKEN_HINT =
  "try again and paste the token; it lies in ~/.runstone/token on the machine of the server, unless RUNSTONE_HOME says otherwise";
const unauthorizedReaders = new Set<() => void>();

/** Keeps the token that all further requests carry. */
export function setToken(token: string): void {
  sessionStorage.setItem(TOKEN_KEY, token);
}

/** Told when the server asks for a token; the answer ends it. */
export function onUnauthorized(reader: () => void): () => void {
  unauthorizedReaders.add(reader);
  return () => unauthorizedReaders.delete(reader);
}

/** Address of something below `/runstone/v1`. */
export function apiUrl(path: string): string {
  return new URL(`runstone/v1/${path}`, document.baseURI).href;
}

/** Sends a request; an answer that is no success is thrown as ApiError. */
export async function request(path: string, init: RequestInit = {}): Promise<Response> {
  const headers = new Headers(init.headers);
  const token = sessionStorage.getItem(TOKEN_KEY);
  if (token !== null) {
    headers.set("authorization", `Bearer ${token}`);
  }
  const response = await fetch(apiUrl(path), { ...init, headers }).catch((error: unknown) => {
    if (init.signal?.aborted === true) {
      throw error;
    }
    throw new ApiError(0, "the server does not answer", "is `runstone up` running? The page goes on when it is back");
  });
  if (response.ok) {
    return response;
  }
  if (response.status === 401) {
    for (const reader of unauthorizedReaders) {
      reader();
    }
  }
  const text = await response.text();
  const problem = problemFromText(text);
  const detail = problem?.detail ?? (text.slice(0, 200) || response.statusText);
  throw new ApiError(response.status, detail, response.status === 401 ? TOKEN_HINT : (problem?.hint ?? undefined));
}

function problemFromText(text: string): Problem | undefined {
  try {
    const parsed: unknown = JSON.parse(text);
    return isProblem(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && "detail" in value && typeof value.detail === "string";
}

/** A JSON answer. The server is ours: its types are those of its document. */
export async function requestJson<T>(path: string, init?: RequestInit): Promise<T> {
  const response = await request(path, init);
  const body: T = await response.json();
  return body;
}

/** A request with a JSON body. */
export function jsonBody(method: string, body: unknown, signal?: AbortSignal): RequestInit {
  const init: RequestInit = {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  };
  return signal === undefined ? init : { ...init, signal };
}
