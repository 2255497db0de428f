/**
 * While a hand moves a slider, the page's own solver follows the points and repaints.
 *
 * With a kernel, the kernel gets the last value and answers with the authoritative set, which takes
 * the place of the page's. Without one, the page searches by itself when the hand rests.
 */

import { pageBus } from "../core/dom";
import { type Model, hasKernel, reader } from "../core/model";
import type { ExplorerScene, Status } from "../core/scene";
import { type Ask, PageSolver, type Port, workerFrom } from "../solver/client";
import type { Picture } from "../solver/messages";
import type { Values } from "./controls";
import type { Network } from "./livedetail";
import { type Axes, sceneOf, statusOf } from "./livescene";
import { type Shell, put, watch } from "./shell";

/** The trait `live`, arrays decoded. */
export interface Live {
  program?: unknown;
  solver?: string;
  parameters: string[];
  states: { data: ArrayLike<number> };
  options: Record<string, number>;
  continuous: boolean;
  reason?: string;
}

/** The trait `place`: the points that are shown, where they hold, and the axes. */
export interface Place extends Axes {
  x: { data: ArrayLike<number>; shape: number[] };
  numbers: number[];
  u: number[];
  parameters: Record<string, number>;
  whole: boolean;
  turn: number;
}

/** What the page shows in place of the kernel's set. */
export interface Local {
  picture: Picture;
  scene: ExplorerScene;
  status: Status;
  selected: number | null;
  selection: number[];
  /** Whether a hand has selected among these points. */
  chosen: boolean;
}

const REST = 150; // ms without a movement after which a hand is taken to rest
const SEARCH = 250; // ms after which the page searches where no kernel does
const PATIENCE = 700; // ms for which the page leaves the search to a kernel
const MOST_HANDED = 100000; // numbers that the kernel gets at once
const FOLLOWED = new Set(["input", "parameters"]);
const SEARCHED = new Set(["noise_scale", "n_inits"]);
const FILTERED = new Set(["tol_q", "tol_unique"]);

/** Tells the views of the same group what was found. */
export interface Moved {
  group: string;
  picture: Picture;
  selected: number | null;
  network: Network;
  /** Runs the network from a state: [steps + 1][n], or null. */
  run: (x: Float64Array, steps: number) => Promise<Float64Array | null>;
}

/** Calls back with what an inspector shows while the explorer of its group follows points. */
export function hearMoved(group: () => string, changed: (moved: Moved) => void): () => void {
  const hear = (event: Event): void => {
    const { detail } = event as CustomEvent<Moved>;
    if (detail.group && detail.group === group()) changed(detail);
  };
  pageBus().addEventListener("fpf-moved", hear);
  return () => pageBus().removeEventListener("fpf-moved", hear);
}

/** Whether two sets of points are one: as many, and each near one of the others. */
export function sameSet(a: ArrayLike<number>, b: ArrayLike<number>, n: number, tol: number): boolean {
  if (a.length !== b.length) return false;
  const count = a.length / n;
  const taken = new Uint8Array(count);
  for (let i = 0; i < count; i++) {
    let found = -1;
    for (let j = 0; j < count && found < 0; j++) {
      if (taken[j]) continue;
      let d = 0;
      for (let k = 0; k < n && d <= tol * tol; k++) d += (a[i * n + k] - b[j * n + k]) ** 2;
      if (d <= tol * tol) found = j;
    }
    if (found < 0) return false;
    taken[found] = 1;
  }
  return true;
}

export class LivePage implements Values {
  /** What is shown instead of the kernel's set, or null. */
  local: Local | null = null;
  ready = false;
  private failure: Status | null = null;
  private readonly held = new Map<string, unknown>();
  private readonly live: () => Live | null;
  private readonly place: () => Place | null;
  private readonly scene: () => ExplorerScene;
  private solver: PageSolver | null = null;
  private rest: ReturnType<typeof setTimeout> | undefined;
  private later: ReturnType<typeof setTimeout> | undefined;
  private turn: unknown = null;
  /** How many sets of the kernel's were taken over: what was asked for before one is shown no more. */
  private epoch = 0;
  /** Whole numbers only: the kernel takes nothing else. */
  private counts: Record<string, number> = { pictures: 0, answers: 0, differences: 0 };

  constructor(
    private readonly model: Model,
    private readonly shell: Shell,
    /** Shows what is to be seen now. */
    private readonly repaint: () => void,
    private readonly start: (source: string) => Port = workerFrom,
  ) {
    this.live = reader<Live | null>(model, "live");
    this.place = reader<Place | null>(model, "place");
    this.scene = reader<ExplorerScene>(model, "scene");
    shell.root.dataset.page = "none";
    watch(model, shell.disposer, "live", () => this.begin());
    watch(model, shell.disposer, "place", () => this.answered());
    watch(model, shell.disposer, "scene", () => this.redraw());
    shell.disposer.add(() => {
      clearTimeout(this.rest);
      clearTimeout(this.later);
      this.solver?.dispose();
    });
    // A view that is drawn again finds the program there; the first one asks for it.
    const there = model.get("live") as Live | null;
    if (there?.program) this.begin();
    else if (hasKernel(model) && !there?.reason) model.send({ type: "program" });
  }

