import { defineConfig } from "vitest/config";
import { sampledMaps } from "./build.mjs";

export default defineConfig({
  plugins: [
    {
      name: "colormaps",
      resolveId: (id) => (id === "virtual:colormaps" ? "\0colormaps" : undefined),
      load: (id) => (id === "\0colormaps" ? sampledMaps() : undefined),
    },
  ],
  test: { environment: "jsdom", setupFiles: ["test/setup.ts"], include: ["test/**/*.test.ts"] },
});
