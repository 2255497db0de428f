"""``fpf-notebook demo --task jslds``: what the shipped networks show."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpf_notebook._types import AnyFunction
from fpf_notebook.cli.shown import show_in

if TYPE_CHECKING:
    import brainpy as bp
    import numpy as np

    from fpf_notebook._types import Figure
    from fpf_notebook.analysis.expansion_points import ExpansionComparison
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.result.fixed_points import FixedPoints
    from fpf_notebook.tasks import Trials


_N_TRIALS = 1024
_N_SHOWN = 128  # trials whose states are searched from and drawn
_N_POINTS = 80  # expansion points of a context that are analysed: an eigendecomposition each
_DPI = 150
_STREAMS = ("motion", "colour")


def run_jslds_demo(*, seed: int, out: Path) -> int:
    """Show co-trained networks and plain ones on held-out trials, and draw what was found.

    Parameters
    ----------
    seed : int
        Of the trials and the searches.
    out : Path
        Folder of the figures, made if it is missing.

    Returns
    -------
    int
        The exit status: 0, 2 if the folder cannot be made, 130 after Ctrl-C.
    """
    return show_in(out, lambda: _three_bits(seed, out) | _context(seed, out), 28)


def _three_bits(seed: int, out: Path) -> dict[str, str]:
    import numpy as np

    from fpf_notebook.analysis.expansion_points import compare_expansion_points
    from fpf_notebook.analysis.linear_approximation import linearized_run, relative_error
    from fpf_notebook.dynamics import as_step_map
    from fpf_notebook.finder.finder import FixedPointFinder
    from fpf_notebook.finder.slow_points import find_slow_points
    from fpf_notebook.models.pretrained import load_pretrained
    from fpf_notebook.plots import (
        plot_approximation_error,
        plot_expansion_points,
        plot_expansion_spectrum,
        plot_fixed_points,
        save_html,
    )
    from fpf_notebook.tasks import FlipFlop

    print("Three bits of memory: a GRU of 100 units, co-trained as a JSLDS, and one alone")
    task = FlipFlop(3, encoding="one_hot")
    trials = task.sample(_N_TRIALS, seed)
    model: Any = load_pretrained("jslds-3bit-gru100")
    plain: Any = load_pretrained("gru100-3bit")
    run = model.run(trials.inputs)
    _print_losses(run, trials)
    print(f"  JSLDS: mean relative error {relative_error(run.rnn_states, run.jslds_states):.4f}")

    _, plain_states = (np.asarray(array) for array in plain.run(trials.inputs))
    finder = FixedPointFinder(plain, random_seed=seed)
    points, _ = finder.find_fixed_points(
        plain_states[:_N_SHOWN], np.zeros((1, 6)), n_inits=128, noise_scale=0.2, exhaustive=True
    )
    unstable: Any = np.bincount(points.require("n_unstable")) if points.n else []
    print(f"  GRU alone: {points.completeness}")
    print(f"    points with 0, 1, 2, … unstable directions: {', '.join(map(str, unstable))}")
    standard = {}
    for mode in ("one_step", "free"):
        linear = linearized_run(
            as_step_map(plain), points, trials.inputs, plain_states, mode,
            initial_states=np.asarray(plain.initial_state(_N_TRIALS)),
        )  # fmt: skip
        standard[mode] = relative_error(plain_states, linear.states)
    print(
        "  GRU alone, linear around its nearest fixed point: mean relative error "
        f"{standard['one_step']:.3f} a step, {standard['free']:.3f} run freely"
    )

    step_map = as_step_map(model.rnn)
    states = run.rnn_states[:_N_SHOWN]
    expansion = run.expansion_points[:_N_SHOWN, 5:]
    numerical = find_slow_points(step_map, expansion, seed=seed)
    comparison = compare_expansion_points(step_map, expansion, numerical)
    print("  " + str(comparison).replace("\n", "\n  "))
    linear = linearized_run(
        step_map, numerical, trials.inputs, run.rnn_states,
        initial_states=np.asarray(model.initial_state(_N_TRIALS)),
    )  # fmt: skip

    shown = comparison_points(comparison, numerical)
    figure = plot_expansion_points(expansion, shown, states, max_trajectories=6)
    _save(figure, out / "jslds_3bit_points.png")
    _save(plot_expansion_spectrum(comparison), out / "jslds_3bit_spectrum.png")
    errors = {"JSLDS": run.jslds_states, "nearest point, a step": linear.states}
    _save(plot_approximation_error(run.rnn_states, errors), out / "jslds_3bit_error.png")
    _save(plot_fixed_points(points, plain_states[:_N_SHOWN]), out / "gru_3bit_points.png")
    page = plot_expansion_points(expansion, shown, states, max_trajectories=6, backend="plotly")
    title = "Expansion points of a co-trained GRU, 3 bits"
    save_html(page, out / "jslds.html", title, str(comparison))
    return {
        "jslds_3bit_points.png": "expansion points among numerical fixed and slow points",
        "jslds_3bit_spectrum.png": "eigenvalues at both",
        "jslds_3bit_error.png": "how the error of the approximations grows over a trial",
        "gru_3bit_points.png": "fixed points of the GRU that was trained alone",
        "jslds.html": "a page with the first picture, to turn it",
    }


def comparison_points(comparison: ExpansionComparison, numerical: FixedPoints) -> FixedPoints:
    """Return the numerical points that belong to a group of expansion points, each once."""
    import numpy as np

    return numerical[np.unique(comparison.nearest)]


def _context(seed: int, out: Path) -> dict[str, str]:
    import numpy as np

    from fpf_notebook.analysis.integration import analyze_integration
    from fpf_notebook.analysis.line_attractor import find_line_attractor
    from fpf_notebook.analysis.linear_approximation import linearized_run, relative_error
    from fpf_notebook.dynamics import as_step_map
    from fpf_notebook.finder.slow_points import find_slow_points
    from fpf_notebook.models.pretrained import load_pretrained
    from fpf_notebook.plots import (
        plot_integration_subspace,
        plot_line_attractor,
        plot_selection_vectors,
    )
    from fpf_notebook.tasks import ContextIntegration

    print("\nContext-dependent integration: a tanh network of 128 units")
    task = ContextIntegration()
    trials = task.sample(_N_TRIALS, seed)
    model: Any = load_pretrained("jslds-context-vanilla128")
    plain: Any = load_pretrained("vanilla128-context")
    run = model.run(trials.inputs)
    _print_losses(run, trials)
    print(f"  JSLDS: mean relative error {relative_error(run.rnn_states, run.jslds_states):.4f}")

    plain_map = as_step_map(plain)
    error, n_points = _standard_by_context(
        plain_map, plain, trials, find_slow_points, linearized_run, relative_error, seed
    )
    print(
        f"  network alone, linear around the nearest of {n_points} fixed and slow points: mean "
        f"relative error {error:.3f} a step"
    )

    step_map = as_step_map(model.rnn)
    readout = np.asarray(model.rnn.W_out.value)[0]
    grid = task.bias_grid()
    written, analyses = {}, {}
    for context, name in enumerate(_STREAMS):
        fixed = task.sample_fixed_bias(grid, context, 20, seed + context)
        fixed_run = model.run(fixed.inputs)
        u_star = np.eye(4)[2 + context]
        found = analyze_integration(
            step_map,
            fixed_run.expansion_points,
            u_star,
            readout=readout,
            n_points=_N_POINTS,
            seed=seed,
        )  # fmt: skip
        analyses[name] = found
        line = find_line_attractor(found.line_points(25))
        overlap = found.mean_overlap()
        gain = np.abs(np.nanmean(found.gain, axis=0))
        print(f"  {name} context: {line}")
        print(
            f"    selection vector: |cos| {overlap[context]:.3f} with {name}, "
            f"{overlap[1 - context]:.3f} with the other stream; gains {gain[context]:.3f} and "
            f"{gain[1 - context]:.3f}; drawn at {found.selection_angle(context):.0f}° to {name}"
        )
        means = fixed_run.jslds_states.reshape(len(grid), 20, task.n_time, -1).mean(axis=1)
        for stream, label in enumerate(_STREAMS):
            levels, by_level = _by_level(grid[:, stream], means)
            figure = plot_integration_subspace(
                found, by_level[:, 2:], values=levels, axes=(0, 1 + stream),
                names=("choice", *_STREAMS), value_label=f"{label} bias",
                title=f"{name} context, trials by {label}",
            )  # fmt: skip
            file = f"context_{name}_by_{label}.png"
            _save(figure, out / file)
            written[file] = f"{name} context: choice against {label}"
        file = f"context_{name}_line.png"
        _save(plot_line_attractor(line), out / file)
        written[file] = f"{name} context: eigenvalues along the line attractor"
    _save(plot_selection_vectors(analyses, names=_STREAMS), out / "context_selection.png")
    written["context_selection.png"] = "selection vectors in the plane of the two inputs"
    return written


def _standard_by_context(
    step_map: StepMap,
    model: bp.DynamicalSystem,
    trials: Trials,
    find_slow_points: AnyFunction,
    linearized_run: AnyFunction,
    relative_error: AnyFunction,
    seed: int,
) -> tuple[float, int]:
    """Return the error of the standard method, each context with points of its own."""
    import numpy as np

    states = np.asarray(model.run(trials.inputs)[1])
    approximation = np.empty_like(states)
    n_points = 0
    for context in (0, 1):
        rows = np.flatnonzero(trials.inputs[:, 0, 2 + context] == 1)
        u = np.eye(4)[None, 2 + context]
        points = find_slow_points(step_map, states[rows[:_N_SHOWN]], u, max_q=1e-5, seed=seed)
        n_points += points.n
        approximation[rows] = linearized_run(
            step_map, points, trials.inputs[rows], states[rows],
            initial_states=np.asarray(model.initial_state(len(rows))),
        ).states  # fmt: skip
    return relative_error(states, approximation), n_points


def _by_level(biases: np.ndarray, means: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the levels of one stream's bias, and the states averaged over the other stream's."""
    import numpy as np

    levels = np.unique(biases)
    return levels, np.stack([means[biases == level].mean(axis=0) for level in levels])


def _print_losses(run: Any, trials: Trials) -> None:
    import numpy as np

    weight = trials.mask.sum()
    losses = [
        float(np.sum(trials.mask * (outputs - trials.targets) ** 2) / weight)
        for outputs in (run.rnn_outputs, run.jslds_outputs)
    ]
    print(f"  task loss on {len(trials.inputs)} new trials: network {losses[0]:.3g}, its "
          f"switching linear system {losses[1]:.3g}")  # fmt: skip


def _save(figure: Figure, path: Path) -> None:
    from fpf_notebook.plots.picture_file import save_figure

    save_figure(figure, path, dpi=_DPI, bbox_inches="tight")
