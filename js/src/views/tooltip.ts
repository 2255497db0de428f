/** One quiet box near the pointer. */

import { h } from "../core/dom";

export class Tooltip {
  readonly element = h("div", { class: "fpf-tooltip", role: "presentation" });

  show(x: number, y: number, lines: string[]): void {
    const [title, ...rest] = lines;
    this.element.replaceChildren(h("b", {}, title), ...rest.map((line) => h("div", {}, line)));
    this.element.style.display = "block";
    const parent = this.element.parentElement;
    const width = parent?.clientWidth ?? 400;
    const height = parent?.clientHeight ?? 300;
    const left = x + 14 + this.element.offsetWidth > width ? x - 14 - this.element.offsetWidth : x + 14;
    const top = Math.min(Math.max(2, y + 12), Math.max(2, height - this.element.offsetHeight - 2));
    this.element.style.transform = `translate(${Math.max(2, left)}px, ${top}px)`;
  }

  hide(): void {
    this.element.style.display = "none";
  }
}
