/** Answers requests, one after the other; whatever goes wrong is an answer, too. */

import { Follower, type Frame } from "./follow";
import type { Answer, Picture, Request } from "./messages";
import { Solver } from "./solver";

export class Desk {
  private follower: Follower | null = null;

  answer(request: Request): Answer {
    try {
      return this.handle(request);
    } catch (error) {
      return { id: request.id, type: "error", message: error instanceof Error ? error.message : String(error) };
    }
  }

  private handle(r: Request): Answer {
    const began = performance.now();
    const { id } = r;
    if (r.type === "load") {
      this.follower = null;
      this.follower = new Follower(new Solver(r.program), r.seed ?? 0);
      const { program } = this.follower.solver;
      return { id, type: "loaded", n: program.nStates, nInputs: program.nInputs, parameters: program.parameters.map((p) => p.name), ms: performance.now() - began };
    }
    const f = this.follower;
    if (!f) throw new Error("No program was loaded.");
    const { n } = f.solver;
    if (r.type === "options") f.options = { ...r.options };
    else if (r.type === "starts") f.setStarts(this.states(r.states, n), r.noise);
    else if (r.type === "adopt") {
      f.solver.setInput(r.u, r.parameters);
      f.adopt(this.states(r.x, n));
    } else if (r.type === "runs") return { id, type: "runs", states: f.solver.runs(this.states(r.x, n), r.steps), ms: performance.now() - began };
    else {
      const frame = r.type === "follow" ? f.follow(r.u, r.parameters) : f.search(r.count, r.u, r.parameters, r.plain);
      return { id, type: "picture", picture: this.picture(f, frame, began) };
    }
    return { id, type: "done" };
  }

  private states(x: Float64Array, n: number): Float64Array {
    if (!(x instanceof Float64Array) || x.length % n) throw new Error(`The states have ${x?.length} numbers, expected a multiple of ${n}.`);
    return x;
  }

  private picture(f: Follower, frame: Frame, began: number): Picture {
    const { n } = f.solver;
    const modes = f.modes(frame);
    const vectors = new Float64Array(modes.length * n);
    modes.forEach((m, k) => vectors.set(m.vector, k * n));
    const eigenvalues = new Float64Array(frame.count * n * 2);
    frame.eigenvalues.forEach((e, p) => e.forEach((c, k) => eigenvalues.set([c.re, c.im], (p * n + k) * 2)));
    const { count, ids, x, q, code, unstable, index, indexSum, expectedSum, Y, J, K, starts, fixed, full } = frame;
    return {
      count, ids, x, q, code, unstable, index, indexSum, expectedSum, Y, J, K, starts, fixed, full, eigenvalues,
      modePoint: Int32Array.from(modes, (m) => m.point),
      modes: vectors,
      grade: frame.grade.grade,
      reasons: frame.grade.reasons,
      ms: performance.now() - began,
    };
  }
}

/** Where this runs in a worker, it listens. */
export function listen(scope: { onmessage: ((e: { data: Request }) => void) | null; postMessage(answer: Answer): void }): void {
  const desk = new Desk();
  scope.onmessage = ({ data }) => scope.postMessage(desk.answer(data));
}
