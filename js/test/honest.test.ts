import { describe, expect, it, vi } from "vitest";
import { categorical, distinct } from "../src/core/colors";
import { StaticModel, isLost } from "../src/core/model";
import { staircase } from "../src/views/lines";
import { makeShell } from "../src/widgets/shell";

/** As Jupyter's: it has a kernel, and keeps what is sent. */
function kernelModel(status: object, manager?: unknown) {
  const inner = new StaticModel({ status, key: "" });
  const sent: unknown[] = [];
  return {
    sent,
    widget_manager: manager,
    get: (name: string) => inner.get(name),
    set: (name: string, value: unknown) => inner.set(name, value),
    save_changes: () => {},
    on: (event: string, f: () => void) => inner.on(event, f),
    off: (event: string, f?: (() => void) | null) => inner.off(event, f),
    send: (content: unknown) => sent.push(content),
  };
}
const get = (el: Element, id: string) => el.querySelector(`[data-testid="${id}"]`) as HTMLElement;
const status = (more: object = {}) => ({ state: "idle", text: "27 points", tooltip: "", progress: 1, error: "", ...more });

describe("status line", () => {
  it("shows the grade on the dot, never beside an error", () => {
    const model = kernelModel(status({ grade: "proved" }));
    const el = document.createElement("div");
    const shell = makeShell(model as never, el, "x");
    const dot = el.querySelector(".fpf-dot") as HTMLElement;
    expect(dot.dataset.grade).toBe("proved");
    model.set("status", status({ grade: "open" }));
    expect(dot.dataset.grade).toBe("open");
    model.set("status", status({ grade: "proved", error: "no" }));
    expect(dot.dataset.grade).toBe("");
    shell.disposer.dispose();
  });

  it("has one button for an open set, with the reason, and none otherwise", () => {
    const model = kernelModel(status({ grade: "open", next: { label: "search exhaustively", reason: "one round" } }));
    const el = document.createElement("div");
    const shell = makeShell(model as never, el, "x");
    const button = get(el, "fpf-go-on") as HTMLButtonElement;
    expect(button.hidden).toBe(false);
    expect(button.title).toContain("one round");
    button.click();
    expect(model.sent).toEqual([{ type: "go_on" }]);
    model.set("status", status({ grade: "proved", next: null }));
    expect(button.hidden).toBe(true);
    shell.disposer.dispose();
  });

  it("offers nothing on a page without a kernel", () => {
    const model = new StaticModel({ status: status({ grade: "open", next: { label: "x", reason: "y" } }), key: "" });
    const el = document.createElement("div");
    makeShell(model, el, "x").disposer.dispose();
    const again = document.createElement("div");
    const shell = makeShell(model, again, "x");
    expect(get(again, "fpf-go-on").hidden).toBe(true);
    shell.disposer.dispose();
  });

  it("says within two seconds that the kernel is gone, and that it is back", () => {
    vi.useFakeTimers();
    const kernel = { status: "idle", connectionStatus: "connected" };
    const model = kernelModel(status({ grade: "proved" }), { kernel });
    const el = document.createElement("div");
    const shell = makeShell(model as never, el, "x");
    vi.advanceTimersByTime(2000);
    expect(get(el, "fpf-status").textContent).toContain("27 points");
    kernel.status = "dead";
    vi.advanceTimersByTime(2000);
    expect(get(el, "fpf-status").textContent).toContain("kernel is gone");
    expect((el.querySelector(".fpf-dot") as HTMLElement).dataset.grade).toBe("");
    expect(shell.root.classList.contains("fpf-lost")).toBe(true);
    kernel.status = "busy"; // a kernel that works is not gone
    vi.advanceTimersByTime(2000);
    expect(get(el, "fpf-status").textContent).toContain("27 points");
    shell.disposer.dispose();
    expect(vi.getTimerCount()).toBe(0);
    vi.useRealTimers();
  });

  it("believes Jupyter's mark of a restart, and other hosts without a manager", () => {
    const el = document.createElement("div");
    expect(isLost({} as never, el)).toBe(false);
    expect(isLost({ widget_manager: { kernel: null } } as never, el)).toBe(false);
    expect(isLost({ widget_manager: { kernel: { status: "idle", connectionStatus: "connecting" } } } as never, el)).toBe(true);
    el.className = "jupyter-widgets-disconnected";
    expect(isLost({} as never, el)).toBe(true);
  });
});

describe("whole numbers", () => {
  it("have a colour each", () => {
    const theme = { series: ["a", "b", "c"] };
    const values = [-1, 1, -1, 1, NaN];
    expect(distinct(values)).toEqual([-1, 1]);
    expect(categorical(-1, values, theme)).toBe("a");
    expect(categorical(1, values, theme)).toBe("b");
    const many = [0, 1, 2, 3, 4];
    expect(new Set(many.map((v) => categorical(v, many, theme))).size).toBe(5);
  });
});

describe("counts over the epochs", () => {
  it("go up and down in steps, and stop where nothing was searched", () => {
    const { x, y } = staircase([1, 2, 9], [3, 5, 7], [0, 1, 0]);
    expect([...x]).toEqual([1, 2, 2, NaN, 9]);
    expect([...y]).toEqual([3, 3, 5, NaN, 7]);
  });
});
