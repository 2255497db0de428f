/** What a page and its worker say to each other. */

/** To the worker; each is answered by one `Answer` of the same id. */
export type Request = { id: number } & (
  | { type: "load"; program: unknown; seed?: number }
  /** Points found elsewhere ([count][n]) under this input: the worker goes on from them. */
  | { type: "adopt"; x: Float64Array; u: number[]; parameters?: number[] }
  /** States to start from, and how much noise is added. */
  | { type: "starts"; states: Float64Array; noise: number }
  | { type: "options"; options: Record<string, number> }
  | { type: "follow"; u: number[]; parameters?: number[]; epoch?: number }
  /** `epoch` is the page's own. `plain`: these starts and no others, as a search in Python makes them. */
  | { type: "search"; count: number; u: number[]; parameters?: number[]; plain?: boolean; epoch?: number }
  | { type: "runs"; x: Float64Array; steps: number }
);

export interface Picture {
  count: number;
  ids: number[];
  x: Float64Array;
  q: Float64Array;
  code: Uint8Array;
  unstable: Int32Array;
  index: Int8Array;
  indexSum: number;
  expectedSum: number | null;
  /** Real and imaginary parts by turns, the least stable first: [count][n][2]. */
  eigenvalues: Float64Array;
  Y: Float64Array;
  J: Float64Array;
  /** By input and open parameters: [count][n][inputs and parameters]. */
  K: Float64Array;
  /** Unstable modes: of which point, and their directions, [modes][n]. */
  modePoint: Int32Array;
  modes: Float64Array;
  grade: "consistent" | "open";
  reasons: string[];
  starts: number;
  fixed: number;
  full: boolean;
  ms: number;
}

export type Answer = { id: number } & (
  | { type: "error"; message: string }
  | { type: "loaded"; n: number; nInputs: number; parameters: string[]; ms: number }
  | { type: "done" }
  | { type: "picture"; picture: Picture }
  | { type: "runs"; states: Float64Array; ms: number }
);
