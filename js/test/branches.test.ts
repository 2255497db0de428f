import { afterEach, describe, expect, it, vi } from "vitest";
import { encode } from "../src/core/codec";
import { StaticModel } from "../src/core/model";
import { gridOf, sightOf, signsOf } from "../src/core/sweep";
import type { Port } from "../src/solver/client";
import type { Answer, Request } from "../src/solver/messages";
import { Desk } from "../src/solver/worker";
import { Branches } from "../src/widgets/branches";
import type { LivePage } from "../src/widgets/livepage";
import { latch } from "./solver/format.test";

describe("a sweep", () => {
  it("begins at the present value and reaches both ends", () => {
    const { right, left } = gridOf(-1, 1, 0.1, 10);
    expect(right.map((v) => v.toFixed(2))).toEqual(["0.30", "0.50", "0.70", "0.90", "1.00"]);
    expect(left.map((v) => v.toFixed(2))).toEqual(["-0.10", "-0.30", "-0.50", "-0.70", "-0.90", "-1.00"]);
    expect(gridOf(0, 1, 1, 4)).toEqual({ right: [], left: [0.75, 0.5, 0.25, 0] });
  });

  it("shows where points begin, end and change their class", () => {
    const x = new Float64Array(3);
    const signs = signsOf([sightOf(0, [0, 1, 2], [0, 2, 0], x), sightOf(1, [0, 2], [0, 1], x), sightOf(2, [0, 2, 7], [0, 1, 0], x)]);
    expect(signs.map(({ value, id, kind }) => [value, id, kind])).toEqual([
      [0.5, 1, "fold"],
      [0.5, 2, "crossing"],
      [1.5, 7, "fold"],
    ]);
  });
});

class QuickPort implements Port {
  onmessage: Port["onmessage"] = null;
  onerror: Port["onerror"] = null;
  asked = 0;
  private readonly desk = new Desk();
  postMessage(message: unknown): void {
    this.asked++;
    const answer: Answer = this.desk.answer(message as Request);
    void Promise.resolve().then(() => this.onmessage?.({ data: answer }));
  }
  terminate(): void {}
}

describe("the branches of x = tanh(2 x + u)", () => {
  afterEach(() => vi.useRealTimers());
  const nd = (values: number[], shape: number[]) => encode(new Float32Array(values), shape);

  function setup(options: Record<string, unknown> = {}) {
    const model = new StaticModel({
      live: { program: latch(), solver: "", parameters: [], states: nd([0.5], [1, 1]), options: {}, continuous: false },
      place: { x: nd([-0.9575, 0, 0.9575], [3, 1]), numbers: [0, 1, 2], u: [0], parameters: {}, whole: true, turn: 1, center: nd([0], [1]), basis: nd([1], [1, 1]) },
      scene: { state: { labels: ["PC 1"] } },
      panel: [{ title: "constant input", items: [{ type: "slider", name: "fpf-input-0", label: "u₁", trait: "input", key: 0, min: -2, max: 2, step: 0.01 }] }],
      input: [0], parameters: {}, tol_q: 1e-12, tol_unique: 1e-3, noise_scale: 0.3, ...options,
    });
    const page = { get: (trait: string) => model.get(trait), set: (trait: string, value: unknown) => model.set(trait, value) } as unknown as LivePage;
    const port = new QuickPort();
    return { model, port, branches: new Branches(model as never, page, () => port) };
  }

  it("fold where they must, and are not computed again while their own slider moves", async () => {
    vi.useFakeTimers();
    const { model, port, branches } = setup();
    const seen = vi.spyOn(branches.view, "update");
    branches.moved();
    expect(port.asked).toBe(0); // not asked for before they are shown
    branches.show(true);
    await vi.advanceTimersByTimeAsync(1000);
    const { sights } = seen.mock.lastCall?.[0] as NonNullable<Parameters<typeof branches.view.update>[0]>;
    expect([49, 121]).toContain(sights.length); // by how quick the machine is
    for (const s of sights) for (const x of s.x) expect(Math.tanh(2 * x + s.value)).toBeCloseTo(x, 9);
    // Folds at u = ± (√2 − artanh √½).
    const at = Math.SQRT2 - Math.atanh(Math.SQRT1_2);
    for (const s of sights) expect(s.ids.length).toBe(Math.abs(s.value) < at ? 3 : 1);
    const folds = signsOf(sights).filter((s) => s.kind === "fold");
    expect(folds.length).toBe(4); // two points at each end
    for (const fold of folds) expect(Math.abs(Math.abs(fold.value) - at)).toBeLessThan(4 / 48 + 1e-9);
    const before = port.asked;
    model.set("input", [0.7]);
    branches.moved();
    await vi.advanceTimersByTimeAsync(1000);
    expect(port.asked).toBe(before);
    expect(seen.mock.lastCall?.[0]?.now).toBe(0.7);
    model.set("tol_unique", 1e-2);
    branches.moved();
    await vi.advanceTimersByTimeAsync(1000);
    expect(port.asked).toBeGreaterThan(before);
    branches.dispose();
  });

  it("are moved along by keys", () => {
    const { model, branches } = setup();
    branches.show(true);
    branches.view.stage.canvas.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowRight" }));
    expect(model.get("input")).toEqual([0.01]);
    expect(branches.view.stage.canvas.getAttribute("aria-valuenow")).toBe("0.01");
    branches.dispose();
  });

  it("say why there are none", () => {
    const { branches } = setup({ live: { reason: "200 units, a page computes up to 128", states: nd([0], [1, 1]) } });
    branches.show(true);
    expect(branches.element.textContent).toContain("no branches: 200 units");
    const none = setup({ panel: [] });
    none.branches.show(true);
    expect(none.branches.element.textContent).toContain("no input and no parameter");
  });
});
