"""The hard networks through the finder itself, as a user calls it.

    python -m benchmarks.through_finder [--seeds 1] [--clock] [name ...]

Each row: the points found within the time that is asked for, of those known, and the grade.
Seconds are those of the processor, summed over its cores, so that a busy machine gives nearly the
same figures as an idle one; with ``--clock`` those of the clock, which say something on an idle
machine only. Compilation is in them. "last new": when the last point was found, to within
one round of the search.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Iterator

import numpy as np

from benchmarks.completeness import Case, cases
from fpf_notebook import FixedPointFinder
from fpf_notebook.finder.progress import CancelToken, SilentProgress

Clock = Callable[[], float]

SECONDS = {
    "ff2_tanh3": 0.3, "ff3_tanh4": 0.3, "ff4_tanh6": 1.0, "context": 15.0,
    "noisy blocks 6": 15.0, "random 64": 60.0, "random 128, gain 2": 20.0,
    "random 512": 120.0,
}  # fmt: skip
"""Processor seconds that a network may take, by the beginning of its name."""
OTHERWISE = 20.0


class ProcessorTime(CancelToken):
    """Stops a search after some seconds of the processor, or of another clock."""

    def __init__(self, seconds: float, now: Clock = time.process_time) -> None:
        super().__init__()
        self._now, self.end = now, now() + seconds

    @property
    def cancelled(self) -> bool:
        """Whether the time is over."""
        return self._now() >= self.end


class Rounds(SilentProgress):
    """Remembers when each round ended."""

    def __init__(self, now: Clock = time.process_time) -> None:
        self._now, self.began = now, now()
        self.last_new = 0.0

    def log(self, message: str, *, detail: bool = False) -> None:
        """Note the time of a round that brought something."""
        if message.startswith("round") and " 0 new" not in message:
            self.last_new = self._now() - self.began


def rows(names: list[str], seeds: int, now: Clock = time.process_time) -> Iterator[str]:
    """Yield a row of the table for each network and seed."""
    for case in cases(names):
        limit = next((s for name, s in SECONDS.items() if case.name.startswith(name)), OTHERWISE)
        for seed in range(seeds):
            yield row(case, limit, seed, now)


def row(case: Case, limit: float, seed: int, now: Clock = time.process_time) -> str:
    """Search one network, and return its row.

    Networks that are to be proved within parts of a second are searched once before, so that all
    is compiled.
    """
    finder = FixedPointFinder(case.step_map, progress=SilentProgress(), random_seed=seed)
    rng = np.random.default_rng(seed)
    starts = case.starts[rng.permutation(len(case.starts))[:256]]
    how = {"inputs": case.u[None], "exhaustive": True, "max_rounds": 1000}
    if limit <= 1.0:
        finder.find_fixed_points(initial_states=starts, **how)
    progress = Rounds(now)
    began = now()
    found, _ = finder.find_fixed_points(
        initial_states=starts, **how, progress=progress, cancel=ProcessorTime(limit, now)
    )
    seconds = now() - began
    report = found.completeness
    missed = ""
    if case.truth is not None and len(found):
        gap = np.linalg.norm(found.xstar[None] - case.truth[:, None], axis=2).min(axis=1)
        missed = f", {int((gap > 1e-5).sum())} of the known ones missing"
    why = "" if report.grade != "open" else ": " + "; ".join(report.open_because)
    of = f"{len(found)} of {'' if case.exact else '≥ '}{case.known}{missed}"
    return (
        f"| {case.name} | {seed} | {of} "
        f"| {limit:g} | {seconds:.1f} | {progress.last_new:.1f} | {report.grade}{why} |"
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="parts of the names of networks; default all")
    parser.add_argument("--seeds", type=int, default=1)
    parser.add_argument("--clock", action="store_true", help="not the processor's seconds")
    arguments = parser.parse_args()
    now = time.perf_counter if arguments.clock else time.process_time
    print("| network | seed | points | limit, s | seconds | last new, s | grade |")
    print("| --- | ---: | --- | ---: | ---: | ---: | --- |", flush=True)
    for line in rows(arguments.names, arguments.seeds, now):
        print(line, flush=True)


if __name__ == "__main__":
    main()
