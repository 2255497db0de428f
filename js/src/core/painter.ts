/** One set of drawing commands, two back ends: the canvas that is seen and the SVG that is saved. */

import type { Shape } from "./colors";

export interface Stroke {
  color: string;
  width?: number;
  alpha?: number;
  dash?: number[];
}

export interface Fill {
  fill?: string;
  stroke?: string;
  width?: number;
  alpha?: number;
}

export interface TextStyle {
  color: string;
  size?: number;
  align?: "left" | "center" | "right";
  baseline?: "top" | "middle" | "bottom";
  rotate?: number;
  weight?: number;
}

export interface Painter {
  readonly width: number;
  readonly height: number;
  /** Interleaved x, y; NaN breaks the line. */
  line(xy: ArrayLike<number>, style: Stroke): void;
  polygon(xy: ArrayLike<number>, style: Fill): void;
  rect(x: number, y: number, w: number, h: number, style: Fill): void;
  circle(x: number, y: number, r: number, style: Fill): void;
  text(x: number, y: number, words: string, style: TextStyle): void;
  clip(x: number, y: number, w: number, h: number, draw: () => void): void;
}

export const FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif";

export function drawMarker(p: Painter, shape: Shape, x: number, y: number, r: number, style: Fill): void {
  switch (shape) {
    case "circle":
      return p.circle(x, y, r, style);
    case "ring":
      return p.circle(x, y, r, { ...style, fill: "none", stroke: style.fill, width: 1.6 });
    case "diamond": {
      const d = r * 1.25;
      return p.polygon([x, y - d, x + d, y, x, y + d, x - d, y], style);
    }
    case "square": {
      const s = r * 0.92;
      return p.polygon([x - s, y - s, x + s, y - s, x + s, y + s, x - s, y + s], style);
    }
    case "frame": {
      const s = r * 0.92;
      return p.line([x - s, y - s, x + s, y - s, x + s, y + s, x - s, y + s, x - s, y - s], { color: style.fill ?? "#000", width: 1.8, alpha: style.alpha });
    }
    case "dot":
      return p.circle(x, y, 0.4 * r, { ...style, stroke: undefined });
    case "cross":
      return p.line([x - r, y - r, x + r, y + r, NaN, NaN, x - r, y + r, x + r, y - r], { color: style.fill ?? "#000", width: 2, alpha: style.alpha });
  }
}

export class CanvasPainter implements Painter {
  constructor(
    private readonly c: CanvasRenderingContext2D,
    readonly width: number,
    readonly height: number,
  ) {}

  line(xy: ArrayLike<number>, style: Stroke): void {
    const { c } = this;
    c.beginPath();
    let pen = false;
    for (let i = 0; i + 1 < xy.length; i += 2) {
      if (Number.isNaN(xy[i]) || Number.isNaN(xy[i + 1])) pen = false;
      else if (pen) c.lineTo(xy[i], xy[i + 1]);
      else {
        c.moveTo(xy[i], xy[i + 1]);
        pen = true;
      }
    }
    c.globalAlpha = style.alpha ?? 1;
    c.strokeStyle = style.color;
    c.lineWidth = style.width ?? 1;
    c.lineJoin = "round";
    c.setLineDash(style.dash ?? []);
    c.stroke();
    c.setLineDash([]);
    c.globalAlpha = 1;
  }

  private paint(style: Fill): void {
    const { c } = this;
    c.globalAlpha = style.alpha ?? 1;
    if (style.fill && style.fill !== "none") {
      c.fillStyle = style.fill;
      c.fill();
    }
    if (style.stroke) {
      c.strokeStyle = style.stroke;
      c.lineWidth = style.width ?? 1;
      c.stroke();
    }
    c.globalAlpha = 1;
  }

  polygon(xy: ArrayLike<number>, style: Fill): void {
    this.c.beginPath();
    for (let i = 0; i + 1 < xy.length; i += 2) this.c.lineTo(xy[i], xy[i + 1]);
    this.c.closePath();
    this.paint(style);
  }

  rect(x: number, y: number, w: number, h: number, style: Fill): void {
    this.c.beginPath();
    this.c.rect(x, y, w, h);
    this.paint(style);
  }

  circle(x: number, y: number, r: number, style: Fill): void {
    this.c.beginPath();
    this.c.arc(x, y, r, 0, 2 * Math.PI);
    this.paint(style);
  }

