import { afterEach, describe, expect, it, vi } from "vitest";
import { encode } from "../src/core/codec";
import { Disposer } from "../src/core/dom";
import { StaticModel } from "../src/core/model";
import type { Answer, Request } from "../src/solver/messages";
import type { Port } from "../src/solver/client";
import { Desk } from "../src/solver/worker";
import { type Group, type Item, directly, makePanel, position, valueAt, withKey, written } from "../src/widgets/controls";
import { LivePage, sameSet } from "../src/widgets/livepage";
import { makeShell } from "../src/widgets/shell";
import { latch } from "./solver/format.test";

const item = (more: Partial<Item>): Item => ({ type: "slider", name: "fpf-x", label: "x", title: "what x does", trait: "x", key: null, min: 0, max: 1, step: 0.01, ...more });

/** As a kernel's model: it remembers what was sent. */
class Kernel {
  readonly sent: Record<string, unknown>[] = [];
  readonly messages: unknown[] = [];
  private pending: Record<string, unknown> = {};
  private readonly inner: StaticModel;
  constructor(state: Record<string, unknown>) {
    this.inner = new StaticModel(state);
  }
  get = (name: string): unknown => this.inner.get(name);
  set(name: string, value: unknown): void {
    this.pending[name] = value;
    this.inner.set(name, value);
  }
  /** What the kernel sends. */
  hear(state: Record<string, unknown>): void {
    for (const [name, value] of Object.entries(state)) this.inner.set(name, value);
  }
  save_changes(): void {
    this.sent.push(this.pending);
    this.pending = {};
  }
  on = (event: string, f: (...args: never[]) => void): void => this.inner.on(event, f);
  off = (event: string, f?: ((...args: never[]) => void) | null): void => this.inner.off(event, f);
  send(content: unknown): void {
    this.messages.push(content);
  }
}

function mounted(groups: Group[], state: Record<string, unknown>) {
  const model = new Kernel(state);
  const panel = makePanel(model, groups, new Disposer(), directly(model), "controls");
  document.body.append(panel.element);
  const at = <T extends HTMLElement>(id: string): T => panel.element.querySelector(`[data-testid="${id}"]`) as T;
  return { model, panel, at };
}

const fire = (node: HTMLElement, type: string): void => void node.dispatchEvent(new Event(type, { bubbles: true }));

describe("numbers and sliders", () => {
  it("are written as in Python", () => {
    expect([written(1e-12, ".0e"), written(0.05, ".1e"), written(-0.001, ".2f"), written(1024.3, "d"), written(1.5, ".3f")]).toEqual(["1e-12", "5.0e-02", "0.00", "1024", "1.500"]);
  });
  it("stand at the exponent where they are logarithmic", () => {
    const log = item({ scale: "log10" });
    expect(position(log, 1e-12)).toBeCloseTo(-12, 12);
    expect(valueAt(log, -12)).toBe(1e-12);
    expect(valueAt(item({ scale: "log2", shown: "d" }), 10)).toBe(1024);
    expect(valueAt(item({}), 0.1 + 0.2)).toBe(0.3);
  });
  it("change one number of a trait with several", () => {
    expect(withKey([1, 2, 3], 1, 9)).toEqual([1, 9, 3]);
    expect(withKey({ a: 1, b: 2 }, "b", 9)).toEqual({ a: 1, b: 9 });
    expect(withKey(1, null, 9)).toBe(9);
  });
});

