"""LFADS with a JSLDS generator on the synthetic sets: ``python -m benchmarks.lfads``.

Trains on each set and prints a table: how well rates, frequencies and the number of linear systems
are found, beside smoothed spikes, the true rates, and the standard method (a plain generator,
linearized at the slow points that a search finds). With ``--out FILE`` each result is written as it
comes, and a call with the same file goes on where the last one ended; what was measured with other
settings than today's is measured again. ``--table`` prints what the file holds, beside the targets.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lfads_table import SETS, table


def main(argv: Sequence[str] | None = None) -> int:
    """Train, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.lfads", description=__doc__)
    parser.add_argument("--seeds", type=int, default=1, help="how many (default: 1)")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    parser.add_argument("--standard", action="store_true", help="the standard method as well")
    parser.add_argument("--out", type=Path, default=None, help="file of results, to go on with")
    parser.add_argument("--table", action="store_true", help="print what --out holds, and end")
    arguments = parser.parse_args(argv)
    done: dict[str, Any] = {}
    if arguments.out is not None and arguments.out.exists():
        done = json.loads(arguments.out.read_text())
    if arguments.table:
        print(table(done))
        return 0
    for seed in range(arguments.seeds):
        for name in arguments.sets:
            for jslds in (True, False) if arguments.standard else (True,):
                key = f"{name} {seed} {'jslds' if jslds else 'standard'}"
                if done.get(key, {}).get("recipe") != recipe_of(name):
                    done[key] = measure(name, seed, jslds=jslds)
                    if arguments.out is not None:
                        arguments.out.write_text(json.dumps(done, indent=1))
                print(f"{key}\n{report(done[key])}\n", flush=True)
    return 0


class _Clock:
    """CPU seconds of training, without compilation."""

    def __init__(self) -> None:
        self.began = self.seconds = 0.0

    def on_phase(self, run: Any, phase: str) -> None:
        """Start when compilation has ended."""
        if phase == "training":
            self.began = time.process_time()
        elif phase == "stopped":
            self.seconds = time.process_time() - self.began


def task_class(name: str) -> Any:
    """Return the class of a set."""
    from fpf_notebook import tasks

    names = {
        "rotations": "RotationSpikes",
        "two_regimes": "TwoRegimeSpikes",
        "lorenz": "LorenzSpikes",
        "chaotic": "ChaoticRNNSpikes",
    }
    return getattr(tasks, names[name])


def recipe_of(name: str) -> dict[str, Any]:
    """Return the settings that a set is trained with: those of `train_lfads`."""
    from fpf_notebook.training import lfads_recipe

    return dataclasses.asdict(lfads_recipe(task_class(name)))


def measure(name: str, seed: int, *, jslds: bool) -> dict[str, Any]:
    """Train on one set with one seed, and return what was found."""
    from fpf_notebook.analysis import (
        bits_per_spike,
        co_smoothing,
        generator_modes,
        jpca,
        psth_r2,
        r2_of_rates,
        relative_error,
        smoothed_spikes,
    )
    from fpf_notebook.finder.slow_points import find_slow_points
    from fpf_notebook.models import JSLDS, LFADS
    from fpf_notebook.training import train_lfads

    task = task_class(name)(seed=seed)
    # As in the documentation: nothing is given but data, generator and seed.
    model = LFADS.for_data(task.data, generator=JSLDS if jslds else None, seed=seed)
    clock = _Clock()
    train_lfads(model, task, seed=seed, callbacks=[clock])
    data = task.data.trials(task.data.valid)
    run = model.run(data.model_inputs())
    n = data.n_heldin
    result: dict[str, Any] = {
        "recipe": recipe_of(name),
        "cpu_seconds": clock.seconds,
        "r2": r2_of_rates(run.rates, data.rates),
        "psth_r2": psth_r2(run.rates, data.rates, data.conditions),
        "r2_smoothed": max(
            r2_of_rates(smoothed_spikes(data.spikes, w), data.rates) for w in (1.5, 2.5, 4, 6)
        ),
        "bits_per_spike": bits_per_spike(run.rates[..., :n], data.spikes[..., :n]),
        "bits_per_spike_true": bits_per_spike(data.rates[..., :n], data.spikes[..., :n]),
    }
    if n < data.n_neurons:
        result["co_smoothing"] = co_smoothing(run.rates, data.spikes, n)
        result["co_smoothing_true"] = co_smoothing(data.rates, data.spikes, n)
    points = None
    if jslds:
        result["r2_jslds"] = r2_of_rates(run.jslds_rates, data.rates)
        result["relative_error"] = relative_error(run.generator_states, run.jslds_states)
    else:
        found = find_slow_points(run.generator, run.generator_states[:64], max_q=1e-5, seed=seed)
        result["n_points"] = found.n
        if not found.n:
            return result
        points = found.xstar
    modes = generator_modes(run, points=points)
    result["report"] = str(modes)
    result["n_systems"] = modes.n_systems
    if task.eigenvalues is None:
        return result
    regimes = data.regimes[modes.rows[:, 0]]
    result["eigenvalues"] = [
        {
            "hertz": float(np.angle(value) / (2 * np.pi * data.dt)),
            "regime": regime,
            "largest_distance": float(modes.distance_to(value)[regimes == regime].max()),
            # Of the system that most of this regime's steps use: the rotation next to it.
            "found_hertz": _nearest_hertz(modes, regimes == regime, value, data.dt),
        }
        for regime, row in enumerate(task.eigenvalues)
        for value in row
    ]
    if name == "rotations":
        turns = jpca(run.generator_states, n_pcs=10, dt=data.dt)
        result["jpca_hertz"] = turns.frequencies.tolist()
        result["angles"] = _angles(turns, modes.systems[0])
    return result