  text(x: number, y: number, words: string, style: TextStyle): void {
    const { c } = this;
    c.save();
    c.translate(x, y);
    if (style.rotate) c.rotate(style.rotate);
    c.fillStyle = style.color;
    c.font = `${style.weight ?? 400} ${style.size ?? 11}px ${FONT}`;
    c.textAlign = style.align ?? "left";
    c.textBaseline = style.baseline ?? "middle";
    c.fillText(words, 0, 0);
    c.restore();
  }

  clip(x: number, y: number, w: number, h: number, draw: () => void): void {
    this.c.save();
    this.c.beginPath();
    this.c.rect(x, y, w, h);
    this.c.clip();
    draw();
    this.c.restore();
  }
}

const escape = (s: string): string =>
  s.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
const n1 = (v: number): string => String(Math.round(v * 100) / 100);

export class SvgPainter implements Painter {
  private parts: string[] = [];
  private clips = 0;

  constructor(
    readonly width: number,
    readonly height: number,
    private readonly background: string,
  ) {}

  private attributes(style: Fill): string {
    let out = ` fill="${escape(style.fill ?? "none")}"`;
    if (style.stroke) out += ` stroke="${escape(style.stroke)}" stroke-width="${style.width ?? 1}"`;
    if (style.alpha !== undefined && style.alpha < 1) out += ` opacity="${n1(style.alpha)}"`;
    return out;
  }

  line(xy: ArrayLike<number>, style: Stroke): void {
    let d = "";
    let pen = false;
    for (let i = 0; i + 1 < xy.length; i += 2) {
      if (Number.isNaN(xy[i]) || Number.isNaN(xy[i + 1])) pen = false;
      else {
        d += `${pen ? "L" : "M"}${n1(xy[i])} ${n1(xy[i + 1])}`;
        pen = true;
      }
    }
    if (!d) return;
    const dash = style.dash?.length ? ` stroke-dasharray="${style.dash.join(" ")}"` : "";
    const alpha = style.alpha !== undefined && style.alpha < 1 ? ` opacity="${n1(style.alpha)}"` : "";
    this.parts.push(
      `<path d="${d}" fill="none" stroke="${escape(style.color)}" stroke-width="${style.width ?? 1}" stroke-linejoin="round"${dash}${alpha}/>`,
    );
  }

  polygon(xy: ArrayLike<number>, style: Fill): void {
    const points: string[] = [];
    for (let i = 0; i + 1 < xy.length; i += 2) points.push(`${n1(xy[i])},${n1(xy[i + 1])}`);
    this.parts.push(`<polygon points="${points.join(" ")}"${this.attributes(style)}/>`);
  }

  rect(x: number, y: number, w: number, h: number, style: Fill): void {
    this.parts.push(`<rect x="${n1(x)}" y="${n1(y)}" width="${n1(w)}" height="${n1(h)}"${this.attributes(style)}/>`);
  }

  circle(x: number, y: number, r: number, style: Fill): void {
    this.parts.push(`<circle cx="${n1(x)}" cy="${n1(y)}" r="${n1(r)}"${this.attributes(style)}/>`);
  }

  text(x: number, y: number, words: string, style: TextStyle): void {
    const anchor = { left: "start", center: "middle", right: "end" }[style.align ?? "left"];
    const baseline = { top: "hanging", middle: "central", bottom: "auto" }[style.baseline ?? "middle"];
    const turn = style.rotate ? ` transform="rotate(${n1((style.rotate * 180) / Math.PI)} ${n1(x)} ${n1(y)})"` : "";
    this.parts.push(
      `<text x="${n1(x)}" y="${n1(y)}" font-size="${style.size ?? 11}" font-weight="${style.weight ?? 400}" ` +
        `text-anchor="${anchor}" dominant-baseline="${baseline}" fill="${escape(style.color)}"${turn}>${escape(words)}</text>`,
    );
  }

  clip(x: number, y: number, w: number, h: number, draw: () => void): void {
    const id = `fpf-clip-${this.clips++}`;
    this.parts.push(
      `<clipPath id="${id}"><rect x="${n1(x)}" y="${n1(y)}" width="${n1(w)}" height="${n1(h)}"/></clipPath><g clip-path="url(#${id})">`,
    );
    draw();
    this.parts.push("</g>");
  }

  toString(): string {
    return (
      `<svg xmlns="http://www.w3.org/2000/svg" width="${this.width}" height="${this.height}" ` +
      `viewBox="0 0 ${this.width} ${this.height}" font-family="${escape(FONT)}">` +
      `<rect width="100%" height="100%" fill="${escape(this.background)}"/>${this.parts.join("")}</svg>`
    );
  }
}
