import { describe, expect, it } from "vitest";
import type { ExplorerScene } from "../../src/core/scene";
import { PageSolver, type Port } from "../../src/solver/client";
import type { Picture, Request } from "../../src/solver/messages";
import { Desk } from "../../src/solver/worker";
import { inspectorSceneOf, namesOf, sceneOf, statusOf } from "../../src/widgets/livescene";
import { latch } from "./format.test";

/** A worker that answers when it is told to. */
class SlowPort implements Port {
  onmessage: Port["onmessage"] = null;
  onerror: Port["onerror"] = null;
  readonly waiting: Request[] = [];
  private readonly desk = new Desk();
  postMessage(message: unknown): void {
    this.waiting.push(message as Request);
  }
  async answer(): Promise<void> {
    const request = this.waiting.shift();
    if (request) this.onmessage?.({ data: this.desk.answer(request) });
    await Promise.resolve();
    await Promise.resolve();
  }
  terminate(): void {}
}

async function pictureAt(u: number): Promise<Picture> {
  const desk = new Desk();
  desk.answer({ id: 1, type: "load", program: latch() });
  desk.answer({ id: 2, type: "starts", states: Float64Array.from([-0.9, 0.1, 0.9]), noise: 0.1 });
  const a = desk.answer({ id: 3, type: "search", count: 32, u: [u] });
  if (a.type !== "picture") throw new Error(a.type);
  return a.picture;
}

describe("the page's side", () => {
  it("leaves out requests that a newer one overtook, and shows the last", async () => {
    const port = new SlowPort();
    const shown: Picture[] = [];
    const solver = new PageSolver(port, (p) => shown.push(p), (m) => expect(m).toBe(""));
    void solver.ask({ type: "load", program: latch() });
    void solver.ask({ type: "adopt", x: Float64Array.from([-0.9575, 0, 0.9575]), u: [0] });
    await port.answer();
    await port.answer();
    for (let k = 1; k <= 10; k++) solver.picture({ type: "follow", u: [0.01 * k] });
    expect(port.waiting.length).toBe(1);
    await port.answer();
    await port.answer();
    expect(port.waiting.length).toBe(0);
    expect(shown.length).toBe(2);
    expect(solver.skipped).toBe(8);
    const x = [...shown[1].x];
    for (const v of x) expect(Math.tanh(2 * v + 0.1)).toBeCloseTo(v, 12);
    expect(x.length).toBe(3);
    expect(shown[1].ids).toEqual([0, 1, 2]);
  });

  it("says what went wrong, and goes on", async () => {
    const port = new SlowPort();
    const said: string[] = [];
    const solver = new PageSolver(port, () => {}, (m) => said.push(m));
    solver.picture({ type: "follow", u: [0] });
    await port.answer();
    expect(said).toEqual(["No program was loaded."]);
    solver.picture({ type: "follow", u: [0] });
    expect(port.waiting.length).toBe(1);
    port.onerror?.({ message: "blocked" });
    expect(said).toEqual(["No program was loaded.", "blocked"]);
  });
});

describe("scenes of what the solver found", () => {
  const nd = (data: number[], shape: number[]) => ({ data: Float32Array.from(data), shape });
  const before = {
    state: { labels: ["a"], dim: 2, bounds: { center: [0, 0, 0], half: [1, 1, 1] }, sample: "all" },
    q: { logq: nd([], [0]), kept: nd([], [0]), threshold: -12, audit: [] },
  } as unknown as ExplorerScene;
  const axes = { center: nd([0.5], [1]), basis: nd([-2], [1, 1]) };

  it("have the points, classes, modes and words of Python's", async () => {
    const p = await pictureAt(0.1);
    const scene = sceneOf(p, before, axes, false, -12);
    expect(scene.state.points.shape).toEqual([3, 3]);
    for (let i = 0; i < 3; i++) expect(scene.state.points.data[3 * i]).toBeCloseTo(-2 * (p.x[i] - 0.5), 5);
    const saddle = [...p.code].indexOf(2); // all of its one direction is unstable
    expect([...scene.state.modePoint.data]).toEqual([saddle]);
    const middle = (scene.state.modes.data[0] + scene.state.modes.data[3]) / 2;
    expect(middle).toBeCloseTo(scene.state.points.data[3 * saddle], 5);
    expect(scene.state.names[saddle]).toMatch(/^\d: unstable · \|λ\|max 1\.\d{3} · q (0|\de[-+]\d\d) · index −1$/);
    expect(scene.state.labels).toEqual(["a"]);
    expect(scene.q.logq.shape).toEqual([3]);
    const status = statusOf(p);
    expect(status.text).toMatch(/^3 fixed points: 2 stable, 1 unstable · index sum 1 · computed in this page/);
    expect(status.grade).toBe("open");
    expect(status.tooltip).toContain("no index sum to compare with");
    const inspector = inspectorSceneOf(p, { details: { 0: {} } } as never, false);
    expect(inspector.eigenvalues.shape).toEqual([3, 1, 2]);
    expect(inspector.details).toEqual({});
  });

  it("are empty where there is no point", () => {
    const none: Picture = {
      count: 0, ids: [], x: new Float64Array(0), q: new Float64Array(0), code: new Uint8Array(0), unstable: new Int32Array(0),
      index: new Int8Array(0), indexSum: 0, expectedSum: null, eigenvalues: new Float64Array(0), Y: new Float64Array(0), J: new Float64Array(0), K: new Float64Array(0),
      modePoint: new Int32Array(0), modes: new Float64Array(0), grade: "open", reasons: ["no point was found"], starts: 8, fixed: 0, full: true, ms: 1,
    };
    expect(namesOf(none, false)).toEqual([]);
    expect(sceneOf(none, before, axes, false, -12).state.points.shape).toEqual([0, 3]);
    expect(statusOf(none).text).toMatch(/^0 fixed points: none/);
  });
});
