"""When two points are two: near points among many, and the points of cycles.

python -m benchmarks.two_points            # all
python -m benchmarks.two_points dedupe     # 100,000 points along a noisy line and in a ball
python -m benchmarks.two_points cycles     # counts that are known: exit status 1 if one is not met
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import numpy as np

N_POINTS = 100_000
TOL = 1e-3


def clouds(n_states: int) -> dict[str, np.ndarray]:
    """Return points along a noisy line and in a ball of the size of the tolerance, and apart."""
    rng = np.random.default_rng(0)
    along = (
        rng.uniform(0, 30, (N_POINTS, 1))
        * TOL
        * np.linalg.qr(rng.normal(size=(n_states, 1)))[0].T
        * 100
    )
    noise = rng.normal(size=(N_POINTS, n_states)) * 0.2 * TOL / n_states**0.5
    directions = rng.normal(size=(N_POINTS, n_states))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    # Within a ball of 1.5 tolerances nearly all points of many dimensions are apart, yet none is
    # far from any: each pair is looked at, which takes minutes. That is not measured here.
    radius = 0.6 * TOL * rng.random((N_POINTS, 1)) ** (1 / n_states)
    return {
        "all different": rng.normal(size=(N_POINTS, n_states)),
        "noisy line": along + noise,
        "ball": radius * directions,
    }


def dedupe() -> bool:
    """Print CPU times, and how many times that of points that are all apart."""
    from fpf_notebook.result.dedupe import unique_indices

    print(f"\n{N_POINTS:,} points, tol_unique = {TOL:g}\n")
    print("| units | points | representatives | CPU time | to all different |")
    print("| ---: | --- | ---: | ---: | ---: |")
    for n_states in (64, 256):
        base = 0.0
        for name, points in clouds(n_states).items():
            began = time.process_time()
            chosen, _ = unique_indices(points, np.zeros(len(points)), TOL)
            seconds = time.process_time() - began
            base = base or seconds
            print(
                f"| {n_states} | {name} | {len(chosen):,} | {seconds:.2f} s | "
                f"{seconds / base:.1f} |",
                flush=True,
            )
    return True


def cycles() -> bool:
    """Print how many points of each period are found, of how many, and whether orbits are whole."""
    import jax.numpy as jnp

    from fpf_notebook import FixedPointFinder, SilentProgress

    def henon(h, u):
        return jnp.stack([1 - 1.4 * h[0] ** 2 + h[1], 0.3 * h[0]])

    box = {"invariant_box": (0.0, 1.0)}
    maps: list[tuple[str, Callable, int, dict, tuple[float, float], dict[int, int]]] = [
        ("4 h (1 - h)", lambda h, u: 4 * h * (1 - h), 1, box, (0, 1),
         {2: 2, 3: 6, 4: 12, 5: 30, 6: 54, 8: 240}),
        ("4 h (1 - h), two of them", lambda h, u: 4 * h * (1 - h), 2, box, (0, 1),
         {2: 12, 3: 60, 4: 240, 5: 1020}),
        ("(3 + 1e-6) h (1 - h)", lambda h, u: (3 + 1e-6) * h * (1 - h), 1, box, (0, 1), {2: 2}),
        ("Hénon 1.4, 0.3", henon, 2, {}, (-1.3, 1.3), {2: 2, 4: 4, 6: 12, 7: 28, 8: 56}),
    ]  # fmt: skip
    print("\n| map | period | points | partial orbits | CPU time |")
    print("| --- | ---: | ---: | ---: | ---: |")
    good = True
    for name, step, n, options, (low, high), known in maps:
        for period, right in known.items():
            began = time.process_time()
            finder = FixedPointFinder(
                step, n_states=n, n_inputs=1, progress=SilentProgress(), **options
            )
            points, _ = finder.find_fixed_points(
                initial_states=np.random.default_rng(0).uniform(low, high, (1024, n)),
                inputs=np.zeros((1, 1)),
                exhaustive=True,
                period=period,
            )
            sizes = np.bincount(points.orbit_id) if len(points) else np.zeros(0)
            partial = int((sizes != period).sum())
            good &= len(points) == right and partial == 0
            seconds = time.process_time() - began
            print(
                f"| {name} | {period} | {len(points)} of {right} | {partial} | {seconds:.1f} s |",
                flush=True,
            )
    return good


if __name__ == "__main__":
    wanted = sys.argv[1:] or ["dedupe", "cycles"]
    results = [{"dedupe": dedupe, "cycles": cycles}[name]() for name in wanted]
    sys.exit(not all(results))
