/** The picture of the TrainingMonitor: curves, a trial, fixed points through training. */

import { empty, type NdArray } from "../core/codec";
import { h } from "../core/dom";
import { type Model, reader } from "../core/model";
import type { CurveSet, MonitorScene, Snapshot } from "../core/scene";
import { CurvesView } from "../views/curves";
import { type Line, LinesView } from "../views/lines";
import { SpectrumView } from "../views/spectrum";
import { StateSpaceView } from "../views/statespace";
import { makeShell, press, put, range, saveButtons, toggle, watch } from "./shell";

type Trial = MonitorScene["trial"];

interface History {
  unit: string; // "epoch" or "step"
  snapshots: Snapshot[];
  bounds: MonitorScene["bounds"];
  labels: string[];
  dim: number;
  events: { epoch: number; label: string }[];
  joined?: NdArray; // [snapshot], 0 where epochs before it were not searched
  paths: NdArray; // interleaved re, im; NaN between two paths
}

/** Inputs, targets and outputs of one trial, one lane a channel. */
export function trialLines(trial: NonNullable<Trial>): Line[] {
  const lines: Line[] = [];
  trial.channels.forEach((c, i) => {
    const lane = (a: NdArray): Float64Array => Float64Array.from(a.data as Float32Array, (v) => 0.38 * v - i);
    if (c.input) lines.push({ name: "input", x: trial.time.data, y: lane(c.input), color: 5, width: 1 });
    if (c.target) lines.push({ name: "target", x: trial.time.data, y: lane(c.target), color: 0, dash: [4, 3] });
    if (c.output) lines.push({ name: "output", x: trial.time.data, y: lane(c.output), color: 1 });
  });
  return lines;
}

/** Eigenvalues of all points of a class. */
function ofClass(s: Snapshot, code: number, width: number): number[] {
  return Array.from(s.code.data).flatMap((c, i) => (c === code ? Array.from(s.eigenvalues.data.slice(i * width, (i + 1) * width)) : []));
}

export const countOf = (s: Snapshot, code: number): number => Array.from(s.code.data).filter((c) => c === code).length;

export function renderMonitor(model: Model, el: HTMLElement): () => void {
  const shell = makeShell(model, el, "training monitor");
  const { root, tools, disposer } = shell;
  const curves = reader<CurveSet>(model, "curves");
  const trial = reader<Trial>(model, "trial");
  const history = reader<History>(model, "history");

  const loss = new CurvesView();
  const example = new LinesView("fpf-trial", "example trial: input, target and output", "fpf-stage-trial fpf-stage-small");
  const space = new StateSpaceView({ select: () => {}, selectMany: () => {}, hover: () => {}, launch: () => {} });
  space.element.classList.replace("fpf-stage-main", "fpf-stage-small");
  const spectrum = new SpectrumView(() => {}, () => {});
  spectrum.selected = -1;
  const counts = new LinesView("fpf-counts", "number of fixed points over the epochs");
  for (const view of [loss, example, space, spectrum, counts]) disposer.add(() => view.dispose());

  const options = (): { log: boolean; smoothing: number } => ({ log: true, smoothing: 0, ...((model.get("options") as object) ?? {}) });
  const log = toggle("log", "logarithmic or linear loss", "fpf-log", () => put(model, "options", { ...options(), log: !options().log }));
  const smoothing = range("smoothing", "fpf-smoothing", "exponential smoothing of the curves", (v) => put(model, "options", { ...options(), smoothing: v / 100 }));
  const slider = range("snapshot", "fpf-snapshot", "move through the snapshots of training", (v) => {
    // -1 is the last one, also of those to come: at its end the slider follows.
    put(model, "snapshot", v >= slider.max() ? -1 : v);
  });
  tools.append(log, ...saveButtons("the state space", "training", () => space.stage));
  const caption = h("div", { class: "fpf-note", "data-testid": "fpf-snapshot-text" });
  const evolution = h(
    "div",
    {},
    slider.element,
    caption,
    h("div", { class: "fpf-split" }, space.element, h("div", {}, spectrum.stage.element)),
    counts.stage.element,
  );
  const trialBox = h("div", {}, h("div", { class: "fpf-head" }, "example trial"), example.stage.element);
  const top = h("div", { class: "fpf-split" }, h("div", {}, loss.element, smoothing.element), trialBox);
  root.append(top, evolution);

  const paintCurves = (): void => {
    const set = curves();
    const o = options();
    press(log, o.log);
    smoothing.set(Math.round(100 * o.smoothing), 99, o.smoothing ? o.smoothing.toFixed(2) : "off");
    if (set?.x) loss.update(set, o);
  };
  const paintTrial = (): void => {
    const now = trial();
    trialBox.style.display = now?.channels ? "" : "none";
    top.style.gridTemplateColumns = now?.channels ? "" : "minmax(0, 1fr)";
    if (!now?.channels) return;
    const n = now.channels.length;
    example.update({
      lines: trialLines(now),
      x: "time step",
      y: "",
      yRange: [-n + 0.45, 0.55],
      yTicks: now.channels.map((c, i) => ({ value: -i, label: c.name })),
    });
  };
  const paintHistory = (): void => {
    const now = history();
    const n = now?.snapshots?.length ?? 0;
    evolution.style.display = n ? "" : "none";
    if (!now || !n) return;
    let at = Number(model.get("snapshot") ?? -1);
    if (at < 0 || at >= n) at = n - 1;
    const snap = now.snapshots[at];
    slider.set(at, n - 1, snap.label);
    caption.textContent = `${now.unit} ${snap.epoch}: ${snap.names.length} points, ${countOf(snap, 0)} stable, ${countOf(snap, 1)} saddles · followed, not proved`;
    const none = empty(0, 2, 3);
    space.update({
      labels: now.labels,
      dim: now.dim,
      bounds: now.bounds,
      trajectories: snap.trajectories,
      points: snap.points,
      code: snap.code,
      names: snap.names,
      values: empty(0),
      valueLabel: "",
      modes: none,
      modeKind: empty(0),
      modePoint: empty(0),
      starts: empty(0, 3),
      launches: [],
    });
    const width = (snap.eigenvalues.shape[1] ?? 0) * 2;
    spectrum.update({
      discrete: true,
      marginal: 0,
      sets: [0, 1, 2, 3, 4].map((code) => ({ values: ofClass(snap, code, width), code, name: "", equal: true })),
      paths: now.paths.data,
    });
    const epochs = Float64Array.from(now.snapshots, (s) => s.epoch);
    const joined = now.joined?.data;
    const series = (name: string, code: number): Line => ({ name, x: epochs, y: Float64Array.from(now.snapshots, (s) => countOf(s, code)), color: code, steps: joined ?? epochs.map(() => 1) });
    counts.update({
      lines: [series("stable", 0), series("saddle", 1), series("unstable", 2)].filter((l, i) => i < 2 || Math.max(...Array.from(l.y)) > 0),
      x: now.unit,
      y: "points",
      marks: now.events.map((e) => ({ x: e.epoch, label: e.label })),
      cursor: snap.epoch,
    });
  };
  watch(model, disposer, "curves", paintCurves);
  watch(model, disposer, "options", paintCurves);
  watch(model, disposer, "trial", paintTrial);
  watch(model, disposer, "history", paintHistory);
  watch(model, disposer, "snapshot", paintHistory);
  paintCurves();
  paintTrial();
  paintHistory();
  return () => disposer.dispose();
}
