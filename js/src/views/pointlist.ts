/** A list that mirrors the points of the canvas, for the keyboard and for screen readers. */

import { CLASSES } from "../core/colors";
import type { NdArray } from "../core/codec";
import { h } from "../core/dom";

export interface PointListHost {
  select(index: number | null, toggle: boolean): void;
  hover(index: number): void;
}

/** More rows than this help nobody; the selected point is always among them. */
export const MAX_ROWS = 300;

interface Row {
  element: HTMLLIElement;
  mark: HTMLElement;
  words: Text;
}

export class PointList {
  readonly element = h("ul", { class: "fpf-points", role: "listbox", "aria-label": "fixed points", "aria-multiselectable": "true" });
  private rows: Row[] = [];
  private readonly more = h("li", { class: "fpf-more", role: "presentation" });

  constructor(private readonly host: PointListHost) {
    this.element.addEventListener("keydown", (e) => this.onKey(e));
  }

  /** Rows stay and change their words: that is quick, and the keyboard keeps its place. */
  update(names: string[], code: NdArray): void {
    const n = Math.min(names.length, MAX_ROWS);
    for (const row of this.rows.splice(n)) row.element.remove();
    while (this.rows.length < n) this.rows.push(this.add(this.rows.length));
    this.rows.forEach((row, i) => {
      if (row.words.data !== names[i]) row.words.data = names[i];
      const kind = CLASSES[code.data[i]] ?? CLASSES[4];
      if (row.element.dataset.class === kind.name) return;
      row.element.dataset.class = kind.name;
      row.mark.className = `fpf-mark fpf-mark-${kind.shape}`;
      row.mark.style.cssText = `--l:${kind.light};--d:${kind.dark}`;
    });
    this.more.textContent = `and ${names.length - n} more`;
    if (names.length > n) this.element.append(this.more);
    else this.more.remove();
  }

  private add(i: number): Row {
    const mark = h("span");
    const words = document.createTextNode("");
    const element = h("li", { role: "option", tabindex: 0, "data-testid": `fpf-point-${i}`, "aria-selected": "false" }, mark, words);
    element.addEventListener("click", (e) => this.host.select(i, e.shiftKey || e.ctrlKey || e.metaKey));
    element.addEventListener("focus", () => this.host.hover(i));
    element.addEventListener("pointerenter", () => this.host.hover(i));
    element.addEventListener("pointerleave", () => this.host.hover(-1));
    this.element.append(element);
    return { element, mark, words };
  }

  mark(selected: number | null, many: ReadonlySet<number>): void {
    this.rows.forEach(({ element: row }, i) => {
      const on = i === selected || many.has(i);
      if (row.getAttribute("aria-selected") !== String(on)) row.setAttribute("aria-selected", String(on));
      if (i === selected && !this.element.contains(document.activeElement)) this.reveal(row);
    });
  }

  private reveal(row: HTMLElement): void {
    const { element } = this;
    // Scrolls the list only: scrollIntoView would move the whole notebook.
    if (row.offsetTop < element.scrollTop) element.scrollTop = row.offsetTop;
    else if (row.offsetTop + row.offsetHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = row.offsetTop + row.offsetHeight - element.clientHeight;
  }

  private onKey(e: KeyboardEvent): void {
    const index = this.rows.findIndex((row) => row.element === e.target);
    if (index < 0) return;
    const go = (to: number): void => this.rows[Math.max(0, Math.min(this.rows.length - 1, to))].element.focus();
    if (e.key === "Enter" || e.key === " ") this.host.select(index, e.shiftKey);
    else if (e.key === "Escape") this.host.select(null, false);
    else if (e.key === "ArrowDown") go(index + 1);
    else if (e.key === "ArrowUp") go(index - 1);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }
}
