"""Whether all fixed points are found, how quickly, and what may be claimed then.

    python -m benchmarks.completeness [--seconds 20] [--seed 0] [name ...]

An engine made of the finder's proposals, in the order of what they yield: forward runs,
Levenberg-Marquardt from the starts, curves from saturation and from known points, segments between
known points, mirror images. It ends when the rule of `fpf_notebook.finder.assurance` is met.

Seconds are those of the processor, summed over its cores (on an idle machine about those of the
clock), without compilation: each network is searched for a moment before, with another seed. What
that took stands in the column "first".
"""

from __future__ import annotations

import argparse
import importlib.util
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from benchmarks.networks import SHARED, TRAINED, from_file
from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.finder.assurance import Evidence, assess
from fpf_notebook.finder.evaluation import jacobians_at
from fpf_notebook.finder.judge import FIXED, judge
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.proposals.better_equation import better_equation
from fpf_notebook.finder.proposals.directions import CurveSource
from fpf_notebook.finder.proposals.fibers import Tracer
from fpf_notebook.finder.proposals.forward_runs import run_forward
from fpf_notebook.finder.proposals.symmetry import is_odd
from fpf_notebook.finder.search import search

SAME = 1e-6  # two states this near are one point
N_RUNS, N_STARTS = 64, 256
SPINES = 1 / 3  # of the curves
SAMPLED = 0.1  # of the time, for Levenberg-Marquardt from segments and the box


@dataclass
class Case:
    """A network under one input, and what is known of it."""

    name: str
    step_map: StepMap
    u: np.ndarray
    starts: np.ndarray
    known: int
    exact: bool = True
    truth: np.ndarray | None = None


