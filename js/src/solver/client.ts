/** The page's side of the solver: a worker from its source, of whose requests the newest wins. */

import type { Answer, Picture, Request } from "./messages";

type Body<T> = T extends { id: number } ? Omit<T, "id"> : never;
export type Ask = Body<Request>;

/** What of a worker is needed. */
export interface Port {
  postMessage(message: unknown): void;
  onmessage: ((event: { data: Answer }) => void) | null;
  onerror: ((event: { message?: string }) => void) | null;
  terminate(): void;
}

/** Starts a worker from the text of the bundle; the page's rules must allow scripts from blobs. */
export function workerFrom(source: string): Port {
  const url = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
  try {
    return new Worker(url) as unknown as Port;
  } finally {
    // The worker has begun to load: what it loads is kept until then.
    setTimeout(() => URL.revokeObjectURL(url), 10000);
  }
}

export class PageSolver {
  private next = 1;
  private readonly open = new Map<number, (a: Answer) => void>();
  private busy = false;
  private waiting: Ask | null = null;
  /** Pictures that were asked for and left out because a newer request came. */
  skipped = 0;

  constructor(
    private readonly port: Port,
    private readonly show: (picture: Picture, request: Ask) => void,
    /** `lost`: there is no worker, and will be none. */
    private readonly failed: (message: string, lost: boolean) => void,
  ) {
    port.onmessage = ({ data }) => {
      const done = this.open.get(data.id);
      this.open.delete(data.id);
      if (data.type === "error") this.failed(data.message, false);
      done?.(data);
    };
    port.onerror = (event) => this.failed(event.message ?? "the solver could not be started", true);
  }

  /** Asks, and returns the answer. */
  ask(request: Ask): Promise<Answer> {
    const id = this.next++;
    return new Promise((resolve) => {
      this.open.set(id, resolve);
      this.port.postMessage({ ...request, id });
    });
  }

  /** Asks for a picture; while one is worked on, only the newest request waits. */
  picture(request: Ask): void {
    if (this.busy) {
      if (this.waiting) this.skipped++;
      this.waiting = request;
      return;
    }
    this.busy = true;
    void this.ask(request).then((answer) => {
      this.busy = false;
      if (answer.type === "picture") this.show(answer.picture, request);
      const { waiting } = this;
      this.waiting = null;
      if (waiting) this.picture(waiting);
    });
  }

  /** Drops the request that waits. */
  forget(): void {
    this.waiting = null;
  }

  dispose(): void {
    this.port.terminate();
  }
}
