/** Sliders of a page without a kernel: the solver follows the points while they move. */

import { unpack } from "../core/codec";
import { h, pageBus } from "../core/dom";
import type { Model } from "../core/model";
import type { ExplorerScene } from "../core/scene";
import { PageSolver, workerFrom } from "../solver/client";
import type { Picture } from "../solver/messages";
import { type Axes, inspectorSceneOf, sceneOf, statusOf } from "./livescene";
import { type Shell, put } from "./shell";

/** The trait `live` of a saved explorer, arrays decoded. */
export interface Live extends Axes {
  program: unknown;
  solver: string;
  u: number[];
  reach: number[];
  x: { data: ArrayLike<number>; shape: number[] };
  states: { data: ArrayLike<number>; shape: number[] };
  noise: number;
  count: number;
  options: Record<string, number>;
  continuous: boolean;
}

const REST = 250; // ms without a movement after which the whole is searched

/** A slider with its name and value. */
function slider(name: string, testid: string, title: string, value: number, low: number, high: number, step: number, moved: (v: number) => void): HTMLElement {
  const input = h("input", { type: "range", min: low, max: high, step, value, "data-testid": testid, "aria-label": name, title });
  const output = h("output", {}, value.toFixed(2));
  input.addEventListener("input", () => {
    output.textContent = Number(input.value).toFixed(2);
    moved(Number(input.value));
  });
  return h("label", { class: "fpf-range", title }, name, input, output);
}

/** Tells the views of the same group how their scene changes. */
interface Moved {
  group: string;
  change: (scene: Record<string, unknown>) => unknown;
}

/** Lets an inspector of a saved page follow the explorer beside it. */
export function hearMoved(model: Model): () => void {
  const hear = (event: Event): void => {
    const { group, change } = (event as CustomEvent<Moved>).detail;
    if (!group || group !== model.get("group")) return;
    model.set("scene", change(model.get("scene") as Record<string, unknown>));
    model.set("status", { state: "idle", text: "spectra at the present input; modes and matrices: at the saved one only" });
  };
  pageBus().addEventListener("fpf-moved", hear);
  return () => pageBus().removeEventListener("fpf-moved", hear);
}

/** Adds the sliders to an explorer, if its page carries a program. */
export function attachLive(model: Model, shell: Shell): void {
  const raw = model.get("live");
  if (!raw) return;
  const live = unpack<Live>({ ...(raw as object), program: null });
  const program = (raw as Live).program;
  const u = [...live.u];
  let noise = live.noise;
  let count = live.count;
  let rest: ReturnType<typeof setTimeout> | undefined;
  let frames = 0;
  let ids = Array.from({ length: live.x.shape[0] }, (_, i) => i);

  const show = (picture: Picture): void => {
    frames++;
    root.dataset.frames = String(frames);
    const before = unpack<ExplorerScene>(model.get("scene"));
    // A selected point stays selected while it lives.
    const selected = model.get("selected") as number | null;
    const place = selected === null ? -1 : picture.ids.indexOf(ids[selected]);
    ids = picture.ids;
    model.set("selected", null);
    model.set("selection", []);
    put(model, "scene", sceneOf(picture, before, live, live.continuous, Math.log10(live.options.tolQ)));
    put(model, "selected", place < 0 ? null : place);
    put(model, "status", statusOf(picture));
    const detail: Moved = { group: String(model.get("group") ?? ""), change: (scene) => inspectorSceneOf(picture, scene, live.continuous) };
    pageBus().dispatchEvent(new CustomEvent("fpf-moved", { detail }));
  };
  const failed = (message: string, lost: boolean): void => {
    if (lost && !root.dataset.ready) {
      // The host forbids workers: the picture stays as it was saved.
      root.remove();
      console.warn(`fpf_notebook: no solver in this page (${message})`);
      return;
    }
    put(model, "status", { ...(model.get("status") as object), error: `This page cannot compute: ${message}` });
    enable(false);
  };
  const enable = (on: boolean): void => {
    for (const input of root.querySelectorAll("input")) input.disabled = !on;
  };
  const search = (): void => solver.picture({ type: "search", count, u: [...u] });
  const settle = (): void => {
    clearTimeout(rest);
    rest = setTimeout(search, REST);
  };
  const root = h("div", { class: "fpf-live-controls", "data-testid": "fpf-live-controls", role: "group", "aria-label": "constant input" });
  u.forEach((value, k) => {
    const reach = live.reach[k];
    const moved = (v: number): void => {
      u[k] = v;
      solver.picture({ type: "follow", u: [...u] });
      settle();
    };
    root.append(slider(`u${k + 1}`, `fpf-live-input-${k}`, `constant input of channel ${k + 1}: fixed points move with it`, value, -reach, reach, 0.01, moved));
  });
  const restart = (): void => {
    void solver.ask({ type: "starts", states: Float64Array.from(live.states.data), noise });
    settle();
  };
  root.append(
    slider("noise", "fpf-live-noise", "standard deviation of the noise added to the initial states", noise, 0, Math.max(2, noise), 0.01, (v) => {
      noise = v;
      restart();
    }),
    slider("log₂ starts", "fpf-live-starts", "number of initial states of a search, as a power of two", Math.log2(Math.max(1, count)), 4, 14, 1, (v) => {
      count = 2 ** v;
      settle();
    }),
  );
  enable(false); // until the program is loaded
  let solver: PageSolver;
  try {
    const port = workerFrom(live.solver);
    solver = new PageSolver(port, show, failed);
    shell.disposer.add(() => solver.dispose());
  } catch (error) {
    return failed(String(error), true);
  }
  shell.disposer.add(() => clearTimeout(rest));
  void solver.ask({ type: "load", program }).then(async (answer) => {
    if (answer.type === "error") return; // said in the page; whatever else is asked would fail for that reason
    void solver.ask({ type: "options", options: live.options });
    void solver.ask({ type: "starts", states: Float64Array.from(live.states.data), noise });
    await solver.ask({ type: "adopt", x: Float64Array.from(live.x.data), u: [...live.u] });
    enable(true);
    root.dataset.ready = "true";
  });
  shell.root.insertBefore(root, shell.bar.nextSibling);
}
