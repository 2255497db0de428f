"""Many networks in one call: ``python -m benchmarks.sweeps [--n 200]``.

CPU seconds of `sweep` for networks of one shape, once everything is compiled, and beside them those
of a loop of `find_fixed_points` over the same networks in the same process: the ratio is what
counts on a busy machine.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence

import numpy as np

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.models import GRU, VanillaRNN
from fpf_notebook.sweep import sweep


def networks(kind: str, n: int) -> list[VanillaRNN] | list[GRU]:
    """Return networks of one shape with weights of their own."""
    if kind == "4 tanh units":
        return [VanillaRNN(3, 4, 3, seed=seed) for seed in range(n)]
    if kind == "64 tanh units":
        return [VanillaRNN(3, 64, 3, seed=seed) for seed in range(n)]
    return [GRU(3, 16, 3, seed=seed) for seed in range(n)]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--n", type=int, default=200, help="networks of each kind (default 200)")
    parser.add_argument("--starts", type=int, default=64, help="starts in each (default 64)")
    given = parser.parse_args(arguments)
    print("| networks | sweep, ms a network | loop, ms a network | ratio |")
    print("| --- | ---: | ---: | ---: |")
    for kind in ("4 tanh units", "GRU of 16 units", "64 tanh units"):
        nets = networks(kind, given.n)
        width = nets[0].n_states
        states = np.random.default_rng(0).uniform(-1, 1, (given.starts, width))
        request = FixedPointFinder(nets[0]).request(initial_states=states)
        sweep(nets[:2], request, progress=SilentProgress())  # compiles
        began = time.process_time()
        result = sweep(nets, request, progress=SilentProgress())
        swept = time.process_time() - began
        began = time.process_time()
        for net in nets:
            finder = FixedPointFinder(net, progress=SilentProgress())
            finder.find_fixed_points(initial_states=states)
        looped = time.process_time() - began
        assert not result.failed
        print(
            f"| {kind} | {1000 * swept / given.n:.1f} | {1000 * looped / given.n:.1f} "
            f"| {looped / swept:.2f} |",
            flush=True,
        )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
