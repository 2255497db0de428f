"""What runs and the search for manifolds add to a plain search: ``python -m benchmarks.plain``.

The trained networks of `benchmarks/networks.py`, 1,024 starts each, one round. Both kinds of search
are compiled before, and take turns; seconds are those of the processor, the median of some turns.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.networks import SHARED, TRAINED, from_file
from fpf_notebook import FixedPointFinder, SilentProgress

LIMIT = 1.5  # times as long at most
BARE = {"n_runs": 0, "do_find_manifolds": False}


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=9)
    turns = parser.parse_args().turns
    print("| network | points without | points | without, ms | with, ms | ratio |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    worst = 0.0
    for name in TRAINED:
        net = from_file(SHARED / f"{name}.npz")
        starts, found, seconds = net.starts(), [0, 0], [[], []]
        finders = [
            FixedPointFinder(net.model, progress=SilentProgress(), **options)
            for options in (BARE, {})
        ]
        for turn in range(turns + 1):
            for k, finder in enumerate(finders):
                began = time.process_time()
                points, _ = finder.find_fixed_points(initial_states=starts, inputs=net.inputs[:1])
                found[k] = len(points)
                if turn:
                    seconds[k].append(time.process_time() - began)
        bare, whole = (1e3 * float(np.median(each)) for each in seconds)
        worst = max(worst, whole / bare)
        print(
            f"| {name} | {found[0]} | {found[1]} | {bare:.1f} | {whole:.1f} | {whole / bare:.2f} |",
            flush=True,
        )
    print(f"\nWorst {worst:.2f}, limit {LIMIT}.")


if __name__ == "__main__":
    main()
