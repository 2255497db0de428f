/** What Levenberg–Marquardt asks of a network: damped steps of all lanes, and what they are worth. */

/** Lanes have a current point, of which q, gradient and normal matrix are kept, and a trial point. */
export interface System {
  readonly n: number;
  /** How many lanes are worked on at once. */
  readonly B: number;
  /** q of the current and of the trial points. */
  readonly q: Float64Array;
  readonly qTrial: Float64Array;
  /** Trial points: number i of lane l is `trial[xRows[i] * B + l]`. */
  readonly trial: Float64Array;
  readonly xRows: readonly number[];
  /** Steps to be subtracted, [n][B]. */
  readonly step: Float64Array;
  /** tr AᵀA of the current point of a lane. */
  trace(l: number): number;
  /** Solves (AᵀA + ridge I) step = g for the first m lanes. */
  solve(ridge: Float64Array, m: number): void;
  /** Computes everything at the trial points of the first m lanes. */
  evaluate(m: number): void;
  /** Entry i of the gradient of q at the current point. */
  gradient(l: number, i: number): number;
  /** moveᵀ AᵀA move at the current point. */
  quadratic(l: number, move: Float64Array): number;
  /** Makes the trial point of a lane its current one. */
  accept(l: number): void;
  acceptAll(m: number): void;
  /** Moves a lane to the place of another. */
  relocate(from: number, to: number): void;
}
