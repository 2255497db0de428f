import { describe, expect, it, vi } from "vitest";
import { type Column, COLUMNS, filterOf, rowOf, sorted, toCode, toCsv, written } from "../src/core/rows";
import { MAX_ROWS, PointList } from "../src/views/pointlist";

const NAMES = [
  "0: stable · |λ|max 0.264 · q 1e-32 · index +1",
  "1: saddle, 2 unstable · |λ|max 1.989 · q 0 · index +1",
  "2: saddle, 1 unstable · |λ|max 1.699 · q 2e-31 · index −1",
  "3: on a continuum · |λ|max 1.000 · q 3e-20 · on the line of fixed points, length 2.06 · index +0",
];
const ROWS = NAMES.map(rowOf);
const code = (values: number[]) => ({ data: Int32Array.from(values), shape: [values.length] });

describe("rows of the table", () => {
  it("are read from Python's words", () => {
    expect(ROWS[1]).toEqual({ number: 1, class: "saddle", unstable: 2, growth: 1.989, q: 0, index: 1, where: "" });
    expect(ROWS[2].index).toBe(-1);
    expect(ROWS[3].where).toBe("line of fixed points, length 2.06");
    expect(rowOf("5: unstable · Re λ max −0.500 · q 0", 5).growth).toBe(-0.5);
    expect(rowOf("strange", 7)).toMatchObject({ number: 7, class: "strange", q: Number.NaN });
    expect(COLUMNS.map((c) => written(ROWS[2], c))).toEqual(["2", "saddle", "1", "1.699", "2e-31", "−1", ""]);
  });

  it.each([
    ["", [0, 1, 2, 3]],
    ["sad", [1, 2]],
    ["saddle, unstable >= 2", [1]],
    ["q < 1e-20", [0, 1, 2]],
    ["index=-1", [2]],
    ["index = −1", [2]],
    ["class = stable", [0]],
    ["class != stable", [1, 2, 3]],
    ["|λ|max > 1.5, # != 1", [2]],
    ["line", [3]],
    ["nothing of the kind", []],
  ])("filtered by %j", (words, expected) => {
    const keep = filterOf(words);
    expect(ROWS.flatMap((row, i) => (keep(row) ? [i] : []))).toEqual(expected);
  });

  it("sort by any column, those without a value last", () => {
    const all = [0, 1, 2, 3];
    expect(sorted(ROWS, all, "q", false)).toEqual([1, 0, 2, 3]);
    expect(sorted(ROWS, all, "q", true)).toEqual([3, 2, 0, 1]);
    expect(sorted(ROWS, all, "unstable", true)).toEqual([1, 2, 0, 3]);
    expect(sorted(ROWS, all, "class", false)).toEqual([3, 1, 2, 0]);
    expect(sorted(ROWS, all, "where", false)).toEqual([3, 0, 1, 2]);
  });

  it("leave as CSV and as code", () => {
    expect(toCsv([ROWS[3], ROWS[1]], ["number", "growth", "unstable", "where"])).toBe('number,leading,unstable,where\n3,1,,"line of fixed points, length 2.06"\n1,1.989,2,');
    expect(toCode([ROWS[3], ROWS[1]])).toBe("explorer.fixed_points[[3, 1]]");
  });
});

describe("the table", () => {
  function table(names: string[]) {
    let columns: Column[] = [...COLUMNS];
    const host = { select: vi.fn(), selectMany: vi.fn(), hover: vi.fn(), say: vi.fn(), columns: () => columns, setColumns: (c: Column[]) => void (columns = c) };
    const list = new PointList(host);
    document.body.append(list.element);
    list.update(names, code(names.map(() => 0)));
    const get = (id: string) => list.element.querySelector(`[data-testid="${id}"]`) as HTMLElement;
    const shown = () => [...list.element.querySelectorAll<HTMLElement>('[role="option"]')].map((e) => Number((e.dataset.testid as string).slice(10)));
    return { host, list, get, shown };
  }

  it("is sorted by its heads, filtered by words, and selects what it lists", () => {
    const { host, list, get, shown } = table(NAMES);
    get("fpf-sort-q").click();
    expect(shown()).toEqual([1, 0, 2, 3]);
    get("fpf-sort-q").click();
    expect(shown()).toEqual([3, 2, 0, 1]);
    const filter = get("fpf-filter") as HTMLInputElement;
    filter.value = "saddle";
    filter.dispatchEvent(new Event("input"));
    expect(shown()).toEqual([2, 1]);
    expect(get("fpf-count").textContent).toBe("2 of 4");
    get("fpf-select-listed").click();
    expect(host.selectMany).toHaveBeenCalledWith([1, 2]);
    get("fpf-point-2").click();
    expect(host.select).toHaveBeenCalledWith(2, false);
    list.mark(2, new Set([1]));
    expect(get("fpf-point-1").getAttribute("aria-selected")).toBe("true");
    // Points that follow a slider keep the table as it is.
    list.update(NAMES.map((n) => n.replace("saddle, 1 unstable", "stable")), code([0, 0, 0, 0]));
    expect(shown()).toEqual([1]);
  });

  it("has the columns that are chosen", () => {
    const { get, list } = table(NAMES);
    expect(get("fpf-point-0").children.length).toBe(7);
    get("fpf-column-q").click();
    expect(get("fpf-point-0").children.length).toBe(6);
    expect(get("fpf-sort-q")).toBeNull();
    expect(get("fpf-point-0").textContent).toBe("0stable00.264+1");
    // No column for lines where there is none.
    list.update(NAMES.slice(0, 3), code([0, 0, 0]));
    expect(get("fpf-point-0").children.length).toBe(5);
    expect(get("fpf-sort-where")).toBeNull();
  });

  it("reaches every one of thousands of points, by the wheel and by keys, with few elements", () => {
    const n = 5000;
    const { list, get, shown } = table(Array.from({ length: n }, (_, i) => `${i}: stable · |λ|max 0.5 · q 1e-30 · index +1`));
    expect(shown().length).toBeLessThan(MAX_ROWS);
    list.list.scrollTop = 22 * 3000;
    list.list.dispatchEvent(new Event("scroll"));
    expect(shown()).toContain(3000);
    get("fpf-point-3000").focus();
    get("fpf-point-3000").dispatchEvent(new KeyboardEvent("keydown", { key: "End", bubbles: true }));
    expect((document.activeElement as HTMLElement).dataset.testid).toBe(`fpf-point-${n - 1}`);
    expect(get(`fpf-point-${n - 1}`).getAttribute("aria-posinset")).toBe(String(n));
    (document.activeElement as HTMLElement).blur();
    list.mark(17, new Set());
    expect(shown()).toContain(17);
    expect(get("fpf-point-17").getAttribute("aria-selected")).toBe("true");
  });

  it("copies where the clipboard may be written, and says so", async () => {
    const write = vi.fn(async () => {});
    Object.assign(navigator, { clipboard: { writeText: write } });
    const { host, get } = table(NAMES);
    get("fpf-copy-code").click();
    await Promise.resolve();
    await Promise.resolve();
    expect(write).toHaveBeenCalledWith("explorer.fixed_points[[0, 1, 2, 3]]");
    expect(host.say).toHaveBeenCalledWith("4 points as code copied");
  });
});
