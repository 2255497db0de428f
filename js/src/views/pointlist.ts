/** The table of points beside the canvas: for research, for the keyboard and for screen readers. */

import type { NdArray } from "../core/codec";
import { CLASSES } from "../core/colors";
import { h } from "../core/dom";
import { COLUMNS, type Column, HEADS, type Row, filterOf, rowOf, sorted, toCode, toCsv, written } from "../core/rows";

export interface PointListHost {
  select(index: number | null, toggle: boolean): void;
  selectMany(indices: number[]): void;
  hover(index: number): void;
  say(words: string): void;
  /** Which columns are shown, and how that is remembered. */
  columns(): Column[];
  setColumns(columns: Column[]): void;
}

/** Of more rows only those that can be seen are there. */
export const MAX_ROWS = 300;
const ROW = 22; // pixels
const AROUND = 12; // rows beyond what is seen

interface Line {
  element: HTMLLIElement;
  mark: HTMLElement;
  cells: Map<Column, HTMLElement>;
  point: number;
}

export const SHOWN: Column[] = ["number", "class", "unstable", "growth", "q", "index", "where"];
const WIDTHS: Record<Column, string> = { number: "minmax(38px, 0.6fr)", class: "minmax(54px, 1.5fr)", unstable: "minmax(30px, 0.6fr)", growth: "minmax(44px, 0.9fr)", q: "minmax(40px, 0.8fr)", index: "minmax(32px, 0.6fr)", where: "minmax(40px, 1.6fr)" };

export class PointList {
  readonly list = h("ul", { class: "fpf-points", role: "listbox", "aria-label": "fixed points", "aria-multiselectable": "true" });
  private readonly heads = h("div", { class: "fpf-heads", role: "group", "aria-label": "sort the points by" });
  private readonly filter = h("input", { type: "search", class: "fpf-filter", placeholder: "filter: saddle, q < 1e-20", "data-testid": "fpf-filter", "aria-label": "filter the points", title: "terms with commas between them: a class, or a comparison such as q < 1e-20, unstable >= 2, index = -1, # < 10" });
  private readonly count = h("span", { class: "fpf-count", role: "status", "data-testid": "fpf-count" });
  private readonly boxes = h("div", { class: "fpf-menu-items", role: "group", "aria-label": "columns" });
  private readonly above = h("li", { class: "fpf-space", role: "presentation", "aria-hidden": "true" });
  private readonly below = h("li", { class: "fpf-space", role: "presentation", "aria-hidden": "true" });
  readonly element: HTMLElement;
  private lines: Line[] = [];
  private names: string[] = [];
  private code: ArrayLike<number> = [];
  private order: number[] = [];
  private rows: Row[] | null = null;
  private sort: { column: Column; descending: boolean } = { column: "number", descending: false };
  private selected: number | null = null;
  private many: ReadonlySet<number> = new Set();
  private drawn = ""; // the columns
  private placed = false; // whether any point lies on a line or a sheet

  constructor(private readonly host: PointListHost) {
    const one = (words: string, title: string, testid: string, onclick: () => void): HTMLButtonElement => h("button", { type: "button", class: "fpf-text-button", title, "aria-label": title, "data-testid": testid, onclick }, words);
    const menu = h("details", { class: "fpf-menu" }, h("summary", { title: "choose the columns", "aria-label": "choose the columns", "data-testid": "fpf-columns" }, "columns"), this.boxes);
    const bar = h(
      "div",
      { class: "fpf-table-bar" },
      this.filter,
      this.count,
      one("select", "select the points that are listed", "fpf-select-listed", () => this.host.selectMany([...this.order].sort((a, b) => a - b))),
      one("csv", "copy the listed points as CSV", "fpf-copy-csv", () => this.copy(toCsv(this.listed(), this.columns()), "rows of CSV")),
      one("code", "copy the listed points as code: the Python that takes them", "fpf-copy-code", () => this.copy(toCode(this.listed()), "points as code")),
      menu,
    );
    this.element = h("div", { class: "fpf-table" }, bar, this.heads, this.list);
    this.filter.addEventListener("input", () => this.arrange());
    // Lab would take the letters for itself.
    bar.addEventListener("keydown", (e) => e.stopPropagation());
    this.list.addEventListener("keydown", (e) => this.onKey(e));
    this.list.addEventListener("scroll", () => this.order.length > MAX_ROWS && this.paint());
    this.paintHeads();
  }

