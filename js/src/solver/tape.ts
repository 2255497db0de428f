/**
 * Tapes: flat lists of instructions on rows of lanes. A row holds one number of each lane; a
 * scalar that does not depend on the lane stands in a table of its own.
 */

import { tanh } from "./functions";
import { FIRST_BINARY, MSUB, SELECT, binaryOf, unaryOf } from "./graph";

/** Instructions; the operands that follow are rows (R), places in the table of scalars (S), or both (E: a row, or ~place). */
export const OP = {
  UNARY: 0, // R R code
  MULRR: 1,
  MULSR: 2,
  ADDRR: 3,
  ADDSR: 4,
  SUBRR: 5,
  SUBSR: 6,
  SUBRS: 7,
  BINARY: 8, // R E E code
  SELECT: 9, // R E E E
  MACS: 10, // R E sign n (S R)*
  MACR: 11, // R E sign n (R R)*
  TANH: 12, // R R
  LOGISTIC: 13,
  DIVRR: 14,
  FILL: 15, // R S
} as const;

/** In the place of a start: zero. */
export const ZERO = 0x7fffffff;

/** Carries out a tape on the first `m` lanes. `V` are the rows, `B` numbers long each; `S` the scalars. */
export function run(code: Int32Array, V: Float64Array, S: Float64Array, B: number, m: number): void {
  const end = code.length;
  let pc = 0;
  while (pc < end) {
    const d = code[pc + 1] * B;
    switch (code[pc]) {
      case OP.MACR: {
        const n = code[pc + 4];
        const f = code[pc + 3];
        let from = begin(code[pc + 2], V, S, B, d, m);
        pc += 5;
        let k = 0;
        for (; k + 4 <= n; k += 4, pc += 8) {
          const a = code[pc] * B, b = code[pc + 1] * B, a1 = code[pc + 2] * B, b1 = code[pc + 3] * B;
          const a2 = code[pc + 4] * B, b2 = code[pc + 5] * B, a3 = code[pc + 6] * B, b3 = code[pc + 7] * B;
          if (f > 0) for (let l = 0; l < m; l++) V[d + l] = V[from + l] + (V[a + l] * V[b + l] + V[a1 + l] * V[b1 + l] + V[a2 + l] * V[b2 + l] + V[a3 + l] * V[b3 + l]);
          else for (let l = 0; l < m; l++) V[d + l] = V[from + l] - (V[a + l] * V[b + l] + V[a1 + l] * V[b1 + l] + V[a2 + l] * V[b2 + l] + V[a3 + l] * V[b3 + l]);
          from = d;
        }
        for (; k + 2 <= n; k += 2, pc += 4) {
          const a = code[pc] * B, b = code[pc + 1] * B, a1 = code[pc + 2] * B, b1 = code[pc + 3] * B;
          for (let l = 0; l < m; l++) V[d + l] = V[from + l] + f * (V[a + l] * V[b + l] + V[a1 + l] * V[b1 + l]);
          from = d;
        }
        if (k < n) {
          const a = code[pc] * B, b = code[pc + 1] * B;
          for (let l = 0; l < m; l++) V[d + l] = V[from + l] + f * (V[a + l] * V[b + l]);
          pc += 2;
        }
        break;
      }
      case OP.MACS: {
        const n = code[pc + 4];
        const f = code[pc + 3];
        let from = begin(code[pc + 2], V, S, B, d, m);
        pc += 5;
        let k = 0;
        for (; k + 4 <= n; k += 4, pc += 8) {
          const s = f * S[code[pc]], b = code[pc + 1] * B, s1 = f * S[code[pc + 2]], b1 = code[pc + 3] * B;
          const s2 = f * S[code[pc + 4]], b2 = code[pc + 5] * B, s3 = f * S[code[pc + 6]], b3 = code[pc + 7] * B;
          for (let l = 0; l < m; l++) V[d + l] = V[from + l] + (s * V[b + l] + s1 * V[b1 + l] + s2 * V[b2 + l] + s3 * V[b3 + l]);
          from = d;
        }
        for (; k < n; k++, pc += 2) {
          const s = f * S[code[pc]], b = code[pc + 1] * B;
          for (let l = 0; l < m; l++) V[d + l] = V[from + l] + s * V[b + l];
          from = d;
        }
        break;
      }
      case OP.MULRR: {
        const a = code[pc + 2] * B, b = code[pc + 3] * B;
        for (let l = 0; l < m; l++) V[d + l] = V[a + l] * V[b + l];
        pc += 4;
        break;
      }
      case OP.MULSR: {
        const s = S[code[pc + 2]], b = code[pc + 3] * B;
        for (let l = 0; l < m; l++) V[d + l] = s * V[b + l];
        pc += 4;
        break;
      }
      case OP.ADDRR: {
        const a = code[pc + 2] * B, b = code[pc + 3] * B;
        for (let l = 0; l < m; l++) V[d + l] = V[a + l] + V[b + l];
        pc += 4;
        break;
      }
      case OP.ADDSR: {
        const s = S[code[pc + 2]], b = code[pc + 3] * B;
        for (let l = 0; l < m; l++) V[d + l] = s + V[b + l];
        pc += 4;
        break;
      }
      case OP.SUBRR: {
        const a = code[pc + 2] * B, b = code[pc + 3] * B;
        for (let l = 0; l < m; l++) V[d + l] = V[a + l] - V[b + l];
        pc += 4;
        break;
      }
      case OP.SUBSR: {
        const s = S[code[pc + 2]], b = code[pc + 3] * B;
        for (let l = 0; l < m; l++) V[d + l] = s - V[b + l];
        pc += 4;
        break;
      }
      case OP.SUBRS: {
        const a = code[pc + 2] * B, s = S[code[pc + 3]];
        for (let l = 0; l < m; l++) V[d + l] = V[a + l] - s;
        pc += 4;
        break;
      }
      case OP.DIVRR: {
        const a = code[pc + 2] * B, b = code[pc + 3] * B;
        for (let l = 0; l < m; l++) V[d + l] = V[a + l] / V[b + l];
        pc += 4;
        break;
      }
      case OP.TANH: {
        const a = code[pc + 2] * B;
        for (let l = 0; l < m; l++) V[d + l] = tanh(V[a + l]);
        pc += 3;
        break;
      }
      case OP.LOGISTIC: {
        const a = code[pc + 2] * B;
        for (let l = 0; l < m; l++) V[d + l] = 1 / (1 + Math.exp(-V[a + l]));
        pc += 3;
        break;
      }
      case OP.UNARY: {
        const a = code[pc + 2] * B, f = unaryOf(code[pc + 3]);
        for (let l = 0; l < m; l++) V[d + l] = f(V[a + l]);
        pc += 4;
        break;
      }
      case OP.BINARY: {
        const a = code[pc + 2], b = code[pc + 3], f = binaryOf(code[pc + 4]);
        for (let l = 0; l < m; l++) V[d + l] = f(a < 0 ? S[~a] : V[a * B + l], b < 0 ? S[~b] : V[b * B + l]);
        pc += 5;
        break;
      }
      case OP.SELECT: {
        const c = code[pc + 2];
        for (let l = 0; l < m; l++) {
          const k = (c < 0 ? S[~c] : V[c * B + l]) !== 0 ? code[pc + 3] : code[pc + 4];
          V[d + l] = k < 0 ? S[~k] : V[k * B + l];
        }
        pc += 5;
        break;
      }
      case OP.FILL: {
        // A number that does not depend on the lane, written into a row.
        V.fill(S[code[pc + 2]], d, d + m);
        pc += 3;
        break;
      }
      default:
        throw new Error("damaged tape");
    }
  }
}

