import { resolve } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    root: resolve(import.meta.dirname, ".."),
    environment: "node",
    globalSetup: "e2e/world.ts",
    include: ["e2e/**/*.test.ts"],
    // A browser's windows take a processor each while they draw.
    maxWorkers: 2,
    testTimeout: 90_000,
    hookTimeout: 90_000,
    expect: { poll: { timeout: 20_000, interval: 50 } },
  },
});
