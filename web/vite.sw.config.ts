import { defineConfig } from "vite";

// The worker is one file without imports, at the root: it rules what lies below it.
export default defineConfig({
  publicDir: false,
  build: {
    emptyOutDir: false,
    target: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: false,
    rollupOptions: { input: { sw: "src/sw/worker.ts" }, output: { entryFileNames: "[name].js", format: "iife" } },
  },
});
