"""Rate models that BrainPy integrates: their step, and their derivative."""

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.dynamics import as_step_map
from fpf_notebook.dynamics.compile_cache import compiled
from tests.dynamics.brainpy_models import N, RateModel, TwoPopulations, normal

RNG = np.random.default_rng(0)
METHODS = ["euler", "rk2", "rk4", "exp_auto"]


@pytest.mark.parametrize("method", METHODS)
def test_the_derivative_is_exact_for_every_method(method):
    model = RateModel(method, shared_dt=method == "rk4")
    flow = as_step_map(model, time="continuous")
    r, x = RNG.normal(size=(5, N)), RNG.normal(size=(5, N))
    np.testing.assert_allclose(flow(r, x), model.field(r, x), rtol=1e-12, atol=1e-14)
    assert flow.time == "continuous"
    assert flow.dt == 0.1
    assert set(flow.params) == {"W"}


@pytest.mark.parametrize("method", METHODS)
def test_the_step_is_that_of_the_method(method):
    model = RateModel(method)
    step_map = as_step_map(model)
    assert step_map.time == "discrete"
    assert step_map.dt == 0.1
    r, x = RNG.normal(size=N), RNG.normal(size=N)
    model.r.value = jnp.asarray(r, jnp.float32)
    after = model(jnp.asarray(x, jnp.float32))
    np.testing.assert_allclose(step_map(r, x), after, atol=2e-6)
    if method == "euler":
        np.testing.assert_allclose(step_map(r, x), r + 0.1 * model.field(r, x), rtol=1e-12)


def test_the_callers_time_step_goes_first():
    assert as_step_map(RateModel(), dt=3.0).dt == 3.0


