//! Where the pages begin.

import "./mantine.css";
import { MantineProvider } from "@mantine/core";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { ApiError } from "../api/http";
import { router } from "./router";
import { theme } from "./theme";

/** What the server says for good is not asked again; what may pass is, a few times. */
const retry = (count: number, error: Error) =>
  !(error instanceof ApiError && error.status >= 400 && error.status < 500) && count < 3;

const client = new QueryClient({ defaultOptions: { queries: { retry, refetchOnWindowFocus: false } } });
const nonce = document.querySelector('meta[name="style-nonce"]')?.getAttribute("content") ?? "";
// What locks the scrolling below a dialog makes a style element of its own, and asks here.
setNonce(nonce);
const place = document.getElementById("root");
if (place !== null) {
  createRoot(place).render(
    <StrictMode>
      <MantineProvider theme={theme} defaultColorScheme="auto" getStyleNonce={() => nonce}>
        <QueryClientProvider client={client}>
          <RouterProvider router={router} />
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
