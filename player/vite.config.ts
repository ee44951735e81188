import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

// One page per address of the gateway; every script, style and picture gets a hashed name under /assets/.
const PAGES = [
  ...["index", "watch", "upload", "wallet", "queue", "signin", "statement", "proof", "billing"],
  ...["analytics", "studio", "history", "money"],
];
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const gateway = process.env.GATEWAY_URL ?? "http://localhost:3000";

export default defineConfig({
  root: here("pages"),
  publicDir: false,
  build: {
    outDir: here("dist"),
    emptyOutDir: true,
    target: "es2022",
    assetsInlineLimit: 0, // default 4096: inlined files become data: addresses, which the CSP refuses
    modulePreload: { polyfill: false }, // every browser with modules we support preloads them
    chunkSizeWarningLimit: 700, // default 500 kB: hls.js alone is larger, and only the watch page loads it
    rollupOptions: { input: Object.fromEntries(PAGES.map((name) => [name, here(`pages/${name}.html`)])) },
  },
  server: { fs: { allow: [here(".")] }, proxy: { "/api": gateway, "/v": gateway, "/media": gateway } },
});
