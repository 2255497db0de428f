/** A canvas that follows its element's size, the device's pixels and the theme, and can be saved. */

import { Disposer, coalesce, download, h } from "./dom";
import { CanvasPainter, type Painter, SvgPainter } from "./painter";
import { type Theme, onThemeChange, readTheme } from "./theme";

export type Draw = (painter: Painter, theme: Theme) => void;

export class Stage {
  readonly canvas: HTMLCanvasElement;
  readonly element: HTMLElement;
  width = 0;
  height = 0;
  theme: Theme;
  /** How many times the picture was drawn; tests and benchmarks wait for it to grow. */
  frames = 0;
  private readonly disposer = new Disposer();
  private readonly frame: ReturnType<typeof coalesce>;

  constructor(
    testid: string,
    label: string,
    private readonly draw: Draw,
    className = "",
    role = "img",
  ) {
    this.canvas = h("canvas", { "data-testid": testid, role, "aria-label": label, tabindex: role === "img" ? -1 : 0 });
    this.element = h("div", { class: `fpf-stage ${className}` }, this.canvas);
    this.theme = readTheme(document.body);
    this.frame = coalesce(() => this.paint());
    const resize = new ResizeObserver(() => this.resize());
    resize.observe(this.element);
    this.disposer.add(() => resize.disconnect());
    this.disposer.add(onThemeChange(this.element, () => this.request()));
    this.disposer.add(() => this.frame.cancel());
  }

  request(): void {
    this.frame.request();
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.element;
    if (clientWidth === this.width && clientHeight === this.height) return;
    this.width = clientWidth;
    this.height = clientHeight;
    this.paint(); // at once, since a resized canvas is blank until it is drawn
  }

  private paint(): void {
    const { width, height, canvas } = this;
    if (width < 2 || height < 2 || !this.element.isConnected) return;
    const ratio = globalThis.devicePixelRatio || 1;
    const [w, hgt] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.width !== w || canvas.height !== hgt) {
      canvas.width = w;
      canvas.height = hgt;
    }
    const context = canvas.getContext("2d");
    if (!context) return;
    this.theme = readTheme(this.element);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    this.draw(new CanvasPainter(context, width, height), this.theme);
    canvas.dataset.frames = String(++this.frames);
  }

  svg(): string {
    const painter = new SvgPainter(this.width, this.height, this.theme.background);
    this.draw(painter, this.theme);
    return painter.toString();
  }

  saveSvg(name: string): void {
    download(`${name}.svg`, new Blob([this.svg()], { type: "image/svg+xml" }));
  }

  savePng(name: string): void {
    const copy = h("canvas");
    copy.width = this.canvas.width;
    copy.height = this.canvas.height;
    const context = copy.getContext("2d");
    if (!context) return;
    context.fillStyle = this.theme.background;
    context.fillRect(0, 0, copy.width, copy.height);
    context.drawImage(this.canvas, 0, 0);
    copy.toBlob((blob) => blob && download(`${name}.png`, blob), "image/png");
  }

  dispose(): void {
    this.disposer.dispose();
  }
}
