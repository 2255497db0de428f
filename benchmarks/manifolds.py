"""Continua whose shape is known: ``python -m benchmarks.manifolds``.

Maps whose fixed points form a torus, a helix, two lines that cross, a ring that states come to
slowly, sheets; searched from 256 starts in both precisions. Exit status 1 if one is not found as
what it is.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np

from fpf_notebook import FixedPointFinder, SilentProgress, as_step_map


def _ring(x: Any, y: Any, rate: float) -> list[Any]:
    n = jnp.sqrt(x * x + y * y + 1e-30)
    return [x + rate * (x / n - x), y + rate * (y / n - y)]


def _helix(h: Any) -> Any:
    x, y, z = h
    return jnp.stack([x + 0.3 * (jnp.cos(2 * z) - x), y + 0.3 * (jnp.sin(2 * z) - y), z])


CASES: dict[str, tuple[Callable[[Any], Any], int, float, list[str]]] = {
    "torus": (
        lambda h: jnp.stack([*_ring(h[0], h[1], 0.3), *_ring(h[2], h[3], 0.3)]),
        4, 1.5, ["closed sheet of fixed points"],
    ),
    "helix": (_helix, 3, 2.0, ["line of fixed points"]),
    "two lines that cross": (
        lambda h: h - 0.2 * jnp.stack([h[0] * h[1] ** 2, h[1] * h[0] ** 2]),
        2, 1.0, ["line of fixed points"] * 2,
    ),
    "ring, multiplier 0.98": (
        lambda h: jnp.stack(_ring(h[0], h[1], 0.02)), 2, 1.5, ["ring of fixed points"],
    ),
    "bent sheet": (
        lambda h: h.at[2].add(0.4 * (jnp.sin(h[0]) + h[1] ** 2 / 2 - h[2])),
        3, 1.0, ["sheet of fixed points"],
    ),
    "flat sheet": (lambda h: h * jnp.array([1, 1, 0.5]), 3, 1.0, ["sheet of fixed points"]),
}  # fmt: skip


def main() -> int:
    """Print the table."""
    good = True
    print(
        "| set | precision | found | single points | CPU time |\n| --- | --- | --- | ---: | ---: |"
    )
    for name, (step, n, reach, expected) in CASES.items():
        step_map = as_step_map(step, n_states=n, n_inputs=0, batched=False)
        starts = np.random.default_rng(0).uniform(-reach, reach, (256, n))
        for dtype in ("float64", "float32"):
            began = time.process_time()
            finder = FixedPointFinder(step_map, progress=SilentProgress(), dtype=dtype)
            points, _ = finder.find_fixed_points(initial_states=starts)
            found = [str(one) for one in points.manifolds]
            single = points.counts()["fixed"]
            good &= [text.split(",")[0] for text in found] == expected and not single
            seconds = time.process_time() - began
            print(f"| {name} | {dtype} | {'; '.join(found)} | {single} | {seconds:.1f} s |")
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
