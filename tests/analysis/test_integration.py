"""Choice axis, input axes and selection vectors of an integrator that is known exactly."""

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook.analysis.integration import analyze_integration
from fpf_notebook.analysis.line_attractor import find_line_attractor
from fpf_notebook.dynamics import StepMap, as_step_map
from fpf_notebook.io import import_jslds_weights
from fpf_notebook.models import GRU, KeepChannels
from fpf_notebook.tasks import ContextIntegration
from tests.published import published

N = 6
rng = np.random.default_rng(0)
R = np.linalg.qr(rng.normal(size=(N, N)))[0] + 0.3 * rng.normal(size=(N, N))
L = np.linalg.inv(R).T  # columns l_k with l_k . r_j = delta_kj
VALUES = np.array([1.0, 0.6, 0.5, 0.3, 0.2, 0.1])
RELEVANT = 0.5 * R[:, 0] + 0.8 * R[:, 1]  # moves the state by 0.5 along the choice axis
IRRELEVANT = 2.0 * R[:, 2] - R[:, 3]  # forgotten: the selection vector is orthogonal to it


@pytest.fixture
def step_map():
    return StepMap(
        step=lambda p, h, u: p["J"] @ h + p["B"] @ u,
        params={
            "J": R @ np.diag(VALUES) @ np.linalg.inv(R),
            "B": np.stack([RELEVANT, IRRELEVANT, np.zeros(N), np.zeros(N)], axis=1),
        },
        n_states=N, n_inputs=4,
    )  # fmt: skip


@pytest.fixture
def expansion():
    place = np.linspace(-1, 1, 8 * 10).reshape(8, 10, 1)
    return place * R[:, 0]


def unit(x):
    return x / np.linalg.norm(x)


def test_choice_axis_and_selection_vectors_are_those_of_the_construction(step_map, expansion):
    found = analyze_integration(step_map, expansion, np.array([0, 0, 1, 0]), readout=R[:, 0])
    np.testing.assert_allclose(found.choice, unit(R[:, 0]), atol=1e-9)
    np.testing.assert_allclose(found.selection, np.tile(unit(L[:, 0]), (64, 1)), atol=1e-9)
    np.testing.assert_allclose(found.leading, 1, atol=1e-9)
    assert found.used.all()
    np.testing.assert_allclose(found.gain[:, 0], 0.5 * np.linalg.norm(R[:, 0]), atol=1e-9)
    np.testing.assert_allclose(found.gain[:, 1], 0, atol=1e-9)
    np.testing.assert_allclose(found.overlap[:, 0], unit(L[:, 0]) @ unit(RELEVANT), atol=1e-9)
    relevant, irrelevant = found.mean_overlap()
    assert relevant > 0.1
    assert irrelevant == pytest.approx(0, abs=1e-9)


def test_the_axes_are_orthonormal_choice_first(step_map, expansion):
    found = analyze_integration(step_map, expansion, np.zeros(4))
    np.testing.assert_allclose(found.axes.T @ found.axes, np.eye(3), atol=1e-12)
    assert abs(found.axes[:, 0] @ found.choice) == pytest.approx(1)
    np.testing.assert_allclose(found.input_axes[:, 0], unit(RELEVANT), atol=1e-12)
    np.testing.assert_allclose(found.input_axes[:, 1], unit(IRRELEVANT), atol=1e-12)
    assert found.axes[:, 1] @ RELEVANT > 0
    assert found.axes[:, 2] @ IRRELEVANT > 0
    # What the axes span is what they were made of.
    for vector in (found.choice, *found.input_axes.T):
        np.testing.assert_allclose(found.axes @ (found.axes.T @ vector), vector, atol=1e-12)
    projected = found.project(expansion)
    assert projected.shape == (8, 10, 3)
    np.testing.assert_allclose(
        np.abs(projected[..., 0]), np.linalg.norm(expansion, axis=-1), atol=1e-9
    )
    np.testing.assert_allclose(projected[..., 1:], 0, atol=1e-9)