describe("a panel", () => {
  const groups: Group[] = [
    {
      title: "search",
      items: [
        item({ name: "tol", trait: "tol", scale: "log10", min: -34, max: -2, step: 0.1, shown: ".0e" }),
        item({ name: "u", trait: "input", key: 1, min: -2, max: 2 }),
        item({ type: "choice", name: "method", trait: "method", options: ["newton", "joint"] }),
        item({ type: "check", name: "auto", trait: "auto" }),
        item({ type: "number", name: "seed", trait: "seed", min: 0, max: 10 }),
        item({ type: "text", name: "units", trait: "units", only: ["method", "joint"] }),
        item({ type: "button", name: "pulse", label: "Pulse", action: "pulse", takes: [{ name: "steps", title: "steps", value: 3 }] }),
      ],
    },
  ];
  const state = () => ({ tol: 1e-12, input: [0, 0.5], method: "newton", auto: true, seed: 1, units: [0, 1, 2] });

  it("shows the traits, sets them, and follows them", () => {
    const { model, at } = mounted(groups, state());
    const tol = at<HTMLInputElement>("tol");
    expect(tol.value).toBe("-12");
    expect(tol.getAttribute("aria-valuetext")).toBe("1e-12");
    tol.value = "-20";
    fire(tol, "input");
    expect(model.get("tol")).toBe(1e-20);
    expect(at<HTMLInputElement>("tol-value").value).toBe("1e-20");
    const u = at<HTMLInputElement>("u");
    u.value = "1";
    fire(u, "change");
    expect(model.sent.at(-1)).toEqual({ input: [0, 1] });
    model.hear({ input: [0, -3] });
    expect(u.min).toBe("-3");
    expect(u.value).toBe("-3");
    const method = at<HTMLSelectElement>("method");
    expect(at("units").closest<HTMLElement>(".fpf-row")?.hidden).toBe(true);
    method.value = "joint";
    fire(method, "change");
    expect(model.get("method")).toBe("joint");
    expect(at("units").closest<HTMLElement>(".fpf-row")?.hidden).toBe(false);
    const auto = at<HTMLInputElement>("auto");
    auto.checked = false;
    fire(auto, "change");
    expect(model.get("auto")).toBe(false);
  });

  it("takes typed numbers, and puts back what is none", () => {
    const { model, at } = mounted(groups, state());
    const typed = at<HTMLInputElement>("u-value");
    typed.value = "−1,25";
    fire(typed, "change");
    expect(model.get("input")).toEqual([0, -1.25]);
    typed.value = "much";
    fire(typed, "change");
    expect(typed.value).toBe("-1.25");
    const units = at<HTMLInputElement>("units");
    units.value = "2, x";
    fire(units, "change");
    expect(units.value).toBe("0, 1, 2");
    const seed = at<HTMLInputElement>("seed");
    seed.value = "99";
    fire(seed, "change");
    expect(model.get("seed")).toBe(10);
  });

  it("is not moved by what comes back while a hand is on it", () => {
    const { model, at } = mounted(groups, state());
    const u = at<HTMLInputElement>("u");
    fire(u, "pointerdown");
    u.value = "1.5";
    fire(u, "input");
    model.hear({ input: [0, 1.2] });
    expect(u.value).toBe("1.5");
    fire(u, "pointerup");
    model.hear({ input: [0, 1.3] });
    expect(u.value).toBe("1.3");
  });

  it("sends buttons' messages with their fields, names everything, and keeps keys from the host", () => {
    const { model, panel, at } = mounted(groups, state());
    at<HTMLInputElement>("pulse-steps").value = "7";
    at("pulse").click();
    expect(model.messages).toEqual([{ type: "pulse", steps: 7 }]);
    for (const node of panel.element.querySelectorAll("input, select, button")) {
      expect(node.getAttribute("aria-label"), node.outerHTML).toBeTruthy();
      expect((node as HTMLElement).title.length, node.outerHTML).toBeGreaterThan(3);
    }
    const heard = vi.fn();
    document.body.addEventListener("keydown", heard);
    at("tol").dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowLeft", bubbles: true }));
    expect(heard).not.toHaveBeenCalled();
    panel.enable(false);
    expect(at<HTMLInputElement>("tol").disabled).toBe(true);
  });
});

/** A worker that answers at once. */
class QuickPort implements Port {
  onmessage: Port["onmessage"] = null;
  onerror: Port["onerror"] = null;
  readonly asked: Request[] = [];
  private readonly desk = new Desk();
  postMessage(message: unknown): void {
    this.asked.push(message as Request);
    const answer: Answer = this.desk.answer(message as Request);
    void Promise.resolve().then(() => this.onmessage?.({ data: answer }));
  }
  terminate(): void {}
}

const nd = (values: number[], shape: number[]) => encode(new Float32Array(values), shape);
const ROOTS = [-0.9575, 0, 0.9575]; // of x = tanh(2 x)

