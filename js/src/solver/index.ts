/** The solver's bundle: a worker where it is loaded as one, else what tests and benchmarks call. */

import { listen } from "./worker";

export { eigenvalues, eigenvector, leadingFirst } from "./eigen";
export { Follower } from "./follow";
export { parse } from "./format";
export { assess } from "./grade";
export { index, singularValues } from "./linear";
export { Solver } from "./solver";
export { Desk } from "./worker";

declare const WorkerGlobalScope: (new () => object) | undefined;

if (typeof WorkerGlobalScope !== "undefined" && self instanceof WorkerGlobalScope) listen(self as never);
