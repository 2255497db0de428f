/** What an inspector shows of one point that the page has followed: from its Jacobians, as in Python. */

import type { NdArray } from "../core/codec";
import type { InspectorScene, ModeDetail, PointDetail, ResponseDetail } from "../core/scene";
import { short } from "../core/ticks";
import { type Complex, eigenvalues, eigenvector } from "../solver/eigen";
import { singularValues } from "../solver/linear";
import type { Picture } from "../solver/messages";

/** Units up to which a frame has time for it. */
export const MOST_UNITS = 64;
const STEPS = 40;
const MARGINAL = 1e-6; // as in Python

/** What is known of the network besides the picture. */
export interface Network {
  continuous: boolean;
  dt: number | null;
  nInputs: number;
}

const nd = (data: NdArray["data"], ...shape: number[]): NdArray => ({ data, shape });

export function times(A: ArrayLike<number>, B: ArrayLike<number>, n: number): Float64Array {
  const out = new Float64Array(n * n);
  for (let i = 0; i < n; i++)
    for (let k = 0; k < n; k++) {
      const a = A[i * n + k];
      if (a) for (let j = 0; j < n; j++) out[i * n + j] += a * B[k * n + j];
    }
  return out;
}

const identity = (n: number): Float64Array => Float64Array.from({ length: n * n }, (_, k) => (k % (n + 1) ? 0 : 1));

/** exp(A), by its series of a small part and repeated squares. */
export function expm(A: Float64Array, n: number): Float64Array {
  const norm = Math.sqrt(A.reduce((s, a) => s + a * a, 0));
  const halvings = Math.max(0, Math.ceil(Math.log2(norm || 1)) + 2);
  const small = A.map((a) => a / 2 ** halvings);
  let out = identity(n);
  let term = identity(n);
  for (let k = 1; k <= 14; k++) {
    term = times(term, small, n).map((a) => a / k);
    out = out.map((a, i) => a + term[i]);
  }
  for (let k = 0; k < halvings; k++) out = times(out, out, n);
  return out;
}

/** Largest singular value; `v` is where to begin, and holds the direction afterwards. */
function norm2(A: Float64Array, n: number, v: Float64Array): number {
  let size = 0;
  for (let turn = 0; turn < 60; turn++) {
    const w = new Float64Array(n);
    const back = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) w[i] += A[i * n + j] * v[j];
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) back[j] += A[i * n + j] * w[i];
    const now = Math.sqrt(back.reduce((s, a) => s + a * a, 0));
    if (!(now > 0 && now < Infinity)) return Math.sqrt(now) || 0;
    for (let j = 0; j < n; j++) v[j] = back[j] / now;
    if (Math.abs(now - size) <= 1e-6 * now) return Math.sqrt(now);
    size = now;
  }
  return Math.sqrt(size);
}

/** How much a small push can have grown after 0 to 40 steps. */
export function growthOf(step: Float64Array, n: number): Float64Array {
  const out = new Float64Array(STEPS + 1);
  const v = Float64Array.from({ length: n }, (_, i) => 1 + 0.1 * Math.sin(1 + 3 * i));
  let power = identity(n);
  for (let k = 0; k <= STEPS; k++) {
    out[k] = k ? Math.min(norm2(power, n, v), 1e30) : 1;
    power = times(step, power, n);
  }
  return out;
}

