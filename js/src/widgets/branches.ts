/** Computes the branches below the picture in a worker of their own, while nobody waits for them. */

import { h } from "../core/dom";
import { type Model, reader } from "../core/model";
import type { ExplorerScene } from "../core/scene";
import { type Sight, gridOf, sightOf } from "../core/sweep";
import { PageSolver, type Port, workerFrom } from "../solver/client";
import { StripView } from "../views/strip";
import type { Group, Item } from "./controls";
import type { Live, LivePage, Place } from "./livepage";

const STEPS = 48;
const QUICK = 40; // ms of a search below which there is time for more of them
const MORE_STEPS = 120;
const CALM = 400; // ms without news after which a sweep begins

export class Branches {
  readonly view: StripView;
  readonly element: HTMLElement;
  private readonly choice = h("select", { class: "fpf-choice", "data-testid": "fpf-strip-of", "aria-label": "setting that is swept", title: "the setting over which the branches are drawn" });
  private readonly words = h("span", { class: "fpf-note", role: "status", "data-testid": "fpf-strip-words" });
  private readonly live: () => Live | null;
  private readonly place: () => Place | null;
  private readonly scene: () => ExplorerScene | null;
  private solver: PageSolver | null = null;
  private loaded: unknown = null;
  private sights: Sight[] = [];
  private key = "";
  private run = 0;
  private timer: ReturnType<typeof setTimeout> | undefined;
  private shown = false;

  constructor(
    private readonly model: Model,
    private readonly page: LivePage,
    private readonly start: (source: string) => Port = workerFrom,
  ) {
    this.live = reader<Live | null>(model, "live");
    this.place = reader<Place | null>(model, "place");
    this.scene = reader<ExplorerScene | null>(model, "scene");
    this.view = new StripView((value, done) => {
      const item = this.item();
      if (!item) return;
      const whole = this.page.get(item.trait);
      const next = Array.isArray(whole) ? whole.map((v, k) => (k === item.key ? value : v)) : { ...(whole as object), [String(item.key)]: value };
      this.page.set(item.trait, next, done);
      this.moved();
    });
    this.choice.addEventListener("change", () => this.moved());
    this.element = h("div", { class: "fpf-strip" }, h("div", { class: "fpf-strip-head" }, h("span", { class: "fpf-head" }, "branches over"), this.choice, this.words), this.view.stage.element);
    this.element.hidden = true;
  }

  show(on: boolean): void {
    if (on === this.shown) return;
    this.shown = on;
    this.element.hidden = !on;
    this.moved();
  }

  /** The settings that can be swept. */
  private items(): Item[] {
    const groups = (this.model.get("panel") as Group[] | undefined) ?? [];
    return groups.flatMap((g) => g.items).filter((i) => i.type === "slider" && (i.trait === "input" || i.trait === "parameters"));
  }

  private item(): Item | null {
    return this.items().find((i) => i.name === this.choice.value) ?? this.items()[0] ?? null;
  }

  private valueOf(item: Item): number {
    const whole = this.page.get(item.trait) as Record<string | number, number> | undefined;
    return Number(whole?.[item.key as string | number] ?? 0);
  }

  /** A setting has changed, or what is shown: the line moves, and the branches follow if they are others. */
  moved(): void {
    if (!this.shown) return;
    const items = this.items();
    if (this.choice.options.length !== items.length) this.choice.replaceChildren(...items.map((i) => h("option", { value: i.name }, i.label)));
    const item = this.item();
    const [live, place] = [this.live(), this.place()];
    if (!item || !live?.program || !place) {
      const why = !items.length ? "the network has no input and no parameter that can be moved" : (live?.reason ?? "the program of the network is not here yet");
      this.words.textContent = `no branches: ${why}`;
      this.view.update(null);
      return;
    }
    // Along a branch the swept setting alone changes: what was found for another value of it holds.
    const others = ["input", "parameters"].map((trait) => Object.entries((this.page.get(trait) as object | undefined) ?? {}).filter(([name]) => trait !== item.trait || name !== String(item.key)));
    const key = JSON.stringify([item.name, item.min, item.max, others, this.page.get("tol_q"), this.page.get("tol_unique")]);
    if (key !== this.key) {
      this.key = key;
      this.run++;
      this.sights = [];
      clearTimeout(this.timer);
      this.timer = setTimeout(() => void this.sweep(item), CALM);
    }
    this.paint(item);
  }

