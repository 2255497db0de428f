"""How often a set of fixed points is called consistent though points are missing.

    python -m benchmarks.calibration run [--nets 25] [--seconds 5] [--truth 20] [--seed 1000]
    python -m benchmarks.calibration table [--seed 1000] [--file path]

Networks of twelve families, drawn anew from the seed and the number of the network: none of them
was used to choose the rule. Each is searched exhaustively by the finder for some seconds, from 256
random starts, without proofs (they would hide what the rule says). Then the truth: where the family
has one, the exact count; else all points of that search, of a second search with other
seeds that goes on after the rule is met for as long as ``--truth`` says, and of the images under
symmetries together, each certified: a lower bound that is much longer looked for.

Results are appended to ``benchmarks/calibration.jsonl`` (or ``--file``) one by one; what is there
is not done again, so that a run can be stopped and taken up at any time. The networks depend on
``--seed`` alone. Seconds are those of the processor; compilation is outside of them, for each
network is searched for one round before, with another seed.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from scipy.stats import beta

from benchmarks.through_finder import ProcessorTime
from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.dynamics import StepMap, as_step_map

FILE = Path(__file__).with_name("calibration.jsonl")
N_STARTS = 256
WARM = 10.0  # seconds for a round at most, compilation included
MANY = 15  # points, from which a network counts as one of those with many


class Net(NamedTuple):
    """A network, its region of starts, and how many points it has, if that is known exactly."""

    step_map: StepMap
    reach: float
    exact: int | None = None


def tanh_net(w: np.ndarray, b: np.ndarray, exact: int | None = None) -> Net:
    """Make tanh(W h + b)."""
    import jax.numpy as jnp

    step_map = as_step_map(
        lambda p, h: jnp.tanh(p["W"] @ h + p["b"]),
        params={"W": w, "b": b},
        n_states=len(b),
        n_inputs=0,
        batched=False,
        invariant_box=(-1.0, 1.0),
    )
    return Net(step_map, 1.0, exact)


def random_tanh(r: np.random.Generator, *, bias: bool = False) -> Net:
    """Draw couplings, gains 1.2 to 4, 16 to 64 units (more gain in smaller ones)."""
    n = int(r.choice([16, 32, 64]))
    gain = r.uniform(1.2, {16: 4.0, 32: 3.0, 64: 2.0}[n])
    b = 0.3 * r.normal(size=n) if bias else np.zeros(n)
    return tanh_net(gain * r.normal(size=(n, n)) / np.sqrt(n), b)


def random_tanh_with_bias(r: np.random.Generator) -> Net:
    """Draw couplings and biases."""
    return random_tanh(r, bias=True)


def hopfield(r: np.random.Generator) -> Net:
    """Store a few patterns."""
    n, m = int(r.choice([16, 32, 64])), int(r.integers(1, 4))
    x = np.sign(r.normal(size=(m, n)))
    w = x.T @ x / n
    np.fill_diagonal(w, 0)
    return tanh_net(r.uniform(1.3, 3) * w, np.zeros(n))


def rank_one(r: np.random.Generator) -> Net:
    """Draw a rank of one, heavy tails: the points are zeros of a function of one number."""
    n = int(r.choice([16, 32]))
    u, v = 2 * r.standard_t(2, size=n), 2 * r.standard_t(2, size=n) / np.sqrt(n)
    b = r.normal(size=n) * r.uniform(0, 4)
    return tanh_net(np.outer(u, v), b, zeros_on_a_line(u, v, b))


def zeros_on_a_line(u: np.ndarray, v: np.ndarray, b: np.ndarray) -> int:
    """Count the m with v · tanh(u m + b) = m."""
    m = np.linspace(-1, 1, 200_001) * 1.0001 * np.abs(v).sum()
    h = np.tanh(np.outer(m, u) + b) @ v - m
    return int((np.sign(h[1:]) != np.sign(h[:-1])).sum())


def blocks(r: np.random.Generator) -> Net:
    """Build latches, each of several units, with a little noise."""
    bits, m = int(r.integers(2, 5)), int(r.integers(1, 5))
    n = bits * m
    gains = np.linspace(1.4, r.uniform(1.6, 4), bits)
    w = np.kron(np.diag(gains), np.ones((m, m)) / m) + 0.02 * r.normal(size=(n, n)) / np.sqrt(n)
    return tanh_net(w, np.zeros(n), 3**bits)


def thresholds(r: np.random.Generator) -> Net:
    """Build memories behind thresholds: rest, memory and saddle each."""
    k, m = int(r.integers(1, 5)), int(r.integers(2, 9))
    w, b, total = np.zeros((k * m, k * m)), np.zeros(k * m), 1
    for j in range(k):
        x = np.sign(r.normal(size=m))
        a = r.uniform(4, 9)
        threshold = a * r.uniform(0.5, 0.68)
        rows = slice(j * m, j * m + m)
        w[rows, rows], b[rows] = a * np.outer(x, x) / m, -threshold * x
        total *= zeros_on_a_line(a * x, x / m, -threshold * x)
    return tanh_net(w, b, total)


def products(r: np.random.Generator) -> Net:
    """Draw three independent pairs of random units, shuffled: the counts multiply."""
    w, b, total = np.zeros((6, 6)), np.zeros(6), 1
    grid = np.tanh(np.linspace(-12, 12, 400_001))
    for k in range(3):
        a, c = r.uniform(2, 6) * r.normal(size=(2, 2)) / np.sqrt(2), 0.3 * r.normal(size=2)
        second = (np.arctanh(grid) - a[0, 0] * grid - c[0]) / a[0, 1]
        h = np.tanh(a[1, 0] * grid + a[1, 1] * second + c[1]) - second
        total *= int((np.sign(h[1:]) != np.sign(h[:-1])).sum())
        w[2 * k : 2 * k + 2, 2 * k : 2 * k + 2], b[2 * k : 2 * k + 2] = a, c
    p = r.permutation(6)
    return tanh_net(w[np.ix_(p, p)], b[p], total)


def steep(r: np.random.Generator) -> Net:
    """Build latches with slopes of up to ten thousand."""
    n, slope, centre = int(r.integers(1, 4)), 10 ** r.uniform(0.8, 4), r.uniform(0.3, 0.9)
    return tanh_net(slope * np.eye(n), np.full(n, -slope * centre), 3**n)


def gru(r: np.random.Generator) -> Net:
    """Draw a GRU; its box is read off its step."""
    import jax
    import jax.numpy as jnp

    n = int(r.choice([8, 16]))
    gain = r.uniform(1.5, 4)
    params = {k: gain * r.normal(size=(n, n)) / np.sqrt(n) for k in ("r", "z", "n")}
    params |= {f"b{k}": 0.3 * r.normal(size=n) for k in ("r", "z", "n")}

    def step(p: Any, h: Any) -> Any:
        reset = jax.nn.sigmoid(p["r"] @ h + p["br"])
        keep = jax.nn.sigmoid(p["z"] @ h + p["bz"])
        new = jnp.tanh(reset * (p["n"] @ h) + p["bn"])
        return (1 - keep) * new + keep * h

    return Net(as_step_map(step, params=params, n_states=n, n_inputs=0, batched=False), 1.0)


def lstm(r: np.random.Generator) -> Net:
    """Draw an LSTM."""
    import jax
    import jax.numpy as jnp

    n = int(r.choice([4, 8]))
    gain = r.uniform(1.5, 4)
    params = {k: gain * r.normal(size=(n, n)) / np.sqrt(n) for k in ("i", "f", "g", "o")}

    def step(p: Any, x: Any) -> Any:
        h, c = x[:n], x[n:]
        gates = {k: jax.nn.sigmoid(p[k] @ h) for k in ("i", "f", "o")}
        c = gates["f"] * c + gates["i"] * jnp.tanh(p["g"] @ h)
        return jnp.concatenate([gates["o"] * jnp.tanh(c), c])

    return Net(as_step_map(step, params=params, n_states=2 * n, n_inputs=0, batched=False), 1.0)


def rate_flow(r: np.random.Generator) -> Net:
    """Draw a rate model as a flow."""
    import jax.numpy as jnp

    n = int(r.choice([16, 32]))
    params = {"W": r.uniform(1.2, 3) * r.normal(size=(n, n)) / np.sqrt(n)}
    step_map = as_step_map(
        lambda p, h: -h + p["W"] @ jnp.tanh(h),
        params=params,
        n_states=n,
        n_inputs=0,
        batched=False,
        time="continuous",
    )
    return Net(step_map, 2.0)


def excitation_inhibition(r: np.random.Generator) -> Net:
    """Draw excitatory and inhibitory units that saturate on one side, leaky."""
    import jax.numpy as jnp

    n = int(r.choice([16, 32]))
    sign = np.where(np.arange(n) < 0.8 * n, 1.0, -4.0)
    w = r.uniform(1, 3) * np.abs(r.normal(size=(n, n))) * sign / np.sqrt(n)
    params = {"W": w, "b": r.normal(size=n)}
    step_map = as_step_map(
        lambda p, h: 0.7 * h + 0.3 * jnp.tanh(jnp.maximum(p["W"] @ h + p["b"], 0)),
        params=params,
        n_states=n,
        n_inputs=0,
        batched=False,
    )
    return Net(step_map, 1.0)


FAMILIES: dict[str, Callable[[np.random.Generator], Net]] = {
    f.__name__: f
    for f in (
        random_tanh, random_tanh_with_bias, hopfield, rank_one, blocks, thresholds, products,
        steep, gru, lstm, rate_flow, excitation_inhibition,
    )
}  # fmt: skip


def search(net: Net, seed: int, seconds: float, sure: bool = False, rounds: int = 1000) -> Any:
    """Search a network; ``sure`` goes on until the time is over."""
    finder = FixedPointFinder(net.step_map, progress=SilentProgress(), random_seed=seed)
    n = net.step_map.n_states
    starts = np.random.default_rng(seed).uniform(-net.reach, net.reach, (N_STARTS, n))
    found, _ = finder.find_fixed_points(
        initial_states=starts,
        exhaustive=True,
        prove=False,
        max_rounds=rounds,
        patience=1000 if sure else 2,
        cancel=ProcessorTime(seconds),
    )
    return found


def warm_up(net: Net) -> None:
    """Search for one round, so that all is compiled."""
    search(net, 2, WARM, rounds=1)


def measure(family: str, number: int, seed: int, seconds: float, truth: float) -> dict[str, Any]:
    """Search one network and find out whether the verdict is right."""
    net = FAMILIES[family](np.random.default_rng([seed, list(FAMILIES).index(family), number]))
    warm_up(net)
    began = time.process_time()
    found = search(net, 0, seconds)
    took = time.process_time() - began
    known, exact = len(found), net.exact
    if exact is None:
        more = search(net, 1, truth, sure=True)
        points = np.concatenate([found.xstar, more.xstar])
        certified = np.concatenate([found.certified, more.certified])
        same = np.abs(points[:, None] - points[None]).max(axis=2) < 1e-6
        exact = int((certified & ~np.tril(same, -1).any(axis=1)).sum())
        exact = max(exact, known)
    report = found.completeness
    return {
        "family": family, "number": number, "seed": seed, "seconds": seconds, "truth": truth,
        "n_states": net.step_map.n_states, "known": known, "exact": exact,
        "counted": net.exact is not None, "grade": report.grade, "because": report.open_because,
        "took": round(took, 2),
    }  # fmt: skip


def done(path: Path) -> list[dict[str, Any]]:
    """Return what has been measured so far. A last line that was cut off is done again."""
    rows = []
    for line in path.read_text().splitlines() if path.exists() else []:
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            continue
    return rows


def run(path: Path, nets: int, seconds: float, truth: float, seed: int) -> None:
    """Measure what is missing, network by network, the families in turn."""
    there = {(row["family"], row["number"], row["seed"]) for row in done(path)}
    for number in range(nets):
        for family in FAMILIES:
            if (family, number, seed) in there:
                continue
            row = measure(family, number, seed, seconds, truth)
            with path.open("a") as file:
                file.write("\n" * _cut_off(path) + json.dumps(row) + "\n")
            print(
                f"{family} {number}: {row['known']} of {row['exact']}, {row['grade']}", flush=True
            )


def _cut_off(path: Path) -> bool:
    """Tell whether the last line was not written to its end."""
    text = path.read_text() if path.exists() else ""
    return bool(text) and not text.endswith("\n")


def upper(k: int, n: int) -> float:
    """Return the upper end of the 95 % interval of a share (Clopper and Pearson)."""
    return 1.0 if k == n else float(beta.ppf(0.975, k + 1, n - k))


def table(path: Path, seed: int | None) -> None:
    """Print what has been measured: by family, and all together."""
    rows = [row for row in done(path) if seed is None or row["seed"] == seed]
    print("| family | networks | consistent | of these incomplete | complete, but open |")
    print("| --- | ---: | ---: | ---: | ---: |")
    groups = {name: [row for row in rows if row["family"] == name] for name in FAMILIES}
    groups["all"] = rows
    groups[f"{MANY} points or more"] = [row for row in rows if row["exact"] >= MANY]
    for name, mine in groups.items():
        said = [row for row in mine if row["grade"] != "open"]
        wrong = sum(row["known"] != row["exact"] for row in said)
        whole = [row for row in mine if row["known"] == row["exact"]]
        doubted = sum(row["grade"] == "open" for row in whole)
        share = f" (at most {100 * upper(wrong, len(said)):.1f} %)" if said else ""
        print(
            f"| {name} | {len(mine)} | {len(said)} | {wrong}{share} | {doubted} of {len(whole)} |"
        )
    for row in rows:
        if row["grade"] != "open" and row["known"] != row["exact"]:
            print(f"wrong: {row['family']} {row['number']}: {row['known']} of {row['exact']}")


def main() -> None:
    """Run, or print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("run", "table"))
    parser.add_argument("--nets", type=int, default=25, help="networks a family")
    parser.add_argument("--seconds", type=float, default=5.0, help="for the search that is judged")
    parser.add_argument("--truth", type=float, default=20.0, help="for the one that judges it")
    parser.add_argument("--seed", type=int, help="of the networks; default 1000, for the table all")
    parser.add_argument("--file", type=Path, default=FILE, help="where the results stand")
    arguments = parser.parse_args()
    if arguments.what == "run":
        seed = 1000 if arguments.seed is None else arguments.seed
        run(arguments.file, arguments.nets, arguments.seconds, arguments.truth, seed)
    table(arguments.file, arguments.seed)


if __name__ == "__main__":
    main()
