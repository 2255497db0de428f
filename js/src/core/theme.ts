/** Colours of the host: JupyterLab's CSS variables, else the system's light or dark preference. */

import { SERIES_DARK, SERIES_LIGHT } from "./colors";

export interface Theme {
  dark: boolean;
  background: string;
  text: string;
  muted: string;
  faint: string;
  grid: string;
  path: string;
  accent: string;
  series: string[];
}

export function luminance(color: string): number {
  const match = /^#?([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/i.exec(color.trim());
  let rgb: number[];
  if (match) rgb = match.slice(1, 4).map((h) => parseInt(h, 16));
  else {
    const numbers = color.match(/[\d.]+/g)?.map(Number) ?? [];
    if (color.trim() === "white" || color.trim() === "#fff") return 1;
    if (numbers.length < 3) return NaN;
    rgb = numbers.slice(0, 3);
  }
  return (0.2126 * rgb[0] + 0.7152 * rgb[1] + 0.0722 * rgb[2]) / 255;
}

/** Dark where the host says so by attribute, by its background variable, or by the system. */
export function isDark(element: Element): boolean {
  const body = element.ownerDocument.body;
  const flag = body.getAttribute("data-jp-theme-light");
  if (flag !== null) return flag === "false";
  if (body.classList.contains("vscode-dark") || body.classList.contains("vscode-high-contrast")) return true;
  if (body.classList.contains("vscode-light")) return false;
  const variable = getComputedStyle(element).getPropertyValue("--jp-layout-color0");
  const level = variable ? luminance(variable) : NaN;
  if (!Number.isNaN(level)) return level < 0.5;
  return globalThis.matchMedia?.("(prefers-color-scheme: dark)").matches ?? false;
}

export function themeOf(dark: boolean, background?: string): Theme {
  return dark
    ? {
        dark,
        background: background || "#111418",
        text: "#e6e8eb",
        muted: "#a3aab5",
        faint: "#5a626d",
        grid: "#2a3037",
        path: "#8b95a1",
        accent: "#5AB4F0",
        series: SERIES_DARK,
      }
    : {
        dark,
        background: background || "#ffffff",
        text: "#1c2127",
        muted: "#5b6570",
        faint: "#a7afb8",
        grid: "#e6e9ed",
        path: "#7b8794",
        accent: "#1565AE",
        series: SERIES_LIGHT,
      };
}

export function readTheme(element: Element): Theme {
  const dark = isDark(element);
  const background = getComputedStyle(element).getPropertyValue("--jp-layout-color0").trim();
  return themeOf(dark, background || undefined);
}

/** Calls back when the host or the system changes its theme; returns the undo. */
export function onThemeChange(element: Element, callback: () => void): () => void {
  const body = element.ownerDocument.body;
  const observer = new MutationObserver(callback);
  observer.observe(body, { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "class"] });
  const query = globalThis.matchMedia?.("(prefers-color-scheme: dark)");
  query?.addEventListener?.("change", callback);
  return () => {
    observer.disconnect();
    query?.removeEventListener?.("change", callback);
  };
}
