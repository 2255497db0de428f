"""Intervals hold what they must, and no more than they need."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map
from fpf_notebook.dynamics.jaxpr import Inclusion, program_of
from fpf_notebook.dynamics.jaxpr import rounding as iv
from fpf_notebook.dynamics.jaxpr.program import BINARY, UNARY
from fpf_notebook.dynamics.jaxpr.ranges import RANGES
from fpf_notebook.dynamics.jaxpr.slopes import Slopes
from tests.dynamics.jaxpr.sampling import step_map_of, violations
from tests.dynamics.jaxpr.user_steps import user_steps


def test_arithmetic_against_mpmath():
    pytest.importorskip("mpmath")
    from tests.dynamics.jaxpr.arithmetic_against_mpmath import check

    checked, outside = check(4000, seed=5)
    assert checked > 4000
    assert outside == []


def test_the_check_sees_rounding_that_is_not_bounded(monkeypatch):
    pytest.importorskip("mpmath")
    from tests.dynamics.jaxpr import arithmetic_against_mpmath as against

    for name, naive in (("tanh", np.tanh), ("exp", np.exp)):
        monkeypatch.setitem(RANGES, name, lambda x, f=naive: (f(x[0]), f(x[1])))
    monkeypatch.setitem(RANGES, "add", lambda x, y: (x[0] + y[0], x[1] + y[1]))
    _, outside = against.check(4000, seed=5)
    assert {text.split(":")[0] for text in outside} >= {"tanh", "exp", "add"}


def test_every_elementwise_operation_has_a_range():
    assert set(RANGES) == (UNARY | BINARY | {"select"})


def test_exact_results_are_not_widened():
    one, half = np.array([1.0]), np.array([0.5])
    for low, high in (
        iv.add((one, one), (half, half)),
        iv.sub((one, one), (-half, -half)),
        iv.mul((one, one + half), (one, one)),
        iv.div((one, one), (half, half)),
    ):
        assert low in (1.0, 1.5, 2.0)
        assert high in (1.0, 1.5, 2.0)
    third = iv.div((one, one), (3 * one, 3 * one))
    assert third[0] < third[1]
    assert third[1] - third[0] <= 2 * np.spacing(1 / 3)


@pytest.mark.parametrize(
    ("x", "y", "right"),
    [
        ((-np.inf, np.inf), (0.0, 0.0), (0.0, 0.0)),
        ((-1.0, np.inf), (0.0, 2.0), (-2.0, np.inf)),
        ((1e200, 1e200), (1e200, 1e200), (np.finfo(float).max, np.inf)),
        ((1e-200, 1e-200), (1e-200, 1e-200), (-5e-324, 5e-324)),
    ],
)
def test_products_at_the_edge_of_the_range(x, y, right):
    with np.errstate(all="ignore"):
        low, high = iv.mul(*(tuple(np.array([end]) for end in v) for v in (x, y)))
    assert low[0] <= right[0]
    assert high[0] >= right[1]
    assert not np.isnan(low[0])
    if np.isfinite(right[1]) and abs(right[1]) > 1e-300:
        assert (low[0], high[0]) == right


def test_a_quotient_by_an_interval_with_zero_is_everything():
    one, wide = np.array([1.0]), (np.array([-1.0]), np.array([1.0]))
    with np.errstate(all="ignore"):
        assert iv.div((one, one), wide) == (-np.inf, np.inf)
        low, high = iv.div((one, one), (np.array([0.0]), one))
    assert low <= 1.0
    assert high == np.inf


@pytest.mark.parametrize("case", user_steps(), ids=lambda case: case.name)
def test_no_sampled_state_leaves_its_bounds(case):
    assert violations(step_map_of(case), 60) == (0, pytest.approx(0.0, abs=1e9))


@pytest.mark.parametrize("case", user_steps(), ids=lambda case: case.name)
def test_slopes_hold_the_jacobians_in_the_box(case):
    step_map, rng = step_map_of(case), np.random.default_rng(3)
    n, lanes = case.n_states, 24
    u = np.full(2, 0.3)
    inclusion = Inclusion(program_of(step_map, u=u, fold_arithmetic=False))
    middle = rng.normal(size=(n, lanes))
    radius = rng.random((n, lanes)) * 10.0 ** rng.uniform(-8, 0.5, lanes)
    low, high = middle - radius, middle + radius
    m, r = Slopes(inclusion)(inclusion.enclose(low, high, correlated=False))
    with jax.enable_x64(True):
        jacobian = jax.jit(jax.vmap(jax.jacfwd(lambda h: case.step(h, jnp.asarray(u)))))
        for _ in range(3):
            h = np.clip(low + rng.random((n, lanes)) * (high - low), low, high)
            slopes = np.asarray(jacobian(jnp.asarray(h.T)))
            with np.errstate(invalid="ignore"):
                excess = np.abs(slopes - m) - r
            slack = 1e-11 * (1 + np.abs(slopes))
            assert np.all((excess <= slack) | ~np.isfinite(slopes) | ~np.isfinite(r))
    assert np.isfinite(r).mean() > 0.2


def reach(step, low, high, n=1):
    step_map = as_step_map(step, n_states=n, n_inputs=1, batched=False)
    inclusion = Inclusion(program_of(step_map, u=np.zeros(1), fold_arithmetic=False))
    a, b = inclusion(np.full(n, float(low)), np.full(n, float(high)))
    return a.min(), b.max()


@pytest.mark.parametrize(
    ("step", "box", "right"),
    [
        (lambda h, u: jnp.where(h > 0, h, jnp.expm1(jnp.where(h > 0, 0.0, h))), (-50, 2), (-1, 2)),
        (lambda h, u: jnp.where(h > 1, 1.0, jnp.where(h < -1, -1.0, h)), (-9, 9), (-1, 1)),
        (lambda h, u: h / (1 + jnp.abs(h)), (-9, 9), (-0.9, 0.9)),
        (lambda h, u: h - h * jnp.tanh(h) * 0 - h, (-1, 1), (0, 0)),
        (lambda h, u: jnp.maximum(h + 0.5, 0) - jnp.maximum(h, 0), (-9, 9), (0, 0.5)),
        (lambda h, u: (1 - jnp.tanh(h) ** 2) * 0 + h * (2 - 1) - 0.5 * h, (-1, 1), (-0.5, 0.5)),
        (lambda h, u: h / (1 - jnp.exp(-2 * h)), (1e-9, 1e-9), (0.5, 0.5)),
    ],
)
def test_tight_ranges(step, box, right):
    np.testing.assert_allclose(reach(step, *box), right, rtol=1e-8, atol=1e-12)


def test_a_softmax_lies_between_0_and_1():
    def step(h, u):
        e = jnp.exp(3 * h - jnp.max(3 * h))
        return e / jnp.sum(e)

    low, high = reach(step, -5, 5, n=4)
    assert low >= 0
    assert high <= 1


def test_layer_norm_is_bounded_by_its_width():
    def step(h, u):
        centred = h - jnp.mean(h)
        return centred / jnp.sqrt(jnp.mean(centred**2) + 1e-5)

    low, high = reach(step, -100, 100, n=4)
    np.testing.assert_allclose((low, high), (-2, 2), rtol=1e-6)


def test_only_the_state_may_be_open():
    step_map = as_step_map(lambda h, u: h + u, n_states=1, n_inputs=1)
    with pytest.raises(ValueError, match="expected 'h' alone"):
        Inclusion(program_of(step_map))
