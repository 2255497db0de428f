"""What the page follows beside exhaustive searches in Python: counts at 20 values of a sweep.

And the points that it shows while ``tol_q`` is dragged, beside the finder's. Needs Node.js and the
trained nets in FPF_SHARED (or ``shared`` beside the checkout). Run:
``python -m benchmarks.page_following [ff3_tanh4 …]``.
"""

from __future__ import annotations

import argparse

import numpy as np

from fpf_notebook import FixedPointFinder
from tests.widgets.page_solver.networks import peer, starts_of
from tests.widgets.page_solver.node import decoded, encoded, run_in_node

SWEEPS = {"ff3_tanh4": 0.3, "ff4_tanh6": 0.3, "ff3_gru16": 0.2}
"""Trained nets, and how far their inputs swing."""

FRAMES, EVERY = 60, 3
TOLERANCES = [10.0**k for k in range(-2, -36, -2)]


def measure(name: str, size: float) -> bool:
    """Print one line; return whether page and finder agree everywhere."""
    step_map, states, _ = peer(name)
    starts = starts_of(states, 1024, seed=3)
    t = np.linspace(0, 2 * np.pi, FRAMES + 1)
    path = np.stack([size * np.sin((k + 1) * t) for k in range(step_map.n_inputs)], axis=1)
    finder = FixedPointFinder(step_map, verbose=False)

    def right(u: np.ndarray) -> np.ndarray:
        found, _ = finder.find_fixed_points(initial_states=starts, inputs=u[None], exhaustive=True)
        return np.asarray(found.xstar)

    pool = encoded(states.reshape(-1, states.shape[-1])[:: max(1, len(states) // 200)])
    first = right(path[0])
    program = step_map.to_program(u=path[0]).document
    common = {"program": program, "states": pool, "noise": 0.4, "x": encoded(first)}
    frames, filtered = run_in_node(
        [
            {"task": "follow", **common, "path": path.tolist(), "seed": 0},
            {"task": "filter", **common, "u": path[0].tolist(), "tols": TOLERANCES},
        ]
    )
    equal, counts = 0, []
    checked = range(EVERY, FRAMES + 1, EVERY)
    for k in checked:
        mine = decoded(frames["frames"][k - 1]["x"], -1, step_map.n_states)
        theirs = right(path[k])
        gaps = np.linalg.norm(theirs[:, None] - mine[None], axis=2)
        near = len(mine) == len(theirs) and gaps.min(axis=0, initial=1.0).max() < 1e-6
        equal += near
        counts.append((len(mine), len(theirs)))
    same = 0
    judged = []
    for tol_q, count in zip(TOLERANCES, filtered["counts"], strict=True):
        found, _ = FixedPointFinder(step_map, verbose=False, tol_q=tol_q).find_fixed_points(
            initial_states=np.concatenate([first, starts]), inputs=path[:1]
        )
        judged.append((count, len(found)))
        same += count == len(found)
    print(
        f"{name:10s} sweep: equal at {equal} of {len(checked)} values "
        f"(page, finder: {sorted(set(counts))}); "
        f"tol_q: equal at {same} of {len(TOLERANCES)} ({sorted(set(judged))})",
        flush=True,
    )
    return equal == len(checked) and same == len(TOLERANCES)


def main() -> int:
    """Compare the nets that are named, or all; return 1 where the two differ."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(SWEEPS))
    given = parser.parse_args()
    return 0 if all([measure(name, SWEEPS[name]) for name in given.names]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
