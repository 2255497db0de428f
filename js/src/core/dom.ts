/** Small helpers for elements, animation frames and clean-up. */

type Props = Record<string, string | number | boolean | EventListener | undefined>;

/** `h("button", { class: "x", onclick: f }, "label")`. */
export function h<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  props: Props = {},
  ...children: (Node | string)[]
): HTMLElementTagNameMap[K] {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(props)) {
    if (value === undefined || value === false) continue;
    if (typeof value === "function") node.addEventListener(key.slice(2), value);
    else node.setAttribute(key, value === true ? "" : String(value));
  }
  node.append(...children);
  return node;
}

/** Many requests, one call in the next frame; a hidden page falls back on a timer. */
export function coalesce(callback: () => void): { request(): void; cancel(): void } {
  let frame = 0;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const run = (): void => {
    cancel();
    callback();
  };
  const cancel = (): void => {
    if (frame) cancelAnimationFrame(frame);
    if (timer !== undefined) clearTimeout(timer);
    frame = 0;
    timer = undefined;
  };
  return {
    request(): void {
      if (frame) return;
      frame = requestAnimationFrame(run);
      timer = setTimeout(run, 250);
    },
    cancel,
  };
}

export class Disposer {
  private undo: (() => void)[] = [];

  add(undo: () => void): void {
    this.undo.push(undo);
  }

  listen<E extends Event>(target: EventTarget, type: string, handler: (e: E) => void, options?: AddEventListenerOptions): void {
    target.addEventListener(type, handler as EventListener, options);
    this.undo.push(() => target.removeEventListener(type, handler as EventListener, options));
  }

  dispose(): void {
    for (const undo of this.undo.splice(0).reverse()) undo();
  }
}

export function download(name: string, content: Blob): void {
  const url = URL.createObjectURL(content);
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}

let bus: EventTarget | undefined;

/** One bus for all bundles on a page (each widget instance loads its own copy of this module). */
export function pageBus(): EventTarget {
  const key = Symbol.for("fpf-notebook-bus");
  const page = globalThis as unknown as Record<symbol, EventTarget>;
  bus ??= page[key] ??= new EventTarget();
  return bus;
}

export interface LinkMessage {
  group: string;
  kind: "hover" | "select" | "eigenvalue";
  value: number;
  from: object;
}

/** Publishes to, and hears from, the other views of the same group without asking the kernel. */
export function link(group: () => string, self: object, d: Disposer, hear: (m: LinkMessage) => void): (kind: LinkMessage["kind"], value: number) => void {
  d.listen<CustomEvent<LinkMessage>>(pageBus(), "fpf-link", (event) => {
    const message = event.detail;
    if (message.from !== self && message.group && message.group === group()) hear(message);
  });
  return (kind, value) => {
    if (!group()) return;
    pageBus().dispatchEvent(new CustomEvent("fpf-link", { detail: { group: group(), kind, value, from: self } }));
  };
}
