"""The same results everywhere: ``python -m benchmarks.reliability sameness [--python OTHER …]``.

Every method searches a few networks, in processes of their own: once more, with one core, with two,
with other numbers of BLAS threads, and with each further interpreter that is given (another Python
with other versions of JAX and NumPy). Prints the largest difference from the first run: of the
points, relative to 1 + |x|, and of eigenvalues, where the same points were found.

Promised are no difference at all in the same environment with the same number of cores, and 1e-11
otherwise. Exit status 1 if that is not so.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

BETWEEN = 1e-11


def results() -> dict[str, np.ndarray]:
    """Search, and return points and eigenvalues by name."""
    import jax.numpy as jnp

    from fpf_notebook import FixedPointFinder, SilentProgress, as_step_map, load_pretrained
    from fpf_notebook.finder import certify, prove
    from fpf_notebook.models import GRU, VanillaRNN

    rng = np.random.default_rng(0)
    coupled = 1.6 * np.eye(3) + 0.2 * rng.normal(size=(3, 3))
    three = as_step_map(lambda h, u: jnp.tanh(h @ jnp.asarray(coupled)), n_states=3, n_inputs=1)
    nets = {
        "three units": (three, {}),
        "three units, exhaustive": (three, {"exhaustive": True}),
        "three units, period 2": (three, {"period": 2}),
        "flow": (
            as_step_map(lambda h, u: jnp.tanh(h @ jnp.asarray(coupled)) - h, n_states=3,
                        n_inputs=1, time="continuous"),
            {},
        ),
        "GRU-16": (GRU(3, 16, 1, seed=1), {}),
        "tanh-48": (VanillaRNN(3, 48, 1, seed=1), {}),
        "gru100-3bit": (load_pretrained("gru100-3bit"), {}),
    }  # fmt: skip
    found: dict[str, np.ndarray] = {}

    def keep(name: str, points: object) -> None:
        x = np.asarray(points.xstar)  # type: ignore[attr-defined]
        order = np.lexsort(x.round(6).T)
        found[f"{name}: points"] = x[order]
        if getattr(points, "eigval_J_xstar", None) is not None:
            values = np.asarray(points.eigval_J_xstar)[order]  # type: ignore[attr-defined]
            found[f"{name}: eigenvalues"] = np.sort(np.abs(values), axis=1)

    for name, (net, options) in nets.items():
        finder = FixedPointFinder(net)
        n = finder.step_map(3 if name.startswith(("three", "flow")) else None).n_states
        states = rng.uniform(-1, 1, (64, n))
        keep(name, finder.find_fixed_points(
            initial_states=states, progress=SilentProgress(), **options)[0])  # fmt: skip
    for method in ("joint", "sequential"):
        finder = FixedPointFinder(three, method=method, max_iters=200, lr_init=0.1)
        states = rng.uniform(-1, 1, (16, 3))
        keep(method, finder.find_fixed_points(initial_states=states, progress=SilentProgress())[0])
    proof = prove(three, np.zeros(1), max_boxes=3000, max_seconds=600)
    found["proof: points"] = proof.points[np.lexsort(proof.points.round(6).T)]
    found["certified radii"] = certify(three, found["proof: points"], np.zeros(1)).enclosure_radius
    return found


def _run(python: str, cores: int | None, threads: int) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "results.npz"
        command = [python, "-m", "benchmarks.reliability", "sameness", "--write", str(path)]
        if cores is not None:
            own = sorted(os.sched_getaffinity(0))[:cores]
            command = ["taskset", "-c", ",".join(map(str, own)), *command]
        env = {**os.environ, "OPENBLAS_NUM_THREADS": str(threads)}
        subprocess.run(command, check=True, env=env)
        with np.load(path) as file:
            return {name: file[name] for name in file.files}


def difference(one: np.ndarray, other: np.ndarray) -> float:
    """Return the largest difference relative to 1 + |x|; infinity for other shapes."""
    if one.shape != other.shape:
        return float("inf")
    if not one.size:
        return 0.0
    return float(np.max(np.abs(one - other) / (1 + np.abs(one))))


def main(argv: Sequence[str] | None = None) -> int:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", nargs="*", default=[], help="further interpreters")
    parser.add_argument("--write", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args(argv)
    if given.write is not None:
        np.savez(given.write, **results())  # type: ignore[arg-type]
        return 0
    runs = {
        "once more": (sys.executable, None, 2),
        "one core": (sys.executable, 1, 2),
        "two cores": (sys.executable, 2, 2),
        "one BLAS thread": (sys.executable, None, 1),
        "four BLAS threads": (sys.executable, None, 4),
        **{f"interpreter {k + 1}": (python, None, 2) for k, python in enumerate(given.python)},
    }
    first = _run(sys.executable, None, 2)
    print(json.dumps({name: list(values.shape) for name, values in first.items()}), flush=True)
    print("| run | arrays | equal to the bit | largest difference | in | as promised |")
    print("| --- | ---: | ---: | ---: | --- | --- |")
    good = True
    for name, run in runs.items():
        found = _run(*run)
        gaps = {key: difference(first[key], found[key]) for key in first}
        same = sum(np.array_equal(first[key], found[key]) for key in first)
        worst = max(gaps, key=lambda key: gaps[key])
        elsewhere = name.startswith("inter") or name == "one core"
        promised = gaps[worst] <= BETWEEN if elsewhere else same == len(first)
        good &= promised
        print(f"| {name} | {len(first)} | {same} | {gaps[worst]:.1e} | "
              f"{worst if gaps[worst] else '–'} | {'yes' if promised else 'no'} |",
              flush=True)  # fmt: skip
    return int(not good)
