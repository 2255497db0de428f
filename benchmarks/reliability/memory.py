"""Whether memory stays flat: ``python -m benchmarks.reliability memory [--share 1.0]``.

1,000 searches with changing weights, 2,000 updates of an explorer, 200 widgets made and deleted,
1,000 searches with changing shapes: the resident memory in MB after each tenth of the work, and the
numbers of compiled functions, of threads and of widgets. Each runs in a process of its own. Flat
means that the second half adds less than 5 % (or 20 MB).

Compiled functions are kept by `dynamics.compile_cache`, of which the least recently used of 256 is
forgotten; what was read of a kind of network by `dynamics.shared_steps`, 64 of them.
"""

from __future__ import annotations

import argparse
import gc
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

WORKS = {"weights": 1000, "updates": 2000, "widgets": 200, "shapes": 1000}
FOLDER = Path("build") / "reliability"


def resident() -> float:
    """Return the resident memory of this process in MB."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _weights() -> Callable[[int], None]:
    from fpf_notebook import FixedPointFinder, SilentProgress
    from fpf_notebook.models import GRU

    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (32, 8))

    def once(k: int) -> None:
        model = GRU(2, 8, 1, seed=k)
        FixedPointFinder(model, n_runs=0, do_follow_curves=False).find_fixed_points(
            initial_states=states, progress=SilentProgress()
        )

    return once


def _shapes() -> Callable[[int], None]:
    from fpf_notebook import FixedPointFinder, SilentProgress
    from fpf_notebook.models import VanillaRNN

    rng = np.random.default_rng(0)

    def once(k: int) -> None:
        n = 2 + k % 43  # with the number of starts, 301 different calls
        model = VanillaRNN(1, n, 1, seed=k)
        FixedPointFinder(
            model, n_runs=0, do_follow_curves=False, do_find_manifolds=False, max_iters=20
        ).find_fixed_points(
            initial_states=rng.uniform(-1, 1, (1 + k % 7, n)), progress=SilentProgress()
        )

    return once


def _updates() -> Callable[[int], None]:
    import jax.numpy as jnp

    from fpf_notebook.widgets import FixedPointExplorer

    rng = np.random.default_rng(0)
    explorer = FixedPointExplorer(
        lambda h, u: jnp.tanh(2 * h + u), rng.uniform(-1, 1, (4, 8, 2)), np.zeros(2), n_inits=64
    ).wait(120)

    def once(k: int) -> None:
        explorer.input = (0.3 * np.sin(k / 7), 0.3 * np.cos(k / 11))
        explorer.wait(60)

    return once


def _widgets() -> Callable[[int], None]:
    import jax.numpy as jnp

    from fpf_notebook.widgets import FixedPointExplorer, JacobianInspector, TrainingMonitor

    rng = np.random.default_rng(0)
    states = rng.uniform(-1, 1, (4, 8, 2))

    def step(h: object, u: object) -> object:
        return jnp.tanh(2 * h + u)  # type: ignore[operator]

    def once(k: int) -> None:
        explorer = FixedPointExplorer(step, states, np.zeros(2), n_inits=32).wait(120)
        inspector = JacobianInspector(explorer).wait(60)
        monitor = TrainingMonitor()
        for widget in (inspector, explorer, monitor):
            widget.close()

    return once


MAKERS = {"weights": _weights, "shapes": _shapes, "updates": _updates, "widgets": _widgets}


def _work(name: str, n: int) -> None:
    from ipywidgets.widgets.widget import _instances

    from fpf_notebook.dynamics import compile_cache

    once = MAKERS[name]()
    for k in range(n):
        once(k)
        if (k + 1) % max(1, n // 10) == 0:
            gc.collect()
            line = {
                "done": k + 1,
                "MB": round(resident(), 1),
                "compiled": len(compile_cache._entries),
                "threads": threading.active_count(),
                "widgets": len(_instances),
            }
            print(json.dumps(line), flush=True)


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--share", type=float, default=1.0, help="of the numbers of calls")
    parser.add_argument("--only", nargs="+", choices=WORKS, default=list(WORKS))
    parser.add_argument("--work", choices=WORKS, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.work:
        _work(given.work, round(WORKS[given.work] * given.share))
        return 0
    FOLDER.mkdir(parents=True, exist_ok=True)
    print("| work | times | MB after each tenth | compiled | threads | widgets | flat |")
    print("| --- | ---: | --- | --- | --- | --- | --- |")
    flat = True
    for name in given.only:
        command = [sys.executable, "-m", "benchmarks.reliability", "memory", "--work", name]
        command += ["--share", str(given.share)]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        (FOLDER / f"memory-{name}.jsonl").write_text(done.stdout)
        lines = [json.loads(line) for line in done.stdout.splitlines()]
        sizes = [line["MB"] for line in lines]
        growth = sizes[-1] - sizes[len(sizes) // 2 - 1]
        good = growth < max(0.05 * sizes[-1], 20)
        flat &= good
        rest = (
            f"{lines[0][key]} to {lines[-1][key]}" for key in ("compiled", "threads", "widgets")
        )
        print(f"| {name} | {lines[-1]['done']} | {', '.join(f'{x:.0f}' for x in sizes)} | "
              f"{' | '.join(rest)} | {'yes' if good else 'no'} |", flush=True)  # fmt: skip
    return int(not flat)