describe("a page that follows beside a kernel", () => {
  afterEach(() => vi.useRealTimers());
  const place = (x: number[], u: number, turn: number, whole = true) => ({
    x: nd(x, [x.length, 1]), numbers: x.map((_, i) => i), u: [u], parameters: {}, whole, turn, center: nd([0], [1]), basis: nd([1], [1, 1]),
  });
  const scene = { state: { labels: [""], dim: 2, bounds: { center: [0, 0, 0], half: [1, 1, 1] }, launches: [] }, q: { logq: nd([], [0]), audit: [] } };

  async function page() {
    const model = new Kernel({
      live: { program: latch(), solver: "", parameters: [], states: nd([0.5], [1, 1]), options: {}, continuous: false },
      place: place(ROOTS, 0, 1), scene, input: [0], parameters: {}, tol_q: 1e-12, tol_unique: 1e-3, n_inits: 16, noise_scale: 0.5, auto: true, method: "newton", options: {},
    });
    const port = new QuickPort();
    const shell = makeShell(model, document.createElement("div"), "explorer");
    const live = new LivePage(model, shell, () => {}, () => port);
    for (let k = 0; k < 20; k++) await Promise.resolve();
    expect(live.ready).toBe(true);
    return { model, live, port, settle: async () => { for (let k = 0; k < 20; k++) await Promise.resolve(); } };
  }

  it("paints by itself while the hand moves, and gives the kernel the last value only", async () => {
    vi.useFakeTimers();
    const { model, live, settle } = await page();
    for (const u of [0.05, 0.1]) {
      live.set("input", [u], false);
      await settle();
      expect(live.local?.scene.state.names.length).toBe(3);
      expect(live.get("input")).toEqual([u]);
      expect(model.get("input")).toEqual([0]);
    }
    expect(model.sent).toEqual([]);
    vi.advanceTimersByTime(200);
    expect(model.sent).toEqual([{ input: [0.1] }]);
  });

  it("gives way to the kernel's answer, and counts where it differs", async () => {
    const { model, live, settle } = await page();
    live.set("input", [0.1], true);
    await settle();
    const mine = Array.from((live.local as NonNullable<typeof live.local>).picture.x);
    model.hear({ place: place(mine, 0.05, 2) }); // an older question
    expect(live.local).not.toBeNull();
    model.hear({ place: place(mine, 0.1, 3, false) }); // not the whole search
    expect(live.local).not.toBeNull();
    model.hear({ place: place(mine, 0.1, 4) });
    expect(live.local).toBeNull();
    expect(model.get("page_counts")).toEqual({ pictures: 1, answers: 1, differences: 0 });
    live.set("input", [0.12], true);
    await settle();
    model.hear({ place: place(mine.slice(1), 0.12, 5) });
    expect(model.get("page_counts")).toEqual({ pictures: 2, answers: 2, differences: 1, page: 3, kernel: 2 });
  });

  it("hands the kernel the points that it follows, once, with the value that it rests at", async () => {
    const { model, live, settle } = await page();
    live.set("input", [0.1], false);
    await settle();
    expect(model.messages).toEqual([]);
    live.set("input", [0.1], true);
    const [message] = model.messages as { type: string; x: number[][] }[];
    expect(message.type).toBe("followed");
    expect(message.x.length).toBe(3);
    for (const [x] of message.x) expect(Math.tanh(2 * x + 0.1)).toBeCloseTo(x, 12);
    expect(message).toMatchObject({ here: false });
    // Other starts are a search of their own.
    live.set("n_inits", 8, true);
    await settle();
    expect(model.messages.length).toBe(1);
    // Back where it began the kernel would not answer by itself.
    live.set("input", [0.2], false);
    await settle();
    live.set("input", [0.1], true);
    expect(model.messages[1]).toMatchObject({ type: "followed", here: true });
  });

  it("shows no picture that was asked for before the kernel answered", async () => {
    const { model, live, settle } = await page();
    live.set("input", [0.1], true);
    await settle();
    const mine = Array.from((live.local as NonNullable<typeof live.local>).picture.x);
    live.set("noise_scale", 0.1, true); // its picture is under way
    model.hear({ place: place(mine, 0.1, 2) });
    await settle();
    expect(live.local).toBeNull();
    expect(model.get("page_counts")).toMatchObject({ answers: 1 });
    live.set("input", [0.12], false);
    await settle();
    expect(live.local).not.toBeNull();
  });

  it("keeps the number of a selected point, and tells the kernel which was chosen meanwhile", async () => {
    const { model, live, settle } = await page();
    model.hear({ selected: 2 });
    live.set("input", [0.1], true);
    await settle();
    const local = live.local as NonNullable<typeof live.local>;
    expect(local.selected).toBe(2);
    Object.assign(local, { selected: 0, chosen: true });
    model.hear({ place: place([...local.picture.x].reverse(), 0.1, 2) }); // the kernel counts the other way
    expect(model.get("selected")).toBe(2);
  });

  it("searches by itself when no kernel answers, and leaves all to the kernel where it is told to", async () => {
    vi.useFakeTimers();
    const { model, live, port, settle } = await page();
    live.set("input", [0.1], true);
    await settle();
    vi.advanceTimersByTime(1000);
    await settle();
    expect(port.asked.at(-1)?.type).toBe("search");
    for (const [name, value] of [["options", { page: false }], ["auto", false], ["method", "joint"]] as const) {
      const before = model.get(name);
      model.hear({ [name]: value });
      expect(live.follows("input")).toBe(false);
      model.hear({ [name]: before });
      expect(live.follows("input")).toBe(true);
    }
  });

  it("makes the starts that a slider asks for and no others", async () => {
    const { live, port, settle } = await page();
    live.set("n_inits", 4, false);
    await settle();
    const asked = port.asked.at(-1) as Extract<Request, { type: "search" }>;
    expect([asked.type, asked.count, asked.plain]).toEqual(["search", 4, true]);
    expect(live.local?.picture.starts).toBe(4);
  });
});

describe("two sets of points", () => {
  it("are one if each point has its own partner nearby", () => {
    expect(sameSet([0, 0, 1, 1], [1, 1.0001, 0, 0], 2, 1e-3)).toBe(true);
    expect(sameSet([0, 0, 0, 0], [0, 0, 1, 1], 2, 1e-3)).toBe(false);
    expect(sameSet([0], [0, 1], 1, 1e-3)).toBe(false);
  });
});
