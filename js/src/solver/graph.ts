/**
 * What a program computes, number by number. Each scalar has one of three levels: it is known, it
 * depends on input and parameters only, or it depends on the lane. Equal scalars are there once.
 */

import { BINARY, BINARY_NAMES, UNARY, UNARY_NAMES } from "./functions";

export const CONST = 0;
export const UNIFORM = 1;
export const LANE = 2;

/** Codes: below UNARY_NAMES.length unary, then binary, then these. */
export const FIRST_BINARY = UNARY_NAMES.length;
export const SELECT = FIRST_BINARY + BINARY_NAMES.length;
/** Sum of products: init, then pairs. */
export const MAC = SELECT + 1;
/** init minus the products. */
export const MSUB = SELECT + 2;
export const INPUT = SELECT + 3;
export const KNOWN = SELECT + 4;

export const CODE: Record<string, number> = {};
UNARY_NAMES.forEach((name, i) => (CODE[name] = i));
BINARY_NAMES.forEach((name, i) => (CODE[name] = FIRST_BINARY + i));

const UNARY_LIST = UNARY_NAMES.map((name) => UNARY[name]);
const BINARY_LIST = BINARY_NAMES.map((name) => BINARY[name]);
const { neg: NEG, square: SQUARE } = CODE;
const { add: ADD, sub: SUB, mul: MUL, div: DIV } = CODE;
const COMMUTATIVE = new Set(["add", "mul", "max", "min", "eq", "ne", "and", "or", "xor"].map((n) => CODE[n]));

// A sum of more terms is no form any more; one of more is not multiplied out.
const [MOST_TERMS, FEW_TERMS, SPREAD_TERMS] = [99, 6, 4];

export const unaryOf = (code: number): ((x: number) => number) => UNARY_LIST[code];
export const binaryOf = (code: number): ((x: number, y: number) => number) => BINARY_LIST[code - FIRST_BINARY];

export class Graph {
  readonly code: number[] = [];
  readonly level: number[] = [];
  readonly value: number[] = [];
  /** Operands of each scalar: of MAC and MSUB the start (-1 for zero) and then pairs. */
  readonly args: (readonly number[])[] = [];
  private readonly known = new Map<number, number>();
  private readonly seen = new Map<number, number[]>();
  /** Short sums Σ c v with c the same in all lanes, as [c, v, c, v, …]: what a Jacobian is made of. */
  private readonly forms = new Map<number, readonly number[]>();
  private minusZero = -1;
  private one = -1;

  get size(): number {
    return this.code.length;
  }

  constant(v: number): number {
    if (v === 0 && 1 / v < 0) return this.minusZero >= 0 ? this.minusZero : (this.minusZero = this.push(KNOWN, [], CONST, v));
    let i = this.known.get(v);
    if (i === undefined) this.known.set(v, (i = this.push(KNOWN, [], CONST, v)));
    return i;
  }

  input(level: number): number {
    return this.push(INPUT, [], level);
  }

  is(i: number, v: number): boolean {
    return this.level[i] === CONST && this.value[i] === v;
  }

  unary(code: number, a: number): number {
    if (this.level[a] === CONST) return this.constant(UNARY_LIST[code](this.value[a]));
    if (code === NEG && this.code[a] === NEG) return this.args[a][0];
    if (code === SQUARE) return this.binary(MUL, a, a);
    if (code === NEG) {
      const form = this.forms.get(a);
      if (form) return this.combined(form.map((e, k) => (k % 2 ? e : this.unary(NEG, e))), MOST_TERMS);
    }
    return this.make(code, a, -1);
  }

