/**
 * What may be said of a set of points, by the rules of the package (finder/assurance.py). A page
 * proves nothing: it has no interval arithmetic. So a grade of "proved" never comes from here.
 */

export interface Evidence {
  hits: readonly number[];
  idleCurves: number;
  /** Sum of the indices; null where one of them is undecided. */
  indexSum: number | null;
  /** What topology demands; null without an invariant box. */
  expectedSum: number | null;
  uncertified: number;
  runsToUnknown: number;
}

export interface Grade {
  grade: "consistent" | "open";
  /** How many points there are beyond the known ones, at least. */
  missing: number;
  reasons: string[];
}

const points = (n: number): string => (n === 1 ? "1 point was" : `${n} points were`);

export function assess(e: Evidence): Grade {
  const proved: string[] = [];
  if (e.indexSum !== null && e.expectedSum !== null && e.indexSum !== e.expectedSum)
    proved.push(`at least one more exists: index sum ${e.indexSum}, expected ${e.expectedSum}`);
  if (e.runsToUnknown) proved.push(`${e.runsToUnknown} forward runs came to rest where no point is known`);
  const reasons = [...proved];
  if (!e.hits.length) reasons.push("no point was found");
  if (e.expectedSum === null) reasons.push("no index sum to compare with: no invariant box is known");
  else if (e.indexSum === null) reasons.push("the index of a point is undecided, and so is their sum");
  if (e.uncertified) reasons.push(`${points(e.uncertified)} not certified`);
  // More is asked of many points.
  const [minHits, idleCurves] = e.hits.length < 15 ? [5, 20] : [8, 30];
  const rare = e.hits.filter((h) => h < minHits).length;
  if (rare) reasons.push(`${points(rare)} reached fewer than ${minHits} times`);
  if (e.idleCurves < idleCurves) reasons.push(`${e.idleCurves} curves since the last new point, ${idleCurves} are asked for`);
  return { grade: reasons.length ? "open" : "consistent", missing: proved.length ? 1 : 0, reasons };
}
