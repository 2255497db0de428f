/** Controls drawn by the view: native inputs, each showing and setting a trait. */

import { type Disposer, h } from "../core/dom";
import { type Model, hasKernel } from "../core/model";
import { watch } from "./shell";

interface Field {
  name: string;
  title: string;
  value?: number;
  min?: number;
  max?: number;
  step?: number;
  options?: [string, number][];
}

/** As `fpf_notebook.widgets.panel` describes it. */
export interface Item {
  type: "slider" | "choice" | "check" | "number" | "text" | "button";
  name: string;
  label: string;
  title: string;
  trait: string;
  key?: number | string | null;
  min: number;
  max: number;
  step: number;
  scale?: "linear" | "log10" | "log2";
  shown?: string;
  options?: string[];
  placeholder?: string;
  only?: string[];
  action?: string;
  takes?: Field[];
}

export interface Group {
  title: string;
  items: Item[];
}

/** Who keeps the traits' values: while the page follows a slider, not yet the kernel. */
export interface Values {
  get(trait: string): unknown;
  /** `done` is false while a hand still moves the slider. */
  set(trait: string, value: unknown, done: boolean): void;
}

interface Control {
  element: HTMLElement;
  item: Item;
  paint(value: unknown): void;
}

type Change = (value: unknown, done: boolean) => void;

const BASES = { linear: 0, log10: 10, log2: 2 };

/** A number as it stands beside its slider. */
export function written(value: number, shown = ".2f"): string {
  if (!Number.isFinite(value)) return String(value);
  if (shown === "d") return String(Math.round(value));
  const digits = Number(shown.slice(1, -1));
  if (shown.endsWith("e")) return value.toExponential(digits).replace(/e([+-])(\d)$/, "e$10$2");
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text;
}

/** Where a slider stands for a value, and what it means where it stands. */
export function position(item: Pick<Item, "scale">, value: number): number {
  const positive = Math.max(value, 1e-300);
  return item.scale === "log10" ? Math.log10(positive) : item.scale === "log2" ? Math.log2(positive) : value;
}

export function valueAt(item: Pick<Item, "scale" | "shown">, at: number): number {
  const base = BASES[item.scale ?? "linear"];
  const value = base ? base ** at : at;
  return item.shown === "d" ? Math.max(1, Math.round(value)) : Number(value.toPrecision(12));
}

function makeSlider(item: Item, change: Change): Control {
  const input = h("input", { type: "range", min: item.min, max: item.max, step: item.step, "data-testid": item.name, "aria-label": item.label, title: item.title });
  const field = h("input", { type: "text", class: "fpf-value", inputmode: "decimal", autocomplete: "off", "data-testid": `${item.name}-value`, "aria-label": `${item.label}, number`, title: item.title });
  const log = (item.scale ?? "linear") !== "linear";
  let value = Number.NaN;
  let held = false;
  const show = (v: number, move: boolean): void => {
    value = v;
    const text = written(v, item.shown);
    input.setAttribute("aria-valuetext", text);
    if (document.activeElement !== field || !move) field.value = text;
    if (!move) return;
    const at = position(item, v);
    if (!log && Number.isFinite(at)) {
      if (at < Number(input.min)) input.min = String(at);
      if (at > Number(input.max)) input.max = String(at);
    }
    if (Number(input.value) !== at) input.value = String(at);
  };
  const moved = (done: boolean): void => {
    const v = valueAt(item, Number(input.value));
    show(v, false);
    change(v, done);
  };
  input.addEventListener("pointerdown", () => (held = true));
  for (const end of ["pointerup", "pointercancel", "blur"]) input.addEventListener(end, () => (held = false));
  input.addEventListener("input", () => moved(false));
  input.addEventListener("change", () => moved(true));
  field.addEventListener("change", () => {
    const v = Number(field.value.replace(",", ".").replace("−", "-"));
    if (field.value.trim() === "" || !Number.isFinite(v)) field.value = written(value, item.shown);
    else {
      show(v, true);
      change(v, true);
    }
  });
  field.addEventListener("focus", () => field.select());
  return {
    item,
    element: h("div", { class: "fpf-row", title: item.title }, h("span", { class: "fpf-label", "aria-hidden": "true" }, item.label), input, field),
    paint: (v) => {
      // What comes back while a hand is on the slider is older than the hand.
      if (!held) show(Number(v), true);
    },
  };
}

function labelled(item: Item, control: HTMLElement, after = false): HTMLElement {
  const words = h("span", { class: "fpf-label" }, item.label);
  return h("label", { class: after ? "fpf-check" : "fpf-row", title: item.title }, ...(after ? [control, words] : [words, control]));
}

function makeChoice(item: Item, change: Change): Control {
  const select = h("select", { "data-testid": item.name, "aria-label": item.label, title: item.title }, ...(item.options ?? []).map((o) => h("option", { value: o }, o)));
  select.addEventListener("change", () => change(select.value, true));
  return { item, element: labelled(item, select), paint: (v) => void (select.value = String(v)) };
}

function makeCheck(item: Item, change: Change): Control {
  const input = h("input", { type: "checkbox", "data-testid": item.name, "aria-label": item.label, title: item.title });
  input.addEventListener("change", () => change(input.checked, true));
  return { item, element: labelled(item, input, true), paint: (v) => void (input.checked = Boolean(v)) };
}

