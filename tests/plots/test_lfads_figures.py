"""Figures of inferred dynamics: what they show, by both libraries."""

from dataclasses import replace

import numpy as np
import pytest

from fpf_notebook.analysis import generator_modes, jpca
from fpf_notebook.plots import (
    plot_generator_modes,
    plot_inferred_rates,
    plot_jpca_plane,
    plot_subspace_angles,
)
from fpf_notebook.plots.lfads import angles_scene, jpca_scene, modes_scene, rates_scene
from tests.analysis.test_generator_modes import FIRST, SECOND, N, block, made_run


@pytest.fixture(scope="module")
def run():
    return made_run([block(FIRST)], np.zeros((1, N)), np.zeros(12, int))[0]


@pytest.fixture(scope="module")
def modes(run):
    return generator_modes(run, n_samples=40)


@pytest.fixture(params=["matplotlib", "plotly"])
def backend(request):
    return request.param


def test_rates_of_both_systems_the_truth_and_spikes_are_drawn(run, backend):
    spikes = np.random.default_rng(0).poisson(0.5, run.rates.shape)
    spikes[3, :, 7] = 0
    spikes[3, [2, 9], 7] = [1, 2]
    scene = rates_scene(run, trial=3, neuron=7, spikes=spikes, truth=run.rates + 0.1)
    assert [line.label.split(" (")[0] for line in scene.lines] == [
        "inferred, network", "inferred, switching linear system", "true rate", "spikes",
    ]  # fmt: skip
    path = scene.lines[0].paths[0]
    np.testing.assert_allclose(path[:, 0], 0.02 * np.arange(1, 31))
    np.testing.assert_allclose(path[:, 1], run.rates[3, :, 7] / 0.02)
    ticks = scene.lines[3].paths
    np.testing.assert_allclose([tick[0, 0] for tick in ticks], [0.06, 0.2])
    lengths = [np.ptp(tick[:, 1]) for tick in ticks]
    assert lengths[1] == pytest.approx(2 * lengths[0])
    assert plot_inferred_rates(run, backend=backend, spikes=spikes) is not None
    plain = replace(run, jslds_rates=None, dt=None)
    assert len(rates_scene(plain).lines) == 1
    assert rates_scene(plain).axes[0].label == "time (bins)"
    for options, message in (
        ({"trial": 12}, "trial: 12 given, expected a number from 0 to below 12"),
        ({"neuron": -1}, "neuron: -1 given"),
        ({"spikes": spikes[0]}, "spikes: shape"),
        ({"truth": spikes[:, :3]}, "truth: shape"),
    ):
        with pytest.raises(ValueError, match=message):
            rates_scene(run, **options)


def test_trajectories_are_drawn_in_a_jpc_plane(run, backend):
    found = jpca(run.generator_states, n_pcs=4, dt=0.02)
    scene = jpca_scene(found, run.generator_states, plane=1, max_trials=5)
    (lines,) = scene.lines
    assert len(lines.paths) == 5
    expected = found.project(run.generator_states, 1)
    np.testing.assert_allclose(lines.paths[0], expected[0])
    np.testing.assert_allclose(scene.points[0].values, [p[0, 0] for p in lines.paths])
    assert [axis.label for axis in scene.axes] == ["jPC 3", "jPC 4"]
    assert "Hz" in scene.title
    assert scene.equal_aspect
    assert plot_jpca_plane(found, run.generator_states, backend=backend) is not None
    with pytest.raises(ValueError, match="plane must be from 0 to below 2"):
        jpca_scene(found, run.generator_states, plane=2)


def test_eigenvalues_of_each_system_are_drawn_with_the_true_ones(modes, backend):
    scene = modes_scene(modes, truth=FIRST, max_modes=2)
    systems = scene.points[0].positions
    true = next(p for p in scene.points if p.label == "true eigenvalues").positions
    np.testing.assert_allclose(
        systems[np.argsort(systems[:, 1])], true[np.argsort(true[:, 1])], atol=1e-6
    )
    assert "% of the readout" in scene.points[0].hover[0]
    assert scene.title == "1 linear system"
    for path in scene.lines[0].paths if scene.lines else ():
        np.testing.assert_allclose(np.linalg.norm(path, axis=1), 1)
    assert plot_generator_modes(modes, truth=FIRST, backend=backend) is not None


def test_two_systems_have_marks_of_their_own():
    _, basis = made_run([block(FIRST)], np.zeros((1, N)), np.zeros(2, int))
    centres = 2.0 * np.array([-1.0, 1.0])[:, None] * basis[:, -2]
    run, _ = made_run([block(FIRST), block(SECOND)], centres, np.arange(20) % 2)
    scene = modes_scene(generator_modes(run, n_samples=60), max_modes=2)
    named = [p for p in scene.points if p.label.startswith("system")]
    assert len({p.style for p in named}) == 2
    assert scene.title == "2 linear systems"


def test_angles_are_drawn_with_smallest_and_largest(backend):
    angles = np.array([[[1.0, 5.0], [80, 89]], [[70, 88], [2, 9]]])
    scene = angles_scene(angles, rows=("jPC 1", "jPC 2"), columns=("1.8 Hz", "0.9 Hz"))
    np.testing.assert_allclose(scene.lines[0].paths[0], [[1, 5], [2, 89]])
    np.testing.assert_allclose(scene.lines[1].paths[0], [[1, 1], [1, 5]])
    assert "smallest 2.0°, largest 9.0°" in scene.points[1].hover[1]
    figure = plot_subspace_angles(
        angles, rows=("jPC 1", "jPC 2"), columns=("1.8 Hz", "0.9 Hz"), backend=backend
    )
    assert figure is not None
    with pytest.raises(ValueError, match="angles: shape"):
        angles_scene(angles, rows=("one",), columns=("1.8 Hz", "0.9 Hz"))


@pytest.mark.parametrize(
    "plot",
    [
        lambda r, m: plot_inferred_rates(r, backend="gnuplot"),
        lambda r, m: plot_jpca_plane(None, r.generator_states, backend="gnuplot"),
        lambda r, m: plot_generator_modes(m, backend="gnuplot"),
        lambda r, m: plot_subspace_angles(np.zeros((1, 1, 2)), rows="a", columns="b", backend="x"),
    ],
)
def test_an_unknown_backend_is_refused_first(plot, run, modes):
    with pytest.raises(ValueError, match="backend: "):
        plot(run, modes)
