/** The picture of the JacobianInspector: spectrum, heat maps, modes, growth, response. */

import { empty, type NdArray } from "../core/codec";
import { h, link } from "../core/dom";
import { icon } from "../core/icons";
import { type Model, hasKernel, reader } from "../core/model";
import type { InspectorScene, PointDetail } from "../core/scene";
import { BarsView } from "../views/bars";
import { HeatmapView } from "../views/heatmap";
import { LinesView } from "../views/lines";
import { SpectrumView } from "../views/spectrum";
import { type Group, directly, hasPanel, makePanel } from "./controls";
import { detailOf, pushOf, responseOf } from "./livedetail";
import { type Moved, hearMoved } from "./livepage";
import { inspectorSceneOf } from "./livescene";
import { button, makeShell, put, saveButtons, watch } from "./shell";

const index = (n: number): Float64Array => Float64Array.from({ length: n }, (_, i) => i);

/** Ratio of the largest to the smallest positive value. */
export function spread(values: ArrayLike<number>): number {
  const positive = Array.from(values).filter((v) => v > 0);
  return positive.length ? Math.max(...positive) / Math.min(...positive) : 1;
}

/** The eigenvalues of one point out of the array of all. */
export function eigenvaluesOf(all: NdArray, point: number): Float32Array | Float64Array {
  const width = all.shape[1] * 2;
  return all.data.slice(point * width, (point + 1) * width) as Float64Array;
}

