/** The few calls of a widget model that the views use, and a stand-in for pages without a kernel. */

import { unpack } from "./codec";

export interface Model {
  get(name: string): unknown;
  set(name: string, value: unknown): void;
  save_changes(): void;
  on(event: string, callback: (...args: never[]) => void): void;
  off(event: string, callback?: ((...args: never[]) => void) | null): void;
  send(content: unknown): void;
  widget_manager?: unknown; // of Jupyter's; other hosts have another or none
}

type Callback = (...args: unknown[]) => void;

/** Keeps traits in memory; what would go to the kernel is dropped. */
export class StaticModel implements Model {
  readonly kernel = false;
  private readonly callbacks = new Map<string, Set<Callback>>();

  constructor(private readonly state: Record<string, unknown>) {}

  get(name: string): unknown {
    return this.state[name];
  }

  set(name: string, value: unknown): void {
    if (Object.is(this.state[name], value)) return;
    this.state[name] = value;
    for (const f of [...(this.callbacks.get(`change:${name}`) ?? [])]) f(this, value);
  }

  save_changes(): void {}

  on(event: string, callback: (...args: never[]) => void): void {
    if (!this.callbacks.has(event)) this.callbacks.set(event, new Set());
    this.callbacks.get(event)?.add(callback as Callback);
  }

  off(event: string, callback?: ((...args: never[]) => void) | null): void {
    if (callback) this.callbacks.get(event)?.delete(callback as Callback);
    else this.callbacks.delete(event);
  }

  send(): void {}
}

export const hasKernel = (model: Model): boolean => !(model instanceof StaticModel);

const GONE = new Set(["dead", "restarting", "autorestarting", "terminating", "unknown"]);

/** Whether the kernel behind a view is gone: restarted, dead, or out of reach. */
export function isLost(model: Model, el: Element): boolean {
  // Jupyter marks the views whose kernel was restarted, whatever the new kernel does.
  if (el.closest(".jupyter-widgets-disconnected")) return true;
  const kernel = (model.widget_manager as { kernel?: { status?: string; connectionStatus?: string } | null } | undefined)?.kernel;
  if (!kernel) return false;
  return GONE.has(kernel.status ?? "") || (kernel.connectionStatus !== undefined && kernel.connectionStatus !== "connected");
}

/** Reads a trait with its arrays decoded, once for each new value. */
export function reader<T>(model: Model, name: string): () => T {
  let raw: unknown;
  let value: T;
  let ready = false;
  return () => {
    const now = model.get(name);
    if (!ready || now !== raw) {
      raw = now;
      value = unpack<T>(now);
      ready = true;
    }
    return value;
  };
}
