"""Boxes, certificates and proofs from jaxprs alone: how many, how fast, and whether they hold.

    python -m benchmarks.inclusion boxes         # the users' steps: boxed, whole, violations
    python -m benchmarks.inclusion certificates  # time and radii, GRU and LSTM too
    python -m benchmarks.inclusion proofs        # branch and prune
    python -m benchmarks.inclusion arithmetic    # 100,000 checks against mpmath

Reads the shared networks and steps where they are (``FPF_SHARED``, or the folder beside the
checkout); without them it works on the tests' own.
"""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics import StepMap
from fpf_notebook.dynamics.jaxpr import invariant_box
from fpf_notebook.finder.proof import certify, prove
from tests.dynamics.jaxpr.arithmetic_against_mpmath import check
from tests.dynamics.jaxpr.sampling import step_map_of, violations
from tests.dynamics.jaxpr.user_steps import UserStep, user_steps

SHARED = Path(os.environ.get("FPF_SHARED", Path(__file__).parents[2] / "shared"))
U = np.zeros(2)


def all_steps(n: int) -> dict[str, list[UserStep]]:
    """Return the tests' own steps, and the shared ones where they are present."""
    steps = {"own": user_steps(n)}
    folder = SHARED / "prototypes"
    if (folder / "steps_as_users_write_them.py").exists():
        sys.path.insert(0, str(folder))
        import steps_as_users_write_them as given

        with jax.enable_x64(True):
            made = given.make(n)
        steps["shared"] = [
            UserStep(name, lambda h, u, f=f: f(h), size, expected, flow)
            for name, (f, size, flow, expected) in made.items()
        ]
    return steps