function modeOf(J: Float64Array, n: number, value: Complex, k: number, continuous: boolean, dt: number | null, before: ModeDetail | undefined): { detail: ModeDetail; condition: number; right: Float64Array } {
  const r = eigenvector(J, n, value);
  const transposed = Float64Array.from(J, (_, i) => J[(i % n) * n + Math.floor(i / n)]);
  const l = eigenvector(transposed, n, { re: value.re, im: -value.im });
  // lᴴ r = 1
  let [a, b] = [0, 0];
  for (let i = 0; i < n; i++) {
    a += l.re[i] * r.re[i] + l.im[i] * r.im[i];
    b += l.re[i] * r.im[i] - l.im[i] * r.re[i];
  }
  const d = a * a + b * b;
  const left = { re: l.re.map((x, i) => (x * a - l.im[i] * b) / d), im: l.im.map((y, i) => (l.re[i] * b + y * a) / d) };
  const part = value.im < -1e-9 ? "im" : "re";
  // An eigenvector may be turned round: it stays as it was shown.
  let same = 0;
  if (before?.right.data.length === n) for (let i = 0; i < n; i++) same += before.right.data[i] * r[part][i];
  const sign = same < 0 ? -1 : 1;
  const size = Math.hypot(value.re, value.im);
  const grow = continuous ? value.re : size - 1;
  const rate = continuous ? value.re : Math.log(size) / (dt ?? 1);
  const tau = 1 / Math.abs(rate);
  const unit = !continuous && dt === null ? "steps" : "in units of dt";
  const facts = [!Number.isFinite(tau) ? "τ infinite" : !continuous && dt !== null ? `τ ${short(tau / dt)} steps (${short(tau)} ${unit})` : `τ ${short(tau)} ${unit}`];
  let written = value.re.toFixed(3);
  if (Math.abs(value.im) > 1e-9) {
    const turns = Math.abs(continuous ? value.im : Math.atan2(value.im, value.re) / (dt ?? 1)) / (2 * Math.PI);
    facts[0] += ` · period ${short(1 / turns)}`;
    facts.push(`${part === "re" ? "real" : "imaginary"} part shown`);
    written += ` ${value.im < 0 ? "−" : "+"} ${Math.abs(value.im).toFixed(3)}i`;
  }
  const detail = {
    label: `mode ${k + 1}: λ = ${written}, ${Math.abs(grow) <= MARGINAL ? "stays" : grow > 0 ? "grows" : "decays"}`,
    right: nd(r[part].map((x) => sign * x), n),
    left: nd(left[part].map((x) => (d > 1e-24 ? sign * x : 0)), n),
    facts,
  };
  return { detail, condition: 1 / Math.sqrt(d), right: r.re.map((x) => sign * x) };
}

/** One point in detail; null where it would take too long. */
export function detailOf(p: Picture, point: number, mode: number, network: Network, before: InspectorScene): PointDetail | null {
  const n = p.count ? p.x.length / p.count : 0;
  if (point < 0 || point >= p.count || !n || n > MOST_UNITS) return null;
  const { continuous, dt, nInputs } = network;
  const J = p.J.slice(point * n * n, (point + 1) * n * n);
  const shown = Object.values(before.details);
  const old = before.details[String(point)] ?? shown[0];
  const order = old?.order.data.length === n ? Int32Array.from(old.order.data) : Int32Array.from({ length: n }, (_, i) => i);
  const w = p.K.length / (p.count * n);
  const at = (k: number): Complex => ({ re: p.eigenvalues[2 * (point * n + k)], im: p.eigenvalues[2 * (point * n + k) + 1] });
  const m = Math.min(mode, n - 1);
  const one = modeOf(J, n, at(m), m, continuous, dt, old?.modes[m]);
  const modes: ModeDetail[] = [];
  modes[m] = one.detail;
  const singular = singularValues(J, n);
  const frobenius = Math.sqrt(J.reduce((s, a) => s + a * a, 0));
  let spectral = 0;
  for (let k = 0; k < n; k++) spectral += at(k).re ** 2 + at(k).im ** 2;
  const symmetric = Float64Array.from(J, (a, i) => (a + J[(i % n) * n + Math.floor(i / n)]) / 2);
  const abscissa = Math.max(...eigenvalues(symmetric, n).map((c) => c.re));
  // Of a flow without a step the growth has no unit of time here.
  const growth = growthOf(continuous ? expm(J.map((a) => a * (dt ?? 1)), n) : J, n);
  const peak = growth.indexOf(Math.max(...growth));
  const why = (name: string): string => old?.facts.find(([known]) => known === name)?.[2] ?? "";
  const facts: [string, string, string][] = (
    [
      ["stability", ["stable", "saddle", "unstable", "marginal", "unknown"][p.code[point]]],
      ["non-normality", (Math.sqrt(Math.max(0, frobenius ** 2 - spectral)) / (frobenius || 1)).toFixed(3)],
      ["numerical abscissa", abscissa.toFixed(3)],
      ["‖J‖", singular[0].toFixed(3)],
    ] as const
  ).map(([name, value]) => [name, value, why(name)]);
  if (peak > 0 && peak < STEPS && growth[peak] > 1) facts.push(["largest transient", `×${growth[peak].toFixed(2)} at step ${peak}`, why("largest transient")]);
  return {
    jacobian: nd(Float64Array.from({ length: n * n }, (_, i) => J[order[Math.floor(i / n)] * n + order[i % n]]), n, n),
    order: nd(order, n),
    dFdu: nd(Float64Array.from({ length: n * nInputs }, (_, i) => p.K[(point * n + order[Math.floor(i / nInputs)]) * w + (i % nInputs)]), n, nInputs),
    singular: nd(singular, n),
    growth: nd(growth, growth.length),
    growthLabel: continuous ? "largest ‖exp(Jt)‖" : "largest ‖Jᵏ‖",
    facts,
    modes,
    response: null,
  };
}

