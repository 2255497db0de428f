"""Search beside six busy processes, with BLAS threads as they come and with one by the environment.

    python -m benchmarks.threads

On a loaded machine BLAS threads that spin for each other take many times as long as one thread. The
search limits them by itself, so that both rows should take about as long.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time

import numpy as np

N_BUSY = 6
TURNS = 3
_BUSY = "while True: pass"


def main() -> None:
    """Measure both in alternation; or, as a child, one of them."""
    if sys.argv[1:] == ["child"]:
        child()
        return
    plain = {k: v for k, v in os.environ.items() if k != "OPENBLAS_NUM_THREADS"}
    settings = {"as they come": plain, "one": plain | {"OPENBLAS_NUM_THREADS": "1"}}
    command = [sys.executable, "-m", "benchmarks.threads", "child"]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    children = {
        name: subprocess.Popen(command, env=environment, **pipes)  # type: ignore[call-overload]
        for name, environment in settings.items()
    }
    for process in children.values():
        process.stdout.readline()  # it has compiled
    busy = [subprocess.Popen([sys.executable, "-c", _BUSY]) for _ in range(N_BUSY)]
    rows: dict[str, list[list[float]]] = {name: [] for name in settings}
    try:
        for _ in range(TURNS):
            for name, process in children.items():
                process.stdin.write("\n")
                process.stdin.flush()
                rows[name].append([float(word) for word in process.stdout.readline().split()])
    finally:
        for process in (*busy, *children.values()):
            process.kill()
    median = {name: np.median(times, axis=0) for name, times in rows.items()}
    print("| BLAS threads | wall time | CPU time |\n| --- | ---: | ---: |")
    for name, (wall, cpu) in median.items():
        print(f"| {name} | {wall:.2f} s | {cpu:.2f} s |")
    wall, cpu = median["as they come"] / median["one"]
    print(f"\nratio: {wall:.2f} in wall time, {cpu:.2f} in CPU time")


def child() -> None:
    """Search 128 units once for each line of input; say wall and CPU time of each search."""
    import jax.numpy as jnp

    from fpf_notebook import FixedPointFinder, SilentProgress

    rng = np.random.default_rng(0)
    weights = 2.0 * rng.normal(size=(128, 128)) / np.sqrt(128)
    finder = FixedPointFinder(
        lambda h: jnp.tanh(jnp.asarray(weights) @ h),
        n_states=128, n_inputs=0, batched=False, progress=SilentProgress(),
    )  # fmt: skip
    starts = rng.uniform(-1, 1, (16, 128))
    finder.find_fixed_points(initial_states=starts)
    print("ready", flush=True)
    for _ in sys.stdin:
        wall, cpu = time.perf_counter(), time.process_time()
        finder.find_fixed_points(initial_states=starts)
        print(time.perf_counter() - wall, time.process_time() - cpu, flush=True)


if __name__ == "__main__":
    main()