@dataclass
class Engine:
    """A search of one network under one input; all it knows is counted here."""

    case: Case
    seed: int = 0
    options: Options = field(default_factory=Options)

    def __post_init__(self) -> None:
        """Prepare the proposals."""
        self.rng = np.random.default_rng(self.seed)
        step_map, u = self.case.step_map, self.case.u
        self.n = step_map.n_states
        self.better = better_equation(step_map)
        self.equation = step_map if self.better is None else self.better.step_map
        self.points = np.empty((0, self.n))
        self.reduced = np.empty((0, self.equation.n_states))
        self.index: list[int] = []
        self.hits: list[int] = []
        self.traced: list[int] = []
        self.found_by: list[str] = []
        self.idle, self.last_new, self.began = 0, 0.0, time.process_time()
        self.runs_to_unknown = 0
        self.odd = is_odd(step_map, u)
        self.edges = step_map.invariant_box(u)
        states = self._reduce(self.case.starts)
        self.source = CurveSource(self.equation, u, states, seed=self.seed)
        self.tracer = Tracer(self.source.step_map, self.source.sigma)
        self.reached: dict[int, set[int]] = {}
        self.kinds: dict[int, str] = {}
        self.seconds: dict[str, float] = {"runs": 0.0, "sampled": 0.0, "curves": 0.0}

    # -- proposals ---------------------------------------------------------------------------------

    def run(self) -> None:
        """Run the network forward."""
        x = self.case.starts[self.rng.permutation(len(self.case.starts))[:N_RUNS]]
        runs = run_forward(self.case.step_map, x, self._inputs(len(x)), self.options)
        found = judge(runs.polished, self.options).kind == FIXED
        self._add(runs.polished.lanes.x[found], "runs")

    def sample(self, starts: np.ndarray, kind: str) -> None:
        """Run Levenberg-Marquardt, on the better equation where there is one."""
        u = self._inputs(len(starts))
        found = search(self.equation, self._reduce(starts), u, self.options)
        near = judge(found, self.options).kind == FIXED
        self._confirm(found.lanes.x[near], kind)

    def segments(self) -> np.ndarray:
        """Draw states between known points, and of the box."""
        n, m = 64, len(self.points)
        low, high = self._region()
        x = self.rng.uniform(low, high, (n, self.n))
        if m > 1:
            i, j = self.rng.integers(m, size=(2, n // 2))
            weight = self.rng.uniform(-0.2, 1.2, (n // 2, 1))
            x[: n // 2] = self.points[i] + weight * (self.points[j] - self.points[i])
        return x

    def trace(self) -> None:
        """Follow curves for a tenth of a second."""
        while self.tracer.n_waiting < self.tracer.size // 2:
            if not len(self.points) or self.rng.random() < SPINES:
                curve = self.source.spine()
            else:
                k = int(np.argmin(self.traced))
                self.traced[k] += 1
                curve = self.source.from_point(k, self.reduced[k], self.reduced)
            self.kinds[self.tracer.add(curve)] = curve.kind
        met = self.tracer.advance()
        place = self._place(met.x, self.reduced)
        if (place < 0).any():
            first = [self.kinds[int(k)] for k in met.curve[place < 0]]
            self._confirm(met.x[place < 0], first)
            place = self._place(met.x, self.reduced)
        for where, curve, source in zip(place, met.curve, met.source, strict=True):
            seen = self.reached.setdefault(int(curve), {int(source)})
            if where >= 0 and int(where) not in seen:
                seen.add(int(where))
                self.hits[where] += 1
        for curve in met.ended:
            self.reached.pop(curve, None)
            self.kinds.pop(curve, None)
        self.idle += len(met.ended)

    def warm_up(self) -> None:
        """Do each thing once, so that all is compiled."""
        self.run()
        self.sample(self.case.starts[:N_STARTS], "LM")
        self.sample(self.segments(), "segments")
        self.trace()

    def search(self, seconds: float) -> Engine:
        """Alternate until the rule is met, or the time is over."""
        self._timed("runs", self.run)
        starts = self.case.starts
        chosen = starts[self.rng.permutation(len(starts))[:N_STARTS]]
        self._timed("sampled", lambda: self.sample(chosen, "LM"))
        while self.elapsed < seconds and not assess(self.evidence()).consistent:
            self._timed("curves", self.trace)
            if self.seconds["sampled"] < SAMPLED * self.elapsed:
                self._timed("sampled", lambda: self.sample(self.segments(), "segments"))
        return self

    # -- accounts ----------------------------------------------------------------------------------

    @property
    def elapsed(self) -> float:
        """Seconds of the processor since the search began."""
        return time.process_time() - self.began

    def evidence(self) -> Evidence:
        """Count what speaks for the set and against it."""
        decided = 0 not in self.index
        missing = int((self._place(-self.points, self.points) < 0).sum()) if self.odd else 0
        return Evidence(
            hits=tuple(self.hits),
            idle_curves=self.idle,
            index_sum=sum(self.index) if decided else None,
            expected_sum=None if self.edges is None else 1,
            box_is_whole=self.edges is not None,
            n_runs_to_unknown=self.runs_to_unknown,
            n_images_missing=missing,
        )

    def _confirm(self, x: np.ndarray, kinds: str | list[str]) -> None:
        """Polish states of the equation as states of the network, and add what is a fixed point."""
        if not len(x):
            return
        if isinstance(kinds, str):
            kinds = [kinds] * len(x)
        fresh = np.flatnonzero(self._place(x, self.reduced) < 0)
        if not len(fresh):
            return
        # Each once: a hundred lanes may have met the same new point.
        fresh = fresh[_distinct(x[fresh])]
        u = self._inputs(len(fresh))
        whole = x[fresh] if self.better is None else self.better.lift(x[fresh], u)
        found = search(self.case.step_map, whole, u, self.options)
        fixed = np.flatnonzero(judge(found, self.options).kind == FIXED)
        self._add(found.lanes.x[fixed], [kinds[fresh[k]] for k in fixed])

    def _add(self, x: np.ndarray, kinds: str | list[str]) -> None:
        if isinstance(kinds, str):
            kinds = [kinds] * len(x)
        new: list[int] = []
        for k in np.flatnonzero(self._place(x, self.points) < 0):
            if not any(np.linalg.norm(x[k] - x[j]) <= SAME * 10 for j in new):
                new.append(int(k))
        if not new:
            return
        jacobian, _ = jacobians_at(self.case.step_map, x[new], self._inputs(len(new)))
        for k, matrix in zip(new, jacobian, strict=True):
            flow = self.case.step_map.time == "continuous"
            sign = np.linalg.slogdet(-matrix if flow else np.eye(self.n) - matrix)[0]
            self.index.append(int(sign))
            self.found_by.append(kinds[k].split(",")[0])
        self.points = np.concatenate([self.points, x[new]])
        self.reduced = self._reduce(self.points)
        self.hits += [0] * len(new)
        self.traced += [0] * len(new)
        self.idle, self.last_new = 0, self.elapsed
        if self.odd:
            self.sample_images(-x[new])

    def sample_images(self, images: np.ndarray) -> None:
        """Polish mirror images of points."""
        missing = images[self._place(images, self.points) < 0]
        if len(missing):
            found = search(self.case.step_map, missing, self._inputs(len(missing)), self.options)
            fixed = judge(found, self.options).kind == FIXED
            self._add(found.lanes.x[fixed], "mirror")

    def _place(self, x: np.ndarray, known: np.ndarray) -> np.ndarray:
        """Return which of the known points each state is; -1 for none."""
        if not len(x) or not len(known):
            return np.full(len(x), -1)
        squares = (x**2).sum(1)[:, None] + (known**2).sum(1) - 2 * x @ known.T
        nearest = squares.argmin(axis=1)
        gap = np.linalg.norm(x - known[nearest], axis=1)
        return np.where(gap <= SAME * (1 + np.linalg.norm(x, axis=1)), nearest, -1)

    def _reduce(self, x: np.ndarray) -> np.ndarray:
        return x if self.better is None else self.better.reduce(x)

    def _inputs(self, n: int) -> np.ndarray:
        return np.repeat(self.case.u[None], n, axis=0)

    def _region(self) -> tuple[np.ndarray, np.ndarray]:
        low, high = self.case.starts.min(axis=0), self.case.starts.max(axis=0)
        if self.edges is None:
            return low, high
        return np.maximum(self.edges[0], 1.5 * low - 0.5 * high), np.minimum(
            self.edges[1], 1.5 * high - 0.5 * low
        )

    def _timed(self, name: str, work: Callable[[], None]) -> None:
        began = time.process_time()
        work()
        self.seconds[name] += time.process_time() - began


def _distinct(x: np.ndarray) -> np.ndarray:
    """Return one index for each group of equal states."""
    kept: list[int] = []
    for k in range(len(x)):
        if not kept or np.linalg.norm(x[kept] - x[k], axis=1).min() > SAME:
            kept.append(k)
    return np.array(kept)


# -- networks --------------------------------------------------------------------------------------


def tanh_case(
    name: str, w: np.ndarray, b: np.ndarray, known: int, exact: bool, truth: Any = None
) -> Case:
    """Make a case of tanh(W x + b)."""
    import jax.numpy as jnp

    n = len(w)
    step_map = as_step_map(
        lambda p, h: jnp.tanh(p["W"] @ h + p["b"]),
        params={"W": w, "b": b},
        n_states=n,
        n_inputs=0,
        batched=False,
        invariant_box=(-1.0, 1.0),
    )
    starts = np.random.default_rng(0).uniform(-1, 1, (1024, n))
    return Case(name, step_map, np.zeros(0), starts, known, exact, truth)


def cases(names: list[str]) -> Iterator[Case]:
    """Yield all networks, or those whose name contains one of the texts."""

    def wanted(name: str) -> bool:
        return not names or any(text in name for text in names)

    root = SHARED.parent.parent
    for name in filter(wanted, TRAINED):
        net = from_file(SHARED / f"{name}.npz")
        assert net.truth is not None
        step_map = as_step_map(net.model)
        yield Case(name, step_map, net.inputs[0], net.starts(), len(net.truth), True, net.truth)
    file = root / "cases" / "networks.py"
    spec = importlib.util.spec_from_file_location("shared_cases", file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    hard = {64: "tanh64_g30", "128, gain 2": "tanh128_g20", "128, gain 3": "tanh128_g30"}
    hard |= {"256": "tanh256_g15", "512": "tanh512_g15", "64, gain 3": "tanh64_g30"}
    for name, (w, b, known, _) in module.TANH.items():
        if not wanted(name):
            continue
        at_least = isinstance(known, tuple)
        truth = None
        for text, npz in hard.items():
            if at_least and str(text) in name and f"tanh{len(w)}_" in npz:
                with np.load(root / "nets_hard" / f"{npz}.npz") as arrays:
                    truth = arrays["xstar_certified"]
        yield tanh_case(name, w, b, known[1] if at_least else known, not at_least, truth)
    if wanted("context"):
        yield from context_cases(root)


def context_cases(root: Any) -> Iterator[Case]:
    """Yield the published network of the context task, once for each context."""
    from fpf_notebook.io import import_jslds_weights

    (path,) = (root / "published" / "jslds").glob("*context_integration*")
    model = import_jslds_weights(path)
    step_map = as_step_map(getattr(model, "rnn", model))
    for k, known in enumerate((25, 53)):
        u = np.zeros(step_map.n_inputs)
        u[2 + k] = 1.0
        starts = np.random.default_rng(0).uniform(-1, 1, (1024, step_map.n_states))
        yield Case(f"context {k + 1}", step_map, u, starts, known, exact=False)


def report(case: Case, engine: Engine, first: float) -> str:
    """Return one row of the table."""
    points = engine.points
    moved = case.step_map(points, np.repeat(case.u[None], len(points), axis=0))
    rest = moved if case.step_map.time == "continuous" else moved - points
    right = bool((np.abs(rest) < 1e-10).all()) if len(points) else True
    missed = ""
    if case.truth is not None and len(points):
        gap = np.linalg.norm(points[None] - case.truth[:, None], axis=2).min(axis=1)
        missed = f", {int((gap > 1e-5).sum())} of the known ones missing"
    verdict = assess(engine.evidence())
    grade = "consistent" if verdict.consistent else "open: " + "; ".join(verdict.reasons)
    by = {kind: engine.found_by.count(kind) for kind in dict.fromkeys(engine.found_by)}
    return (
        f"| {case.name} | {len(points)} of {'' if case.exact else '≥ '}{case.known}{missed} | "
        f"{'yes' if right else 'NO'} | {engine.last_new:.1f} | {engine.elapsed:.1f} | "
        f"{first:.1f} | {grade} | "
        f"{', '.join(f'{kind} {count}' for kind, count in by.items())} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of networks; default all")
    parser.add_argument("--seconds", type=float, default=20.0, help="time limit a network")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    print("| network | points | right | last found, s | seconds | first | grade | found by |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |", flush=True)
    for case in cases(arguments.names):
        began = time.process_time()
        Engine(case, arguments.seed + 1).warm_up()
        first = time.process_time() - began
        engine = Engine(case, arguments.seed).search(arguments.seconds)
        print(report(case, engine, first), flush=True)


if __name__ == "__main__":
    main()
