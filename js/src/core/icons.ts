/** Icons as line drawings on a 16 × 16 grid: no font has to have them, and they take the text's colour. */

const PATHS = {
  box: "M2.5 5V2.5H5M11 2.5h2.5V5M13.5 11v2.5H11M5 13.5H2.5V11M7.4 2.5h1.2M7.4 13.5h1.2M2.5 7.4v1.2M13.5 7.4v1.2",
  lasso: "M5 10C3.1 9.4 1.8 8.2 1.8 6.7c0-2.3 2.8-4.2 6.2-4.2s6.2 1.9 6.2 4.2S11.4 10.9 8 10.9c-.4 0-.7 0-1.1-.1M6.9 10.9a1.5 1.5 0 1 1-3 0 1.5 1.5 0 1 1 3 0c0 1.4-.9 2.3-2.4 2.9",
  launch: "M3 13.5h.01M3.2 11C3.8 7 7 4.3 12.8 4M10 1.8 13 4l-2.2 2.9",
  reset: "M3.2 6.2A5.3 5.3 0 1 1 2.8 9.2M3 2.5v3.9h3.9",
  save: "M8 2v7.5M4.8 6.5 8 9.7l3.2-3.2M2.5 11.5v2h11v-2",
  previous: "M10 3 5 8l5 5",
  next: "M6 3l5 5-5 5",
} as const;

export type Icon = keyof typeof PATHS;

const NS = "http://www.w3.org/2000/svg";

export function icon(name: Icon): SVGSVGElement {
  const svg = document.createElementNS(NS, "svg");
  const path = document.createElementNS(NS, "path");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("class", "fpf-icon");
  svg.setAttribute("aria-hidden", "true");
  svg.dataset.icon = name;
  // Round caps: a line of no length is a dot.
  path.setAttribute("d", PATHS[name]);
  svg.append(path);
  return svg;
}
