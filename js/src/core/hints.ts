/** Tooltips and names for the controls beside a picture: ipywidgets gives them to some only. */

import { type Disposer, coalesce } from "./dom";

/** By the class of a control: its name and what it does. */
export type Hints = Record<string, [string, string]>;

export function applyHints(hints: Hints): number {
  let missing = 0;
  for (const [key, [name, tip]] of Object.entries(hints)) {
    const found = document.querySelectorAll<HTMLElement>(`.${key}`);
    if (!found.length) missing++;
    for (const control of found) {
      control.title = tip;
      for (const part of control.querySelectorAll<HTMLElement>(".noUi-handle,input,select")) {
        part.title = tip;
        part.setAttribute("aria-label", name);
      }
    }
  }
  return missing;
}

/** The controls appear when they like, before the picture or after it, and again in another view. */
export function keepHints(hints: Hints, d: Disposer): void {
  if (!Object.keys(hints).length) return;
  const frame = coalesce(() => void applyHints(hints));
  const observer = new MutationObserver((changes) => {
    if (changes.some((c) => [...c.addedNodes].some((n) => n instanceof Element && /jupyter-widgets/.test(n.className)))) frame.request();
  });
  observer.observe(document.body, { childList: true, subtree: true });
  d.add(() => observer.disconnect());
  d.add(() => frame.cancel());
  frame.request();
}
