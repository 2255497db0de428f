"""The modes of generators that are known: one linear system, two, and one nonlinear one."""

from dataclasses import replace

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.analysis import generator_modes
from fpf_notebook.dynamics import StepMap
from fpf_notebook.models import LFADSRun
from fpf_notebook.tasks.spikes.rotation import mode_eigenvalues

DT = 0.02
N = 10


def block(values):
    """Return a real matrix with these eigenvalues and their conjugates."""
    J = np.zeros((2 * len(values), 2 * len(values)))
    for k, v in enumerate(values):
        J[2 * k : 2 * k + 2, 2 * k : 2 * k + 2] = [[v.real, -v.imag], [v.imag, v.real]]
    return J


FIRST = mode_eigenvalues((0.8, 1.6), (1.0, 0.8), DT)
SECOND = mode_eigenvalues((1.4, 2.6), (1.0, 0.8), DT)


def made_run(matrices, centres, regimes, *, wander=0.0, n_time=30, seed=0):
    """Run trials of linear systems; a state of the generator tells which by its last component."""
    rng = np.random.default_rng(seed)
    n_trials = len(regimes)
    basis = np.linalg.qr(rng.normal(size=(N, N)))[0]
    systems = np.zeros((len(matrices), N, N))
    for k, J in enumerate(matrices):
        inner = np.diag(np.r_[np.zeros(len(J)), np.full(N - len(J), 0.99)])
        inner[: len(J), : len(J)] = J
        systems[k] = basis @ inner @ basis.T
    width = len(matrices[0])
    a = np.zeros((n_trials, n_time + 1, N))
    e = np.zeros((n_trials, n_time, N))
    a[:, 0] = centres[regimes] + rng.normal(size=(n_trials, width)) @ basis[:, :width].T
    for t in range(n_time):
        # Expansion points may wander where nothing is read out and nothing changes.
        e[:, t] = centres[regimes] + wander * rng.normal(size=(n_trials, 1)) * basis[:, -1]
        x = a[:, t] - e[:, t]
        a[:, t + 1] = e[:, t] + np.einsum("nij,nj->ni", systems[regimes], x)
    step_map = StepMap(
        step=lambda p, h, u: jnp.where(
            (h @ p["side"]) > 0, p["systems"][-1], p["systems"][0]
        ) @ h,
        params={"systems": systems, "side": basis[:, -2]}, n_states=N, n_inputs=0,
    )  # fmt: skip
    W = rng.normal(size=(25, width)) @ basis[:, :width].T
    nothing = np.zeros((n_trials, n_time, 0))
    rates = np.exp(a[:, 1:] @ W.T)
    run = LFADSRun(
        rates=rates, factors=a[:, 1:], generator_states=a[:, 1:], jslds_rates=rates,
        jslds_factors=a[:, 1:], jslds_states=a[:, 1:], expansion_points=e, F_expansion=e,
        initial_conditions=a[:, 0], ic_mean=a[:, 0], ic_std=a[:, 0], inferred_inputs=nothing,
        generator_inputs=nothing, input_points=nothing, generator=step_map, readout=W, dt=DT,
    )  # fmt: skip
    return run, basis


def test_one_linear_system_is_one_and_its_modes_are_ranked_by_power_in_the_readout():
    run, basis = made_run([block(FIRST)], np.zeros((1, N)), np.zeros(20, int))
    modes = generator_modes(run, n_samples=60)
    assert modes.n_systems == 1
    assert str(modes).startswith("one linear system at 60 sampled steps")
    (system,) = modes.systems
    assert system.share == 1
    # The modes of |λ| = 0.99 that no neuron shows come last, though they are the slowest.
    np.testing.assert_allclose(np.sort(system.frequencies[:2]), [0.8, 1.6], atol=1e-6)
    np.testing.assert_allclose(np.sort(system.time_constants[:2]), [0.8, 1.0], atol=1e-6)
    assert system.power[:2].sum() == pytest.approx(1)
    assert system.spread[:2].max() < 1e-6
    for value in FIRST:
        assert modes.distance_to(value).max() < 1e-6
    k = int(np.argmin(np.abs(system.frequencies[:2] - 0.8)))
    assert (
        np.abs(basis[:, :2] @ (basis[:, :2].T @ system.planes[k]) - system.planes[k]).max() < 1e-6
    )
    np.testing.assert_array_equal(system.rotations(), [0, 1])