  binary(code: number, x: number, y: number): number {
    let a = x;
    let b = y;
    const { level } = this;
    if (level[a] === CONST && level[b] === CONST) return this.constant(BINARY_LIST[code - FIRST_BINARY](this.value[a], this.value[b]));
    if (code === ADD) {
      if (this.is(a, 0)) return b;
      if (this.is(b, 0)) return a;
      if (this.code[b] === NEG) return this.binary(SUB, a, this.args[b][0]);
      if (this.code[a] === NEG) return this.binary(SUB, b, this.args[a][0]);
    } else if (code === SUB) {
      if (this.is(b, 0)) return a;
      if (this.is(a, 0)) return this.unary(NEG, b);
      if (a === b) return this.constant(0);
      if (this.code[b] === NEG) return this.binary(ADD, a, this.args[b][0]);
    } else if (code === MUL) {
      // Structural zeros of Jacobians; where the other factor is not finite, q says so.
      if (this.is(a, 0) || this.is(b, 0)) return this.constant(0);
      if (this.is(a, 1)) return b;
      if (this.is(b, 1)) return a;
      if (this.is(a, -1)) return this.unary(NEG, b);
      if (this.is(b, -1)) return this.unary(NEG, a);
      const product = this.multiplied(a, b);
      if (product >= 0) return product;
    } else if (code === DIV) {
      if (this.is(b, 1)) return a;
      if (this.is(a, 0)) return this.constant(0);
    }
    if ((code === ADD || code === SUB) && (this.forms.has(a) || this.forms.has(b))) {
      const second = this.formOf(b);
      const both = [...this.formOf(a), ...(code === ADD ? second : second.map((e, k) => (k % 2 ? e : this.unary(NEG, e))))];
      const sum = this.combined(both, FEW_TERMS);
      if (sum >= 0) return sum;
    }
    // The factor that does not depend on the lane comes first.
    if (COMMUTATIVE.has(code) && (level[a] > level[b] || (level[a] === level[b] && a > b))) [a, b] = [b, a];
    return this.make(code, a, b);
  }

  select(which: number, yes: number, no: number): number {
    if (this.level[which] === CONST) return this.value[which] !== 0 ? yes : no;
    if (yes === no) return yes;
    return this.push(SELECT, [which, yes, no], Math.max(this.level[which], this.level[yes], this.level[no]));
  }

  power(x: number, exponent: number): number {
    const n = Math.abs(exponent);
    if (n > 16) return this.binary(CODE.pow, x, this.constant(exponent));
    let y = -1;
    let square = x;
    for (let k = n; k > 0; k >>= 1) {
      if (k & 1) y = y < 0 ? square : this.binary(MUL, y, square);
      if (k > 1) square = this.binary(MUL, square, square);
    }
    if (y < 0) return this.constant(1);
    return exponent < 0 ? this.binary(DIV, this.constant(1), y) : y;
  }

  /** init plus (or minus) the sum of the products of pairs: the workhorse of all matrix work. */
  mac(pairs: readonly number[], init = -1, minus = false): number {
    const flat: number[] = [];
    let start = init;
    for (let k = 0; k < pairs.length; k += 2) {
      let a = pairs[k];
      let b = pairs[k + 1];
      if (this.is(a, 0) || this.is(b, 0)) continue;
      if (this.level[a] > this.level[b]) [a, b] = [b, a];
      if (this.level[b] < LANE) {
        // What does not depend on the lane is summed beforehand.
        const p = this.binary(MUL, a, b);
        start = start < 0 ? (minus ? this.unary(NEG, p) : p) : this.binary(minus ? SUB : ADD, start, p);
      } else if (this.level[a] < LANE && this.code[b] === MUL && this.level[this.args[b][0]] < LANE) {
        flat.push(this.binary(MUL, a, this.args[b][0]), this.args[b][1]);
      } else flat.push(a, b);
    }
    if (start >= 0 && this.is(start, 0)) start = -1;
    if (!flat.length) return start < 0 ? this.constant(0) : start;
    if (flat.length === 2) {
      const p = this.binary(MUL, flat[0], flat[1]);
      if (start >= 0) return this.binary(minus ? SUB : ADD, start, p);
      return minus ? this.unary(NEG, p) : p;
    }
    return this.push(minus ? MSUB : MAC, [start, ...flat], LANE);
  }