def tanh_map():
    rng = np.random.default_rng(3)
    params = {
        "W_hh": 0.98 * np.outer(CHOICE, CHOICE),
        "W_ih": np.column_stack([rng.normal(size=(N, 2)), np.zeros((N, 2))]),
    }
    return StepMap(
        step=lambda p, h, u: jnp.tanh(p["W_hh"] @ h + p["W_ih"] @ u), params=params,
        n_states=N, n_inputs=4,
    ), params["W_ih"]  # fmt: skip


CHOICE = np.linalg.qr(np.random.default_rng(5).normal(size=(N, 1)))[0][:, 0]


def test_the_input_axes_of_an_ungated_network_are_its_raw_input_columns(step_map):
    tanh, W = tanh_map()
    states = 0.9 * np.linspace(-1, 1, 40).reshape(4, 10, 1) * CHOICE
    found = analyze_integration(tanh, states, np.zeros(4))
    assert found.input_axes_are == "input weights"
    np.testing.assert_allclose(found.input_axes, W[:, :2] / np.linalg.norm(W[:, :2], axis=0))
    # A name alone is no proof: here the parameter of that name is not what drives the state.
    other = StepMap(
        step=lambda p, h, u: jnp.tanh(p["W_hh"] @ h + p["W_ih"][:, ::-1] @ u),
        params=tanh.params, n_states=N, n_inputs=4,
    )  # fmt: skip
    found = analyze_integration(other, states, np.zeros(4), streams=(2, 3))
    assert found.input_axes_are == "mean input Jacobian"
    given = analyze_integration(tanh, states, np.zeros(4), input_columns=W[:, 1::-1])
    assert given.input_axes_are == "given"
    np.testing.assert_allclose(given.input_axes[:, 0], W[:, 1] / np.linalg.norm(W[:, 1]))


def test_gated_networks_have_the_mean_input_jacobian(step_map):
    gru = GRU(4, N, 1, seed=1)
    gru.W_hh.value = jnp.tile(0.9 * jnp.eye(N) + 0.05, (3, 1))  # symmetric: real eigenvalues
    gru = as_step_map(gru)
    states = 0.1 * np.random.default_rng(0).normal(size=(3, 8, N))
    found = analyze_integration(gru, states, np.zeros(4), n_points=5)
    assert found.input_axes_are == "mean input Jacobian"
    effects = found.points.dFdu[found.used][:, :, :2].mean(axis=0)
    np.testing.assert_allclose(found.input_axes, effects / np.linalg.norm(effects, axis=0))


def test_the_drawn_angle_is_that_of_the_construction(step_map, expansion):
    found = analyze_integration(step_map, expansion, np.zeros(4))
    along = np.abs(unit(L[:, 0]) @ found.axes[:, 1:])
    expected = np.degrees(np.arctan2(along[1], along[0]))
    assert 1 < expected < 89
    assert found.selection_angle() == pytest.approx(expected, abs=1e-6)
    assert found.selection_angle(1) == pytest.approx(90 - expected, abs=1e-6)
    with pytest.raises(ValueError, match="stream must be 0 or 1, got 2"):
        found.selection_angle(2)
    single = analyze_integration(step_map, expansion, np.zeros(4), streams=(0,))
    with pytest.raises(ValueError, match="no plane of the inputs"):
        single.selection_angle()


@pytest.mark.parametrize(("context", "degrees"), [(0, 1.9), (1, 77.8)])
def test_the_published_network_selects_as_published(context, degrees):
    path = published("context")
    model = import_jslds_weights(path, input_point=KeepChannels((2, 3)))
    task = ContextIntegration()
    trials = task.sample_fixed_bias(task.bias_grid(), context, 8, context)
    found = analyze_integration(
        as_step_map(model.rnn),
        model.run(trials.inputs).expansion_points,
        np.eye(4)[2 + context],
        readout=np.asarray(model.rnn.W_out.value)[0],
        n_points=150,
    )
    assert found.input_axes_are == "input weights"
    assert found.selection_angle() == pytest.approx(degrees, abs=5)


