//! What was asked of the server, kept while it is fresh.

import { QueryClient } from "@tanstack/react-query";
import { ApiError } from "../api/http";

/** What the server says for good is not asked again; what may pass is, a few times. */
const retry = (count: number, error: Error) =>
  !(error instanceof ApiError && error.status >= 400 && error.status < 500) && count < 3;

export const client = new QueryClient({ defaultOptions: { queries: { retry, refetchOnWindowFocus: false } } });
