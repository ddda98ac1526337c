import { defineConfig } from "vite";

// Relative addresses, so that the editor works below any path; nothing is inlined, so that a strict content policy holds.
export default defineConfig({
  base: "./",
  build: { outDir: "dist", emptyOutDir: true, assetsInlineLimit: 0, modulePreload: { polyfill: false }, sourcemap: false },
  server: { proxy: { "/api": { target: "http://127.0.0.1:8188", ws: true } } },
});
