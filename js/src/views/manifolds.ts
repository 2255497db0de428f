/** Lines, rings and sheets of fixed or slow points, and their part of the legend. */

import { MANIFOLD } from "../core/colors";
import { h } from "../core/dom";
import type { Painter } from "../core/painter";
import type { ManifoldRecord } from "../core/scene";
import type { Theme } from "../core/theme";

type Flatten = (xyz: ArrayLike<number>, from: number, count: number) => Float64Array;

/** Draws its path, or the sides of its mesh, and arrow heads where it drifts. */
export function drawManifold(p: Painter, theme: Theme, one: ManifoldRecord, flatten: Flatten): void {
  const color = MANIFOLD[one.kind][theme.dark ? "dark" : "light"];
  const [lines, vertices] = one.paths.shape;
  const mesh = lines > 1;
  for (let k = 0; k < lines; k++) {
    p.line(flatten(one.paths.data, k * vertices, vertices), { color, width: mesh ? 0.8 : 2.6, alpha: mesh ? 0.5 : 0.85 });
  }
  const [heads] = one.drift.shape;
  for (let k = 0; k < heads; k++) p.line(flatten(one.drift.data, 3 * k, 3), { color, width: 1.4 });
}

/** One entry for each: a stroke and its words. */
export const manifoldLegend = (manifolds: readonly ManifoldRecord[] = []): HTMLElement[] =>
  manifolds.map((one) => {
    const { light, dark } = MANIFOLD[one.kind];
    const mark = h("span", { class: "fpf-mark fpf-mark-line", style: `--l:${light};--d:${dark}` });
    return h("span", { "data-testid": "fpf-manifold" }, mark, one.label);
  });
