/** What Python sends: every array is already decoded. */

import type { Bounds } from "./camera";
import type { NdArray } from "./codec";

export interface PathRecord {
  xyz: NdArray; // [time, 3]
  label: string;
}

/** A line, a ring or a sheet of fixed or slow points. */
export interface ManifoldRecord {
  paths: NdArray; // [line, vertex, 3]: one path, or the sides of a mesh
  drift: NdArray; // [arrow head, 3, 3]
  kind: "fixed" | "slow";
  label: string;
}

export interface StateScene {
  labels: string[];
  dim: number; // the largest sensible dimension of the picture: 3, 2 or 1
  bounds: Bounds;
  trajectories: NdArray; // [trial, time, 3]
  points: NdArray; // [point, 3]
  code: NdArray; // [point], index into CLASSES
  names: string[]; // one line of words for each point
  values: NdArray; // [point], what the colour shows, or empty
  valueLabel: string;
  discrete?: boolean; // whole numbers: a colour each, and no scale between them
  sample?: string; // what is drawn of how much, where it is not all
  modes: NdArray; // [line, 2, 3]
  modeKind: NdArray; // [line], 0 unstable, 1 stable
  modePoint: NdArray; // [line]
  starts: NdArray; // [start, 3]
  launches: PathRecord[];
  manifolds?: ManifoldRecord[]; // none from the page's own solver
}

export interface QScene {
  logq: NdArray; // [candidate]
  kept: NdArray; // [candidate], 1 where the start ended in a reported point
  threshold: number; // log10 of tol_q
  audit: { label: string; count: number; tooltip: string }[];
}

/** What changes with every search; trajectories and initial states come in traits of their own. */
export interface ExplorerScene {
  state: Omit<StateScene, "trajectories" | "starts">;
  q: QScene;
}

export interface Cloud {
  xyz?: NdArray; // [..., 3]
}

export interface Status {
  state: "idle" | "computing" | "following" | "error" | "empty";
  text: string;
  tooltip: string;
  progress: number; // 0 to 1, or negative where it is unknown
  error: string;
  grade?: "proved" | "consistent" | "open" | "";
  next?: { label: string; reason: string } | null; // what one click would do about an open set
}

export interface ModeDetail {
  label: string;
  right: NdArray; // [unit]
  left: NdArray; // [unit]
  facts: string[];
}

export interface PointDetail {
  jacobian: NdArray; // [unit, unit], rows and columns in display order
  order: NdArray; // [unit]
  dFdu: NdArray; // [unit, input]
  singular: NdArray;
  growth: NdArray; // norm of J^k (or of expm(J t)) over k
  growthLabel: string;
  facts: [string, string, string][]; // name, value, explanation
  modes: ModeDetail[];
  response: ResponseDetail | null;
}

export interface ResponseDetail {
  time: NdArray;
  linear: NdArray; // distance from the point along the mode
  nonlinear: NdArray;
  part: number; // time at which they differ by 10 %, or negative
  label: string;
  xlabel: string;
}

export interface InspectorScene {
  time: "discrete" | "continuous";
  criterion: string;
  marginal: number;
  eigenvalues: NdArray; // [point, unit, 2]
  code: NdArray; // [point]
  names: string[];
  compare: number[];
  details: Record<string, PointDetail>;
}

export interface CurveSet {
  x: NdArray;
  series: { name: string; y: NdArray; group: string }[];
}

export interface Snapshot {
  epoch: number;
  label: string;
  points: NdArray; // [point, 3]
  code: NdArray;
  names: string[];
  eigenvalues: NdArray; // [point, unit, 2]
  trajectories: NdArray;
}

export interface MonitorScene {
  curves: CurveSet;
  trial: { time: NdArray; channels: { name: string; input: NdArray | null; target: NdArray | null; output: NdArray | null }[] } | null;
  snapshots: Snapshot[];
  bounds: Bounds;
  labels: string[];
  dim: number;
  events: { epoch: number; label: string }[];
}
