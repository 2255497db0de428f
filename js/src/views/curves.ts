/** Streaming curves by uPlot: log or linear, smoothed, decimated. */

import uPlot from "uplot";
import type { CurveSet } from "../core/scene";
import { Disposer, coalesce, h } from "../core/dom";
import { minMax, smooth } from "../core/decimate";
import { type Theme, onThemeChange, readTheme } from "../core/theme";
import { power, short } from "../core/ticks";

export interface CurveOptions {
  log: boolean;
  smoothing: number;
}

/** One table on a common x, as uPlot wants it; every series keeps its peaks. */
export function align(set: CurveSet, options: CurveOptions, limit: number): uPlot.AlignedData {
  const tables = set.series.map((s) => {
    const series = minMax(set.x.data, smooth(s.y.data, options.smoothing), limit);
    return [series.x, series.y] as [Float64Array, Float64Array];
  });
  const xs = [...new Set(tables.flatMap(([x]) => [...x]))].sort((a, b) => a - b);
  const place = new Map(xs.map((x, i) => [x, i]));
  const columns = tables.map(([x, y]) => {
    // undefined (not null) is a gap that uPlot spans: a validation loss exists at few steps only.
    const column: (number | null | undefined)[] = new Array(xs.length).fill(undefined);
    for (let i = 0; i < x.length; i++) {
      const ok = Number.isFinite(y[i]) && (!options.log || y[i] > 0);
      if (ok) column[place.get(x[i]) as number] = y[i];
    }
    return column;
  });
  return [xs, ...columns] as uPlot.AlignedData;
}

export class CurvesView {
  readonly element = h("div", { class: "fpf-stage fpf-stage-curves", "data-testid": "fpf-loss", role: "img", "aria-label": "training curves" });
  private plot: uPlot | null = null;
  private key = "";
  private data: CurveSet | null = null;
  private options: CurveOptions = { log: true, smoothing: 0 };
  private readonly frame = coalesce(() => this.paint());
  private readonly disposer = new Disposer();

  constructor() {
    const resize = new ResizeObserver(() => this.frame.request());
    resize.observe(this.element);
    this.disposer.add(() => resize.disconnect());
    this.disposer.add(() => this.frame.cancel());
    this.disposer.add(
      onThemeChange(this.element, () => {
        this.key = "";
        this.frame.request();
      }),
    );
  }

  update(data: CurveSet, options: CurveOptions): void {
    this.data = data;
    this.options = options;
    this.frame.request();
  }

  private paint(): void {
    const { data, element } = this;
    const [width, height] = [element.clientWidth, element.clientHeight];
    if (!data || width < 40 || height < 40) return;
    const theme = readTheme(element);
    const key = JSON.stringify([data.series.map((s) => s.name), this.options.log, theme.dark]);
    const table = align(data, this.options, Math.max(200, width));
    if (key !== this.key || !this.plot) {
      this.plot?.destroy();
      this.plot = new uPlot(this.config(data, theme, width, height), table, element);
      this.key = key;
    } else this.plot.setData(table);
    const legend = (element.querySelector(".u-legend") as HTMLElement | null)?.offsetHeight ?? 22;
    if (this.plot.width !== width || this.plot.height !== height - legend) this.plot.setSize({ width, height: height - legend });
    element.dataset.samples = String(data.x.data.length);
  }

  private config(data: CurveSet, theme: Theme, width: number, height: number): uPlot.Options {
    // Whole decades only: the lines between them would be most of the ink.
    const decades = (_: uPlot, splits: number[]): (number | null)[] =>
      splits.map((v) => (!this.options.log || Math.abs(Math.log10(v) % 1) < 1e-9 ? v : null));
    const axis = { stroke: theme.muted, grid: { stroke: theme.grid, width: 1 }, ticks: { show: false }, font: "10px system-ui, sans-serif" };
    const groups = [...new Set(data.series.map((s) => s.group))];
    const sides = ["loss", "accuracy"].filter((g) => groups.includes(g));
    if (!sides.length) sides.push(...groups.slice(0, 1));
    const logScale = (group: string): boolean => this.options.log && group !== "accuracy";
    const scales: uPlot.Scales = { x: { time: false } };
    for (const g of groups) scales[g] = logScale(g) ? { distr: 3 } : {};
    const words = (_: uPlot, values: (number | null)[]): string[] =>
      values.map((v) => (v === null ? "" : v > 0 && (v >= 1e4 || v < 1e-3) && Math.abs(Math.log10(v) % 1) < 1e-9 ? power(Math.round(Math.log10(v))) : short(v)));
    return {
      width,
      height: Math.max(60, height - 24),
      padding: [8, 8, 0, 0],
      cursor: { drag: { x: true, y: false }, points: { size: 6 } },
      scales,
      series: [
        { label: "step" },
        ...data.series.map((s, i) => ({
          label: s.name,
          scale: s.group,
          stroke: theme.series[i % theme.series.length],
          width: 1.5,
          dash: s.group === sides[0] ? undefined : [4, 3],
          show: s.group !== "rate", // a click in the legend shows it
          spanGaps: true,
          points: { show: false },
          value: (_: uPlot, v: number | null) => (v === null || v === undefined ? "" : short(v)),
        })),
      ],
      axes: [
        { ...axis, size: 26 },
        ...sides.map((g, i) => ({
          ...axis,
          scale: g,
          side: i === 0 ? 3 : 1,
          size: 46,
          grid: i === 0 ? { ...axis.grid, filter: decades } : { show: false },
          label: g === "accuracy" ? "accuracy" : undefined,
          labelSize: 16,
          labelFont: "11px system-ui, sans-serif",
          values: words,
        })),
      ],
    };
  }

  dispose(): void {
    this.disposer.dispose();
    this.plot?.destroy();
    this.plot = null;
  }
}
