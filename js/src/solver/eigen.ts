/** Eigenvalues of real matrices by Francis' double-shift QR steps, eigenvectors by inverse iteration. */

const EPS = 2 ** -52;
const MAX_TURNS = 90;

export interface Complex {
  re: number;
  im: number;
}

/** Similar to upper Hessenberg form by Householder reflections, in place. */
function toHessenberg(A: Float64Array, n: number): void {
  const v = new Float64Array(n);
  for (let k = 0; k + 2 < n; k++) {
    let norm = 0;
    for (let i = k + 1; i < n; i++) norm += A[i * n + k] ** 2;
    norm = Math.sqrt(norm);
    if (norm === 0) continue;
    const alpha = A[(k + 1) * n + k] > 0 ? -norm : norm;
    let length = 0;
    for (let i = k + 1; i < n; i++) {
      v[i] = A[i * n + k] - (i === k + 1 ? alpha : 0);
      length += v[i] ** 2;
    }
    if (length === 0) continue;
    for (let j = k; j < n; j++) {
      let s = 0;
      for (let i = k + 1; i < n; i++) s += v[i] * A[i * n + j];
      s *= 2 / length;
      for (let i = k + 1; i < n; i++) A[i * n + j] -= s * v[i];
    }
    for (let i = 0; i < n; i++) {
      let s = 0;
      for (let j = k + 1; j < n; j++) s += A[i * n + j] * v[j];
      s *= 2 / length;
      for (let j = k + 1; j < n; j++) A[i * n + j] -= s * v[j];
    }
    for (let i = k + 2; i < n; i++) A[i * n + k] = 0;
  }
}

/** The two eigenvalues of [[a, b], [c, d]]. */
function pair(a: number, b: number, c: number, d: number): [Complex, Complex] {
  const half = (a - d) / 2;
  const disc = half * half + b * c;
  const mean = d + half;
  if (disc < 0) {
    const im = Math.sqrt(-disc);
    return [
      { re: mean, im },
      { re: mean, im: -im },
    ];
  }
  const root = half + (half < 0 ? -Math.sqrt(disc) : Math.sqrt(disc));
  return [
    { re: d + root, im: 0 },
    { re: root !== 0 ? d - (b * c) / root : d, im: 0 },
  ];
}

/** Reflects three (or two) rows and columns so that the bulge moves on. */
function reflect(H: Float64Array, n: number, k: number, x: number, y: number, z: number, low: number, high: number, three: boolean): void {
  const norm = Math.sqrt(x * x + y * y + z * z);
  if (norm === 0) return;
  const alpha = x > 0 ? -norm : norm;
  const v0 = x - alpha;
  const beta = 2 / (v0 * v0 + y * y + z * z);
  for (let j = Math.max(low, k - 1); j <= high; j++) {
    const at = k * n + j;
    const s = beta * (v0 * H[at] + y * H[at + n] + (three ? z * H[at + 2 * n] : 0));
    H[at] -= s * v0;
    H[at + n] -= s * y;
    if (three) H[at + 2 * n] -= s * z;
  }
  const last = Math.min(high, k + 3);
  for (let i = low; i <= last; i++) {
    const at = i * n + k;
    const s = beta * (H[at] * v0 + H[at + 1] * y + (three ? H[at + 2] * z : 0));
    H[at] -= s * v0;
    H[at + 1] -= s * y;
    if (three) H[at + 2] -= s * z;
  }
}

/** One double-shift step on the active block from `low` to `high`. */
function francis(H: Float64Array, n: number, low: number, high: number, exceptional: boolean): void {
  const h = (i: number, j: number): number => H[i * n + j];
  let sum = h(high - 1, high - 1) + h(high, high);
  let product = h(high - 1, high - 1) * h(high, high) - h(high - 1, high) * h(high, high - 1);
  if (exceptional) {
    const s = Math.abs(h(high, high - 1)) + Math.abs(h(high - 1, high - 2));
    sum = 1.5 * s;
    product = s * s;
  }
  let x = h(low, low) * h(low, low) + h(low, low + 1) * h(low + 1, low) - sum * h(low, low) + product;
  let y = h(low + 1, low) * (h(low, low) + h(low + 1, low + 1) - sum);
  let z = h(low + 1, low) * h(low + 2, low + 1);
  for (let k = low; k < high; k++) {
    const three = k + 2 <= high;
    reflect(H, n, k, x, y, three ? z : 0, low, high, three);
    if (k > low) {
      H[(k + 1) * n + k - 1] = 0;
      if (three) H[(k + 2) * n + k - 1] = 0;
    }
    x = h(k + 1, k);
    y = k + 2 <= high ? h(k + 2, k) : 0;
    z = k + 3 <= high ? h(k + 3, k) : 0;
  }
}

/** All eigenvalues, in no order; NaN where the iteration fails. */
export function eigenvalues(M: ArrayLike<number>, n: number): Complex[] {
  const H = Float64Array.from(M);
  const out: Complex[] = [];
  if (H.some((a) => !(Math.abs(a) < 1e150))) return Array.from({ length: n }, () => ({ re: NaN, im: NaN }));
  toHessenberg(H, n);
  let norm = 0;
  for (const a of H) norm += Math.abs(a);
  let high = n - 1;
  let turns = 0;
  while (high >= 0) {
    let low = high;
    for (; low > 0; low--) {
      const around = Math.abs(H[low * n + low]) + Math.abs(H[(low - 1) * n + low - 1]);
      if (Math.abs(H[low * n + low - 1]) <= EPS * (around || norm)) {
        H[low * n + low - 1] = 0;
        break;
      }
    }
    if (low === high) {
      out.push({ re: H[high * n + high], im: 0 });
      high--;
      turns = 0;
    } else if (low === high - 1) {
      const at = low * n + low;
      out.push(...pair(H[at], H[at + 1], H[at + n], H[at + n + 1]));
      high -= 2;
      turns = 0;
    } else {
      turns++;
      if (turns > MAX_TURNS) {
        while (out.length < n) out.push({ re: NaN, im: NaN });
        return out;
      }
      francis(H, n, low, high, turns % 10 === 0);
    }
  }
  return out;
}

