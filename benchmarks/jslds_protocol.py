"""The protocol of the JSLDS paper: both methods, its sizes, several seeds; mean and deviation.

``python -m benchmarks.jslds_protocol context --seeds 10 --out FOLDER``

For each seed a network is co-trained with its switching linear system, and one of the same size is
trained alone and linearized at the nearest of the slow points that a search finds (the standard
method). Settings are those of the shipped networks. It takes hours: run it in the background; what
is in FOLDER is not done again, and a training that was interrupted goes on where it was. ``--share
0.01`` makes each training a hundredth as long, to try it out.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tools.make_weights import make
from tools.pretraining import HELD_OUT_SEED, RECIPES, Recipe

NETWORKS = {
    "3bit": ("jslds-3bit-gru100", "gru100-3bit"),
    "context": ("jslds-context-vanilla128", "vanilla128-context"),
}
PUBLISHED = {"3bit": 0.046, "context": 0.0097}
"""The paper's relative errors of co-trained networks, over its seeds."""
_N_TRIALS = 256


def main(argv: Sequence[str] | None = None) -> int:
    """Train what is missing, measure, print the table."""
    parser = argparse.ArgumentParser(prog="benchmarks.jslds_protocol", description=__doc__)
    parser.add_argument("task", choices=tuple(NETWORKS))
    parser.add_argument("--seeds", type=int, default=10, help="how many (default: 10)")
    parser.add_argument("--out", type=Path, required=True, help="folder to work in, and to go on")
    parser.add_argument("--share", type=float, default=1.0, help="of the steps of each training")
    arguments = parser.parse_args(argv)
    if not 0 < arguments.share <= 1:
        parser.error(f"--share must be above 0 and at most 1, got {arguments.share:g}")
    rows: list[dict[str, float]] = []
    for seed in range(arguments.seeds):
        rows.append(measured(arguments.task, seed, arguments.out, arguments.share))
        print(table(arguments.task, rows), flush=True)
    return 0


def measured(task: str, seed: int, out: Path, share: float = 1.0) -> dict[str, float]:
    """Return the figures of a seed; train both networks if they are not there yet."""
    folder = out / f"{task}-{seed}-{share:g}"
    result = folder / "figures.json"
    if result.exists():
        figures: dict[str, float] = json.loads(result.read_text())
        return figures
    folder.mkdir(parents=True, exist_ok=True)
    models = [trained(name, seed, folder, share) for name in NETWORKS[task]]
    figures = compare(*models, RECIPES[NETWORKS[task][0]])
    result.write_text(json.dumps(figures, indent=1))
    return figures


def trained(name: str, seed: int, folder: Path, share: float) -> Any:
    """Return a network of a seed, made by the recipe of the shipped one."""
    from fpf_notebook.models.pretrained import read_network

    recipe = RECIPES[name]
    phases = tuple(
        dataclasses.replace(phase, n_steps=max(1, round(share * phase.n_steps)))
        for phase in recipe.phases
    )
    # The record is written last: where it is, the network is whole.
    if not (folder / f"{name}.json").exists():
        make(name, folder, dataclasses.replace(recipe, phases=phases, seed=seed))
    return read_network(folder / f"{name}.npz")


def compare(jslds: Any, alone: Any, recipe: Recipe) -> dict[str, float]:
    """Return errors of both methods on trials that training did not see."""
    from fpf_notebook.analysis import linearized_run, relative_error
    from fpf_notebook.dynamics import as_step_map
    from fpf_notebook.finder.progress import SilentProgress
    from fpf_notebook.finder.slow_points import find_slow_points

    trials = recipe.make_task().sample(_N_TRIALS, HELD_OUT_SEED)
    run = jslds.run(trials.inputs)
    outputs, states = (np.asarray(x) for x in alone.run(trials.inputs))
    figures = {
        "JSLDS": relative_error(run.rnn_states, run.jslds_states),
        "loss, network": _loss(run.rnn_outputs, trials),
        "loss, JSLDS": _loss(run.jslds_outputs, trials),
        "loss, alone": _loss(outputs, trials),
    }
    step_map, initial = as_step_map(alone), np.asarray(alone.initial_state(_N_TRIALS))
    # One search for each input that stays on for a trial: each context, or none.
    for mode in ("one_step", "free"):
        following = np.empty_like(states)
        for u_star, rows in _by_input(trials.inputs, recipe):
            points = find_slow_points(
                step_map, states[rows], u_star[None], max_q=1e-5, progress=SilentProgress()
            )
            if not points.n:
                following[rows] = np.nan
                continue
            following[rows] = linearized_run(
                step_map, points, trials.inputs[rows], states[rows], mode,
                initial_states=initial[rows],
            ).states  # fmt: skip
        figures[f"standard, {mode}"] = relative_error(states, following)
    return {name: float(value) for name, value in figures.items()}


def _by_input(inputs: np.ndarray, recipe: Recipe) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return constant inputs, and which trials have each of them."""
    if recipe.task == "3bit":
        return [(np.zeros(inputs.shape[2]), np.arange(len(inputs)))]
    channels = list(recipe.make_task().context_channels)  # type: ignore[attr-defined]
    constant = np.zeros((len(inputs), inputs.shape[2]))
    constant[:, channels] = inputs[:, 0, channels]
    kinds, which = np.unique(constant, axis=0, return_inverse=True)
    return [(kind, np.flatnonzero(which.ravel() == k)) for k, kind in enumerate(kinds)]


def _loss(outputs: np.ndarray, trials: Any) -> float:
    scored = trials.mask > 0
    return float(np.mean((np.asarray(outputs) - trials.targets)[scored] ** 2))


def table(task: str, rows: Sequence[dict[str, float]]) -> str:
    """Return all seeds, mean and standard deviation, and what was published."""
    names = list(rows[0])
    lines = ["| seed | " + " | ".join(names) + " |", "|" + " --- |" * (1 + len(names))]
    for seed, row in enumerate(rows):
        lines.append(f"| {seed} | " + " | ".join(f"{row[name]:.3g}" for name in names) + " |")
    values = np.array([[row[name] for name in names] for row in rows])
    lines.append("| mean | " + " | ".join(f"{v:.3g}" for v in values.mean(axis=0)) + " |")
    if len(rows) > 1:
        spread = values.std(axis=0, ddof=1)
        lines.append("| sd | " + " | ".join(f"{v:.3g}" for v in spread) + " |")
    blank = " | ".join("" for _ in names[1:])
    lines.append(f"| published | {PUBLISHED[task]:g} | {blank} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
