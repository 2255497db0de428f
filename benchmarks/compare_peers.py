"""Compare the finders on the same networks and initial states, in one process.

    python -m benchmarks.compare_peers [--nets DIR] [--limit SECONDS] [--fresh] [--out FILE]

Writes a table in Markdown: seconds of the first call (compilation included) and of a further one,
how many points it returned, how many of them are true ones, how many are stable, the index sum,
and the largest q, each computed here in double precision for every finder alike.
"""

from __future__ import annotations

import argparse
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.finders import FINDERS
from benchmarks.networks import SHARED, TRAINED, Network, freshly_trained, from_file
from fpf_notebook import as_step_map
from fpf_notebook.dynamics.jacobians import linearize
from fpf_notebook.result import newton_step, spectrum

HEADER = (
    "| network | finder | first call | further call | points | true ones | stable | index sum "
    "| largest q |\n| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
REPEATS = 7


class OutOfTimeError(Exception):
    """A finder took longer than it may."""


def main() -> None:
    """Run the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nets", type=Path, default=SHARED, help="folder of .npz networks")
    parser.add_argument("--only", nargs="*", help="names of networks")
    parser.add_argument("--finders", nargs="*", default=list(FINDERS), help="names of finders")
    parser.add_argument("--limit", type=int, default=120, help="seconds for one call")
    parser.add_argument("--fresh", action="store_true", help="train further networks now")
    parser.add_argument("--out", type=Path, help="file to write the table to")
    options = parser.parse_args()
    networks = [from_file(p) for p in sorted(options.nets.glob("*.npz")) if p.stem in TRAINED]
    if options.fresh:
        networks += [freshly_trained(3, "tanh", seed=1), freshly_trained(2, "tanh", seed=1)]
    if options.only:
        networks = [network for network in networks if network.name in options.only]
    lines = [HEADER]
    print(HEADER, flush=True)
    for network in networks:
        for name in options.finders:
            line = compare(network, name, options.limit)
            print(line, flush=True)
            lines.append(line)
    if options.out:
        options.out.write_text("\n".join(lines) + "\n", encoding="utf-8")


def compare(network: Network, name: str, limit: int) -> str:
    """Return one row of the table."""
    try:
        find = FINDERS[name]()
    except ImportError:
        return f"| {network.name} | {name} | not installed | | | | | | |"
    starts = network.starts()
    try:
        points, first = timed(find, network, starts, limit)
    except OutOfTimeError:
        return f"| {network.name} | {name} | time-out at {limit} s | | | | | | |"
    except Exception as error:  # a peer that fails is a result
        return f"| {network.name} | {name} | fails: {type(error).__name__} | | | | | | |"
    further = first
    for _ in range(REPEATS if first < 5 else 1):
        try:
            _, seconds = timed(find, network, starts, limit)
        except OutOfTimeError:
            break
        further = min(further, seconds)
    cells = [f"{first:.2f} s", f"{1000 * further:.1f} ms", *judged(network, points)]
    return f"| {network.name} | {name} | " + " | ".join(cells) + " |"


def timed(find: Any, network: Network, starts: np.ndarray, limit: int) -> tuple[np.ndarray, float]:
    """Call a finder once, and stop it at the limit."""

    def stop(*_: object) -> None:
        raise OutOfTimeError

    previous = signal.signal(signal.SIGALRM, stop)
    signal.alarm(limit)
    began = time.perf_counter()
    try:
        return find(network, starts), time.perf_counter() - began
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, previous)


def judged(network: Network, points: np.ndarray) -> list[str]:
    """Count and measure points, the same way for every finder."""
    if not len(points):
        return ["0", "0", "0", "0", ""]
    step_map = as_step_map(network.model)
    residual = step_map(points, network.inputs) - points
    jacobian, _ = linearize(step_map, points, network.inputs)
    values, _, _ = spectrum.eigenmodes(jacobian, "discrete")
    stable = int((np.abs(values).max(axis=1) < 1).sum())
    index_sum = int(newton_step.fixed_point_index(jacobian, "discrete").sum())
    true_ones = "unknown"
    if network.truth is not None:
        distance = np.linalg.norm(points[:, None] - network.truth[None], axis=2)
        true_ones = f"{int((distance.min(axis=0) < 1e-2).sum())} of {len(network.truth)}"
    q = 0.5 * np.sum(residual**2, axis=1)
    return [str(len(points)), true_ones, str(stable), str(index_sum), f"{q.max():.0e}"]


if __name__ == "__main__":
    main()