  /** Rows stay and change their words: that is quick, and the keyboard keeps its place. */
  update(names: string[], code: NdArray): void {
    this.names = names;
    this.code = code.data;
    this.rows = null;
    this.placed = names.some((name) => name.includes(" · on the "));
    this.order = this.order.filter((i) => i < names.length);
    this.refresh();
    this.arrange();
  }

  /** Those chosen, but no empty one. */
  private columns(): Column[] {
    return this.host.columns().filter((c) => c !== "where" || this.placed);
  }

  private all(): Row[] {
    return (this.rows ??= this.names.map(rowOf));
  }

  private listed(): Row[] {
    const rows = this.all();
    return this.order.map((i) => rows[i]);
  }

  private arrange(): void {
    const everything = this.names.map((_, i) => i);
    const words = this.filter.value.trim();
    let order = everything;
    if (words) {
      const [rows, keep] = [this.all(), filterOf(words)];
      order = order.filter((i) => keep(rows[i]));
    }
    const { column, descending } = this.sort;
    this.order = column === "number" && !descending ? order : sorted(this.all(), order, column, descending);
    const text = words ? `${order.length} of ${everything.length}` : "";
    if (this.count.textContent !== text) this.count.textContent = text;
    this.paint();
  }

  private paintHeads(): void {
    const columns = this.columns();
    this.drawn = columns.join();
    this.element.style.setProperty("--fpf-cols", columns.map((c) => WIDTHS[c]).join(" "));
    this.heads.replaceChildren(
      ...columns.map((c) => {
        const mine = this.sort.column === c;
        const title = `${HEADS[c]}: sort by ${c}${mine && !this.sort.descending ? ", largest first" : ""}`;
        const arrow = h("span", { "aria-hidden": "true" }, mine ? (this.sort.descending ? " ↓" : " ↑") : "");
        const click = (): void => {
          this.sort = { column: c, descending: mine && !this.sort.descending };
          this.paintHeads();
          this.arrange();
          this.heads.querySelector<HTMLElement>(`[data-testid="fpf-sort-${c}"]`)?.focus();
        };
        return h("button", { type: "button", title, "aria-label": title, "aria-pressed": String(mine), "data-testid": `fpf-sort-${c}`, onclick: click }, HEADS[c], arrow);
      }),
    );
    this.boxes.replaceChildren(
      ...COLUMNS.filter((c) => c !== "number").map((c) => {
        const box = h("input", { type: "checkbox", "data-testid": `fpf-column-${c}`, "aria-label": c });
        box.checked = this.host.columns().includes(c);
        box.addEventListener("change", () => {
          this.host.setColumns(COLUMNS.filter((o) => (o === c ? box.checked : this.host.columns().includes(o))));
          this.refresh();
        });
        return h("label", {}, box, c);
      }),
    );
  }

  /** Shows other columns where others were chosen, in this view or in another one. */
  refresh(): void {
    const now = this.columns().join();
    if (now === this.drawn) return;
    const open = document.activeElement instanceof HTMLElement ? document.activeElement.dataset.testid : undefined;
    this.paintHeads();
    for (const line of this.lines.splice(0)) line.element.remove();
    this.paint();
    if (open?.startsWith("fpf-column-")) this.boxes.querySelector<HTMLElement>(`[data-testid="${open}"]`)?.focus();
  }

