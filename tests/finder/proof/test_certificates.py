"""Certificates hold, and are refused where they would not."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.finder.proof.certificates import certify

RNG = np.random.default_rng(0)


def tanh_net(w, b):
    return StepMap(
        step=lambda p, h, u: jnp.tanh(p["W"] @ h + p["b"]),
        params={"W": np.asarray(w, float), "b": np.asarray(b, float)},
        n_states=len(b),
        n_inputs=1,
    )


def polished(step_map, x, flow=False, turns=60):
    n = step_map.n_states
    with jax.enable_x64(True):
        f = jax.jit(lambda h: step_map.step(step_map.params, h, jnp.zeros(step_map.n_inputs)))
        jacobian = jax.jit(jax.jacfwd(f))
        for _ in range(turns):
            value, slopes = np.asarray(f(x)), np.asarray(jacobian(x))
            residual, shift = (value, 0.0) if flow else (value - x, np.eye(n))
            x = x + np.linalg.solve(shift - slopes, residual)
    return x


def test_radii_of_a_latch():
    # tanh(2 h) = h at 0 and at ±0.9575...; there is no other point, so that no radius of uniqueness
    # around one may reach another.
    latch = tanh_net([[2.0]], [0.0])
    rest = 0.95750402407726874
    found = certify(latch, np.array([[0.0], [rest], [-rest], [rest + 1e-9]]), np.zeros(1))
    assert found.certified.all()
    assert np.all(found.uniqueness_radius < rest)
    assert np.all(found.uniqueness_radius > 0.1)
    assert found.enclosure_radius[1] < 1e-14
    assert 1e-9 < found.enclosure_radius[3] < 1e-8  # the point itself is as far as that


@pytest.mark.parametrize("flow", [False, True])
def test_random_networks(flow):
    w = 1.5 * RNG.normal(size=(12, 12)) / np.sqrt(12)
    step_map = StepMap(
        step=lambda p, h, u: jnp.tanh(p @ h) - (h if flow else 0.0),
        params=w,
        n_states=12,
        n_inputs=1,
        time="continuous" if flow else "discrete",
    )
    x = polished(step_map, np.zeros(12), flow)
    found = certify(step_map, x[None] + 1e-12, np.zeros(1))
    assert found.certified.all()
    assert found.enclosure_radius[0] > 0.9e-12
    # Newton's method from anywhere in the ball ends in the same point.
    for _ in range(5):
        start = x + 0.99 * found.uniqueness_radius[0] * RNG.uniform(-1, 1, 12)
        np.testing.assert_allclose(polished(step_map, start, flow), x, atol=1e-10)


def test_what_is_no_fixed_point_is_not_certified():
    latch = tanh_net([[2.0]], [0.0])
    found = certify(latch, np.array([[0.3], [np.nan], [2.0]]), np.zeros(1))
    assert not found.certified.any()
    assert np.isnan(found.uniqueness_radius).all()
    assert found.reasons[1] == "the point is not finite"


def test_degenerate_points_are_not_certified():
    pitchfork = tanh_net([[1.0]], [0.0])  # slope 1 at 0
    assert not certify(pitchfork, np.zeros((1, 1)), np.zeros(1)).certified.any()
    line = as_step_map(lambda h, u: h * jnp.array([1.0, 0.5]), n_states=2, n_inputs=1)
    found = certify(line, np.array([[0.3, 0.0]]), np.zeros(1))
    assert found.reasons == ("I - J is singular at the point",)


@pytest.mark.parametrize(
    ("step", "x", "certified", "reason"),
    [
        (lambda h, u: jnp.maximum(-2 * h, 0.5 * h - 1), [0.0], True, ""),
        (lambda h, u: jnp.where(h > 0, 0.5 * h, -0.5 * h), [0.0], True, ""),
        (lambda h, u: jnp.where(h > 0.2, h + 1.0, 0.5 * h), [0.2], False, "may jump"),
        (lambda h, u: 0.5 * jnp.abs(h), [0.0], True, ""),
        (lambda h, u: jnp.floor(h) * 0.5, [0.0], False, "floor has no slope"),
        (lambda h, u: jnp.sort(h) * 0.5, [0.0], False, "sort at"),
    ],
)
def test_kinks_and_jumps(step, x, certified, reason):
    step_map = as_step_map(step, n_states=1, n_inputs=1, batched=False)
    found = certify(step_map, np.array([x]), np.zeros(1))
    assert found.certified.tolist() == [certified]
    assert reason in found.reasons[0]


def test_gated_cells():
    n = 6
    w = RNG.normal(size=(3 * n, n))

    def gru(p, h, u):
        g = p @ h + 0.1
        r, z = jax.nn.sigmoid(g[:n]), jax.nn.sigmoid(g[n : 2 * n])
        return z * h + (1 - z) * jnp.tanh(r * g[2 * n :] + 0.2)

    step_map = StepMap(step=gru, params=w, n_states=n, n_inputs=1)
    x = polished(step_map, np.zeros(n))
    found = certify(step_map, x[None], np.zeros(1))
    assert found.certified.all()
    assert found.uniqueness_radius[0] > 1e-4


def test_bad_arguments():
    latch = tanh_net([[2.0]], [0.0])
    with pytest.raises(ValueError, match=r"x has shape \(1, 2\), expected \[n_points"):
        certify(latch, np.zeros((1, 2)), np.zeros(1))
    with pytest.raises(ValueError, match="largest is 0"):
        certify(latch, np.zeros((1, 1)), np.zeros(1), largest=0)
