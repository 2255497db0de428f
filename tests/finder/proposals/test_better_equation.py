"""The better equation has the fixed points of the network, all and only them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import StepMap, as_step_map
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.proposals.affine import affine_parts
from fpf_notebook.finder.proposals.better_equation import better_equation
from fpf_notebook.finder.search import search
from fpf_notebook.models import GRU, LSTM, VanillaRNN
from fpf_notebook.models.reset_first_gru import ResetFirstGRU

W = np.random.default_rng(0).normal(size=(5, 5))


def points_of(step_map: StepMap, u: np.ndarray, n: int = 64) -> np.ndarray:
    starts = np.random.default_rng(1).uniform(-1, 1, (n, step_map.n_states))
    found = search(step_map, starts, np.repeat(u[None], n, axis=0), Options())
    return found.lanes.x[found.lanes.q < 1e-24]


@pytest.mark.parametrize("cell", [GRU, ResetFirstGRU, LSTM])
def test_gated_cells_have_the_same_points(cell: Any) -> None:
    model = cell(2, 6, 1, seed=3)
    model.W_hh.value = 4 * model.W_hh.value  # so that there are several
    step_map = as_step_map(model)
    better = better_equation(step_map)
    assert better is not None
    assert better.step_map.n_states == 6
    assert better.step_map.time == "discrete"
    u = np.array([0.1, -0.2])
    for x in (points_of(step_map, u)[:8], better.lift(points_of(better.step_map, u)[:8], u[None])):
        assert len(x)
        inputs = np.repeat(u[None], len(x), axis=0)
        np.testing.assert_allclose(step_map(x, inputs), x, atol=1e-11)
        part = better.reduce(x)
        np.testing.assert_allclose(better.step_map(part, inputs), part, atol=1e-11)
        np.testing.assert_allclose(better.lift(part, inputs), x, atol=1e-10)


def test_a_gru_is_reduced_to_its_candidate() -> None:
    """With the update gate nearly shut F(h) - h is tiny; the better residual is not."""
    model = GRU(0, 4, 0, seed=1)
    model.b_ih.value = jnp.where(jnp.arange(12) // 4 == 1, 12.0, model.b_ih.value)
    step_map = as_step_map(model)
    better = better_equation(step_map)
    assert better is not None
    x, u = np.random.default_rng(0).uniform(-1, 1, (3, 4)), np.zeros((3, 0))
    assert np.abs(step_map(x, u) - x).max() < 1e-4
    wide = np.abs(better.step_map(x, u) - x)
    assert wide.min() > 0.01
    low, high = better.step_map.invariant_box(u[0])
    np.testing.assert_array_equal([low, high], [-np.ones(4), np.ones(4)])


WRITINGS = {
    "leaky": (lambda h: 0.9 * h + 0.1 * jnp.tanh(W @ h), "discrete"),
    "leaky, as a change": (lambda h: h + 0.1 * (-h + jnp.tanh(W @ h)), "discrete"),
    "leaky, in a jit": (jax.jit(lambda h: h - (h - jnp.tanh(W @ h)) / 10), "discrete"),
    "leaky, in two halves": (
        lambda h: jnp.concatenate(
            [0.5 * h[:2] + 0.5 * jnp.tanh(W @ h)[:2], 0.2 * h[2:] + 0.8 * jnp.tanh(W @ h)[2:]]
        ),
        "discrete",
    ),
    "unit by unit": (
        lambda h: jnp.stack([0.7 * h[k] + 0.3 * jnp.tanh(W[k] @ h) for k in range(5)]),
        "discrete",
    ),
    "rate flow": (lambda h: (-h + jnp.tanh(W @ h)) / 0.1, "continuous"),
}


@pytest.mark.parametrize("writing", WRITINGS)
def test_leaky_units_are_reduced_to_their_drive(writing: str) -> None:
    step, time = WRITINGS[writing]
    better = better_equation(as_step_map(step, n_states=5, n_inputs=0, batched=False, time=time))
    assert better is not None
    x = np.random.default_rng(1).normal(size=(4, 5))
    np.testing.assert_allclose(better.step_map(x, np.zeros((4, 0))), np.tanh(x @ W.T), atol=1e-12)


NOTHING_BETTER = {
    "plain": (lambda h: jnp.tanh(W @ h), "discrete"),
    "an integrator": (lambda h: h + W @ jnp.tanh(h), "discrete"),
    "reversed": (lambda h: 0.5 * h[::-1] + 0.1 * jnp.tanh(W @ h), "discrete"),
    "a flow without decay": (lambda h: jnp.tanh(W @ h) - h**3, "continuous"),
}


@pytest.mark.parametrize("case", NOTHING_BETTER)
def test_there_may_be_nothing_better(case: str) -> None:
    step, time = NOTHING_BETTER[case]
    step_map = as_step_map(step, n_states=5, n_inputs=0, batched=False, time=time)
    assert better_equation(step_map) is None
    assert better_equation(as_step_map(VanillaRNN(2, 5, 1))) is None


def test_a_unit_that_keeps_everything_is_left_as_it_is() -> None:
    """One integrator among leaky units: its own equation is F itself."""
    keep = np.array([1.0, 0.9, 0.9, 0.9, 0.9])
    step_map = as_step_map(
        lambda h: keep * h + 0.1 * jnp.tanh(W @ h), n_states=5, n_inputs=0, batched=False
    )
    better = better_equation(step_map)
    assert better is not None
    x = np.random.default_rng(1).normal(size=(4, 5))
    got, whole = better.step_map(x, np.zeros((4, 0))), step_map(x, np.zeros((4, 0)))
    np.testing.assert_allclose(got[:, 0], whole[:, 0], atol=1e-14)
    np.testing.assert_allclose(got[:, 1:], np.tanh(x @ W.T)[:, 1:], atol=1e-12)


def test_the_parts_add_up_to_the_step() -> None:
    for model in (GRU(2, 4, 1), LSTM(2, 4, 1), ResetFirstGRU(2, 4, 1), VanillaRNN(2, 4, 1)):
        step_map = as_step_map(model)
        rng = np.random.default_rng(0)
        h, u = rng.normal(size=step_map.n_states), rng.normal(size=2)
        with jax.enable_x64(True):
            parts = jax.jit(affine_parts, static_argnums=0)(step_map.step, step_map.params, h, u)
            a, b = map(np.asarray, parts)
        np.testing.assert_allclose(a * h + b, step_map(h, u), atol=1e-14)


def test_weights_are_arguments_of_the_better_map_too() -> None:
    def leaky(params: Any, h: Any) -> Any:
        return 0.5 * h + 0.5 * jnp.tanh(params @ h)

    one = as_step_map(leaky, params=W, n_states=5, n_inputs=0, batched=False)
    better, other = better_equation(one), better_equation(one.with_params(2 * W))
    assert better is not None
    assert other is not None
    assert better.step_map.signature == other.step_map.signature
    x = np.ones((1, 5))
    np.testing.assert_allclose(
        other.step_map(x, np.zeros((1, 0))), np.tanh(2 * x @ W.T), atol=1e-12
    )


def test_cells_of_torch() -> None:
    torch = pytest.importorskip("torch")
    for kind, n_kept in (("GRUCell", 4), ("LSTMCell", 4)):
        torch.manual_seed(0)
        better = better_equation(as_step_map(getattr(torch.nn, kind)(2, 4)))
        assert better is not None
        assert better.step_map.n_states == n_kept


def test_curves_follow_it_where_the_box_was_proven_from_the_step() -> None:
    from fpf_notebook import FixedPointFinder, SilentProgress

    def leaky(h: Any) -> Any:
        return 0.7 * h + 0.3 * jnp.tanh(2 * h[::-1])

    step_map = as_step_map(leaky, n_states=2, n_inputs=0, batched=False)
    assert better_equation(step_map) is not None
    finder = FixedPointFinder(step_map, progress=SilentProgress())
    starts = np.random.default_rng(0).uniform(-1, 1, (16, 2))
    found, _ = finder.find_fixed_points(initial_states=starts, exhaustive=True, prove=False)
    assert len(found) == 3  # x = tanh(2 y), y = tanh(2 x): the points of tanh(2 x) itself
    assert found.completeness.grade == "consistent"


def test_a_relu_that_is_shut_nearby_hides_nothing() -> None:
    w, b = np.array([[0.5, -4.0, 1.0], [2.0, 0.0, 1.0], [9.0, -1.0, 0.0]]), np.array([1, 1, -12.0])
    step_map = as_step_map(
        lambda h: 0.7 * h + 0.3 * jnp.tanh(jax.nn.relu(w @ h + b)),
        n_states=3,
        n_inputs=0,
        batched=False,
    )
    better = better_equation(step_map)
    assert better is not None
    assert better.kept.tolist() == [0, 1, 2]