function makeNumber(item: Item, change: Change): Control {
  const input = h("input", { type: "number", min: item.min, max: item.max, step: item.step, "data-testid": item.name, "aria-label": item.label, title: item.title });
  let value: unknown;
  input.addEventListener("change", () => {
    const v = Number(input.value);
    if (input.value === "" || !Number.isFinite(v)) input.value = String(value);
    else change(Math.min(item.max, Math.max(item.min, Math.round(v))), true);
  });
  return {
    item,
    element: labelled(item, input),
    paint: (v) => {
      value = v;
      if (input.value !== String(v)) input.value = String(v);
    },
  };
}

function makeText(item: Item, change: Change): Control {
  const input = h("input", { type: "text", placeholder: item.placeholder, "data-testid": item.name, "aria-label": item.label, title: item.title });
  let shown = "";
  input.addEventListener("change", () => {
    const words = input.value.split(/[\s,]+/).filter(Boolean);
    if (!words.every((w) => /^\d+$/.test(w))) input.value = shown;
    else change(words.map(Number), true);
  });
  return {
    item,
    element: labelled(item, input),
    paint: (v) => {
      shown = Array.isArray(v) ? v.join(", ") : "";
      input.value = shown;
    },
  };
}

function makeButton(item: Item, send: (content: Record<string, unknown>) => void): HTMLElement {
  const fields = (item.takes ?? []).map((f): [string, HTMLInputElement | HTMLSelectElement] => {
    const props = { class: "fpf-small", title: f.title, "aria-label": f.title, "data-testid": `${item.name}-${f.name}` };
    if (f.options) return [f.name, h("select", props, ...f.options.map(([words, v]) => h("option", { value: v }, words)))];
    return [f.name, h("input", { ...props, type: "number", value: f.value, min: f.min, max: f.max, step: f.step ?? 1 })];
  });
  const onclick = (): void => send({ type: item.action, ...Object.fromEntries(fields.map(([name, f]) => [name, Number(f.value)])) });
  const button = h("button", { type: "button", class: "fpf-button", title: item.title, "aria-label": item.title, "data-testid": item.name, onclick }, item.label);
  return fields.length ? h("div", { class: "fpf-inline" }, button, ...fields.map(([, f]) => f)) : button;
}

const MAKERS = { slider: makeSlider, choice: makeChoice, check: makeCheck, number: makeNumber, text: makeText };
const SMALL = new Set(["check", "button"]);

/** What a trait becomes when one of its numbers changes. */
export function withKey(whole: unknown, key: number | string | null | undefined, value: unknown): unknown {
  if (key === null || key === undefined) return value;
  if (Array.isArray(whole)) return whole.map((v, k) => (k === key ? value : v));
  return { ...(whole as object), [key]: value };
}

export const partOf = (whole: unknown, key: number | string | null | undefined): unknown =>
  key === null || key === undefined ? whole : (whole as Record<string | number, unknown> | undefined)?.[key];

export interface Panel {
  element: HTMLElement;
  /** Shows the values again. */
  paint(): void;
  enable(on: boolean): void;
}

/** Draws a panel and keeps it in step with the traits. */
export function makePanel(model: Model, groups: readonly Group[], d: Disposer, values: Values, label: string): Panel {
  const controls: Control[] = [];
  const element = h("div", { class: "fpf-controls", role: "group", "aria-label": label, "data-testid": "fpf-controls", "data-lm-suppress-shortcuts": "true" });
  for (const group of groups) {
    const box = h("div", { class: "fpf-group", role: "group", "aria-label": group.title }, h("div", { class: "fpf-title", "aria-hidden": "true" }, group.title));
    let line: HTMLElement | null = null;
    for (const item of group.items) {
      let node: HTMLElement;
      if (item.type === "button") node = makeButton(item, (content) => model.send(content));
      else {
        const control = MAKERS[item.type](item, (value, done) => values.set(item.trait, withKey(values.get(item.trait), item.key, value), done));
        controls.push(control);
        node = control.element;
      }
      if (SMALL.has(item.type)) {
        if (!line) box.append((line = h("div", { class: "fpf-inline" })));
        line.append(node);
      } else {
        line = null;
        box.append(node);
      }
    }
    element.append(box);
  }
  // Lab would take arrow keys and letters for itself.
  element.addEventListener("keydown", (e) => e.stopPropagation());
  const paint = (trait?: string): void => {
    for (const c of controls) {
      if (c.item.only?.length) c.element.hidden = values.get(c.item.only[0]) !== c.item.only[1];
      if (trait === undefined || c.item.trait === trait) c.paint(partOf(values.get(c.item.trait), c.item.key));
    }
  };
  for (const trait of new Set(controls.flatMap((c) => [c.item.trait, ...(c.item.only ?? []).slice(0, 1)]))) watch(model, d, trait, () => paint(trait));
  paint();
  return {
    element,
    paint: () => paint(),
    enable: (on) => {
      for (const c of element.querySelectorAll<HTMLInputElement>("input, select, button")) c.disabled = !on;
    },
  };
}

/** Traits as they are: each change goes to the kernel. */
export const directly = (model: Model): Values => ({
  get: (trait) => model.get(trait),
  set: (trait, value) => {
    model.set(trait, value);
    model.save_changes();
  },
});

/** Whether there is a panel to draw. */
export const hasPanel = (model: Model): boolean => {
  const groups = model.get("panel") as Group[] | undefined;
  return Boolean(groups?.length) && model.get("show_controls") !== false && (hasKernel(model) || Boolean((model.get("live") as { program?: unknown } | null)?.program));
};
