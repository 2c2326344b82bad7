import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

// What is loaded when it is first asked for. The rest is one file, which the page waits for.
const LATER = /\/(marked|dompurify)\/|\/ui\/(Activity|Past|Palette|Help|Layer|SettingsPage|settings\/\w+)\.svelte|\/ui\/(places|layers)\.ts|\/src\/(markdown|palette|push)\.ts/;

// The built files are committed, so their names and bytes must not depend on the machine: no hashes, no dates.
export default defineConfig({
  plugins: [svelte()],
  build: {
    target: ["chrome123", "firefox120", "safari17.5"],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 300,
    rollupOptions: {
      input: { page: "index.html" },
      output: {
        entryFileNames: "assets/[name].js",
        chunkFileNames: "assets/[name].js",
        assetFileNames: "assets/[name][extname]",
        codeSplitting: { groups: [{ name: "app", test: (id) => !LATER.test(id) && !/^\0?vite\/preload/.test(id) }] },
      },
    },
  },
  server: {
    proxy: {
      "/api": { target: "http://127.0.0.1:8080", ws: true },
      "/auth": { target: "http://127.0.0.1:8080" },
    },
  },
});
