/** The scalar functions of programs. What each means is said by numpy, in the package's `plain.py`. */

export type Unary = (x: number) => number;
export type Binary = (x: number, y: number) => number;

/** Power series near 0, continued fraction beyond: full double precision on both sides. */
function erfcTail(a: number): number {
  let f = 0;
  for (let k = 80; k > 0; k--) f = k / 2 / (a + f);
  return (Math.exp(-a * a) / (a + f)) * 0.5641895835477563;
}

function erfSeries(a: number): number {
  const square = a * a;
  let term = a;
  let sum = a;
  for (let k = 1; k < 90 && term > sum * 1e-17; k++) {
    term *= (2 * square) / (2 * k + 1);
    sum += term;
  }
  return Math.exp(-square) * sum * 1.1283791670955126;
}

export function erf(x: number): number {
  const a = Math.abs(x);
  if (!(a < 6)) return Math.sign(x);
  const y = a < 2.5 ? erfSeries(a) : 1 - erfcTail(a);
  return x < 0 ? -y : y;
}

export function erfc(x: number): number {
  if (x < 0.5) return 1 - erf(x);
  if (x < 2.5) return 1 - erfSeries(x);
  return x > 27.3 ? 0 : erfcTail(x);
}

export function logistic(x: number): number {
  const e = Math.exp(-Math.abs(x));
  return (x >= 0 ? 1 : e) / (1 + e);
}

/** As exact as Math.tanh in absolute terms and faster; near 0 a series keeps the relative error small. */
export function tanh(x: number): number {
  const a = x < 0 ? -x : x;
  if (a < 0.02) {
    const y = x * x;
    return x * (1 + y * (-1 / 3 + y * (2 / 15 + y * (-17 / 315 + y * (62 / 2835)))));
  }
  return 1 - 2 / (Math.exp(2 * x) + 1);
}

/** Half to even, as numpy and JAX round. */
function round(x: number): number {
  const r = Math.round(x);
  return Math.abs(x % 1) === 0.5 && r % 2 !== 0 ? r - 1 : r;
}

export const UNARY: Record<string, Unary> = {
  neg: (x) => -x,
  abs: Math.abs,
  sign: Math.sign,
  floor: Math.floor,
  ceil: Math.ceil,
  round,
  exp: Math.exp,
  exp2: (x) => 2 ** x,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  rsqrt: (x) => 1 / Math.sqrt(x),
  cbrt: Math.cbrt,
  square: (x) => x * x,
  tanh,
  logistic,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  sin: Math.sin,
  cos: Math.cos,
  tan: Math.tan,
  asin: Math.asin,
  acos: Math.acos,
  atan: Math.atan,
  sinh: Math.sinh,
  cosh: Math.cosh,
  asinh: Math.asinh,
  acosh: Math.acosh,
  atanh: Math.atanh,
  erf,
  erfc,
  not: (x) => (x !== 0 ? 0 : 1),
  is_finite: (x) => (Number.isFinite(x) ? 1 : 0),
};

export const BINARY: Record<string, Binary> = {
  add: (x, y) => x + y,
  sub: (x, y) => x - y,
  mul: (x, y) => x * y,
  div: (x, y) => x / y,
  max: Math.max,
  min: Math.min,
  pow: Math.pow,
  atan2: Math.atan2,
  rem: (x, y) => x % y,
  lt: (x, y) => (x < y ? 1 : 0),
  le: (x, y) => (x <= y ? 1 : 0),
  gt: (x, y) => (x > y ? 1 : 0),
  ge: (x, y) => (x >= y ? 1 : 0),
  eq: (x, y) => (x === y ? 1 : 0),
  ne: (x, y) => (x !== y ? 1 : 0),
  and: (x, y) => (x !== 0 && y !== 0 ? 1 : 0),
  or: (x, y) => (x !== 0 || y !== 0 ? 1 : 0),
  xor: (x, y) => ((x !== 0) !== (y !== 0) ? 1 : 0),
};

export const UNARY_NAMES = Object.keys(UNARY);
export const BINARY_NAMES = Object.keys(BINARY);
