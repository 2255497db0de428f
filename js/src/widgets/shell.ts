/** What the three widgets share: root element, style, status line, tool buttons, live region. */

import css from "../style.css";
import { Disposer, h } from "../core/dom";
import { type Hints, keepHints } from "../core/hints";
import { icon } from "../core/icons";
import { type Model, hasKernel, isLost } from "../core/model";
import type { Status } from "../core/scene";
import type { Stage } from "../core/stage";
import { isDark, onThemeChange } from "../core/theme";

export interface Shell {
  root: HTMLElement;
  bar: HTMLElement;
  tools: HTMLElement;
  say(words: string): void;
  /** Shows this status instead of the trait, until it is null. */
  show(status: Status | null): void;
  disposer: Disposer;
}

const IDLE: Status = { state: "idle", text: "", tooltip: "", progress: 0, error: "" };

export function makeShell(model: Model, el: HTMLElement, label: string): Shell {
  const disposer = new Disposer();
  const dot = h("span", { class: "fpf-dot", "aria-hidden": "true" });
  const words = h("span", {});
  const goOn = button("", "go on", "fpf-go-on", () => model.send({ type: "go_on" }));
  goOn.className = "fpf-go-on";
  const status = h("div", { class: "fpf-status", "data-testid": "fpf-status", role: "status" }, dot, words, goOn);
  const tools = h("div", { class: "fpf-tools", role: "toolbar", "aria-label": `${label} tools` });
  const bar = h("div", { class: "fpf-bar" }, status, tools);
  const fill = h("i");
  const progress = h("div", { class: "fpf-progress", "data-testid": "fpf-progress", role: "progressbar", "aria-label": "progress", "aria-valuemin": 0, "aria-valuemax": 100 }, fill);
  const error = h("div", { class: "fpf-error", "data-testid": "fpf-error", role: "alert" });
  const live = h("div", { class: "fpf-sr", "aria-live": "polite", "data-testid": "fpf-live" });
  const root = h("div", { class: "fpf-root", role: "group", "aria-label": label }, h("style", {}, css + hideStandIn(String(model.get("key") ?? ""))), bar, progress, error, live);
  el.append(root);
  disposer.add(() => root.remove());

  keepHints((model.get("hints") as Hints | undefined) ?? {}, disposer);

  const paintTheme = (): void => void root.classList.toggle("fpf-dark", isDark(root));
  paintTheme();
  disposer.add(onThemeChange(root, paintTheme));

  let lost = false;
  let instead: Status | null = null;
  const update = (): void => {
    const trait = { ...IDLE, ...((model.get("status") as Partial<Status>) ?? {}) };
    const working = trait.state === "computing";
    const s = instead ? { ...instead, ...(working ? { state: trait.state, progress: trait.progress } : {}), error: instead.error || trait.error } : trait;
    dot.dataset.state = lost ? "lost" : s.state;
    dot.dataset.grade = lost || s.error ? "" : (s.grade ?? "");
    const text = lost ? "the kernel is gone: what is shown is what it left. Run the cell again" : s.text;
    if (words.textContent !== text) words.textContent = text;
    status.title = s.tooltip;
    const next = lost || !hasKernel(model) ? null : s.next;
    goOn.hidden = !next;
    if (next && goOn.textContent !== next.label) goOn.textContent = next.label;
    if (next) goOn.title = `${next.label}. Why: ${next.reason}`;
    if (next) goOn.setAttribute("aria-label", goOn.title);
    error.textContent = s.error;
    const busy = s.state === "computing";
    progress.classList.toggle("fpf-busy", busy && s.progress < 0);
    fill.style.width = busy && s.progress >= 0 ? `${Math.round(100 * s.progress)}%` : "";
    if (busy && s.progress >= 0) progress.setAttribute("aria-valuenow", String(Math.round(100 * s.progress)));
    else progress.removeAttribute("aria-valuenow");
  };
  watch(model, disposer, "status", update);
  update();
  const check = (): void => {
    const now = isLost(model, el);
    if (now === lost) return;
    lost = now;
    root.classList.toggle("fpf-lost", lost);
    root.setAttribute("aria-disabled", String(lost));
    update();
    if (lost) live.textContent = words.textContent;
  };
  if (hasKernel(model)) {
    const clock = setInterval(check, 1000);
    disposer.add(() => clearInterval(clock));
    // Jupyter says it at once by a class.
    const observer = new MutationObserver(check);
    observer.observe(el, { attributes: true, attributeFilter: ["class"] });
    disposer.add(() => observer.disconnect());
  }
  const show = (status: Status | null): void => {
    instead = status;
    update();
  };
  return { root, bar, tools, show, say: (text) => void (live.textContent = text), disposer };
}

/** A saved notebook has a still picture after each view, for readers without a kernel: a live view hides it. */
export function hideStandIn(key: string): string {
  if (!/^[0-9a-f]+$/.test(key)) return "";
  const still = `.fpf-static[data-fpf="${key}"]`;
  return `${still},.jp-OutputArea-child:has(${still}){display:none}`;
}

/** Listens to a trait and forgets it at clean-up. */
export function watch(model: Model, disposer: Disposer, name: string, callback: () => void): void {
  const handler = (): void => callback();
  model.on(`change:${name}`, handler);
  disposer.add(() => model.off(`change:${name}`, handler));
}

export function put(model: Model, name: string, value: unknown): void {
  model.set(name, value);
  model.save_changes();
}

/** The tooltip is the name, since an icon has none; a name has the words that are seen. */
export function button(label: string | Node, title: string, testid: string, onclick: () => void): HTMLButtonElement {
  const said = typeof label === "string" && label && !title.toLowerCase().includes(label.toLowerCase()) ? `${label}: ${title}` : title;
  return h("button", { type: "button", title: said, "aria-label": said, "data-testid": testid, onclick }, label);
}

/** Both formats of a picture, for the toolbar. */
export function saveButtons(what: string, name: string, stage: () => Stage): HTMLButtonElement[] {
  const one = (kind: string, save: () => void): HTMLButtonElement => {
    const made = button(icon("save"), `save ${what} as ${kind.toUpperCase()}`, `fpf-${kind}`, save);
    made.append(kind);
    return made;
  };
  return [one("png", () => stage().savePng(name)), one("svg", () => stage().saveSvg(name))];
}

export function toggle(label: string | Node, title: string, testid: string, onclick: () => void): HTMLButtonElement {
  const node = button(label, title, testid, onclick);
  node.setAttribute("aria-pressed", "false");
  return node;
}

export const press = (node: HTMLElement, on: boolean): void => node.setAttribute("aria-pressed", String(on));

/** A row of name, slider and value: for pages without a kernel as well. */
export function range(label: string, testid: string, title: string, oninput: (value: number) => void): { element: HTMLElement; max(): number; set(value: number, max: number, text: string): void } {
  const input = h("input", { type: "range", min: 0, max: 0, step: 1, value: 0, "data-testid": testid, "aria-label": label, title });
  const output = h("output");
  input.addEventListener("input", () => oninput(Number(input.value)));
  // Lab would take the arrow keys for itself.
  input.addEventListener("keydown", (e) => e.stopPropagation());
  return {
    element: h("label", { class: "fpf-range", title }, label, input, output),
    max: () => Number(input.max),
    set(value, max, text) {
      input.max = String(max);
      input.value = String(value);
      input.disabled = max <= 0;
      input.setAttribute("aria-valuetext", text);
      output.textContent = text;
    },
  };
}