/** Returns where a sum starts from, and fills the row it goes to if it starts from a scalar. */
function begin(start: number, V: Float64Array, S: Float64Array, B: number, d: number, m: number): number {
  if (start >= 0 && start !== ZERO) return start * B;
  V.fill(start === ZERO ? 0 : S[~start], d, d + m);
  return d;
}

/** Appends the instruction of one scalar. `r` are its operands: rows, or ~places; `names` the codes by name. */
export function encode(out: number[], code: number, d: number, r: readonly number[], names: Record<string, number>): void {
  if (code < FIRST_BINARY) {
    if (code === names.tanh) out.push(OP.TANH, d, r[0]);
    else if (code === names.logistic) out.push(OP.LOGISTIC, d, r[0]);
    else out.push(OP.UNARY, d, r[0], code);
    return;
  }
  const [x, y] = r;
  if (code === names.mul) {
    if (x >= 0 && y >= 0) out.push(OP.MULRR, d, x, y);
    else out.push(OP.MULSR, d, x < 0 ? ~x : ~y, x < 0 ? y : x);
  } else if (code === names.add) {
    if (x >= 0 && y >= 0) out.push(OP.ADDRR, d, x, y);
    else out.push(OP.ADDSR, d, x < 0 ? ~x : ~y, x < 0 ? y : x);
  } else if (code === names.sub) {
    if (x >= 0 && y >= 0) out.push(OP.SUBRR, d, x, y);
    else if (x >= 0) out.push(OP.SUBRS, d, x, ~y);
    else out.push(OP.SUBSR, d, ~x, y);
  } else if (code === names.div && x >= 0 && y >= 0) out.push(OP.DIVRR, d, x, y);
  else if (code < SELECT) out.push(OP.BINARY, d, x, y, code);
  else if (code === SELECT) out.push(OP.SELECT, d, x, y, r[2]);
  else {
    const sign = code === MSUB ? -1 : 1;
    const scaled: number[] = [];
    const products: number[] = [];
    for (let k = 1; k < r.length; k += 2) {
      if (r[k] >= 0) products.push(r[k], r[k + 1]);
      else scaled.push(~r[k], r[k + 1]);
    }
    let start = x;
    if (scaled.length) {
      out.push(OP.MACS, d, start, sign, scaled.length / 2, ...scaled);
      start = d;
    }
    if (products.length) out.push(OP.MACR, d, start, sign, products.length / 2, ...products);
  }
}