  private paint(): void {
    const total = this.order.length;
    const whole = total <= MAX_ROWS;
    const first = whole ? 0 : Math.max(0, Math.min(total, Math.floor(this.list.scrollTop / ROW)) - AROUND);
    const n = whole ? total : Math.min(total - first, Math.ceil((this.list.clientHeight || 168) / ROW) + 2 * AROUND);
    for (const line of this.lines.splice(n)) line.element.remove();
    while (this.lines.length < n) this.lines.push(this.add());
    this.above.style.height = `${first * ROW}px`;
    this.below.style.height = `${(total - first - n) * ROW}px`;
    if (whole) {
      this.above.remove();
      this.below.remove();
    } else {
      if (this.list.firstChild !== this.above) this.list.prepend(this.above);
      this.list.append(this.below);
    }
    const columns = this.columns();
    this.lines.forEach((line, k) => {
      const point = this.order[first + k];
      const row = this.rows ? this.rows[point] : rowOf(this.names[point], point);
      if (line.point !== point) {
        line.point = point;
        line.element.dataset.testid = `fpf-point-${point}`;
      }
      if (line.element.title !== this.names[point]) line.element.title = this.names[point];
      if (!whole) {
        line.element.setAttribute("aria-setsize", String(total));
        line.element.setAttribute("aria-posinset", String(first + k + 1));
      }
      for (const c of columns) {
        const cell = line.cells.get(c) as HTMLElement;
        const text = written(row, c);
        if (cell.textContent !== text) cell.textContent = text;
      }
      const kind = CLASSES[this.code[point]] ?? CLASSES[4];
      if (line.element.dataset.class !== kind.name) {
        line.element.dataset.class = kind.name;
        line.mark.className = `fpf-mark fpf-mark-${kind.shape}`;
        line.mark.style.cssText = `--l:${kind.light};--d:${kind.dark}`;
      }
    });
    this.paintMarks();
  }

  private add(): Line {
    const mark = h("span");
    const cells = new Map(this.columns().map((c) => [c, h("span", { class: c === "class" || c === "where" ? "fpf-cell" : "fpf-cell fpf-number" })]));
    const spans = [...cells].map(([c, cell]) => (c === "number" ? h("span", { class: "fpf-cell" }, mark, cell) : cell));
    const element = h("li", { role: "option", tabindex: 0, "aria-selected": "false" }, ...spans);
    const line: Line = { element, mark, cells, point: -1 };
    element.addEventListener("click", (e) => this.host.select(line.point, e.shiftKey || e.ctrlKey || e.metaKey));
    element.addEventListener("focus", () => this.host.hover(line.point));
    element.addEventListener("pointerenter", () => this.host.hover(line.point));
    element.addEventListener("pointerleave", () => this.host.hover(-1));
    if (this.below.parentNode) this.list.insertBefore(element, this.below);
    else this.list.append(element);
    return line;
  }

  mark(selected: number | null, many: ReadonlySet<number>): void {
    const news = selected !== this.selected;
    this.selected = selected;
    this.many = many;
    this.paintMarks();
    if (news && selected !== null && !this.list.contains(document.activeElement)) this.reveal(this.order.indexOf(selected));
  }

  private paintMarks(): void {
    for (const { element, point } of this.lines) {
      const on = String(point === this.selected || this.many.has(point));
      if (element.getAttribute("aria-selected") !== on) element.setAttribute("aria-selected", on);
    }
  }

  private reveal(place: number): void {
    if (place < 0) return;
    const { list } = this;
    // Scrolls the list only: scrollIntoView would move the whole notebook.
    const top = place * ROW;
    if (top < list.scrollTop) list.scrollTop = top;
    else if (top + ROW > list.scrollTop + list.clientHeight) list.scrollTop = top + ROW - list.clientHeight;
    if (this.order.length > MAX_ROWS) this.paint();
  }

  private onKey(e: KeyboardEvent): void {
    const line = this.lines.find(({ element }) => element === e.target);
    if (!line) return;
    const place = this.order.indexOf(line.point);
    const go = (to: number): void => {
      const at = Math.max(0, Math.min(this.order.length - 1, to));
      this.reveal(at);
      this.lines.find(({ point }) => point === this.order[at])?.element.focus({ preventScroll: true });
    };
    const moves: Record<string, number> = { ArrowDown: place + 1, ArrowUp: place - 1, PageDown: place + 7, PageUp: place - 7, Home: 0, End: this.order.length - 1 };
    if (e.key === "Enter" || e.key === " ") this.host.select(line.point, e.shiftKey);
    else if (e.key === "Escape") this.host.select(null, false);
    else if (e.key in moves) go(moves[e.key]);
    else return;
    e.preventDefault();
    e.stopPropagation();
  }

  private copy(text: string, what: string): void {
    const said = (): void => this.host.say(`${this.order.length} ${what} copied`);
    const byHand = (): void => {
      const area = h("textarea", { class: "fpf-sr" });
      area.value = text;
      this.element.append(area);
      area.select();
      if (document.execCommand?.("copy")) said();
      area.remove();
    };
    // Pages from a file and frames of a notebook may not use the clipboard.
    if (!navigator.clipboard) byHand();
    else void navigator.clipboard.writeText(text).then(said, byHand);
  }
}
