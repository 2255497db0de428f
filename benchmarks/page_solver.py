"""The page's solver in Node: loading, 1,024 starts, and a frame while the input moves.

In processor time, compared with the compiled finder in Python in the same run. Needs Node.js and
the trained nets in FPF_SHARED (or ``shared`` beside the checkout).
Run: ``python -m benchmarks.page_solver``.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.networks import SHARED, TRAINED, from_file
from fpf_notebook import as_step_map
from fpf_notebook.finder import options, search
from tests.widgets.page_solver.node import encoded, run_in_node

TARGETS = {"ff3_tanh4": 8.0, "ff4_tanh6": 20.0, "ff3_gru16": 100.0}
"""Milliseconds of processor time that 1,024 starts may take."""


def measure(name: str, repeats: int) -> bool:
    """Print one line; return whether the best of the times is within its target."""
    network = from_file(SHARED / f"{name}.npz")
    step_map, u = as_step_map(network.model), network.inputs[0].astype(float)
    starts, program = network.starts(1024), as_step_map(network.model).to_program(u=u)
    inputs = np.broadcast_to(u, (len(starts), len(u)))
    python = []
    for _ in range(1 + repeats):
        began = time.process_time()
        search.search(step_map, starts, inputs, options.Options())
        python.append(1e3 * (time.process_time() - began))
    task = {
        "task": "time",
        "program": program.document,
        "starts": encoded(starts),
        "u": u.tolist(),
        "x": encoded(network.truth),
        "repeats": repeats,
    }
    (found,) = run_in_node([task])
    best, median = found["search"]["best"], found["search"]["median"]
    target = TARGETS.get(name)
    good = target is None or best <= target
    print(
        f"{name:13s} {program.size.n_bytes / 1e3:6.1f} kB, loaded in {found['load']:6.1f} ms; "
        f"1,024 starts {best:7.1f} ms (median {median:7.1f}), "
        f"{best / min(python):4.1f} of Python's; "
        f"a frame with {len(network.truth)} points {found['frame']['median']:6.1f} ms"
        + ("" if target is None else f"; target {target:g} ms: {'met' if good else 'missed'}")
    )
    return good


def main() -> int:
    """Measure the nets that are named, or all; return 1 where a target is missed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", default=list(TRAINED))
    parser.add_argument("--repeats", type=int, default=9)
    given = parser.parse_args()
    return 0 if all([measure(name, given.repeats) for name in given.names]) else 1


if __name__ == "__main__":
    raise SystemExit(main())
