"""Search networks of 64 to 1,024 units, here and in an older checkout, from the same starts.

    python -m benchmarks.larger [CASE …] [--seeds 5] [--first 0] [--beside FOLDER]

One line for each network: CPU time of a search that is compiled already, distinct points, and how
many of these are true (three exact Newton steps from there end nearby at a residual below 1e-11).
``--beside`` names a checkout of another commit; each network is then searched there too, in the
same sitting, and the last column is its CPU time over ours.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

_BESIDE = Path(__file__).resolve().parent.parent.parent / "shared"
PUBLISHED = Path(os.environ.get("FPF_SHARED", _BESIDE)) / "published" / "jslds"

CASES = {
    "tanh64": 64, "tanh100": 64, "tanh128": 64, "tanh256": 64, "esn300": 64, "tanh512": 32,
    "gru100": 64, "gru128": 64, "leaky200": 64, "lowrank256": 64, "context128": 64,
    "tanh1024": 16,
}  # fmt: skip
"""Networks, each with its number of starts."""

Step = Callable[[Any, Any], Any]


def network(case: str, seed: int) -> tuple[Step, int, np.ndarray, np.ndarray]:
    """Return step(h, u), number of units, starts and inputs."""
    import jax
    import jax.numpy as jnp

    kind = case.rstrip("0123456789")
    n, n_starts = int(case[len(kind) :]), CASES[case]
    rng = np.random.default_rng(1000 + seed)
    none = np.zeros((1, 0))

    def gauss(gain: float) -> Any:
        return jnp.asarray(gain * rng.normal(size=(n, n)) / np.sqrt(n))

    starts = rng.uniform(-1, 1, (n_starts, n))
    if kind == "tanh":
        w = gauss(1.5)
        return lambda h, u: jnp.tanh(w @ h), n, starts, none
    if kind == "leaky":
        w, b = gauss(2.0), jnp.asarray(0.3 * rng.normal(size=n))
        return lambda h, u: 0.8 * h + 0.2 * jnp.tanh(w @ h + b), n, starts, none
    if kind == "lowrank":
        left, right = (jnp.asarray(rng.normal(size=(n, 8))) for _ in range(2))
        w = gauss(0.8)
        return lambda h, u: jnp.tanh(left @ (right.T @ h) * 3 / n + w @ h), n, starts, none
    if kind == "esn":
        sparse = rng.normal(size=(n, n)) * (rng.random((n, n)) < 0.1)
        w = jnp.asarray(sparse * 1.3 / np.abs(np.linalg.eigvals(sparse)).max())
        return lambda h, u: 0.7 * h + 0.3 * jnp.tanh(w @ h), n, starts, none
    if kind == "gru":
        wz, wr, wh = gauss(1.5), gauss(1.5), gauss(2.2)
        bz, br = (jnp.asarray(rng.normal(size=n) + 1) for _ in range(2))

        def gated(h: Any, u: Any) -> Any:
            z, r = jax.nn.sigmoid(wz @ h + bz), jax.nn.sigmoid(wr @ h + br)
            return z * h + (1 - z) * jnp.tanh(wh @ (r * h))

        return gated, n, starts, none
    return _context(n_starts, rng)


def _context(n_starts: int, rng: np.random.Generator) -> tuple[Step, int, np.ndarray, np.ndarray]:
    """Return the published network of 128 units, from states of noisy trials."""
    import jax.numpy as jnp

    path = PUBLISHED / "trained_params_context_int_no_JSLDS.npz"
    stored = np.load(path, allow_pickle=True)["arr_0"].item()["rnn"]
    p = {name: np.asarray(stored[name], float) for name in ("wR", "wI", "bR")}
    u = np.zeros((n_starts, p["wI"].shape[1]))
    u[: n_starts // 2, -2] = u[n_starts // 2 :, -1] = 1
    h = np.tile(np.asarray(stored["h0"], float).reshape(1, -1), (n_starts, 1))
    starts, end = h.copy(), rng.integers(5, 60, n_starts)
    for t in range(60):
        now = u.copy()
        now[:, :2] = 0.2 * rng.normal(size=(n_starts, 1)) + 0.5 * rng.normal(size=(n_starts, 2))
        h = np.tanh(h @ p["wR"].T + now @ p["wI"].T + p["bR"])
        starts[end == t] = h[end == t]
    w, wi, b = (jnp.asarray(p[name]) for name in ("wR", "wI", "bR"))
    starts = starts + 0.05 * rng.normal(size=starts.shape)
    return lambda h, u: jnp.tanh(w @ h + wi @ u + b), 128, starts, u


def measure(case: str, seed: int) -> dict[str, float]:
    """Search once compiled; count the points."""
    import jax

    from fpf_notebook import FixedPointFinder, SilentProgress

    with jax.enable_x64(True):
        step, n, starts, inputs = network(case, seed)
    n_inputs = inputs.shape[1]
    model = step if n_inputs else lambda h: step(h, None)
    kind = {"convention": "state_input"} if n_inputs else {}
    options = {"dense_limit": 4096, "progress": SilentProgress()}

    def finder_of(max_iters: int) -> FixedPointFinder:
        return FixedPointFinder(
            model, n_states=n, n_inputs=n_inputs, batched=False, max_iters=max_iters,
            **kind, **options,
        )  # fmt: skip

    finder = finder_of(5000)
    step_map = finder.step_map(n, n_inputs)
    # Compiled by a whole search, or where that takes minutes by two iterations of all lanes.
    finder_of(5000 if n < 400 else 2).search(starts, inputs, step_map=step_map)
    cpu, wall = time.process_time(), time.perf_counter()
    found = finder.search(starts, inputs, step_map=step_map)
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    lanes = found.lanes
    fixed = np.flatnonzero((lanes.q <= 1e-12) & (lanes.step <= 1e-3))
    points: list[int] = []
    for i in fixed[np.argsort(lanes.q[fixed])]:
        place = np.concatenate([lanes.x[i], found.inputs[i]])
        if all(
            np.linalg.norm(place - np.concatenate([lanes.x[k], found.inputs[k]])) > 1e-3
            for k in points
        ):
            points.append(i)

    @jax.jit
    def linear(x: Any, v: Any) -> Any:
        return step(x, v) - x, jax.jacfwd(lambda s: step(s, v) - s)(x)

    def true(i: int) -> bool:
        x = lanes.x[i]
        for _ in range(3):
            r, a = (np.asarray(part) for part in linear(x, found.inputs[i]))
            x = x - np.linalg.lstsq(a, r, rcond=1e-13)[0]
        with_r = np.linalg.norm(np.asarray(linear(x, found.inputs[i])[0]))
        return bool(with_r < 1e-11 and np.linalg.norm(x - lanes.x[i]) < 1e-5)

    with jax.enable_x64(True):
        n_true = sum(map(true, points))
    return {
        "cpu": cpu, "wall": wall, "lanes": len(fixed), "points": len(points), "true": n_true,
        "iterations": float(lanes.n_iters.mean()),
    }  # fmt: skip


def main() -> None:
    """Print the table; or, as a child, measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", nargs="*")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--first", type=int, default=0, help="first seed")
    parser.add_argument("--beside", help="checkout of another commit")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.seeds)
    if given.child:
        for case in given.cases:
            for seed in seeds:
                print(json.dumps(measure(case, seed)), flush=True)
        return
    here = Path(__file__).resolve().parent.parent
    trees = {"here": here, **({"there": Path(given.beside).resolve()} if given.beside else {})}
    print(
        "| network, starts | seeds | CPU time | true points | lanes | CPU there | true there "
        "| ratio |"
    )
    print("| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |", flush=True)
    for case in given.cases or CASES:
        rows = {}
        for name, tree in trees.items():
            command = [
                sys.executable, str(Path(__file__).resolve()), "--child", case,
                "--seeds", str(given.seeds), "--first", str(given.first),
            ]  # fmt: skip
            environment = os.environ | {"PYTHONPATH": str(tree), "OPENBLAS_NUM_THREADS": "1"}
            done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, check=True)
            rows[name] = [json.loads(line) for line in done.stdout.splitlines()]
        total = {
            name: {key: sum(row[key] for row in each) for key in each[0]}
            for name, each in rows.items()
        }
        ours, theirs = total["here"], total.get("there")
        there = ("", "", "")
        if theirs:
            there = (
                f"{theirs['cpu']:.2f} s",
                f"{theirs['true']}",
                f"{theirs['cpu'] / ours['cpu']:.1f}",
            )
        print(
            f"| {case}, {CASES[case]} | {seeds.start} to {seeds.stop - 1} | {ours['cpu']:.2f} s "
            f"| {ours['true']} | {ours['lanes']} | {' | '.join(there)} |",
            flush=True,
        )


if __name__ == "__main__":
    main()
