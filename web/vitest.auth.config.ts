import { defineConfig } from "vitest/config";

// Drives the sign-in service, the program and a real browser together, on a real PostgreSQL. CHROMIUM names the browser.
export default defineConfig({
  test: {
    include: ["auth/e2e/**/*.e2e.ts"],
    globalSetup: ["e2e/build.ts", "auth/e2e/build.ts"],
    environment: "node",
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 180_000,
    expect: { poll: { timeout: 15_000 } },
  },
});
