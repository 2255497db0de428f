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

export class PointList {
  readonly element = h("ul", { class: "fpf-points", role: "listbox", "aria-label": "fixed points" });
  private rows = new Map<number, HTMLLIElement>();
  private key = "";

  constructor(private readonly host: PointListHost) {
    this.element.addEventListener("keydown", (e) => this.onKey(e));
  }

  update(names: string[], code: NdArray): void {
    const key = `${Array.from(code.data).join()}|${names.join("|")}`;
    if (key === this.key) return; // rebuilding would lose the keyboard's place
    this.key = key;
    const focused = [...this.rows].find(([, row]) => row === document.activeElement)?.[0];
    this.rows.clear();
    const shown = names.slice(0, MAX_ROWS);
    this.element.replaceChildren(
      ...shown.map((name, i) => {
        const kind = CLASSES[code.data[i]] ?? CLASSES[4];
        const row = h(
          "li",
          { role: "option", tabindex: 0, "data-testid": `fpf-point-${i}`, "aria-selected": "false", "data-class": kind.name },
          h("span", { class: `fpf-mark fpf-mark-${kind.shape}`, style: `--l:${kind.light};--d:${kind.dark}` }),
          name,
        );
        row.addEventListener("click", (e) => this.host.select(i, e.shiftKey || e.ctrlKey || e.metaKey));
        row.addEventListener("focus", () => this.host.hover(i));
        row.addEventListener("pointerenter", () => this.host.hover(i));
        row.addEventListener("pointerleave", () => this.host.hover(-1));
        this.rows.set(i, row);
        return row;
      }),
    );
    if (names.length > shown.length) {
      this.element.append(h("li", { class: "fpf-more", role: "presentation" }, `and ${names.length - shown.length} more`));
    }
    if (focused !== undefined) this.rows.get(focused)?.focus({ preventScroll: true });
  }

  mark(selected: number | null, many: ReadonlySet<number>): void {
    for (const [i, row] of this.rows) {
      const on = i === selected || many.has(i);
      if (row.getAttribute("aria-selected") !== String(on)) row.setAttribute("aria-selected", String(on));
      if (i === selected && !this.element.contains(document.activeElement)) this.reveal(row);
    }
  }

  private reveal(row: HTMLElement): void {
    const { element } = this;
    // Scrolls the list only: scrollIntoView would move the whole notebook.
    if (row.offsetTop < element.scrollTop) element.scrollTop = row.offsetTop;
    else if (row.offsetTop + row.offsetHeight > element.scrollTop + element.clientHeight)
      element.scrollTop = row.offsetTop + row.offsetHeight - element.clientHeight;
  }

  private onKey(e: KeyboardEvent): void {
    const index = [...this.rows].find(([, row]) => row === e.target)?.[0];
    if (index === undefined) return;
    const go = (to: number): void => this.rows.get(Math.max(0, Math.min(this.rows.size - 1, to)))?.focus();
    if (e.key === "Enter" || e.key === " ") this.host.select(index, e.shiftKey);
    else if (e.key === "Escape") this.host.select(null, false);
    else if (e.key === "ArrowDown") go(index + 1);
    else if (e.key === "ArrowUp") go(index - 1);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }
}
