/** Fewer points, same picture: the smallest and largest value of each bucket survive. */

export interface Series {
  x: Float64Array;
  y: Float64Array;
}

/** At most about `limit` samples; first and last are kept, and no peak or trough is lost. */
export function minMax(x: ArrayLike<number>, y: ArrayLike<number>, limit: number): Series {
  const n = Math.min(x.length, y.length);
  if (n <= limit || limit < 4) {
    return { x: Float64Array.from({ length: n }, (_, i) => x[i]), y: Float64Array.from({ length: n }, (_, i) => y[i]) };
  }
  const buckets = Math.max(1, Math.floor((limit - 2) / 2));
  const keep: number[] = [0];
  for (let b = 0; b < buckets; b++) {
    const start = 1 + Math.floor((b * (n - 2)) / buckets);
    const stop = 1 + Math.floor(((b + 1) * (n - 2)) / buckets);
    let low = -1;
    let high = -1;
    for (let i = start; i < stop; i++) {
      if (Number.isNaN(y[i])) continue;
      if (low < 0 || y[i] < y[low]) low = i;
      if (high < 0 || y[i] > y[high]) high = i;
    }
    if (low < 0) continue;
    keep.push(Math.min(low, high));
    if (low !== high) keep.push(Math.max(low, high));
  }
  keep.push(n - 1);
  return { x: Float64Array.from(keep, (i) => x[i]), y: Float64Array.from(keep, (i) => y[i]) };
}

/** Exponential moving average; `weight` 0 leaves the values as they are. NaN passes through. */
export function smooth(y: ArrayLike<number>, weight: number): Float64Array {
  const out = new Float64Array(y.length);
  let mean = NaN;
  for (let i = 0; i < y.length; i++) {
    if (!Number.isNaN(y[i])) mean = Number.isNaN(mean) ? y[i] : weight * mean + (1 - weight) * y[i];
    out[i] = Number.isNaN(y[i]) ? NaN : mean;
  }
  return out;
}