def test_expansion_points_that_wander_make_no_further_system():
    run, _ = made_run([block(FIRST)], np.zeros((1, N)), np.zeros(20, int), wander=0.3)
    assert np.ptp(run.expansion_points, axis=(0, 1)).max() > 0.5
    modes = generator_modes(run, n_samples=60)
    assert modes.n_systems == 1
    np.testing.assert_allclose(np.sort(modes.systems[0].frequencies[:2]), [0.8, 1.6], atol=1e-6)


def test_two_linear_systems_are_two_each_with_its_own_frequencies():
    run, basis = made_run([block(FIRST), block(SECOND)], np.zeros((2, N)), np.arange(40) % 2)
    centres = 2.0 * np.array([-1.0, 1.0])[:, None] * basis[:, -2]
    run, basis = made_run([block(FIRST), block(SECOND)], centres, np.arange(40) % 2)
    modes = generator_modes(run, n_samples=120)
    assert modes.n_systems == 2
    assert str(modes).startswith("two linear systems")
    regimes = modes.rows[:, 0] % 2
    for k, system in enumerate(modes.systems):
        (regime,) = np.unique(regimes[modes.labels == k])
        expected = [0.8, 1.6] if regime == 0 else [1.4, 2.6]
        np.testing.assert_allclose(np.sort(system.frequencies[:2]), expected, atol=1e-6)
    assert modes.systems[0].share + modes.systems[1].share == pytest.approx(1)
    # A threshold that takes everything for the same sees one.
    assert generator_modes(run, n_samples=120, max_difference=10.0).n_systems == 1


def test_the_standard_method_linearizes_at_the_points_that_are_given():
    run, _ = made_run([block(FIRST)], np.zeros((1, N)), np.zeros(10, int))
    modes = generator_modes(run, points=np.zeros((1, N)), n_samples=30)
    np.testing.assert_allclose(np.sort(modes.systems[0].frequencies[:2]), [0.8, 1.6], atol=1e-6)
    plain = made_plain(run)
    with pytest.raises(ValueError, match="run has no expansion points"):
        generator_modes(plain)
    assert generator_modes(plain, points=np.zeros((1, N)), n_samples=30).n_systems == 1


def made_plain(run):
    return replace(run, jslds_states=None, expansion_points=None, input_points=None)


def test_a_single_sample_will_do():
    run, _ = made_run([block(FIRST)], np.zeros((1, N)), np.zeros(3, int))
    assert generator_modes(run, n_samples=1).n_systems == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_samples": 0}, "n_samples is 0, expected a whole number from 1"),
        ({"points": np.zeros((2, 3))}, r"points must have the shape \[point, n_states=10\]"),
        ({"max_difference": 0}, "max_difference must be above 0"),
        ({"min_share": 1.5}, "min_share is 1.5, expected a number from 0 to 1"),
    ],
)
def test_what_does_not_fit_is_refused(options, message):
    run, _ = made_run([block(FIRST)], np.zeros((1, N)), np.zeros(3, int))
    with pytest.raises(ValueError, match=message):
        generator_modes(run, **options)
    with pytest.raises(TypeError, match="run must be an LFADSRun, got list"):
        generator_modes([])


def test_a_few_steps_that_are_under_way_do_not_bend_the_frequencies():
    run, basis = made_run([block(FIRST)], np.zeros((1, N)), np.zeros(20, int))
    slower = block(mode_eigenvalues((0.7, 1.45), (1.0, 0.8), DT))

    def systems(J):
        inner = np.diag(np.full(N, 0.99))
        inner[: len(J), : len(J)] = J
        return basis @ inner @ basis.T

    # In the first six steps the expansion points lie where the generator is a little slower.
    step_map = StepMap(
        step=lambda p, h, u: jnp.where((h @ p["side"]) > 0, p["slow"] @ h, p["fast"] @ h),
        params={
            "slow": systems(slower), "fast": systems(block(FIRST)), "side": basis[:, -2]
        },
        n_states=N, n_inputs=0,
    )  # fmt: skip
    points = run.expansion_points.copy()
    points[:, :6] += 2 * basis[:, -2]
    modes = generator_modes(
        replace(run, generator=step_map, expansion_points=points), n_samples=150
    )
    assert modes.n_systems == 1
    assert np.abs(modes.eigenvalues - FIRST[1]).min(axis=1).max() > 0.01  # some are slower
    np.testing.assert_allclose(np.sort(modes.systems[0].frequencies[:2]), [0.8, 1.6], atol=1e-6)
