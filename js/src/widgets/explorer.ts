/** The picture of the FixedPointExplorer: state space, histogram of q, audit, list of points. */

import { empty as none } from "../core/codec";
import { CLASSES } from "../core/colors";
import { h, link } from "../core/dom";
import { icon } from "../core/icons";
import { type Model, hasKernel, reader } from "../core/model";
import type { Cloud, ExplorerScene } from "../core/scene";
import { HistogramView } from "../views/histogram";
import { COLUMNS, type Column } from "../core/rows";
import { PointList, SHOWN } from "../views/pointlist";
import { manifoldLegend } from "../views/manifolds";
import { StateSpaceView, hint } from "../views/statespace";
import type { Tool } from "../views/gestures";
import { Branches } from "./branches";
import { type Group, hasPanel, makePanel } from "./controls";
import { Flow } from "./flow";
import { LivePage } from "./livepage";
import { button, makeShell, press, put, saveButtons, toggle, watch } from "./shell";

interface Options {
  dim: number;
  trajectories: boolean;
  modes: boolean;
  stable_modes: boolean;
  starts: boolean;
  strip: boolean;
  timed: boolean;
  flow: boolean;
}

const DEFAULTS: Options = { dim: 3, trajectories: true, modes: true, stable_modes: false, starts: false, strip: false, timed: false, flow: false };

const TURNED = 1000; // ms after the last turn at which the kernel hears of the camera

