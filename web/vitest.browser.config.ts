// Tests of the real pages in a real browser; `scripts/browser_tests.sh` starts them.

import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["e2e/**/*.test.ts"],
    environment: "node",
    // One browser at a time: two cores, and each file brings a server.
    fileParallelism: false,
    testTimeout: 90_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