def test_the_jacobian_of_the_derivative_is_exact():
    model = RateModel("exp_auto")
    flow = as_step_map(model, time="continuous")

    def build(step):
        return jax.jit(lambda p, h, u: jax.jacfwd(step, 1)(p, h, u))

    r, x = RNG.normal(size=N), RNG.normal(size=N)
    with jax.enable_x64(True):
        J = compiled("jacobian", flow, None, build)(flow.params, r, x)
    W = np.asarray(model.W.value, np.float64)
    slope = 1 - np.tanh(r @ W + x) ** 2
    np.testing.assert_allclose(J, (-np.eye(N) + slope[:, None] * W.T) / 2.0, rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize("clip", [False, True])
def test_two_variables_in_one_integrator(clip):
    model = TwoPopulations(clip=clip)
    flow = as_step_map(model, time="continuous", n_inputs=3)
    assert [part.name for part in flow.slices] == ["v", "w"]
    v, w, x = RNG.uniform(-2, 2, (3, 4, 3))
    state = np.concatenate([v, w], axis=-1)
    np.testing.assert_allclose(flow(state, x), model.field(v, w, x), rtol=1e-12, atol=1e-14)
    np.testing.assert_allclose(flow.output(state, x), v - w, rtol=1e-12)


def test_equations_written_one_by_one():
    class Joint(bp.DynamicalSystem):
        n_inputs = 0

        def __init__(self):
            super().__init__()
            self.x, self.y = bm.Variable(jnp.zeros(2)), bm.Variable(jnp.zeros(2))
            equations = bp.JointEq(lambda x, t, y: -y, lambda y, t, x: x - y)
            self.integrals = {"all": bp.odeint(equations, method="rk4", dt=0.2)}

        def update(self):
            self.x.value, self.y.value = self.integrals["all"](self.x.value, self.y.value, 0.0)

    flow = as_step_map(Joint(), time="continuous")
    state = np.array([1.0, 2.0, 3.0, 4.0])
    np.testing.assert_allclose(flow(state, np.zeros(0)), [-3, -4, -2, -2], rtol=1e-14)


def test_a_chain_of_two_integrators():
    class Chain(bp.DynamicalSystem):
        n_inputs = 1

        def __init__(self):
            super().__init__()
            self.a, self.b = bm.Variable(jnp.zeros(1)), bm.Variable(jnp.zeros(1))
            self.first = bp.odeint(lambda a, t, x: x - a, method="euler", dt=0.1)
            self.second = bp.odeint(lambda b, t, a: a - 2 * b, method="exp_auto", dt=0.1)

        def update(self, x):
            self.a.value = self.first(self.a.value, 0.0, x)
            self.b.value = self.second(self.b.value, 0.0, self.a.value)

    flow = as_step_map(Chain(), time="continuous")
    # At a step of length zero, the second sees the first where it was.
    np.testing.assert_allclose(flow([3.0, 5.0], [10.0]), [7.0, -7.0], rtol=1e-14)


class Rates(bp.DynamicalSystem):
    """A rate model with a rectified rate that is recorded, or fed back."""

    n_inputs = 2

    def __init__(self, feed_back):
        super().__init__()
        self.v = bm.Variable(jnp.zeros(2))
        self.rate = bm.Variable(jnp.zeros(2))
        self.feed_back = feed_back
        self.integral = bp.odeint(lambda v, t, x, r: -v + x + r, method="euler", dt=0.1)

    def update(self, x):
        back = self.rate.value if self.feed_back else bm.relu(self.v.value)
        self.v.value = self.integral(self.v.value, 0.0, x, back)
        self.rate.value = bm.relu(self.v.value)


def test_what_is_recorded_is_no_state_and_what_jumps_is_refused():
    flow = as_step_map(Rates(feed_back=False), time="continuous")
    assert [part.name for part in flow.slices] == ["v"]
    np.testing.assert_allclose(flow([1.0, -1.0], [0.5, 0.5]), [0.5, 1.5], rtol=1e-14)
    with pytest.raises(ValueError, match="changes the Variable 'rate' also without any time"):
        as_step_map(Rates(feed_back=True), time="continuous")


def test_a_rectified_state_is_a_flow_where_it_is_not_rectified():
    class Rectified(bp.DynamicalSystem):
        n_inputs = 2

        def __init__(self):
            super().__init__()
            self.r = bm.Variable(jnp.zeros(2))
            self.integral = bp.odeint(lambda r, t, x: x - r, method="rk4", dt=0.1)

        def update(self, x):
            self.r.value = bm.relu(self.integral(self.r.value, 0.0, x))

    flow = as_step_map(Rectified(), time="continuous")
    np.testing.assert_allclose(flow([1.0, 2.0], [0.5, 0.5]), [-0.5, -1.5], rtol=1e-14)


def test_models_without_a_flow_are_refused():
    class Discrete(bp.DynamicalSystem):
        n_inputs = 2

        def __init__(self, idle=False):
            super().__init__()
            self.h = bm.Variable(jnp.zeros(2))
            if idle:
                self.integral = bp.odeint(lambda h, t: -h)

        def update(self, x):
            self.h.value = bm.tanh(self.h.value + x)

    with pytest.raises(ValueError, match=r"Discrete has no integrator made by bp\.odeint"):
        as_step_map(Discrete(), time="continuous")
    with pytest.raises(ValueError, match="does not call its integrator"):
        as_step_map(Discrete(idle=True), time="continuous")

    class Noisy(bp.DynamicalSystem):
        n_inputs = 2

        def __init__(self):
            super().__init__()
            self.h = bm.Variable(jnp.zeros(2))
            self.integral = bp.sdeint(f=lambda h, t: -h, g=lambda h, t: 0.1, method="euler")

        def update(self, x):
            self.h.value = self.integral(self.h.value, 0.0)

    with pytest.raises(ValueError, match=r"draws random numbers|not an integrator of ordinary"):
        as_step_map(Noisy(), time="continuous")


def test_the_integrators_are_as_before():
    model = RateModel("rk4")
    integral = model.integral.integral
    as_step_map(model, time="continuous")
    assert model.integral.integral is integral
    model.W.value = normal(5, N, N) * np.nan
    with pytest.raises(ValueError, match="NaN"):
        as_step_map(model, time="continuous")
    assert model.integral.integral is integral


def test_a_box_for_a_flow_is_checked_on_its_faces():
    flow = as_step_map(RateModel(), time="continuous", invariant_box=(-1, 1))
    low, high = flow.invariant_box(np.zeros(N))
    np.testing.assert_array_equal([low, high], [-np.ones(N), np.ones(N)])
    assert "proven from the step" in as_step_map(RateModel(), time="continuous").box_reason
