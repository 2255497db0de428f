/** Which of many candidates are one point, and which number a point keeps. */

/** Best first; each point absorbs what lies within `tol` of it. Returns positions, and who absorbed whom. */
export function unique(x: Float64Array, q: ArrayLike<number>, candidates: readonly number[], n: number, tol: number): { chosen: number[]; label: Int32Array } {
  const before = (a: number, b: number): number => {
    if (q[a] !== q[b]) return q[a] - q[b];
    for (let i = 0; i < n; i++) if (x[a * n + i] !== x[b * n + i]) return x[a * n + i] - x[b * n + i];
    return a - b;
  };
  const order = [...candidates].sort(before);
  const chosen: number[] = [];
  const label = new Int32Array(q.length).fill(-1);
  for (const k of order) {
    let found = -1;
    for (let c = 0; c < chosen.length && found < 0; c++) if (near(x, k * n, x, chosen[c] * n, n, tol)) found = c;
    if (found < 0) {
      found = chosen.length;
      chosen.push(k);
    }
    label[k] = found;
  }
  return { chosen, label };
}

export function near(a: ArrayLike<number>, i: number, b: ArrayLike<number>, j: number, n: number, tol: number): boolean {
  let d = 0;
  const most = tol * tol;
  for (let k = 0; k < n; k++) {
    const t = a[i + k] - b[j + k];
    d += t * t;
    if (d > most) return false;
  }
  return true;
}

/** Random numbers from a seed, the same on every machine (xorshift128). */
export class Random {
  private s: Uint32Array;

  constructor(seed: number) {
    this.s = new Uint32Array(4);
    let z = seed >>> 0;
    for (let i = 0; i < 4; i++) {
      z = (z + 0x9e3779b9) >>> 0;
      let t = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
      t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
      this.s[i] = (t ^ (t >>> 15)) >>> 0 || 1;
    }
  }

  uniform(): number {
    const s = this.s;
    let t = s[3];
    s[3] = s[2];
    s[2] = s[1];
    s[1] = s[0];
    t ^= t << 11;
    t ^= t >>> 8;
    s[0] = t ^ s[0] ^ (s[0] >>> 19);
    return s[0] / 4294967296;
  }

  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.uniform())) * Math.cos(2 * Math.PI * this.uniform());
  }

  below(n: number): number {
    return Math.min(n - 1, Math.floor(this.uniform() * n));
  }
}