/** Order of the package: the least stable first, conjugate pairs together, positive imaginary part first. */
export function leadingFirst(values: Complex[], continuous: boolean): Complex[] {
  const lead = (c: Complex): number => (continuous ? c.re : Math.hypot(c.re, c.im));
  return [...values].sort((a, b) => lead(b) - lead(a) || b.re - a.re || b.im - a.im);
}

/** A right eigenvector of unit length: real parts, then imaginary parts. */
export function eigenvector(M: ArrayLike<number>, n: number, value: Complex): { re: Float64Array; im: Float64Array } {
  let norm = 0;
  for (let k = 0; k < n * n; k++) norm = Math.max(norm, Math.abs(M[k]));
  // Off the eigenvalue by a hair, so that the matrix can be inverted.
  const shift = (norm || 1) * EPS * 8;
  const re = Float64Array.from({ length: n }, (_, i) => 1 + 0.1 * Math.sin(1 + 3 * i));
  const im = new Float64Array(n);
  const real = value.im === 0;
  const A = new Float64Array(n * n);
  const C = new Float64Array(n * n);
  for (let k = 0; k < n * n; k++) A[k] = M[k];
  for (let i = 0; i < n; i++) {
    A[i * n + i] -= value.re + shift;
    C[i * n + i] = -value.im;
  }
  const order = complexLu(A, C, n, shift);
  for (let turn = 0; turn < 3; turn++) {
    complexSolve(A, C, order, re, im, n);
    let size = 0;
    for (let i = 0; i < n; i++) size = Math.max(size, Math.abs(re[i]), Math.abs(im[i]));
    for (let i = 0; i < n; i++) {
      re[i] /= size;
      im[i] /= size;
    }
  }
  // The largest entry is made real and positive, as a choice of the phase.
  let p = 0;
  let length = 0;
  for (let i = 0; i < n; i++) {
    const size = re[i] ** 2 + im[i] ** 2;
    length += size;
    if (size > (re[p] ** 2 + im[p] ** 2) * (1 + 1e-9)) p = i;
  }
  const scale = Math.sqrt(length) * Math.hypot(re[p], im[p]);
  const [cr, ci] = [re[p] / scale, -im[p] / scale];
  for (let i = 0; i < n; i++) {
    const [a, b] = [re[i], im[i]];
    re[i] = a * cr - b * ci;
    im[i] = real ? 0 : a * ci + b * cr;
  }
  return { re, im };
}

function complexLu(A: Float64Array, C: Float64Array, n: number, tiny: number): Int32Array {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  for (let k = 0; k < n; k++) {
    let p = k;
    const size = (i: number): number => Math.abs(A[i * n + k]) + Math.abs(C[i * n + k]);
    for (let i = k + 1; i < n; i++) if (size(i) > size(p)) p = i;
    if (p !== k) {
      [order[k], order[p]] = [order[p], order[k]];
      for (let j = 0; j < n; j++) {
        [A[k * n + j], A[p * n + j]] = [A[p * n + j], A[k * n + j]];
        [C[k * n + j], C[p * n + j]] = [C[p * n + j], C[k * n + j]];
      }
    }
    if (size(k) < tiny) A[k * n + k] = tiny;
    const [a, c] = [A[k * n + k], C[k * n + k]];
    const d = a * a + c * c;
    for (let i = k + 1; i < n; i++) {
      const [x, y] = [A[i * n + k], C[i * n + k]];
      const fr = (x * a + y * c) / d;
      const fi = (y * a - x * c) / d;
      A[i * n + k] = fr;
      C[i * n + k] = fi;
      if (fr === 0 && fi === 0) continue;
      for (let j = k + 1; j < n; j++) {
        A[i * n + j] -= fr * A[k * n + j] - fi * C[k * n + j];
        C[i * n + j] -= fr * C[k * n + j] + fi * A[k * n + j];
      }
    }
  }
  return order;
}

function complexSolve(A: Float64Array, C: Float64Array, order: Int32Array, re: Float64Array, im: Float64Array, n: number): void {
  const br = Float64Array.from(order, (i) => re[i]);
  const bi = Float64Array.from(order, (i) => im[i]);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < i; k++) {
      br[i] -= A[i * n + k] * br[k] - C[i * n + k] * bi[k];
      bi[i] -= A[i * n + k] * bi[k] + C[i * n + k] * br[k];
    }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) {
      br[i] -= A[i * n + k] * br[k] - C[i * n + k] * bi[k];
      bi[i] -= A[i * n + k] * bi[k] + C[i * n + k] * br[k];
    }
    const [a, c] = [A[i * n + i], C[i * n + i]];
    const d = a * a + c * c;
    [br[i], bi[i]] = [(br[i] * a + bi[i] * c) / d, (bi[i] * a - br[i] * c) / d];
  }
  re.set(br);
  im.set(bi);
}
