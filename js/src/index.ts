/** The one module of all widgets: the trait `kind` says which picture to draw. */

import type { AnyModel, RenderProps } from "@anywidget/types";
import { type Model, StaticModel } from "./core/model";
import { renderExplorer } from "./widgets/explorer";
import { renderInspector } from "./widgets/inspector";
import { renderMonitor } from "./widgets/monitor";

type Renderer = (model: Model, el: HTMLElement) => () => void;

const RENDERERS: Record<string, Renderer> = {
  explorer: renderExplorer,
  inspector: renderInspector,
  monitor: renderMonitor,
};

function draw(model: Model, el: HTMLElement): () => void {
  const kind = String(model.get("kind"));
  const renderer = RENDERERS[kind];
  if (!renderer) {
    el.textContent = `fpf_notebook: this bundle cannot draw a widget of kind "${kind}". Its version differs from the Python package: reload the page.`;
    return () => {};
  }
  return renderer(model, el);
}

function render({ model, el }: RenderProps): () => void {
  // The views need six calls only, which every host's model has.
  return draw(model as AnyModel as unknown as Model, el);
}

/** Draws without a kernel, from traits as JSON (arrays as base64): for saved pages. */
export function embed(el: HTMLElement, state: Record<string, unknown>): () => void {
  return draw(new StaticModel({ ...state }), el);
}

export default { render };
