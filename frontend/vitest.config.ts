import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    environment: "jsdom",
    globalSetup: "tests/server.ts",
    include: ["tests/**/*.test.{ts,tsx}"],
    // Processes, not threads: only there does TZ reach the clock. West of Greenwich unless a test says else.
    pool: "forks",
    env: { TZ: "America/Los_Angeles" },
    setupFiles: ["tests/patience.ts", "tests/dialogs.ts"],
    testTimeout: 60_000,
  },
});
