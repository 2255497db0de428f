"""Networks made to deceive: how often one is called consistent though points are missing.

    python -m benchmarks.deceiving [--nets 3] [--seconds 5] [--seed 0]

Each is two or three small networks that know nothing of each other, their units shuffled: the
numbers of points multiply. Each small one is proved complete by itself, so that the count is exact.
Starts lie on one side only, near the corner where all units are at their upper end; nothing is
proved of the whole. Exit status 1 if one is called consistent wrongly.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np

from benchmarks.through_finder import ProcessorTime
from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.finder.proof import prove

Step = Callable[[Any, Any], Any]
MOST_POINTS = 400


class Cell(NamedTuple):
    """A kind of network: its step for weights, and how these are drawn."""

    step: Step
    draw: Callable[[np.random.Generator], dict[str, np.ndarray]]
    n_states: Callable[[dict[str, np.ndarray]], int]
    time: str = "discrete"


def _square(r: np.random.Generator, low: float, high: float, most: int = 3) -> np.ndarray:
    n = int(r.integers(2, most + 1))
    return r.uniform(low, high) * r.normal(size=(n, n)) / np.sqrt(n)


def _gates(r: np.random.Generator, names: str, n: int, gain: float) -> dict[str, np.ndarray]:
    weights = {k: gain * r.normal(size=(n, n)) for k in names}
    return weights | {f"b{k}": 0.5 * r.normal(size=n) for k in names}


def _gru(p: Any, h: Any) -> Any:
    reset, keep = (jax.nn.sigmoid(p[k] @ h + p[f"b{k}"]) for k in "rz")
    return (1 - keep) * jnp.tanh(reset * (p["n"] @ h) + p["bn"]) + keep * h


def _lstm(p: Any, x: Any) -> Any:
    n = len(p["i"])
    h, c = x[:n], x[n:]
    i, f, o = (jax.nn.sigmoid(p[k] @ h + p[f"b{k}"]) for k in "ifo")
    c = f * c + i * jnp.tanh(p["g"] @ h + p["bg"])
    return jnp.concatenate([o * jnp.tanh(c), c])


def _memory(r: np.random.Generator) -> dict[str, np.ndarray]:
    """Draw a memory that stays silent below a threshold."""
    n, a = int(r.integers(1, 4)), r.uniform(4, 30)
    x = np.sign(r.normal(size=n))
    return {"W": a * np.outer(x, x) / n, "b": -a * r.uniform(0.3, 0.7) * x}


def _steep(r: np.random.Generator) -> dict[str, np.ndarray]:
    slope = 10 ** r.uniform(1, 4)
    return {"W": np.array([[slope]]), "b": np.array([-slope * r.uniform(-0.9, 0.9)])}


def _tanh(p: Any, h: Any) -> Any:
    return jnp.tanh(p["W"] @ h + p["b"])


CELLS = {
    "tanh": Cell(
        _tanh,
        lambda r: (lambda w: {"W": w, "b": 0.3 * r.normal(size=len(w))})(_square(r, 2, 6)),
        lambda p: len(p["b"]),
    ),
    "memory": Cell(_tanh, _memory, lambda p: len(p["b"])),
    "steep": Cell(_tanh, _steep, lambda p: len(p["b"])),
    "rate flow": Cell(
        lambda p, h: -h + jnp.tanh(p["W"] @ h + p["b"]),
        lambda r: (lambda w: {"W": w, "b": 0.3 * r.normal(size=len(w))})(_square(r, 2, 6)),
        lambda p: len(p["b"]),
        "continuous",
    ),
    "gru": Cell(_gru, lambda r: _gates(r, "rzn", 2, r.uniform(2, 6)), lambda p: len(p["br"])),
    "lstm": Cell(
        _lstm, lambda r: _gates(r, "ifgo", 1, r.uniform(3, 9)), lambda p: 2 * len(p["bi"])
    ),
}


def _map(cell: Cell, parts: list[dict[str, np.ndarray]], order: np.ndarray) -> StepMap:
    """Make a network of several that know nothing of each other; ``order`` shuffles states."""
    sizes = np.cumsum([0, *(cell.n_states(part) for part in parts)])
    back = np.argsort(order)

    def step(params: Any, h: Any) -> Any:
        whole = h[back]
        moved = [
            cell.step(p, whole[a:b]) for p, a, b in zip(params, sizes, sizes[1:], strict=False)
        ]
        return jnp.concatenate(moved)[order]

    options = {"n_states": int(sizes[-1]), "n_inputs": 0, "batched": False, "time": cell.time}
    return as_step_map(step, params=parts, **options)


def network(kind: str, r: np.random.Generator) -> tuple[StepMap, int]:
    """Draw a network of a kind, and return it with the exact number of its points."""
    cell = CELLS[kind]
    while True:
        parts, total = [], 1
        for _ in range(int(r.integers(2, 4))):
            part = cell.draw(r)
            alone = _map(cell, [part], np.arange(cell.n_states(part)))
            proof = prove(alone, np.zeros(0), max_seconds=3)
            if not (proof.complete and proof.whole):
                break
            parts.append(part)
            total *= len(proof.points)
        else:
            if 3 <= total <= MOST_POINTS:
                n = sum(map(cell.n_states, parts))
                return _map(cell, parts, r.permutation(n)), total


def main() -> int:
    """Print a row for each network."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=int, default=3, help="networks a kind")
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    wrong = said = 0
    print("| kind | network | units | points | seconds | grade |")
    print("| --- | ---: | ---: | --- | ---: | --- |")
    for number in range(given.nets):
        for place, kind in enumerate(CELLS):
            r = np.random.default_rng([given.seed, place, number])
            step_map, exact = network(kind, r)
            finder = FixedPointFinder(step_map, progress=SilentProgress(), random_seed=number)
            starts = 1.0 - 0.05 * r.random((256, step_map.n_states))
            began = time.process_time()
            found, _ = finder.find_fixed_points(
                initial_states=starts,
                exhaustive=True,
                prove=False,
                max_rounds=1000,
                cancel=ProcessorTime(given.seconds + 4.0),  # it compiles within it
            )
            report = found.completeness
            assert report is not None
            said += report.grade != "open"
            mistaken = report.grade != "open" and len(found) != exact
            wrong += mistaken or len(found) > exact
            why = "; ".join(report.open_because or []) if report.grade == "open" else ""
            print(
                f"| {kind} | {number} | {step_map.n_states} | {len(found)} of {exact} "
                f"| {time.process_time() - began:.1f} | {report.grade} {why}"
                f"{' WRONG' if mistaken else ''} |",
                flush=True,
            )
    print(f"\n{said} called consistent, {wrong} wrong.")
    return int(wrong > 0)


if __name__ == "__main__":
    sys.exit(main())