  /** What a scalar that does not depend on the lane is, given all before it. */
  uniformValue(i: number, at: (i: number) => number): number {
    const code = this.code[i];
    const a = this.args[i];
    if (code < FIRST_BINARY) return UNARY_LIST[code](at(a[0]));
    if (code < SELECT) return BINARY_LIST[code - FIRST_BINARY](at(a[0]), at(a[1]));
    if (code === SELECT) return at(a[0]) !== 0 ? at(a[1]) : at(a[2]);
    throw new Error("a sum of products that depends on no lane");
  }

  private formOf(i: number): readonly number[] {
    if (this.one < 0) this.one = this.constant(1);
    return this.level[i] < LANE ? [i, this.one] : (this.forms.get(i) ?? [this.one, i]);
  }

  /** Products with short sums: c Σ d v = Σ (c d) v, and w Σ c v = Σ c (v w), whose v w a whole row of a Jacobian shares. */
  private multiplied(x: number, y: number): number {
    const { level, forms } = this;
    let [a, b] = level[x] <= level[y] ? [x, y] : [y, x];
    if (level[b] < LANE) return -1;
    if (level[a] < LANE) return this.combined(this.formOf(b).map((e, k) => (k % 2 ? e : this.binary(MUL, a, e))), MOST_TERMS);
    const [m, n] = [forms.get(a)?.length ?? 99, forms.get(b)?.length ?? 99];
    if (n < m) [a, b] = [b, a];
    const form = forms.get(a);
    if (!form || form.length > 2 * SPREAD_TERMS) return -1;
    const other = forms.get(b);
    const [d, w] = other?.length === 2 ? other : [this.constant(1), b];
    return this.combined(
      form.map((e, k) => (k % 2 ? this.binary(MUL, e, w) : this.binary(MUL, e, d))),
      MOST_TERMS,
    );
  }

  /** The sum of some terms, those of one coefficient together; -1 where it would be longer than `most` of them. */
  private combined(terms: readonly number[], most: number): number {
    const byCoefficient = new Map<number, number>();
    for (let k = 0; k < terms.length; k += 2) {
      let c = terms[k];
      let v = terms[k + 1];
      if (this.level[c] === CONST && this.value[c] < 0) {
        c = this.constant(-this.value[c]);
        v = this.unary(NEG, v);
      }
      const before = byCoefficient.get(c);
      byCoefficient.set(c, before === undefined ? v : this.binary(ADD, before, v));
    }
    let start = -1;
    const form: number[] = [];
    const pairs: number[] = [];
    for (const [c, v] of byCoefficient) {
      if (this.is(c, 0) || this.is(v, 0)) continue;
      form.push(c, v);
      if (this.level[v] < LANE) {
        const p = this.binary(MUL, c, v);
        start = start < 0 ? p : this.binary(ADD, start, p);
      } else pairs.push(c, v);
    }
    if (form.length > 2 * most) return -1;
    if (!pairs.length) return start < 0 ? this.constant(0) : start;
    let id: number;
    if (pairs.length > 2 || (start >= 0 && !this.is(pairs[0], 1))) id = this.push(MAC, [start, ...pairs], LANE);
    else if (start >= 0) id = this.make(ADD, start, pairs[1]);
    else if (this.is(pairs[0], 1)) return pairs[1];
    else id = this.make(MUL, pairs[0], pairs[1]);
    this.forms.set(id, form);
    return id;
  }

  private make(code: number, a: number, b: number): number {
    const key = ((code * 8191 + a) * 524287 + b) % 9007199254740881;
    const bucket = this.seen.get(key);
    if (bucket) {
      for (const i of bucket) {
        const args = this.args[i];
        if (this.code[i] === code && args[0] === a && (b < 0 || args[1] === b)) return i;
      }
    }
    const i = this.push(code, b < 0 ? [a] : [a, b], b < 0 ? this.level[a] : Math.max(this.level[a], this.level[b]));
    if (bucket) bucket.push(i);
    else this.seen.set(key, [i]);
    return i;
  }

  private push(code: number, args: readonly number[], level: number, value = NaN): number {
    this.code.push(code);
    this.args.push(args);
    this.level.push(level);
    this.value.push(value);
    return this.code.length - 1;
  }
}
