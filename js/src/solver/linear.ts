/** Dense linear algebra on small real matrices, row by row in one array. */

/** An LU factorization with row exchanges, in place; returns the order of rows and the sign of the permutation. */
export function luInPlace(A: Float64Array, n: number): { order: Int32Array; sign: number; singular: boolean } {
  const order = Int32Array.from({ length: n }, (_, i) => i);
  let sign = 1;
  let singular = false;
  for (let k = 0; k < n; k++) {
    let p = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(A[i * n + k]) > Math.abs(A[p * n + k])) p = i;
    if (!(Math.abs(A[p * n + k]) > 0)) {
      singular = true;
      continue;
    }
    if (p !== k) {
      sign = -sign;
      [order[k], order[p]] = [order[p], order[k]];
      for (let j = 0; j < n; j++) {
        const t = A[k * n + j];
        A[k * n + j] = A[p * n + j];
        A[p * n + j] = t;
      }
    }
    if (A[k * n + k] < 0) sign = -sign;
    for (let i = k + 1; i < n; i++) {
      const f = (A[i * n + k] /= A[k * n + k]);
      if (f !== 0) for (let j = k + 1; j < n; j++) A[i * n + j] -= f * A[k * n + j];
    }
  }
  return { order, sign: singular ? 0 : sign, singular };
}

/** Solves with the factors that `luInPlace` left. */
export function luSolve(LU: Float64Array, order: Int32Array, b: ArrayLike<number>, n: number): Float64Array {
  const x = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    let s = b[order[i]];
    for (let k = 0; k < i; k++) s -= LU[i * n + k] * x[k];
    x[i] = s;
  }
  for (let i = n - 1; i >= 0; i--) {
    let s = x[i];
    for (let k = i + 1; k < n; k++) s -= LU[i * n + k] * x[k];
    x[i] = s / LU[i * n + i];
  }
  return x;
}

/** Singular values by Jacobi rotations of the columns: slow, and exact even for the smallest. */
export function singularValues(M: ArrayLike<number>, n: number): Float64Array {
  const A = Float64Array.from(M);
  for (let sweep = 0; sweep < 60; sweep++) {
    let rotated = false;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        let a = 0;
        let b = 0;
        let c = 0;
        for (let i = 0; i < n; i++) {
          const x = A[i * n + p];
          const y = A[i * n + q];
          a += x * x;
          b += y * y;
          c += x * y;
        }
        if (!(Math.abs(c) > 1e-15 * Math.sqrt(a * b))) continue;
        rotated = true;
        const zeta = (b - a) / (2 * c);
        const t = Math.sign(zeta || 1) / (Math.abs(zeta) + Math.sqrt(1 + zeta * zeta));
        const cos = 1 / Math.sqrt(1 + t * t);
        const sin = cos * t;
        for (let i = 0; i < n; i++) {
          const x = A[i * n + p];
          const y = A[i * n + q];
          A[i * n + p] = cos * x - sin * y;
          A[i * n + q] = sin * x + cos * y;
        }
      }
    }
    if (!rotated) break;
  }
  const out = new Float64Array(n);
  for (let j = 0; j < n; j++) {
    let s = 0;
    for (let i = 0; i < n; i++) s += A[i * n + j] ** 2;
    out[j] = Math.sqrt(s);
  }
  return out.sort().reverse();
}

/** The package's DEGENERATE_TOL. */
const DEGENERATE_TOL = 1e-8;

/** Sign of the determinant, 0 where the smallest singular value is negligible beside the largest. */
export function index(A: Float64Array, n: number): number {
  for (const a of A) if (!(Math.abs(a) < 1e150)) return 0;
  const LU = Float64Array.from(A);
  const { order, sign, singular } = luInPlace(LU, n);
  if (!singular) {
    // The least singular value is at least 1 / |A⁻¹|, the largest at most |A| (Frobenius).
    let norm = 0;
    let inverse = 0;
    for (const a of A) norm += a * a;
    const unit = new Float64Array(n);
    for (let j = 0; j < n; j++) {
      unit[j] = 1;
      for (const x of luSolve(LU, order, unit, n)) inverse += x * x;
      unit[j] = 0;
    }
    if (1 / Math.sqrt(inverse) > 4 * DEGENERATE_TOL * Math.sqrt(norm)) return sign;
  }
  const values = singularValues(A, n);
  return values[n - 1] <= DEGENERATE_TOL * values[0] ? 0 : sign;
}
