/** The flow in the plane of the picture's first two axes, from the page's own solver. */

import { type Model, reader } from "../core/model";
import type { ExplorerScene } from "../core/scene";
import { type Field, gridOver } from "../views/field";
import type { LivePage, Place } from "./livepage";

const COLUMNS = 26;
const ROWS = 16;

export class Flow {
  private readonly place: () => Place | null;
  private readonly scene: () => ExplorerScene | null;
  private on = false;
  private running = false;
  private again = false;

  constructor(
    model: Model,
    private readonly page: LivePage,
    private readonly show: (field: Field | null) => void,
  ) {
    this.place = reader<Place | null>(model, "place");
    this.scene = reader<ExplorerScene | null>(model, "scene");
  }

  turn(on: boolean): void {
    this.on = on;
    if (on) this.moved();
    else this.show(null);
  }

  /** The setting has changed, or the axes: the arrows are others. While some are computed, only the last change waits. */
  moved(): void {
    if (!this.on || !this.page.ready) return;
    if (this.running) this.again = true;
    else void this.compute();
  }

  private async compute(): Promise<void> {
    const [place, bounds] = [this.place(), this.scene()?.state?.bounds];
    if (!place || !bounds) return;
    this.running = true;
    const { center, basis } = place;
    const n = center.data.length;
    const at = gridOver(bounds.center, bounds.half, COLUMNS, ROWS);
    const many = at.length / 2;
    const axes = Math.min(2, basis.shape[0]);
    const x = new Float64Array(many * n);
    for (let k = 0; k < many; k++)
      for (let i = 0; i < n; i++) {
        x[k * n + i] = center.data[i];
        for (let a = 0; a < axes; a++) x[k * n + i] += at[2 * k + a] * basis.data[a * n + i];
      }
    const run = await this.page.run(x, 1);
    this.running = false;
    if (this.again) {
      this.again = false;
      void this.compute();
    }
    if (!run || !this.on) return;
    const by = new Float64Array(2 * many);
    for (let k = 0; k < many; k++)
      for (let a = 0; a < axes; a++)
        for (let i = 0; i < n; i++) by[2 * k + a] += basis.data[a * n + i] * (run[(many + k) * n + i] - x[k * n + i]);
    this.show({ at, by });
  }
}
