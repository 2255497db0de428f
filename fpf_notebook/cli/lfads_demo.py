"""``fpf-notebook demo --task lfads``: dynamics inferred from spikes, and what they are."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from fpf_notebook.cli.shown import show_in

if TYPE_CHECKING:
    from fpf_notebook.training.callbacks import EpochInfo
    from fpf_notebook.training.run import TrainingRun


# Two damped rotations, in fewer neurons and trials than experiments have: a minute is enough.
_DATA = {
    "n_trials": 640,
    "n_neurons": 100,
    "n_conditions": 40,
    "n_time": 40,
    "frequencies": (0.9, 1.8),
    "time_constants": (1.0, 0.8),
}
_MODEL = {"gen_dim": 32, "ic_enc_dim": 24, "ic_dim": 16, "fac_dim": 12}
_N_EPOCHS = 60
_BATCH_SIZE = 64
_DPI = 150


def run_lfads_demo(*, seed: int, out: Path, n_epochs: int = _N_EPOCHS) -> int:
    """Train LFADS with a JSLDS generator on synthetic spikes, and draw what it has found.

    Parameters
    ----------
    seed : int
        Of spikes, weights and training.
    out : Path
        Folder of the figures, made if it is missing.
    n_epochs : int
        How long to train.

    Returns
    -------
    int
        The exit status: 0, 2 if the folder cannot be made, 130 after Ctrl-C.
    """
    return show_in(out, lambda: _show(seed, out, n_epochs), 24)


class _Lines:
    """Prints a line now and then."""

    def on_epoch(self, run: TrainingRun, info: EpochInfo) -> None:
        """Say how far it is."""
        if info.epoch % 10 == 0:
            terms = info.validation_terms
            print(
                f"  epoch {info.epoch} of {run.n_epochs}: {terms['bits_per_spike']:.3f} bits per "
                f"spike, {terms['co_smoothing']:.3f} of held-out neurons",
                flush=True,
            )


def _show(seed: int, out: Path, n_epochs: int) -> dict[str, str] | None:
    import numpy as np

    from fpf_notebook.analysis import (
        co_smoothing,
        generator_modes,
        jpca,
        r2_of_rates,
        relative_error,
        smoothed_spikes,
        subspace_angles,
    )
    from fpf_notebook.models import JSLDS, LFADS
    from fpf_notebook.plots import (
        plot_approximation_error,
        plot_generator_modes,
        plot_inferred_rates,
        plot_jpca_plane,
        plot_subspace_angles,
        save_html,
    )
    from fpf_notebook.tasks import RotationSpikes
    from fpf_notebook.training import train_lfads

    task = RotationSpikes(**_DATA, seed=seed)  # type: ignore[arg-type]
    print(
        f"Spikes of {task.data.n_neurons} neurons that follow two damped rotations of "
        f"{task.frequencies[0]} and {task.frequencies[1]} Hz: {task.data}"
    )
    model = LFADS.for_data(task.data, generator=JSLDS, seed=seed, **_MODEL)
    print("Training LFADS whose generator names its own fixed points …", flush=True)
    history = train_lfads(
        model, task, n_epochs=n_epochs, batch_size=_BATCH_SIZE, seed=seed, callbacks=[_Lines()]
    )
    if history.interrupted:
        return None
    print(f"  {history.message}")

    data: Any = task.data.trials(task.data.valid)
    run: Any = model.run(data.model_inputs())
    smooth = max(
        r2_of_rates(smoothed_spikes(data.spikes, width), data.rates) for width in (1.5, 2.5, 4, 6)
    )
    found, best = (co_smoothing(r, data.spikes, data.n_heldin) for r in (run.rates, data.rates))
    print(f"\nOn {data.n_trials} trials that it was not trained on:")
    print(
        f"  R² of rates {r2_of_rates(run.rates, data.rates):.3f} (switching linear system "
        f"{r2_of_rates(run.jslds_rates, data.rates):.3f}, smoothed spikes {smooth:.3f})"
    )
    print(
        f"  co-smoothing {found:.3f} bits per spike, {100 * found / best:.0f} % of what the true "
        "rates give"
    )
    print(
        "  the two systems run apart by "
        f"{relative_error(run.generator_states, run.jslds_states):.3f} (relative error)"
    )
    modes = generator_modes(run)
    print("  " + str(modes).replace("\n", "\n  "))
    turns = jpca(run.generator_states, n_pcs=6, dt=run.dt)
    print("  jPCA: " + str(turns).replace("\n", "\n    "))

    system = modes.systems[0]
    # Of modes that no neuron shows, a plane says nothing.
    rotations = [k for k in system.rotations(3) if system.power[k] > 0.02]
    names = [f"{system.frequencies[k]:.2g} Hz" for k in rotations]
    angles = np.array(
        [
            [subspace_angles(plane, system.planes[k])[[0, -1]] for k in rotations]
            for plane in turns.planes[:2]
        ]
    )
    neuron = int(np.argmax(data.rates.std(axis=(0, 1))))
    figures = {
        "lfads_rates.png": (
            plot_inferred_rates(run, neuron=neuron, spikes=data.spikes, truth=data.rates),
            "spikes, inferred rates and true rate of a neuron",
        ),
        "lfads_jpc1.png": (
            plot_jpca_plane(turns, run.generator_states),
            "trajectories in the plane in which they turn fastest",
        ),
        "lfads_modes.png": (
            plot_generator_modes(modes, truth=task.eigenvalues),
            "eigenvalues of the generator, and the true ones",
        ),
        "lfads_error.png": (
            plot_approximation_error(run.generator_states, {"JSLDS": run.jslds_states}),
            "how far the two systems run apart",
        ),
    }
    if rotations:
        figures["lfads_angles.png"] = (
            plot_subspace_angles(
                angles, rows=[f"jPC plane {k + 1}" for k in range(len(angles))], columns=names
            ),
            "angles between jPC planes and the modes' planes",
        )
    for name, (figure, _) in figures.items():
        figure.savefig(out / name, dpi=_DPI, bbox_inches="tight")
    page = plot_generator_modes(modes, truth=task.eigenvalues, backend="plotly")
    save_html(page, out / "lfads.html", "Linear systems of an LFADS generator", str(modes))
    return {name: text for name, (_, text) in figures.items()} | {
        "lfads.html": "a page with the eigenvalues, to look at them closely"
    }