export function renderExplorer(model: Model, el: HTMLElement): () => void {
  const shell = makeShell(model, el, "fixed point explorer");
  const { root, tools, disposer } = shell;
  const found = reader<ExplorerScene>(model, "scene");
  const scene = (): ExplorerScene => page?.local?.scene ?? found();
  const paths = reader<Cloud | null>(model, "paths");
  const starts = reader<Cloud | null>(model, "starts");
  const group = (): string => String(model.get("group") ?? "");
  const publish = link(group, model, disposer, (m) => {
    if (m.kind === "hover") space.hoverPoint(m.value);
    else if (m.kind === "select" && !hasKernel(model)) choose(m.value < 0 ? null : m.value, []);
  });

  let page: LivePage | null = null;
  let branches: Branches | null = null;
  let flow: Flow | null = null;
  const chosen = (): number | null => (page?.local ? page.local.selected : ((model.get("selected") as number | null) ?? null));
  const many = (): number[] => (page?.local ? page.local.selection : ((model.get("selection") as number[]) ?? []));
  const choose = (index: number | null, indices: number[]): void => {
    // The page's own points have no numbers in the kernel.
    if (page?.local) Object.assign(page.local, { selected: index, selection: indices, chosen: true });
    if (page?.local && hasKernel(model)) return paintSelection();
    put(model, "selection", indices);
    put(model, "selected", index);
    paintSelection();
  };
  const select = (index: number | null): void => {
    choose(index, []);
    publish("select", index ?? -1);
  };
  const space = new StateSpaceView({
    select,
    selectMany: (indices) => {
      choose(chosen(), indices);
      shell.say(`${indices.length} points selected`);
    },
    hover: (index) => publish("hover", index),
    launch: (x, y) => model.send({ type: "launch_at", x, y }),
    turned: (camera, dim) => {
      clearTimeout(turning);
      turning = setTimeout(() => put(model, "camera", { rotation: [...camera.rotation], zoom: camera.zoom, dim }), TURNED);
    },
  });
  let turning: ReturnType<typeof setTimeout> | undefined;
  disposer.add(() => clearTimeout(turning));
  const kept = model.get("camera") as { rotation?: number[]; zoom?: number; dim?: number } | undefined;
  const list = new PointList({
    select: (index, add) => {
      if (index !== null && add) {
        const now = new Set(many());
        if (now.has(index)) now.delete(index);
        else now.add(index);
        choose(chosen(), [...now].sort((a, b) => a - b));
      } else select(index);
    },
    hover: (index) => {
      space.hoverPoint(index);
      publish("hover", index);
    },
    selectMany: (indices) => {
      choose(chosen(), indices);
      shell.say(`${indices.length} points selected`);
    },
    say: (words) => {
      shell.say(words);
      said.textContent = words;
    },
    columns: () => {
      const { columns } = (model.get("options") as { columns?: unknown } | undefined) ?? {};
      return Array.isArray(columns) ? COLUMNS.filter((c) => c === "number" || columns.includes(c)) : SHOWN;
    },
    setColumns: (columns: Column[]) => put(model, "options", { ...((model.get("options") as object) ?? {}), columns }),
  });
  const histogram = new HistogramView((logq) => put(model, "log_tol_q", logq));
  disposer.add(() => space.dispose());
  disposer.add(() => histogram.dispose());

  const legend = h("div", { class: "fpf-legend" });
  const empty = h("div", { class: "fpf-empty" });
  const said = h("div", { class: "fpf-said", "data-testid": "fpf-note" });
  const sample = h("div", { class: "fpf-sample", "data-testid": "fpf-sample", title: "how many are drawn: explorer.n_trajectories in Python" });
  space.element.append(legend, sample, hint(), said, empty);
  const paintNote = (): void => {
    const note = (model.get("status") as { note?: string } | undefined)?.note ?? "";
    if (note && note !== said.textContent) shell.say(note);
    said.textContent = note;
  };
  const audit = h("div", { class: "fpf-note", "data-testid": "fpf-audit" });
  const caption = h("div", { class: "fpf-note fpf-line", "data-testid": "fpf-selected" });
  const pointBox = h("div", {}, caption, list.element);
  const main = h("div", { class: "fpf-main" }, space.element, h("div", { class: "fpf-split" }, h("div", {}, histogram.stage.element, audit), pointBox));
  const body = h("div", { class: "fpf-body" }, main);
  root.append(body);

  const options = (): Options => ({ ...DEFAULTS, ...((model.get("options") as Partial<Options>) ?? {}) });
  const flip = (key: keyof Options) => (): void => put(model, "options", { ...options(), [key]: !options()[key] });
  const pick = (tool: Tool) => (): void => {
    space.tool = space.tool === tool ? "rotate" : tool;
    paintTools();
  };
  const dimension = button("2-D", "switch between 2-D and 3-D", "fpf-dim", () =>
    put(model, "options", { ...options(), dim: space.dim === 3 ? 2 : 3 }),
  );
  const toolButtons: [Tool, HTMLButtonElement][] = [
    ["box", toggle(icon("box"), "select the points in a box", "fpf-tool-box", pick("box"))],
    ["lasso", toggle(icon("lasso"), "select the points in a lasso", "fpf-tool-lasso", pick("lasso"))],
    ["launch", toggle(icon("launch"), "in two dimensions: click to start a trajectory there", "fpf-tool-launch", pick("launch"))],
  ];
  const shown: [keyof Options, HTMLButtonElement][] = [
    ["trajectories", toggle("paths", "show the trajectories", "fpf-show-trajectories", flip("trajectories"))],
    ["timed", toggle("time", "colour the trajectories by time", "fpf-show-timed", flip("timed"))],
    ["modes", toggle("modes", "show the unstable modes as lines", "fpf-show-modes", flip("modes"))],
    ["stable_modes", toggle("stable modes", "show the slowest stable modes as lines", "fpf-show-stable-modes", flip("stable_modes"))],
    ["starts", toggle("starts", "show the initial states of the search", "fpf-show-starts", flip("starts"))],
    ["flow", toggle("flow", "show the flow in 2-D, in the plane of both axes through the middle", "fpf-show-flow", () => put(model, "options", { ...options(), flow: !options().flow, dim: options().flow ? options().dim : 2 }))],
    ["strip", toggle("branches", "show the fixed points over a setting", "fpf-show-strip", flip("strip"))],
  ];
  tools.append(
    ...shown.map(([, b]) => b),
    h("span", { class: "fpf-gap" }),
    ...toolButtons.filter(([t]) => t !== "launch" || hasKernel(model)).map(([, b]) => b),
    h("span", { class: "fpf-gap" }),
    dimension,
    button(icon("reset"), "reset the view", "fpf-reset", () => space.resetCamera()),
    ...saveButtons("the picture", "fixed_points", () => space.stage),
  );

  const paintTools = (): void => {
    const o = options();
    for (const [key, b] of shown) press(b, Boolean(o[key]));
    for (const [t, b] of toolButtons) press(b, space.tool === t);
    dimension.textContent = space.dim === 3 ? "2-D" : "3-D";
  };
  const paintOptions = (): void => {
    const o = options();
    space.show = { trajectories: o.trajectories, modes: o.modes, stableModes: o.stable_modes, starts: o.starts, timed: o.timed };
    space.setDim(o.dim);
    list.refresh();
    branches?.show(o.strip);
    flow?.turn(o.flow);
    space.stage.request();
    paintTools();
  };
  const paintSelection = (): void => {
    const selected = chosen();
    const several = many();
    const names = scene()?.state?.names ?? [];
    space.selected = selected;
    space.many = new Set(several);
    space.stage.request();
    list.mark(selected, space.many);
    const text =
      selected !== null && names[selected]
        ? `selected: ${names[selected]}`
        : several.length
          ? `${several.length} points selected`
          : names.length
            ? "click a point, or Tab and Enter in this list"
            : "";
    if (caption.textContent !== text) {
      caption.textContent = caption.title = text;
      if (selected !== null) shell.say(text);
    }
  };
  const paintScene = (): void => {
    const now = scene();
    if (!now?.state) {
      empty.textContent = "waiting for the first search…";
      return;
    }
    const { state, q } = now;
    empty.textContent = state.names.length ? "" : "no fixed points at these tolerances";
    space.update({ ...state, trajectories: paths()?.xyz ?? none(0, 1, 3), starts: starts()?.xyz ?? none(0, 3) });
    sample.textContent = state.sample ?? "";
    histogram.update(q);
    list.update(state.names, state.code);
    const present = [...new Set(Array.from(state.code.data))].sort();
    legend.replaceChildren(
      ...present.map((c) => {
        const kind = CLASSES[c];
        const count = Array.from(state.code.data).filter((v) => v === c).length;
        const mark = h("span", { class: `fpf-mark fpf-mark-${kind.shape}`, style: `--l:${kind.light};--d:${kind.dark}` });
        return h("span", {}, mark, `${kind.name} ${count}`);
      }),
      ...manifoldLegend(state.manifolds),
    );
    audit.replaceChildren(...q.audit.flatMap((a, i) => [i ? " · " : "", h("span", { title: a.tooltip }, `${a.count.toLocaleString("en")} ${a.label}`)]));
    paintTools();
    paintSelection();
  };
  for (const name of ["scene", "paths", "starts"]) watch(model, disposer, name, paintScene);
  watch(model, disposer, "selected", () => paintSelection());
  watch(model, disposer, "selection", () => paintSelection());
  watch(model, disposer, "options", paintOptions);
  watch(model, disposer, "status", paintNote);
  paintNote();
  paintOptions();
  if (kept?.rotation?.length === 9 && kept.dim === space.dim) {
    space.camera = { ...space.camera, rotation: kept.rotation, zoom: kept.zoom ?? 1 };
  }
  paintScene();
  const live = (page = new LivePage(model, shell, () => {
    shell.show(live.status);
    panel?.enable(hasKernel(model) || live.ready);
    paintScene();
    branches?.moved();
    flow?.moved();
  }));
  flow = new Flow(model, live, (field) => {
    space.field = field;
    space.stage.request();
  });
  flow.turn(options().flow);
  const strip = (branches = new Branches(model, live));
  disposer.add(() => strip.dispose());
  space.element.after(strip.element);
  for (const name of ["place", "live", "input", "parameters", "panel"])
    watch(model, disposer, name, () => {
      strip.moved();
      flow?.moved();
    });
  strip.show(options().strip);
  let panel: ReturnType<typeof makePanel> | null = null;
  const paintPanel = (): void => {
    panel?.element.remove();
    panel = hasPanel(model) ? makePanel(model, model.get("panel") as Group[], disposer, live, "controls of the explorer") : null;
    if (panel) body.append(panel.element);
    panel?.enable(hasKernel(model) || live.ready);
  };
  watch(model, disposer, "panel", paintPanel);
  watch(model, disposer, "show_controls", paintPanel);
  paintPanel();
  return () => disposer.dispose();
}