  get(trait: string): unknown {
    return this.held.has(trait) ? this.held.get(trait) : this.model.get(trait);
  }

  set(trait: string, value: unknown, done: boolean): void {
    if (!this.follows(trait)) {
      put(this.model, trait, value);
      return;
    }
    this.held.set(trait, value);
    this.move(trait);
    clearTimeout(this.rest);
    if (done) this.flush();
    else this.rest = setTimeout(() => this.flush(), REST);
  }

  /** Whether the page does what a slider asks for. */
  follows(trait: string): boolean {
    const { page = true } = (this.model.get("options") as { page?: boolean } | undefined) ?? {};
    if (!this.ready || !page || this.model.get("auto") === false || (this.model.get("method") ?? "newton") !== "newton") return false;
    if (FILTERED.has(trait)) return !hasKernel(this.model); // the kernel judges its candidates again in no time
    return FOLLOWED.has(trait) || SEARCHED.has(trait);
  }

  private begin(): void {
    const raw = this.model.get("live") as Live | null;
    const live = this.live();
    if (!raw?.program || !live || this.solver) return;
    let solver: PageSolver;
    try {
      solver = this.solver = new PageSolver(this.start(raw.solver ?? ""), (p, ask) => this.show(p, ask), (message, lost) => this.failed(message, lost));
    } catch (error) {
      return this.failed(String(error), true);
    }
    void solver.ask({ type: "load", program: raw.program }).then(async (answer) => {
      if (answer.type === "error") return; // said already
      this.options();
      this.starts();
      await this.adopt();
      this.ready = true;
      this.shell.root.dataset.page = "ready";
      this.repaint();
    });
  }

  private failed(message: string, lost: boolean): void {
    this.ready = false;
    this.shell.root.dataset.page = "failed";
    if (lost || hasKernel(this.model)) console.warn(`fpf_notebook: this page does not compute (${message})`);
    else this.failure = { ...(this.model.get("status") as Status), error: `This page cannot compute: ${message}` };
    this.local = null;
    this.flush();
    this.repaint();
  }

  /** What the status line says instead of the kernel's words, or null. */
  get status(): Status | null {
    return this.local?.status ?? this.failure;
  }

  private options(): void {
    const { options } = this.live() as Live;
    void this.solver?.ask({ type: "options", options: { ...options, tolQ: Number(this.get("tol_q") ?? 1e-12), tolUnique: Number(this.get("tol_unique") ?? 1e-3) } });
  }

  private starts(): void {
    const { states } = this.live() as Live;
    void this.solver?.ask({ type: "starts", states: Float64Array.from(states.data), noise: Number(this.get("noise_scale") ?? 0) });
  }

  /** Takes over the points that the kernel shows. */
  private async adopt(): Promise<void> {
    const place = this.place();
    if (!place || !this.solver) return;
    this.turn = place.turn;
    this.epoch++;
    this.solver.forget();
    const parameters = this.numbers(place.parameters);
    await this.solver.ask({ type: "adopt", x: Float64Array.from(place.x.data), u: place.u, parameters });
  }

  private numbers(byName: Record<string, number> | undefined): number[] | undefined {
    const names = (this.live() as Live).parameters ?? [];
    return byName && names.length && names.every((n) => n in byName) ? names.map((n) => byName[n]) : undefined;
  }

  private where(): { u: number[]; parameters?: number[]; epoch: number } {
    return { epoch: this.epoch, u: [...((this.get("input") as number[]) ?? [])], parameters: this.numbers(this.get("parameters") as Record<string, number> | undefined) };
  }

  private move(trait: string): void {
    const { solver } = this;
    if (!solver) return;
    clearTimeout(this.later);
    if (FILTERED.has(trait)) this.options();
    if (trait === "noise_scale") this.starts();
    if (SEARCHED.has(trait)) solver.picture({ type: "search", count: Number(this.get("n_inits") ?? 1024), plain: true, ...this.where() });
    else solver.picture({ type: "follow", ...this.where() });
  }

