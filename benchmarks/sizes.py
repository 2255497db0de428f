"""Measure our finder alone: parts of a call, larger networks, memory, cold start, import.

    python -m benchmarks.sizes

Each case runs in a process of its own, so that memory and first calls are honest.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time

import numpy as np

from benchmarks.networks import SHARED, Network, from_file, untrained

CASES = ("ff3_tanh4", "ff4_tanh6", "ff3_gru16", "ff3_lstm16", "gru64", "tanh512", "import")
REPEATS = 9


def main() -> None:
    """Run all cases, or one."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("case", nargs="?", choices=CASES)
    case = parser.parse_args().case
    if case is not None:
        print(measure(case), flush=True)
        return
    print("| case | first call | search alone | whole call | exhaustive | points | memory |")
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for each in CASES:
        subprocess.run([sys.executable, "-m", "benchmarks.sizes", each], check=True)


def measure(case: str) -> str:
    """Return one row of the table."""
    if case == "import":
        return f"| import fpf_notebook | {1000 * import_seconds():.0f} ms | | | | | |"
    network, n_inits, exhaustive = make(case)
    from fpf_notebook import FixedPointFinder

    starts = network.starts(n_inits)
    finder = FixedPointFinder(network.model)

    def whole(**options: object) -> float:
        began = time.perf_counter()
        finder.find_fixed_points(
            network.trajectories, network.inputs, initial_states=starts, **options
        )
        return time.perf_counter() - began

    first = whole()
    repeats = REPEATS if first < 10 else 2
    warm = sorted(whole() for _ in range(repeats))[repeats // 2]
    step_map = finder.step_map(starts.shape[1], network.inputs.shape[1])
    alone = sorted(
        finder.search(starts, network.inputs, step_map=step_map).seconds for _ in range(repeats)
    )[repeats // 2]
    text = ""
    unique, _ = finder.find_fixed_points(initial_states=starts, inputs=network.inputs)
    n_points = len(unique)
    if exhaustive:
        began = time.perf_counter()
        unique, _ = finder.find_fixed_points(
            network.trajectories, network.inputs, initial_states=starts, exhaustive=True
        )
        text = f"{time.perf_counter() - began:.2f} s"
        n_points = len(unique)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return (
        f"| {network.name}, {n_inits} starts | {first:.2f} s | {1000 * alone:.1f} ms "
        f"| {1000 * warm:.1f} ms | {text} | {n_points} | {peak:.0f} MB |"
    )


def make(case: str) -> tuple[Network, int, bool]:
    """Return a network, the number of starts, and whether to search it exhaustively too."""
    if case == "gru64":
        return untrained("gru", 64), 1024, False
    if case == "tanh512":
        return untrained("tanh", 512), 128, False
    return from_file(SHARED / f"{case}.npz"), 1024, True


def import_seconds() -> float:
    """Return the shortest time of an import in a fresh interpreter."""
    code = "import time; t=time.perf_counter(); import fpf_notebook; print(time.perf_counter()-t)"
    runs = [
        float(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)
        for _ in range(5)
    ]
    return float(np.min(runs))


if __name__ == "__main__":
    main()