def _nearest_hertz(modes: Any, rows: np.ndarray, value: complex, dt: float) -> float | None:
    labels = modes.labels[rows]
    labels = labels[labels >= 0]
    if not len(labels):
        return None
    system = modes.systems[int(np.bincount(labels).argmax())]
    # Only modes that matter: those that make 2 % of the readout.
    strong = system.rotations()[system.power[system.rotations()] > 0.02]
    if not len(strong):
        return None
    return float(
        min(system.frequencies[strong], key=lambda f: abs(f - np.angle(value) / (2 * np.pi * dt)))
    )


def _angles(turns: Any, system: Any) -> list[list[float]]:
    """Return smallest and largest angle of each jPC plane to the mode of the next frequency."""
    from fpf_notebook.analysis import subspace_angles

    strong = system.rotations()
    strong = strong[system.power[strong] > 0.02]
    pairs = []
    for plane, hertz in zip(turns.planes[:4], turns.frequencies[:4], strict=True):
        k = strong[np.argmin(np.abs(system.frequencies[strong] - hertz))]
        both = subspace_angles(plane, system.planes[k])
        pairs.append([float(both[0]), float(both[-1])])
    return pairs


def report(result: dict[str, Any]) -> str:
    """Return the lines of one result."""
    lines = [
        f"  R² of rates {result['r2']:.3f} (JSLDS {result.get('r2_jslds', float('nan')):.3f}, "
        f"smoothed spikes {result['r2_smoothed']:.3f}), of averages {result['psth_r2']:.3f}; "
        f"{result['bits_per_spike']:.3f} bits per spike of {result['bits_per_spike_true']:.3f}; "
        f"{result['cpu_seconds']:.0f} s of CPU"
    ]
    if "co_smoothing" in result:
        share = result["co_smoothing"] / result["co_smoothing_true"]
        lines.append(
            f"  co-smoothing {result['co_smoothing']:.3f}, {100 * share:.1f} % of the truth's"
        )
    if "relative_error" in result:
        lines.append(f"  free relative error {result['relative_error']:.4f}")
    for row in result.get("eigenvalues", ()):
        found = "none" if row["found_hertz"] is None else f"{row['found_hertz']:.2f}"
        lines.append(
            f"  regime {row['regime']}, {row['hertz']:.2f} Hz: found {found} Hz; largest distance "
            f"of an eigenvalue {row['largest_distance']:.4f}"
        )
    if "angles" in result:
        text = ", ".join(f"{low:.1f} to {high:.1f}" for low, high in result["angles"])
        lines.append(f"  jPC planes to modes' planes, smallest and largest angle: {text}°")
    if "report" in result:
        lines.append("  " + result["report"].replace("\n", "\n  "))
    return "\n".join(lines)


if __name__ == "__main__":
    raise SystemExit(main())