def boxes(n_boxes: int) -> bool:
    """Count boxes, and sampled boxes that are left."""
    good = True
    for kind, steps in all_steps(8).items():
        boxed, whole, wrong, sampled, slow = 0, 0, 0, 0, ""
        longest = 0.0
        for case in steps:
            step_map = step_map_of(case)
            began = time.perf_counter()
            box = invariant_box(step_map, U)
            took = time.perf_counter() - began
            if took > longest:
                longest, slow = took, case.name
            boxed += box.low is not None
            whole += bool(box.whole)
            each = -(-n_boxes // len(steps))
            left, _ = violations(step_map, each)
            wrong, sampled = wrong + left, sampled + each
            state = "none" if box.low is None else "whole" if box.whole else "boxed"
            print(f"  {case.name:48s} {state:6s} {took:6.3f} s  {box.reason[:70]}")
        print(
            f"{kind}: {boxed} of {len(steps)} boxed, {whole} whole; {wrong} of {sampled} sampled "
            f"boxes left; longest {longest:.2f} s ({slow})"
        )
        good &= wrong == 0
    return good


def quick_boxes(n: int = 128) -> None:
    """Time what happens when a model without a box of its own is read."""
    for case in user_steps(n):
        step_map = step_map_of(case)
        invariant_box(step_map, U, quick=True)
        began = time.process_time()
        box = invariant_box(step_map, U, quick=True)
        print(
            f"  {case.name:48s} {1e3 * (time.process_time() - began):6.0f} ms of CPU "
            f"{'none' if box.low is None else 'boxed'}"
        )


def network(kind: str, arrays: dict[str, np.ndarray]) -> StepMap:
    """Return a step map of the shared networks' weights."""
    w_ih, w_hh = arrays["W_ih"], arrays["W_hh"]

    def step(p, h, u):
        if kind == "tanh":
            return jnp.tanh(p["W_hh"] @ h + p["W_ih"] @ u + p["b"])
        a = p["W_ih"] @ u + p["b_ih"]
        if kind == "gru":
            n = len(h)
            b = p["W_hh"] @ h + p["b_hh"]
            r, z = jax.nn.sigmoid(a[:n] + b[:n]), jax.nn.sigmoid(a[n : 2 * n] + b[n : 2 * n])
            return (1 - z) * jnp.tanh(a[2 * n :] + r * b[2 * n :]) + z * h
        m = len(h) // 2
        i, f, g, o = jnp.split(a + p["W_hh"] @ h[:m] + p["b_hh"], 4)
        c = jax.nn.sigmoid(f) * h[m:] + jax.nn.sigmoid(i) * jnp.tanh(g)
        return jnp.concatenate([jax.nn.sigmoid(o) * jnp.tanh(c), c])

    names = [name for name in ("W_ih", "W_hh", "b", "b_ih", "b_hh") if name in arrays]
    n = w_hh.shape[1] * (2 if kind == "lstm" else 1)
    params = {name: np.asarray(arrays[name], float) for name in names}
    return StepMap(step=step, params=params, n_states=n, n_inputs=w_ih.shape[1])


def polished(step_map: StepMap, x: np.ndarray, u: np.ndarray, turns: int = 30) -> np.ndarray:
    """Polish points by Newton's method."""
    with jax.enable_x64(True):
        f = jax.jit(lambda h: step_map.step(step_map.params, h, u))
        jacobian = jax.jit(jax.jacfwd(f))
        for _ in range(turns):
            residual = np.asarray(f(x)) - x
            x = x + np.linalg.solve(np.eye(len(x)) - np.asarray(jacobian(x)), residual)
    return x


def certificates() -> None:
    """Certify the shared points, and one of each kind of cell with 128 units."""
    nets = []
    for file in sorted((SHARED / "peers" / "nets").glob("*.npz")):
        arrays = dict(np.load(file))
        u = arrays["u_star"][0].astype(float)
        nets.append((file.stem, network(str(arrays["kind"]), arrays), arrays["xstar_true"], u))
    sys.path.insert(0, str(SHARED / "cases"))
    try:
        import networks
    except ImportError:
        networks = None
    for file in sorted((SHARED / "nets_hard").glob("*.npz")) if networks else ():
        units, gain = file.stem.removeprefix("tanh").split("_g")
        w, b = networks.random_net(int(units), int(gain) / 10, int(units))
        arrays = {"W_hh": w, "b": b, "W_ih": np.zeros((len(b), 1))}
        points = np.load(file)["xstar_certified"]
        nets.append((file.stem, network("tanh", arrays), points, np.zeros(1)))
    rng = np.random.default_rng(0)
    for kind, rows in (("tanh", 1), ("gru", 3), ("lstm", 4)):
        arrays = {"W_hh": rng.normal(size=(rows * 128, 128)) / np.sqrt(128)}
        arrays["W_ih"] = np.zeros((rows * 128, 1))
        names = ("b",) if kind == "tanh" else ("b_ih", "b_hh")
        arrays |= {name: 0.3 * rng.normal(size=rows * 128) for name in names}
        step_map = network(kind, arrays)
        x = polished(step_map, np.zeros(step_map.n_states), np.zeros(1))
        nets.append((f"random {kind}, 128 units", step_map, x[None], np.zeros(1)))
    for name, step_map, points, u in nets:
        points = points[:40]
        certify(step_map, points[:1], u)
        began = time.process_time()
        found = certify(step_map, points, u)
        took = (time.process_time() - began) / len(points)
        print(
            f"  {name:24s} {found.certified.sum()} of {len(points)} certified, "
            f"{1e3 * took:6.1f} ms of CPU a point, "
            f"enclosure {np.nanmax(found.enclosure_radius):.1e}, "
            f"uniqueness {np.nanmedian(found.uniqueness_radius):.1e}"
        )


def proofs() -> None:
    """Prove small networks complete."""
    cases = []
    for name in ("ff2_tanh3", "ff3_tanh4", "ff4_tanh6"):
        file = SHARED / "peers" / "nets" / f"{name}.npz"
        if file.exists():
            arrays = dict(np.load(file))
            cases.append((name, network("tanh", arrays), arrays["u_star"][0].astype(float)))
    rng = np.random.default_rng(0)

    def plain(w: np.ndarray, b: np.ndarray) -> StepMap:
        return network("tanh", {"W_hh": w, "b": b, "W_ih": np.zeros((len(b), 1))})

    blocks = np.kron(np.diag(np.linspace(1.4, 2.0, 5)), np.ones((3, 3)) / 3)
    cases.append(("blocks 5 x 3", plain(blocks, np.zeros(15)), np.zeros(1)))
    noisy = blocks + 0.02 * rng.normal(size=(15, 15)) / np.sqrt(15)
    cases.append(("noisy blocks 5 x 3", plain(noisy, np.zeros(15)), np.zeros(1)))
    for n, gain in ((8, 1.5), (8, 2.0), (8, 3.0), (10, 2.0)):
        w = gain * rng.normal(size=(n, n)) / np.sqrt(n)
        cases.append((f"{n} random units, gain {gain:g}", plain(w, np.zeros(n)), np.zeros(1)))
    for n in (2, 4):
        cases.append((f"steep {n}", plain(1e5 * np.eye(n), np.full(n, -9e4)), np.zeros(1)))
    for name, step_map, u in cases:
        prove(step_map, u, max_seconds=0.2)
        began = time.process_time()
        proof = prove(step_map, u, max_seconds=60)
        print(
            f"  {name:28s} {len(proof.points)} points, "
            f"{'complete' if proof.complete else 'open'}{', whole' if proof.whole else ''}: "
            f"{proof.seconds:.2f} s ({time.process_time() - began:.2f} s of CPU), "
            f"{proof.n_boxes} boxes; {proof.reason}"
        )


def main() -> int:
    """Run one of the benchmarks, or all."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", nargs="*", default=["boxes", "quick", "certificates", "proofs"])
    parser.add_argument("--sampled", type=int, default=10_000, help="boxes to sample")
    parser.add_argument("--checks", type=int, default=100_000)
    given = parser.parse_args()
    good = True
    for what in given.what:
        print(what)
        if what == "boxes":
            good &= boxes(given.sampled)
        elif what == "quick":
            quick_boxes()
        elif what == "certificates":
            certificates()
        elif what == "proofs":
            proofs()
        elif what == "arithmetic":
            number, outside = check(given.checks)
            print(f"  {number} checks, {len(outside)} outside")
            good &= not outside
        else:
            parser.error(f"{what!r} is none of boxes, quick, certificates, proofs, arithmetic")
    return 0 if good else 1


if __name__ == "__main__":
    raise SystemExit(main())
