// Builds the bundle of views that every widget loads, and the solver's, which a page loads into a
// worker where there is a program for it. Deterministic: the gate rebuilds and compares them.
import { build, transform } from "esbuild";
import { interpolateRdBu, interpolateViridis } from "d3-scale-chromatic";
import { readFile } from "node:fs/promises";
import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";

const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const outfile = process.argv[2] ?? here("../fpf_notebook/widgets/static/views.js");
const solverFile = process.argv[3] ?? here("../fpf_notebook/widgets/static/solver.js");
const LIMIT = 200 * 1000;
const SOLVER_LIMIT = 46 * 1000;

/** d3's colour maps, sampled when the bundle is built: 1 kB instead of 31 kB of interpolators. */
function sampled(interpolate, n) {
  return Array.from({ length: n }, (_, i) => {
    const [r, g, b] = interpolate(i / (n - 1)).startsWith("#")
      ? interpolate(i / (n - 1)).slice(1).match(/../g).map((h) => parseInt(h, 16))
      : interpolate(i / (n - 1)).match(/\d+/g).map(Number);
    return [r, g, b].map((v) => v.toString(16).padStart(2, "0")).join("");
  }).join("");
}

// Names of the solver's own that no program, no message and no test mentions: they are made short.
const INTERNAL = new RegExp(
  `^(${"qTrial xRows trialRows quadratic acceptAll accept relocate gradient trace attach graph placeOf rowOf setUniform uniformValue constant binary unary select power scaled".split(" ").join("|")})$`,
);

export const sampledMaps = () =>
  `export const VIRIDIS=${JSON.stringify(sampled(interpolateViridis, 64))};export const RDBU=${JSON.stringify(sampled(interpolateRdBu, 65))};`;

export const plugin = {
  name: "fpf",
  setup({ onLoad, onResolve }) {
    onResolve({ filter: /^virtual:colormaps$/ }, () => ({ path: "colormaps", namespace: "fpf" }));
    onLoad({ filter: /.*/, namespace: "fpf" }, () => ({ contents: sampledMaps() }));
    // uPlot offers stepped lines, bars and splines in one object, which no bundler can drop.
    onLoad({ filter: /uPlot\.esm\.js$/ }, async ({ path }) => {
      let contents = await readFile(path, "utf8");
      for (const unused of ["(paths.stepped = stepped);", "(paths.bars    = bars);", "(paths.spline  = monotoneCubic);"]) {
        if (!contents.includes(unused)) throw new Error(`uPlot has changed: ${unused} is not in ${path}`);
        contents = contents.replace(unused, "");
      }
      return { contents, loader: "js" };
    });
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, "utf8"), { loader: "css", minify: true });
      return { contents: code.trim(), loader: "text" };
    });
  },
};

function weigh(file, limit) {
  const { size } = statSync(file);
  console.log(`${file}: ${size} bytes (limit ${limit})`);
  if (size > limit) {
    console.error(`the bundle is ${size - limit} bytes above its limit`);
    process.exitCode = 1;
  }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  await build({
    entryPoints: [here("src/index.ts")],
    outfile,
    bundle: true,
    format: "esm",
    target: "es2020",
    minify: true,
    legalComments: "none",
    banner: { js: "/*! fpf_notebook views, Apache-2.0. Contains uPlot (c) Leon Sorokin, MIT; d3 (c) Mike Bostock, ISC. */" },
    charset: "utf8",
    plugins: [plugin],
  });
  await build({
    entryPoints: [here("src/solver/index.ts")],
    outfile: solverFile,
    bundle: true,
    format: "iife",
    globalName: "globalThis.fpfSolver",
    target: "es2022",
    minify: true,
    mangleProps: INTERNAL,
    legalComments: "none",
    banner: { js: "/*! fpf_notebook solver, Apache-2.0. */" },
    charset: "utf8",
  });
  weigh(outfile, LIMIT);
  weigh(solverFile, SOLVER_LIMIT);
}