/** Where a push along a mode starts, and along which direction it is measured. */
export function pushOf(p: Picture, point: number, mode: number, amplitude: number, sign: ArrayLike<number> | null): { start: Float64Array; along: Float64Array } {
  const n = p.x.length / p.count;
  const k = Math.min(mode, n - 1);
  const value = { re: p.eigenvalues[2 * (point * n + k)], im: p.eigenvalues[2 * (point * n + k) + 1] };
  const { re } = eigenvector(p.J.subarray(point * n * n, (point + 1) * n * n), n, value);
  let [length, same] = [0, 0];
  for (let i = 0; i < n; i++) {
    length += re[i] ** 2;
    same += (sign?.[i] ?? 0) * re[i];
  }
  const scale = (same < 0 ? -1 : 1) / (Math.sqrt(length) || 1);
  const along = re.map((x) => x * scale);
  return { along, start: along.map((x, i) => p.x[point * n + i] + amplitude * x) };
}

/** The linear prediction beside a run of the network ([time][n]), as in Python. */
export function responseOf(p: Picture, point: number, mode: number, amplitude: number, along: Float64Array, run: Float64Array, { continuous, dt }: Network): ResponseDetail {
  const n = along.length;
  const J = p.J.slice(point * n * n, (point + 1) * n * n);
  const step = continuous ? expm(J.map((a) => a * (dt ?? 1)), n) : J;
  const scale = dt ?? 1;
  const steps = run.length / n;
  const linear = new Float64Array(steps);
  const nonlinear = new Float64Array(steps);
  let now = along.map((x) => amplitude * x);
  let [part, reach] = [-1, Math.max(Math.abs(amplitude), 1e-12)];
  for (let t = 0; t < steps; t++) {
    for (let i = 0; i < n; i++) {
      linear[t] += now[i] * along[i];
      nonlinear[t] += (run[t * n + i] - p.x[point * n + i]) * along[i];
    }
    reach = Math.max(reach, Math.abs(nonlinear[t]));
    if (part < 0 && Math.abs(linear[t] - nonlinear[t]) > 0.1 * Math.max(Math.abs(linear[t]), Math.abs(amplitude))) part = t * scale;
    const next = new Float64Array(n);
    for (let i = 0; i < n; i++) for (let j = 0; j < n; j++) next[i] += step[i * n + j] * now[j];
    now = next;
  }
  return {
    time: nd(Float64Array.from({ length: steps }, (_, t) => t * scale), steps),
    linear: nd(linear.map((v) => (Math.abs(v) <= 3 * reach ? v : Number.NaN)), steps),
    nonlinear: nd(nonlinear, steps),
    part,
    label: `along mode ${mode + 1}`,
    xlabel: dt === null ? "steps" : "time",
  };
}