export function renderInspector(model: Model, el: HTMLElement): () => void {
  const shell = makeShell(model, el, "Jacobian inspector");
  const { root, tools, disposer } = shell;
  const saved = reader<InspectorScene>(model, "scene");
  // While the explorer beside it follows points in the page: what they have become.
  let moved: InspectorScene | null = null;
  let movedPoint: number | null = null;
  const scene = (): InspectorScene => moved ?? saved();
  const group = (): string => String(model.get("group") ?? "");
  const point = (): number | null => (moved ? movedPoint : ((model.get("selected") as number | null) ?? null));
  const mode = (): number => Number(model.get("mode") ?? 0);
  const publish = link(group, model, disposer, (m) => {
    if (m.kind === "hover") {
      preview = m.value;
      paintSpectrum();
    } else if (m.kind === "select" && (moved || !hasKernel(model))) {
      movedPoint = m.value < 0 ? null : m.value;
      if (!hasKernel(model)) put(model, "selected", movedPoint);
      if (moved) follow();
      else paintDetail();
    }
    else if (m.kind === "eigenvalue") spectrum.hoverValue(m.value);
  });
  let preview = -1;

  const spectrum = new SpectrumView(
    (i) => {
      put(model, "mode", i);
      shell.say(`eigenvalue ${i + 1} selected`);
    },
    (i) => publish("eigenvalue", i),
  );
  const jacobian = new HeatmapView("fpf-heatmap", "Jacobian as a heat map");
  const inputJacobian = new HeatmapView("fpf-heatmap-input", "input Jacobian as a heat map");
  const bars = new BarsView("fpf-mode", "right and left eigenvector");
  const growth = new LinesView("fpf-growth", "transient growth");
  const singular = new LinesView("fpf-singular", "singular values beside the magnitudes of the eigenvalues");
  const response = new LinesView("fpf-response", "linear prediction against the nonlinear trajectory");
  for (const view of [spectrum, jacobian, inputJacobian, bars, growth, singular, response]) disposer.add(() => view.dispose());

  const title = h("div", { class: "fpf-head", "data-testid": "fpf-inspected" });
  const criterion = h("div", { class: "fpf-note" });
  const modeTitle = h("div", { class: "fpf-head", "data-testid": "fpf-mode-title" });
  const modeFacts = h("div", { class: "fpf-note", "data-testid": "fpf-mode-facts" });
  const facts = h("div", { class: "fpf-facts" });
  const head = (text: string): HTMLElement => h("div", { class: "fpf-head" }, text);
  const pair = h("div", { class: "fpf-pair" }, jacobian.stage.element, inputJacobian.stage.element);
  const step = (by: number) => (): void => {
    const n = scene()?.eigenvalues?.shape[1] ?? 0;
    if (n) put(model, "mode", (mode() + by + n) % n);
  };
  const modeBar = h(
    "div",
    { class: "fpf-bar" },
    modeTitle,
    h("div", { class: "fpf-tools" }, button(icon("previous"), "previous mode", "fpf-mode-previous", step(-1)), button(icon("next"), "next mode", "fpf-mode-next", step(1))),
  );
  root.append(
    h(
      "div",
      { class: "fpf-grid3" },
      h("div", {}, title, spectrum.stage.element, criterion),
      h("div", {}, head("Jacobian and input Jacobian"), pair),
      h("div", {}, modeBar, bars.stage.element, modeFacts, facts),
      h("div", {}, head("singular values and |λ|"), singular.stage.element),
      h("div", {}, head("growth of small pushes"), growth.stage.element),
      h("div", {}, head("push along the mode"), response.stage.element),
    ),
  );
  const walk = (by: number) => (): void => {
    const n = scene()?.names?.length ?? 0;
    if (!n) return;
    const to = ((point() ?? (by > 0 ? -1 : 0)) + by + n) % n;
    movedPoint = to;
    if (!moved || !hasKernel(model)) put(model, "selected", to);
    if (moved) follow();
    publish("select", to);
    shell.say(`point ${to}`);
  };
  tools.append(
    button(icon("previous"), "previous point", "fpf-point-previous", walk(-1)),
    button(icon("next"), "next point", "fpf-point-next", walk(1)),
    ...saveButtons("the spectrum", "spectrum", () => spectrum.stage),
  );

  const shownPoint = (): number | null => {
    const now = scene();
    const n = now?.names?.length ?? 0;
    if (preview >= 0 && preview < n) return preview;
    const p = point();
    return p !== null && p < n ? p : null;
  };
  const paintSpectrum = (): void => {
    const now = scene();
    if (!now?.names) return;
    const p = shownPoint();
    spectrum.selected = mode();
    if (p === null) {
      title.textContent = now.names.length ? "no point selected" : "no points";
      spectrum.update({ discrete: now.time === "discrete", marginal: now.marginal, sets: [] });
      return;
    }
    title.textContent = now.names[p].split(" · ").slice(0, 2).join(" · ");
    title.title = now.names[p];
    const others = now.compare.filter((c) => c !== p && c < now.names.length);
    spectrum.update({
      discrete: now.time === "discrete",
      marginal: now.marginal,
      sets: [p, ...others].map((i) => ({ values: eigenvaluesOf(now.eigenvalues, i), code: now.code.data[i], name: now.names[i] })),
    });
    criterion.textContent = now.criterion;
  };
  const paintMode = (detail: PointDetail | undefined): void => {
    const m = detail?.modes[mode()];
    modeTitle.textContent = m ? m.label : "mode";
    modeFacts.textContent = m ? m.facts.join(" · ") : "";
    bars.update(m ? { first: { name: "right eigenvector", values: m.right }, second: { name: "left eigenvector", values: m.left } } : null);
  };
  const paintDetail = (): void => {
    const now = scene();
    const p = point();
    const detail = p === null ? undefined : now?.details?.[String(p)];
    paintMode(detail);
    facts.replaceChildren(...(detail?.facts ?? []).flatMap(([name, value, why]) => [h("span", { title: why }, name), h("b", { title: why }, value)]));
    jacobian.update(detail ? { title: "∂F/∂h", matrix: detail.jacobian, rows: detail.order.data, columns: detail.order.data, rowWord: "unit", columnWord: "unit" } : null);
    inputJacobian.update(
      detail && detail.dFdu.data.length
        ? { title: "∂F/∂u", matrix: detail.dFdu, rows: detail.order.data, columns: null, rowWord: "unit", columnWord: "input" }
        : null,
    );
    pair.classList.toggle("fpf-pair-one", !detail?.dFdu.data.length);
    const g = detail?.growth ?? empty(0);
    growth.update(
      detail ? { lines: [{ name: detail.growthLabel, x: index(g.data.length), y: g.data, color: 1 }], x: now?.time === "discrete" ? "steps k" : "time", y: "gain", log: spread(g.data) > 100 } : null,
    );
    if (detail && now && p !== null) {
      const values = eigenvaluesOf(now.eigenvalues, p);
      const size = Float64Array.from({ length: values.length / 2 }, (_, i) => Math.hypot(values[2 * i], values[2 * i + 1])).sort().reverse();
      singular.update({
        lines: [
          { name: "singular values", x: index(detail.singular.data.length), y: detail.singular.data, color: 0 },
          { name: "|λ|", x: index(size.length), y: size, color: 1 },
        ],
        x: "rank",
        y: "",
        yRange: [0, 1.08 * Math.max(1e-9, ...Array.from(detail.singular.data), ...size)],
      });
    } else singular.update(null);
    const r = detail?.response;
    response.update(
      r
        ? {
            lines: [
              { name: "linear", x: r.time.data, y: r.linear.data, color: 5, dash: [5, 3] },
              { name: "nonlinear", x: r.time.data, y: r.nonlinear.data, color: 1 },
            ],
            x: r.xlabel,
            y: r.label,
            marks: r.part >= 0 ? [{ x: r.part, label: "they part" }] : [],
          }
        : null,
    );
    paintSpectrum();
  };
  /** What the page's solver has found last, and whether a run of it is under way. */
  let news: Moved | null = null;
  let running = false;
  const follow = (): void => {
    if (!news || !saved()?.names) return;
    const { picture, network, run } = news;
    moved = inspectorSceneOf(picture, saved(), network.continuous);
    const [p, m] = [movedPoint, mode()];
    const detail = p === null ? null : detailOf(picture, p, m, network, saved());
    const words = hasKernel(model) ? "modes and matrices follow when the hand rests" : "modes and matrices: at the saved one only";
    shell.show({ state: "idle", text: detail || p === null ? "computed in this page" : `spectra at the present setting; ${words}`, tooltip: "", progress: 0, error: "" });
    if (detail && p !== null) {
      const scene = moved;
      detail.response = shownResponse;
      scene.details = { [p]: detail };
      if (!running && (!network.continuous || network.dt !== null)) {
        running = true;
        const size = Number(model.get("amplitude") ?? 0.05);
        const { start, along } = pushOf(picture, p, m, size, detail.modes[Math.min(m, detail.modes.length - 1)].right.data);
        void run(start, 40).then((states) => {
          running = false;
          if (states) shownResponse = responseOf(picture, p, m, size, along, states, network);
          if (moved !== scene) return void (moved && follow()); // a newer picture has no run yet
          detail.response = shownResponse;
          paintDetail();
        });
      }
    }
    paintDetail();
  };
  let shownResponse: PointDetail["response"] = null;
  watch(model, disposer, "scene", () => {
    moved = news = null;
    shell.show(null);
    paintDetail();
  });
  disposer.add(
    hearMoved(group, (moment) => {
      if (!moved) shownResponse = point() === null ? null : (saved()?.details?.[String(point())]?.response ?? null);
      news = moment;
      movedPoint = moment.selected;
      follow();
    }),
  );
  watch(model, disposer, "selected", () => {
    preview = -1; // what is chosen comes before what was pointed at
    paintDetail();
  });
  watch(model, disposer, "mode", () => (moved ? follow() : paintDetail()));
  paintDetail();
  if (hasPanel(model) && hasKernel(model)) {
    const panel = makePanel(model, model.get("panel") as Group[], disposer, directly(model), "controls of the inspector");
    panel.element.classList.add("fpf-wide");
    root.append(panel.element);
  }
  return () => disposer.dispose();
}
