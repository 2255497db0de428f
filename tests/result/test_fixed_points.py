import copy
import dataclasses
import pickle
import subprocess
import sys

import numpy as np
import pytest

from fpf_notebook.result.fields import FIELDS, METADATA
from fpf_notebook.result.fixed_points import FixedPoints
from tests.result.records import assert_same, full_record


def test_field_table_and_class_name_the_same_fields() -> None:
    names = [field.name for field in dataclasses.fields(FixedPoints)]
    assert names == [*FIELDS, *METADATA]


def test_import_brings_in_neither_jax_nor_brainpy_nor_plotting() -> None:
    code = (
        "import sys, fpf_notebook.result.fixed_points, fpf_notebook.result.dedupe, "
        "fpf_notebook.io; "
        "bad = {'jax', 'brainpy', 'scipy', 'pandas', 'xarray', 'matplotlib', 'plotly', 'h5py'}; "
        "print(sorted(bad & set(sys.modules)))"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_a_call_as_canns_makes_it() -> None:
    fps = FixedPoints(
        xstar=np.array([[0.0, 0.1, -0.1], [0.2, 0.0, -0.2]], dtype=np.float32),
        is_stable=np.array([True, False]),
        inputs=np.zeros((2, 1), dtype=np.float32),
        qstar=np.array([1e-6, 2e-6], dtype=np.float32),
        tol_unique=1e-3,
        dtype=np.float32,
    )
    assert (fps.n, fps.n_states, fps.n_inputs, len(fps)) == (2, 3, 1, 2)
    assert fps.dtype == np.float32
    assert fps.xstar.dtype == np.float32
    assert fps.J_xstar is None
    assert not fps.has_decomposed_jacobians


def test_no_arguments_make_the_empty_set() -> None:
    fps = FixedPoints()
    assert (len(fps), fps.n_states, fps.n_inputs) == (0, 0, 0)
    assert list(fps) == []
    assert len(fps.get_unique()) == 0
    assert len(fps.find(np.zeros(3))) == 0
    assert np.zeros(3) not in fps
    assert fps.counts() == {"fixed": 0, "slow": 0, "unconverged": 0}
    assert repr(fps) == "<FixedPoints: no fixed points>"


def test_empty_set_of_known_size_goes_through_everything() -> None:
    fps = full_record(0)
    assert fps.time_constants.shape == (0, 4)
    assert fps.frequencies.shape == (0, 4)
    assert fps.transform(np.eye(4)[:, :2]).xstar.shape == (0, 2)
    assert fps.get_unique().xstar.shape == (0, 4)
    assert FixedPoints.concatenate([fps, fps]).xstar.shape == (0, 4)
    assert fps.decompose_jacobians().eigvec_left_J_xstar.shape == (0, 4, 4)
    with pytest.raises(ValueError, match="set of fixed points is empty"):
        fps.nearest(np.zeros(4))


def test_arrays_are_read_only_and_the_callers_stay_writable() -> None:
    states = np.zeros((2, 3))
    fps = FixedPoints(states)
    with pytest.raises(ValueError, match="read-only"):
        fps.xstar[0] = 1
    states[0] = 1  # still the caller's


@pytest.mark.parametrize("name", ["xstar", "qstar", "n", "anything"])
def test_attributes_cannot_be_set_and_the_error_says_what_to_do(name: str) -> None:
    with pytest.raises(AttributeError, match=rf"Use new = fps\.update\({name}=\.\.\.\)"):
        setattr(FixedPoints(np.zeros((1, 1))), name, 0)


def test_provenance_cannot_be_changed() -> None:
    given = {"seed": 1}
    fps = FixedPoints(provenance=given)
    given["seed"] = 2
    assert fps.provenance["seed"] == 1
    with pytest.raises(TypeError):
        fps.provenance["seed"] = 3  # type: ignore[index]


@pytest.mark.parametrize("copied", [copy.deepcopy, lambda fps: pickle.loads(pickle.dumps(fps))])
def test_copies_are_equal_and_read_only(copied) -> None:
    fps = full_record(3)
    other = copied(fps)
    assert_same(fps, other)
    assert not other.xstar.flags.writeable
    assert other.provenance == fps.provenance
    assert other.dt == 0.1


@pytest.mark.parametrize(
    ("fields", "error", "message"),
    [
        ({"xstar": np.zeros(3)}, ValueError, r"xstar has shape \(3,\), expected \[point, state\]"),
        ({"qstar": np.zeros(3)}, ValueError, r"qstar has shape \(3,\), expected \[n_points=2\]"),
        (
            {"F_xstar": np.zeros((2, 4))},
            ValueError,
            r"F_xstar has shape \(2, 4\), expected \[n_points=2, n_states=3\]",
        ),
        ({"J_xstar": np.zeros((2, 3, 4))}, ValueError, r"J_xstar has shape \(2, 3, 4\)"),
        (
            {"inputs": np.zeros((2, 1)), "dFdu": np.zeros((2, 3, 2))},
            ValueError,
            r"dFdu has shape \(2, 3, 2\), expected \[n_points=2, n_states=3, n_inputs=1\]",
        ),
        ({"xstar": np.zeros((2, 3), complex)}, TypeError, "xstar .* complex128, expected float"),
        ({"n_iters": [1.5, 2.0]}, TypeError, "n_iters .* float64, expected int"),
        ({"n_iters": [np.nan, 2.0]}, TypeError, "n_iters .* float64, expected int"),
        ({"is_stable": [np.nan, 1.0]}, TypeError, "is_stable .* float64, expected bool"),
        ({"is_stable": ["no", "yes"]}, TypeError, "is_stable .* expected bool"),
        ({"status": [1, 2]}, TypeError, "status .* expected str"),
        ({"kind": ["fixed", "fast"]}, ValueError, "kind contains 'fast', expected one of fixed"),
        ({"stability": ["stable", ""]}, ValueError, "stability contains ''"),
        ({"tol_unique": -1.0}, ValueError, "tol_unique is -1.0, expected"),
        ({"tol_unique": np.nan}, ValueError, "tol_unique is nan, expected"),
        ({"time": "map"}, ValueError, "time is 'map', expected one of discrete, continuous"),
        ({"dt": 0.0}, ValueError, "dt is 0.0, expected a positive number"),
        ({"dt": np.inf}, ValueError, "dt is inf, expected a positive number"),
    ],
)
def test_bad_fields_are_named(fields, error, message) -> None:
    with pytest.raises(error, match=message):
        FixedPoints(**({"xstar": np.zeros((2, 3))} | fields))


def test_xstar_is_needed_beside_other_arrays() -> None:
    with pytest.raises(ValueError, match="xstar is None, expected an array, since qstar is given"):
        FixedPoints(qstar=np.zeros(2))


def test_numbers_are_converted_without_loss() -> None:
    fps = FixedPoints(
        [[0, 1], [2, 3]],
        is_stable=[1.0, 0.0],
        n_iters=[3.0, 4.0],
        eigval_J_xstar=np.ones((2, 2), np.float32),
    )
    assert fps.xstar.dtype == np.float64
    assert fps.is_stable.dtype == bool
    assert fps.n_iters.dtype == np.int64
    assert fps.eigval_J_xstar.dtype == np.complex64


def test_one_fixed_point_with_one_state() -> None:
    fps = FixedPoints([[0.5]], J_xstar=[[[0.5]]], dt=2.0).decompose_jacobians()
    assert fps.stability.tolist() == ["stable"]
    assert fps.index.tolist() == [1]
    np.testing.assert_allclose(fps.time_constants, [[2.0 / np.log(2)]])
    assert repr(fps) == "<FixedPoints: 1 fixed point: 1 stable>"


def test_time_constants_and_frequencies_use_dt() -> None:
    rotation = 0.9 * np.array([[0.0, -1.0], [1.0, 0.0]])
    fps = FixedPoints([[0.0, 0.0]], J_xstar=[rotation], dt=0.5).decompose_jacobians()
    np.testing.assert_allclose(fps.time_constants, [[-0.5 / np.log(0.9)] * 2])
    np.testing.assert_allclose(fps.frequencies, [[0.25 / 0.5] * 2])
    flow = FixedPoints([[0.0]], J_xstar=[[[-4.0]]], dt=0.5, time="continuous")
    np.testing.assert_allclose(flow.decompose_jacobians().time_constants, [[0.25]])


def test_what_is_missing_is_said_with_the_way_to_get_it() -> None:
    fps = FixedPoints(np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"have no eigval_J_xstar.*decompose_jacobians"):
        _ = fps.time_constants
    with pytest.raises(ValueError, match=r"have no J_xstar\. Add it by update\(J_xstar=\.\.\.\)"):
        fps.decompose_jacobians()
    assert fps.require("xstar") is fps.xstar


def test_decomposition_fills_in_all_that_follows_from_the_jacobians() -> None:
    J = np.stack([np.diag([0.5, 0.2]), np.diag([1.5, 0.2]), np.diag([1.5, -2.0]), np.eye(2)])
    fps = FixedPoints(np.zeros((4, 2)), J_xstar=J, F_xstar=np.full((4, 2), 0.1))
    new = fps.decompose_jacobians()
    assert fps.eigval_J_xstar is None
    assert new.stability.tolist() == ["stable", "saddle", "unstable", "marginal"]
    assert new.is_stable.tolist() == [True, False, False, False]
    assert new.n_unstable.tolist() == [0, 1, 2, 0]
    assert new.index.tolist() == [1, -1, -1, 0]
    np.testing.assert_allclose(new.margin, [0.5, -0.5, -1.0, 0.0])
    # (I - J)^-1 (0.1, 0.1); the last one cannot be solved
    expected = [np.hypot(0.2, 0.125), np.hypot(0.2, 0.125), np.hypot(0.2, 0.1 / 3), np.inf]
    np.testing.assert_allclose(new.forward_error, expected)


def test_forward_error_of_a_flow_takes_the_derivative_as_the_residual() -> None:
    fps = FixedPoints(
        [[5.0]], J_xstar=[[[-2.0]]], F_xstar=[[0.1]], time="continuous"
    ).decompose_jacobians()
    np.testing.assert_allclose(fps.forward_error, [0.05])


def test_forward_error_of_single_precision_line_attractor_is_not_noise() -> None:
    x = np.full((1, 2), 0.3, np.float32)
    fps = FixedPoints(x, F_xstar=x + np.float32(3e-8), J_xstar=[np.diag([1.0, 0.5])])
    assert fps.decompose_jacobians().forward_error[0] < 1e-6


def test_decomposition_is_silent_unless_asked(capsys) -> None:
    fps = FixedPoints([[0.0]], J_xstar=[[[0.5]]])
    fps.decompose_jacobians()
    assert capsys.readouterr().out == ""
    fps.decompose_jacobians(verbose=True)
    assert capsys.readouterr().out == "1 fixed point: 1 stable\n"
    with pytest.raises(TypeError, match="marginal_tol is True, expected a number"):
        fps.decompose_jacobians(True)


def test_marginal_tolerance_is_honoured() -> None:
    fps = FixedPoints([[0.0]], J_xstar=[[[0.99]]])
    assert fps.decompose_jacobians().stability[0] == "stable"
    assert fps.decompose_jacobians(marginal_tol=0.02).stability[0] == "marginal"


def test_counts_and_summary(capsys) -> None:
    J = np.stack([np.diag([0.5, 0.2]), np.diag([1.5, 0.2]), np.diag([0.5, 0.1])])
    fps = FixedPoints(
        np.zeros((3, 2)),
        inputs=np.zeros((3, 1)),
        qstar=[1e-30, np.nan, 1e-8],
        n_iters=[3, 4, 5],
        J_xstar=J,
        kind=["fixed", "fixed", "slow"],
        interrupted=True,
        dt=0.01,
    ).decompose_jacobians()
    assert fps.counts() == {
        "fixed": 2,
        "slow": 1,
        "unconverged": 0,
        "stable": 1,
        "saddle": 1,
        "unstable": 0,
        "marginal": 0,
        "undetermined": 0,
        "unknown": 0,
    }
    assert fps.is_fixed.tolist() == [True, True, False]
    assert fps.is_slow.tolist() == [False, False, True]
    fps.print_summary()
    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "=== Fixed Points Summary ==="
    assert lines[1] == "2 fixed points: 1 stable, 1 saddle; 1 slow"
    assert lines[2] == "2 states, 1 input, map, dt = 0.01"
    assert lines[3] == "q: min 1.00e-30, median 5.00e-09, max 1.00e-08 (1 not finite)"
    assert lines[4] == "iterations: min 3, median 4, max 5"
    assert lines[5] == "unstable directions: 1 with 0, 1 with 1"
    assert lines[6] == "The search was interrupted: there may be more."


def test_summary_with_stable_flags_only() -> None:
    fps = FixedPoints(np.zeros((3, 2)), is_stable=[True, False, False])
    assert repr(fps) == "<FixedPoints: 3 fixed points: 1 stable, 2 not stable>"


def test_summary_of_an_empty_search(capsys) -> None:
    full_record(0).update(manifolds=()).print_summary()
    assert "no fixed points\n4 states, 3 inputs, map, dt = 0.1\n" in capsys.readouterr().out


def test_summary_of_a_search_that_found_manifolds_alone(capsys) -> None:
    full_record(0).print_summary()
    printed = capsys.readouterr().out
    assert "no isolated fixed points; 1 ring of fixed points; 1 line of slow points\n" in printed


def test_plot_draws_the_points_with_matplotlib_and_with_plotly() -> None:
    import matplotlib.pyplot as plt

    fps = full_record(6).update(kind=None)
    figure = fps.plot(np.zeros((2, 5, 4)), backend="matplotlib", n_dims=2)
    assert figure.axes
    plt.close(figure)
    assert fps.plot(backend="plotly", n_dims=3).data
