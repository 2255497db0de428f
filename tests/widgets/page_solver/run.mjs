// Runs the solver's bundle in Node on tasks from a file, and writes what it found to another.
// node run.mjs <bundle> <tasks.json> <answers.json>
import { readFileSync, writeFileSync } from "node:fs";
import { runInThisContext } from "node:vm";

const [bundle, tasks, answers] = process.argv.slice(2);
runInThisContext(readFileSync(bundle, "utf8"), { filename: bundle });
const { Solver, Desk, Follower, eigenvector } = globalThis.fpfSolver;
const numbers = (text) => {
  const bytes = Buffer.from(text, "base64");
  return new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength));
};
const text = (array) => Buffer.from(Float64Array.from(array).buffer).toString("base64");
const lanesOf = ({ x, q, step, slope, status, iters }) => ({
  x: text(x), q: text(q), step: text(step), slope: text(slope), status: [...status], iters: [...iters],
});
const pointsOf = (p) => ({
  x: text(p.x), F: text(p.F), J: text(p.J), K: text(p.K), Y: text(p.Y), code: [...p.code], unstable: [...p.unstable],
  index: [...p.index], indexSum: p.indexSum, eigenvalues: text(p.eigenvalues.flat().flatMap((c) => [c.re, c.im])),
});

const DO = {
  /** Lanes, then one of each point with all that is said of it. */
  search({ program, starts, u, parameters, options }) {
    const solver = new Solver(program);
    solver.setInput(u, parameters);
    const found = solver.solve(numbers(starts), options ?? {});
    return { ...lanesOf(found.lanes), kind: [...found.kind], points: pointsOf(found), boxed: solver.boxed };
  },
  describe({ program, x, u, parameters }) {
    const solver = new Solver(program);
    solver.setInput(u, parameters);
    return pointsOf(solver.describe(numbers(x)));
  },
  runs({ program, x, u, steps }) {
    const solver = new Solver(program);
    solver.setInput(u);
    return { states: text(solver.runs(numbers(x), steps)) };
  },
  vectors({ matrices, n, values }) {
    const J = numbers(matrices);
    const e = numbers(values);
    const out = [];
    for (let p = 0; p < J.length / (n * n); p++)
      for (let k = 0; k < n; k++) {
        const at = (p * n + k) * 2;
        const v = eigenvector(J.subarray(p * n * n, (p + 1) * n * n), n, { re: e[at], im: e[at + 1] });
        out.push(...v.re, ...v.im);
      }
    return { vectors: text(out) };
  },
  /** Follows a path of inputs from points that are known at its first. */
  follow({ program, x, path, states, noise, seed }) {
    const solver = new Solver(program);
    const follower = new Follower(solver, seed ?? 0);
    solver.setInput(path[0]);
    follower.setStarts(numbers(states), noise);
    follower.adopt(numbers(x));
    return {
      frames: path.slice(1).map((u) => {
        const f = follower.follow(u);
        return { x: text(f.x), ids: f.ids, code: [...f.code], indexSum: f.indexSum, grade: f.grade, full: f.full, starts: f.starts };
      }),
    };
  },
  /** The points that are shown, under one threshold of q after another. */
  filter({ program, x, u, states, noise, tols }) {
    const solver = new Solver(program);
    const follower = new Follower(solver, 0);
    solver.setInput(u);
    follower.setStarts(numbers(states), noise);
    follower.adopt(numbers(x));
    return {
      counts: tols.map((tolQ) => {
        follower.options = { tolQ };
        return follower.follow(u).count;
      }),
    };
  },
  /** Milliseconds of processor time: of loading, of a search from all starts, of following known points. */
  time({ program, starts, u, x, repeats }) {
    // Not of the clock: other programs may be running.
    const now = () => process.cpuUsage().user / 1e3;
    const began = now();
    const solver = new Solver(program);
    const load = now() - began;
    solver.setInput(u);
    const from = numbers(starts);
    const timed = (f) => {
      const all = Array.from({ length: repeats }, (_, k) => {
        const t = now();
        f(k);
        return now() - t;
      }).sort((a, b) => a - b);
      return { best: all[0], median: all[repeats >> 1] };
    };
    const lanes = timed(() => solver.search(from));
    const follower = new Follower(solver);
    follower.setStarts(from.slice(0, 256 * solver.n), 0.4);
    follower.adopt(numbers(x));
    const frame = timed((k) => follower.follow(u.map((v, i) => (i ? v : v + 0.03 * Math.sin(0.3 * k)))));
    return { load, search: lanes, frame };
  },
  /** What a worker answers to requests, in their order; arrays as base64 under `arrays`. */
  desk({ requests }) {
    const desk = new Desk();
    return {
      answers: requests.map(({ arrays, ...r }) => {
        const a = desk.answer({ ...r, ...Object.fromEntries(Object.entries(arrays ?? {}).map(([k, v]) => [k, numbers(v)])) });
        return { type: a.type, message: a.message, count: a.picture?.count, ids: a.picture?.ids, reasons: a.picture?.reasons };
      }),
    };
  },
};

const out = JSON.parse(readFileSync(tasks, "utf8")).map(({ task, ...options }) => DO[task](options));
writeFileSync(answers, JSON.stringify(out));
