/** The table of points: a row is read from the line of words that Python writes for a point. */

export interface Row {
  number: number;
  class: string;
  unstable: number; // NaN where it is not said
  growth: number;
  q: number;
  index: number;
  where: string;
}

export type Column = keyof Row;

export const COLUMNS: Column[] = ["number", "class", "unstable", "growth", "q", "index", "where"];

/** Heads of the columns; the growth has the name that Python gives it. */
export const HEADS: Record<Column, string> = { number: "#", class: "class", unstable: "unst.", growth: "|λ|max", q: "q", index: "index", where: "on" };

const numberOf = (text: string): number => (text === "" ? Number.NaN : Number(text.replace("−", "-")));

export function rowOf(name: string, fallback: number): Row {
  const [first, ...rest] = name.split(" · ");
  const head = /^(\d+): ([^,]*)(?:, (\d+) unstable)?/.exec(first);
  const kind = head?.[2] ?? first;
  const row: Row = { number: head ? Number(head[1]) : fallback, class: kind, unstable: head?.[3] ? Number(head[3]) : kind === "stable" ? 0 : Number.NaN, growth: Number.NaN, q: Number.NaN, index: Number.NaN, where: "" };
  for (const part of rest) {
    if (part.startsWith("q ")) row.q = numberOf(part.slice(2));
    else if (part.startsWith("index ")) row.index = numberOf(part.slice(6));
    else if (part.startsWith("on the ")) row.where = part.slice(7);
    else row.growth = numberOf(part.slice(part.lastIndexOf(" ") + 1));
  }
  return row;
}

export function written(row: Row, column: Column): string {
  const value = row[column];
  if (typeof value === "string") return value;
  if (Number.isNaN(value)) return "";
  if (column === "growth") return value.toFixed(3);
  if (column === "q") return value ? value.toExponential(0).replace(/e([+-])(\d)$/, "e$10$2") : "0";
  if (column === "index") return value < 0 ? `−${-value}` : value ? `+${value}` : "0";
  return String(value);
}

const TERM = /^(number|#|class|unstable|unst\.?|growth|\|λ\|max|λ|q|index|on|where)\s*(<=|>=|!=|=|<|>)\s*(\S+)$/i;
const NAMES: Record<string, Column> = { "#": "number", unst: "unstable", "unst.": "unstable", "|λ|max": "growth", λ: "growth", on: "where" };
const COMPARE: Record<string, (a: number, b: number) => boolean> = {
  "<": (a, b) => a < b,
  ">": (a, b) => a > b,
  "<=": (a, b) => a <= b,
  ">=": (a, b) => a >= b,
  "=": (a, b) => a === b,
  "!=": (a, b) => a !== b,
};

/** "saddle, q < 1e-20, index = -1": each term must hold; a word is looked for in class and place. */
export function filterOf(text: string): (row: Row) => boolean {
  const tests = text
    .split(",")
    .map((term) => term.trim())
    .filter(Boolean)
    .map((term) => {
      const [, name, sign, given] = TERM.exec(term) ?? [];
      if (!name) return (row: Row) => `${row.class} ${row.where}`.toLowerCase().includes(term.toLowerCase());
      const column = NAMES[name.toLowerCase()] ?? (name.toLowerCase() as Column);
      const value = numberOf(given);
      return (row: Row) => {
        const cell = row[column];
        if (typeof cell === "string") return (sign === "!=") !== (cell.toLowerCase() === given.toLowerCase());
        return COMPARE[sign](cell, value);
      };
    });
  return (row) => tests.every((test) => test(row));
}

/** Points in the order of a column, those without a value last; equal ones in the order of their numbers. */
export function sorted(rows: readonly Row[], points: readonly number[], column: Column, descending: boolean): number[] {
  const turn = descending ? -1 : 1;
  const missing = (v: string | number): boolean => v === "" || Number.isNaN(v);
  return [...points].sort((a, b) => {
    const [x, y] = [rows[a][column], rows[b][column]];
    if (missing(x) || missing(y)) return missing(x) === missing(y) ? a - b : missing(x) ? 1 : -1;
    return (x < y ? -turn : x > y ? turn : 0) || a - b;
  });
}

const quoted = (text: string): string => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export function toCsv(rows: readonly Row[], columns: readonly Column[]): string {
  const cell = (row: Row, c: Column): string => (typeof row[c] === "number" && Number.isNaN(row[c] as number) ? "" : quoted(String(row[c])));
  return [columns.map((c) => (c === "growth" ? "leading" : c)).join(","), ...rows.map((row) => columns.map((c) => cell(row, c)).join(","))].join("\n");
}

/** Python that takes these points out of all of them. */
export const toCode = (rows: readonly Row[]): string => `explorer.fixed_points[[${rows.map((row) => row.number).join(", ")}]]`;
