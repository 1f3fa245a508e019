//! Where the pages begin.

import "./early";
import "./mantine.css";
import { MantineProvider } from "@mantine/core";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { setNonce } from "get-nonce";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";
import { client } from "./client";
import { router } from "./router";
import { theme } from "./theme";

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