def test_the_readout_gives_the_choice_axis_its_sign(step_map, expansion):
    up = analyze_integration(step_map, expansion, np.zeros(4), readout=R[:, 0])
    down = analyze_integration(step_map, expansion, np.zeros(4), readout=-R[:, 0])
    np.testing.assert_allclose(up.choice, -down.choice, atol=1e-12)
    np.testing.assert_allclose(up.gain, -down.gain, atol=1e-12)


def test_first_steps_are_left_out_and_points_are_sampled(step_map, expansion):
    found = analyze_integration(step_map, expansion, np.zeros(4), offset=4)
    assert found.rows[:, 1].min() == 4
    assert len(found.rows) == 8 * 6
    for (trial, t), x in zip(found.rows, found.points.xstar, strict=True):
        np.testing.assert_array_equal(x, expansion[trial, t])
    few = analyze_integration(step_map, expansion, np.zeros(4), n_points=7, seed=1)
    assert few.points.n == 7
    assert len(np.unique(few.rows, axis=0)) == 7
    again = analyze_integration(step_map, expansion, np.zeros(4), n_points=7, seed=1)
    np.testing.assert_array_equal(again.rows, few.rows)


def test_points_along_the_choice_axis_are_a_line_attractor(step_map, expansion):
    found = analyze_integration(step_map, expansion, np.zeros(4))
    points = found.line_points(12)
    assert points.n == 12
    line = find_line_attractor(points)
    assert line.is_line
    assert line.length == pytest.approx(
        np.linalg.norm(found.points.xstar[0] - found.points.xstar[-1]), rel=1e-6
    )


def test_points_that_rotate_are_left_out(expansion):
    # A rotation where h_0 is negative, a line where it is positive.
    turn = np.array([[0.9, -0.4], [0.4, 0.9]])
    step_map = StepMap(
        step=lambda p, h, u: jnp.where(h[0] < 0, p["turn"] @ h, p["line"] @ h) + u,
        params={"turn": turn, "line": np.diag([1.0, 0.5])}, n_states=2, n_inputs=2,
    )  # fmt: skip
    points = np.array([[[0.5, 0.0], [1.0, 0.0], [-0.5, 0.0]]])
    found = analyze_integration(step_map, points, np.zeros(2), offset=0)
    np.testing.assert_array_equal(found.used, [True, True, False])
    assert np.isnan(found.overlap[2]).all()
    np.testing.assert_allclose(np.abs(found.choice), [1, 0], atol=1e-9)
    with pytest.raises(ValueError, match="no expansion point has a real leading eigenvalue"):
        analyze_integration(step_map, points[:, 2:], np.zeros(2), offset=0)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"expansion_points": np.zeros((3, N))}, "expansion_points must have the shape"),
        ({"input_point": np.zeros(3)}, r"input_point must have the shape \[n_inputs=4\]"),
        ({"streams": (0, 4)}, "streams must be input channels below n_inputs=4"),
        ({"streams": ()}, "streams must be input channels"),
        ({"offset": 10}, "offset must be from 0 to below the 10 steps"),
        ({"input_columns": np.zeros((N, 3))}, r"input_columns must be finite, of the shape"),
        ({"readout": np.zeros(3)}, r"readout must have the shape \[n_states=6\]"),
    ],
)
def test_what_does_not_fit_is_refused(step_map, expansion, options, message):
    given = {"expansion_points": expansion, "input_point": np.zeros(4), **options}
    with pytest.raises(ValueError, match=message):
        analyze_integration(step_map, **given)


def test_states_of_another_width_cannot_be_projected(step_map, expansion):
    found = analyze_integration(step_map, expansion, np.zeros(4))
    with pytest.raises(ValueError, match="states must have the width n_states=6"):
        found.project(np.zeros((3, 5)))
