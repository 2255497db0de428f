"""Ctrl-C at random times: ``python -m benchmarks.reliability interrupts [--count 200]``.

Each piece of work runs in a process of its own, which is sent a real SIGINT at a random time of its
run. What comes of it is one of

``whole``
    the result that it has without Ctrl-C, since the signal came at the end;
``so far``
    a result that says that it was interrupted;
``raised``
    KeyboardInterrupt, with nothing lost;
``swallowed``
    the result that it has without Ctrl-C, although the signal came in the middle: Python gave it to
    a callback of the garbage collector, which cannot raise. A second Ctrl-C ends the work;
``fault``
    anything else: another exception, a wrong result, a next call that fails or gives another
    result, a file that is neither the old nor the new one, anything global that has changed.

The times follow from the seed, the name and the number. Results are kept in ``build/reliability``,
one line a trial: started again, it goes on.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from types import FrameType

import numpy as np

from benchmarks.reliability.world import changes, world

FOLDER = Path("build") / "reliability"
OUTCOMES = ("whole", "so far", "raised", "swallowed", "fault")
NAMES = (
    "newton", "joint", "sequential", "float32", "period 2", "exhaustive", "proof", "tracking",
    "training", "sweep", "save nc", "save npz", "thread", "explorer",
)  # fmt: skip


class Seen:
    """When the signal came; the exception is raised as Python's own handler does."""

    def __init__(self) -> None:
        self.at: float | None = None

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Take note, and raise KeyboardInterrupt."""
        self.at = time.perf_counter()
        signal.default_int_handler(number, frame)


def _work(name: str, first: int, count: int) -> None:
    """Run a piece of work again and again, and say what came of it; be interrupted meanwhile."""
    from benchmarks.reliability.pieces import PIECES

    seen = Seen()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with PIECES[name]() as piece:
        for _ in range(2):  # compiles, what is compiled at a second call as well
            reference = piece.run()
        began = time.perf_counter()
        reference = piece.run()
        seconds = time.perf_counter() - began
        print(json.dumps({"seconds": seconds}), flush=True)
        for number in range(first, count):
            signal.signal(signal.SIGINT, seen)
            before = world()
            seen.at, result, problem, ended = None, None, "", None
            try:
                print(json.dumps({"begun": number}), flush=True)
                result = piece.run()
                ended = time.perf_counter()
                while seen.at is None:  # the signal is still to come
                    time.sleep(0.001)
            except KeyboardInterrupt:
                pass
            except BaseException as error:
                problem = f"{type(error).__name__}: {error}"
            # It may also come between two lines here: once it has, nothing more comes.
            ended = ended or time.perf_counter()
            outcome = "raised" if result is None else piece.kind_of(result, reference)
            if outcome == "whole" and seen.at is not None and seen.at < ended - 0.05:
                outcome = "swallowed"
            if outcome not in OUTCOMES:
                problem = problem or outcome
            problem = problem or piece.lost(result, reference)
            different = changes(before)
            if different:
                problem = problem or f"changed: {', '.join(different)}"
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            if not problem:
                try:
                    if piece.kind_of(piece.run(), reference) != "whole":
                        problem = "the next call gives another result"
                except Exception as error:
                    problem = f"the next call raises {type(error).__name__}: {error}"
            line = {"number": number, "outcome": "fault" if problem else outcome,
                    "problem": problem, "at": (seen.at or 0.0) - began}  # fmt: skip
            print(json.dumps(line), flush=True)


def measure(name: str, count: int, seed: int) -> list[dict[str, object]]:
    """Interrupt a piece of work `count` times; return what came of each."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    kept = FOLDER / f"interrupts-{name.replace(' ', '-')}-{seed}.jsonl"
    lines = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    while len(lines) < count:
        first = len(lines)
        command = [sys.executable, "-m", "benchmarks.reliability", "interrupts", "--work", name]
        command += ["--first", str(first), "--count", str(count)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              text=True) as worker:  # fmt: skip
            try:
                assert worker.stdout is not None
                seconds = float(json.loads(worker.stdout.readline() or '{"seconds": 0}')["seconds"])
                for text in worker.stdout:
                    entry = json.loads(text)
                    if "begun" in entry:
                        seeds = [seed, zlib.crc32(name.encode()), entry["begun"]]
                        delay = np.random.default_rng(seeds).uniform(0, 1.05 * seconds)
                        time.sleep(delay)
                        worker.send_signal(signal.SIGINT)
                        continue
                    lines.append(entry)
                    with kept.open("a") as file:
                        file.write(json.dumps(entry) + "\n")
            finally:
                if worker.poll() is None and len(lines) < count:
                    worker.kill()
            assert worker.stderr is not None
            problem = worker.stderr.read()[-500:]
        if len(lines) < count:
            entry = {"number": len(lines), "outcome": "fault",
                     "problem": f"the process ended ({worker.returncode}): {problem}"}  # fmt: skip
            if len(lines) == first:  # it did not even begin
                raise RuntimeError(f"{name}: {entry['problem']}")
            lines.append(entry)
            with kept.open("a") as file:
                file.write(json.dumps(entry) + "\n")
    return lines[:count]


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--count", type=int, default=200, help="interruptions of each")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", nargs="+", choices=NAMES, default=list(NAMES))
    parser.add_argument("--work", choices=NAMES, help=argparse.SUPPRESS)
    parser.add_argument("--first", type=int, default=0, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.work:
        _work(given.work, given.first, given.count)
        return 0
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "2")  # so that one that stays at 1 shows
    print(f"| work | interrupted | {' | '.join(OUTCOMES)} |")
    print("| --- " + "| ---: " * (1 + len(OUTCOMES)) + "|")
    n_faults = 0
    for name in given.only:
        lines = measure(name, given.count, given.seed)
        counts = Counter(str(line["outcome"]) for line in lines)
        n_faults += counts["fault"]
        print(f"| {name} | {len(lines)} | {' | '.join(str(counts[k]) for k in OUTCOMES)} |",
              flush=True)  # fmt: skip
        for line in lines:
            if line["outcome"] == "fault":
                print(f"{name} {line['number']}: {line['problem']}", file=sys.stderr, flush=True)
    return int(n_faults > 0)