  /** Gives the kernel the last values; where none answers, the page itself searches. */
  private flush(): void {
    clearTimeout(this.rest);
    clearTimeout(this.later);
    const searched = [...this.held.keys()].some((t) => SEARCHED.has(t));
    const moved = this.held.size > 0;
    // The kernel's search starts from these points as well: it shows no fewer.
    const { picture } = this.local ?? {};
    if (picture?.count && picture.x.length <= MOST_HANDED && [...this.held.keys()].some((t) => FOLLOWED.has(t)) && hasKernel(this.model)) {
      const n = picture.x.length / picture.count;
      // Back where the hand began nothing changes in the kernel: it is asked to look again, so that it answers.
      const here = [...this.held].every(([t, v]) => JSON.stringify(v) === JSON.stringify(this.model.get(t)));
      this.model.send({ type: "followed", here, x: Array.from({ length: picture.count }, (_, p) => [...picture.x.subarray(p * n, (p + 1) * n)]) });
    }
    for (const [trait, value] of this.held) this.model.set(trait, value);
    if (moved) this.model.save_changes();
    this.held.clear();
    if (searched || !this.ready || !moved) return;
    // Unless the kernel has answered meanwhile.
    const ask = (): void => void (this.local && this.solver?.picture({ type: "search", count: Number(this.get("n_inits") ?? 1024), ...this.where() }));
    this.later = setTimeout(ask, hasKernel(this.model) ? PATIENCE : SEARCH);
  }

  private show(picture: Picture, ask: Ask): void {
    if (!("epoch" in ask) || ask.epoch !== this.epoch) return; // the kernel has answered meanwhile
    const place = this.place();
    if (!place) return;
    this.counts.pictures++;
    this.shell.root.dataset.pictures = String(this.counts.pictures);
    const before = this.local;
    const selected = before ? before.selected : ((this.model.get("selected") as number | null) ?? null);
    // A selected point stays selected while it lives: by its number.
    const ids = before ? before.picture.ids : place.numbers.map((_, i) => i);
    const at = before || selected === null ? selected : place.numbers.indexOf(selected);
    const now = at === null || at < 0 ? -1 : picture.ids.indexOf(ids[at]);
    this.local = { picture, scene: this.draw(picture), status: statusOf(picture), selected: now < 0 ? null : now, selection: [], chosen: before?.chosen ?? false };
    this.repaint();
    const { continuous, program } = this.live() as Live;
    const network = { continuous, dt: (program as { dt?: number | null }).dt ?? null, nInputs: place.u.length };
    const run = (x: Float64Array, steps: number): Promise<Float64Array | null> => this.run(x, steps);
    const detail: Moved = { group: String(this.model.get("group") ?? ""), picture, selected: this.local.selected, network, run };
    pageBus().dispatchEvent(new CustomEvent("fpf-moved", { detail }));
  }

  /** Runs the network under the setting of the last picture: [steps + 1][count][n], or null. */
  async run(x: Float64Array, steps: number): Promise<Float64Array | null> {
    const answer = await this.solver?.ask({ type: "runs", x, steps });
    return answer?.type === "runs" ? answer.states : null;
  }

  private draw(picture: Picture): ExplorerScene {
    const threshold = Math.log10(Math.max(Number(this.get("tol_q") ?? 1e-12), 1e-36));
    return sceneOf(picture, this.scene(), this.place() as Place, (this.live() as Live).continuous, threshold);
  }

  /** Other axes, or launched trajectories, from the kernel. */
  private redraw(): void {
    if (!this.local || !this.place()) return;
    this.local.scene = this.draw(this.local.picture);
    this.repaint();
  }

  /** The kernel has answered; what it says replaces what the page found. */
  private answered(): void {
    const place = this.place();
    if (!place || place.turn === this.turn) return this.redraw();
    if (this.local && (!place.whole || this.held.size || !this.holds(place))) return; // an answer to an older question
    this.turn = place.turn;
    clearTimeout(this.later);
    const { local } = this;
    if (local) {
      this.counts.answers++;
      const n = place.x.shape[1];
      if (!sameSet(local.picture.x, place.x.data, n, Number(this.get("tol_unique") ?? 1e-3))) {
        this.counts.differences++;
        Object.assign(this.counts, { page: local.picture.count, kernel: place.x.shape[0] });
      }
      this.local = null;
      put(this.model, "page_counts", { ...this.counts });
      if (local.chosen) put(this.model, "selected", this.nearest(local, place));
    }
    if (this.solver) void this.adopt();
    if (local) this.repaint();
  }

  /** The kernel's number of the point that was selected among the page's. */
  private nearest({ picture, selected }: Local, place: Place): number | null {
    if (selected === null) return null;
    const n = place.x.shape[1];
    let best: number | null = null;
    let least = Infinity;
    place.numbers.forEach((number, i) => {
      let d = 0;
      for (let k = 0; k < n; k++) d += (picture.x[selected * n + k] - place.x.data[i * n + k]) ** 2;
      if (d < least) [best, least] = [number, d];
    });
    return best;
  }

  /** Whether an answer belongs to what the sliders say. */
  private holds(place: Place): boolean {
    const { u } = this.where();
    const parameters = (this.get("parameters") as Record<string, number> | undefined) ?? {};
    return u.every((v, k) => v === place.u[k]) && Object.entries(parameters).every(([name, v]) => v === place.parameters[name]);
  }
}
