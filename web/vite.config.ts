//! How the pages are built: relative links, hashed names below assets-ui/, nothing from elsewhere.

import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";
import { mantineStyles } from "./scripts/mantineStyles.ts";

export default defineConfig({
  base: "./",
  plugins: [react(), mantineStyles(import.meta.dirname)],
  build: {
    outDir: process.env["RUNSTONE_WEB_DIST"] ?? "dist",
    emptyOutDir: true,
    assetsDir: "assets-ui",
    assetsInlineLimit: 0,
    target: "es2022",
    // Browsers that know light-dark(): lowered for older ones it needs a declaration that Mantine does not make,
    // and the colours are lost.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    manifest: "manifest.json",
    chunkSizeWarningLimit: 900,
  },
  test: {
    include: ["src/**/*.test.ts", "src/**/*.test.tsx", "scripts/**/*.test.ts"],
    environment: "node",
  },
});
