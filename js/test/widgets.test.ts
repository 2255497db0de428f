import { describe, expect, it } from "vitest";
import { encode } from "../src/core/codec";
import { StaticModel } from "../src/core/model";
import views, { embed } from "../src/index";
import { hideStandIn } from "../src/widgets/shell";

// jsdom has no canvas: these tests are about the elements around the pictures.
const f = (values: number[], shape: number[]) => encode(new Float32Array(values), shape);
const scene = (n: number) => ({
  state: {
    labels: ["PC 1", "PC 2", "PC 3"], dim: 3, bounds: { center: [0, 0, 0], half: [1, 1, 1] },
    points: f(new Array(3 * n).fill(0.1), [n, 3]),
    code: encode(new Int32Array(n), [n]), names: Array.from({ length: n }, (_, i) => `${i}: stable`),
    values: f([], [0]), valueLabel: "", modes: f([], [0, 2, 3]), modeKind: f([], [0]), modePoint: f([], [0]),
    launches: [],
  },
  q: { logq: f([-30], [1]), kept: encode(new Uint8Array([1]), [1]), threshold: -12, audit: [{ label: "kept", count: 1, tooltip: "t" }] },
});
const model = (n: number) => new StaticModel({ kind: "explorer", scene: scene(n), selected: null, selection: [], status: { state: "idle", text: "ready", tooltip: "why" }, options: {}, group: "g" });
const get = (el: Element, id: string) => el.querySelector(`[data-testid="${id}"]`) as HTMLElement;

function mount(m: StaticModel) {
  const el = document.createElement("div");
  document.body.append(el);
  const stop = views.render({ model: m as never, el } as never) as () => void;
  return { el, stop };
}

describe("explorer", () => {
  it("mirrors the points in a list and the status in words", () => {
    const { el, stop } = mount(model(3));
    expect(get(el, "fpf-status").textContent).toBe("ready");
    expect(get(el, "fpf-status").title).toBe("why");
    expect(el.querySelectorAll('[role="option"]').length).toBe(3);
    stop();
    expect(el.children.length).toBe(0);
  });

  it("selects by click and key, clears by Escape, and says so", () => {
    const m = model(3);
    const { el, stop } = mount(m);
    get(el, "fpf-point-1").click();
    expect(m.get("selected")).toBe(1);
    expect(get(el, "fpf-point-1").getAttribute("aria-selected")).toBe("true");
    expect(get(el, "fpf-live").textContent).toContain("1: stable");
    const press = (id: string, key: string) => get(el, id).dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
    press("fpf-point-2", "Enter");
    expect(m.get("selected")).toBe(2);
    press("fpf-point-2", "Escape");
    expect(m.get("selected")).toBeNull();
    stop();
  });

  it("keeps two views of one model in step, and forgets the model at the end", () => {
    const m = model(3);
    const [a, b] = [mount(m), mount(m)];
    get(a.el, "fpf-point-0").click();
    expect(get(b.el, "fpf-point-0").getAttribute("aria-selected")).toBe("true");
    a.stop();
    b.stop();
    m.set("selected", 2);
    expect(get(a.el, "fpf-point-2")).toBeNull();
  });

  it("has a designed empty state, and shows errors", () => {
    const m = model(0);
    const { el, stop } = mount(m);
    expect(el.textContent).toContain("no fixed points at these tolerances");
    m.set("status", { state: "error", error: "tol_q is -1" });
    expect(get(el, "fpf-error").textContent).toBe("tol_q is -1");
    stop();
  });

  it("gives every button a tooltip and a name", () => {
    const { el, stop } = mount(model(1));
    for (const b of el.querySelectorAll("button")) {
      expect(b.title.length).toBeGreaterThan(3);
      expect(b.getAttribute("aria-label")).toBe(b.title);
    }
    stop();
  });
});

describe("controls beside a picture", () => {
  it("get the tooltips and names that ipywidgets leaves out, whenever they appear", async () => {
    const m = model(1);
    m.set("hints", { "fpf-abc-0": ["tol_q", "only filters"] });
    const { el, stop } = mount(m);
    const control = document.createElement("div");
    control.className = "jupyter-widgets fpf-abc-0";
    control.innerHTML = '<div class="noUi-handle"></div>';
    document.body.append(control);
    await new Promise((done) => setTimeout(done, 400));
    expect(control.title).toBe("only filters");
    expect(control.firstElementChild?.getAttribute("aria-label")).toBe("tol_q");
    stop();
    expect(el.children.length).toBe(0);
  });
});

describe("a saved notebook's still picture", () => {
  it("is hidden by the live view of that name only", () => {
    expect(hideStandIn("0ab9")).toContain('.fpf-static[data-fpf="0ab9"]');
    expect(hideStandIn("")).toBe("");
    expect(hideStandIn('"]{}')).toBe("");
  });
});

describe("embed", () => {
  it("links views of one group", () => {
    const first = document.createElement("div");
    const second = document.createElement("div");
    document.body.append(first, second);
    const state = () => ({ kind: "explorer", scene: scene(3), selected: null, selection: [], status: {}, options: {}, group: "page" });
    const stops = [embed(first, state()), embed(second, state())];
    get(first, "fpf-point-2").click();
    expect(get(second, "fpf-point-2").getAttribute("aria-selected")).toBe("true");
    stops.forEach((stop) => stop());
  });

  it("says what is wrong with an unknown kind", () => {
    const el = document.createElement("div");
    embed(el, { kind: "future" });
    expect(el.textContent).toContain('"future"');
  });
});