  private paint(item: Item): void {
    const place = this.place();
    const scene = this.scene();
    if (!place) return;
    const n = place.center.data.length;
    this.view.update({ name: item.label, axis: scene?.state?.labels?.[0] ?? "", low: item.min, high: item.max, now: this.valueOf(item), step: item.step, sights: this.sights, center: place.center.data, direction: place.basis.data.slice(0, n) });
  }

  private async sweep(item: Item): Promise<void> {
    const run = ++this.run;
    const [live, place] = [this.live(), this.place()];
    if (!live?.program || !place) return;
    try {
      this.solver ??= new PageSolver(this.start(live.solver ?? ""), () => {}, (message) => this.failed(message));
      const { solver } = this;
      if (this.loaded !== live.program) {
        if ((await solver.ask({ type: "load", program: live.program })).type === "error") return;
        this.loaded = live.program;
      }
      void solver.ask({ type: "options", options: { ...live.options, tolQ: Number(this.page.get("tol_q") ?? 1e-12), tolUnique: Number(this.page.get("tol_unique") ?? 1e-3) } });
      void solver.ask({ type: "starts", states: Float64Array.from(live.states.data), noise: Number(this.page.get("noise_scale") ?? 0) });
      const input = [...((this.page.get("input") as number[]) ?? [])];
      const byName = { ...((this.page.get("parameters") as Record<string, number> | undefined) ?? {}) };
      const at = (value: number): { u: number[]; parameters?: number[] } => {
        const u = item.trait === "input" ? input.map((v, k) => (k === item.key ? value : v)) : input;
        const all = item.trait === "parameters" ? { ...byName, [String(item.key)]: value } : byName;
        return { u, parameters: live.parameters.length ? live.parameters.map((name) => all[name]) : undefined };
      };
      const now = this.valueOf(item);
      const x = Float64Array.from(place.x.data);
      // The points that are shown may belong to another value: they are followed to this one first.
      await solver.ask({ type: "adopt", x, u: place.u, parameters: live.parameters.length ? live.parameters.map((name) => place.parameters[name]) : undefined });
      const first = await solver.ask({ type: "search", count: 256, ...at(now) });
      if (first.type !== "picture" || run !== this.run) return;
      const { count } = first.picture;
      const found = first.picture;
      this.sights = [sightOf(now, found.ids.map((_, i) => i), found.code, found.x)];
      const { right, left } = gridOf(item.min, item.max, now, found.ms < QUICK ? MORE_STEPS : STEPS);
      for (const [values, side] of [[right, 1], [left, -1]] as const) {
        await solver.ask({ type: "adopt", x: found.x.slice(), ...at(now) });
        for (const value of values) {
          const answer = await solver.ask({ type: "follow", ...at(value) });
          if (run !== this.run) return;
          if (answer.type !== "picture") return;
          const { picture } = answer;
          // Points born on the way have numbers of their own on each side.
          const ids = picture.ids.map((id) => (id < count ? id : side * id));
          const sight = sightOf(value, ids, picture.code, picture.x);
          if (side > 0) this.sights.push(sight);
          else this.sights.unshift(sight);
          this.words.textContent = `${this.sights.length} of ${right.length + left.length + 1} values`;
          this.paint(this.item() ?? item);
        }
      }
      this.words.textContent = `${this.sights.length} values, points followed from the present one; there may be more`;
    } catch (error) {
      this.failed(String(error));
    }
  }

  private failed(message: string): void {
    this.words.textContent = `no branches: ${message}`;
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.run++;
    this.solver?.dispose();
    this.view.dispose();
  }
}
