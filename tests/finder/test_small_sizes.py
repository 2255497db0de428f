"""One unit, one state, no input, no point: normal everywhere, tables and figures and files too."""

from pathlib import Path
from typing import Any

import jax.numpy as jnp
import matplotlib.pyplot as plt
import numpy as np
import pytest

import fpf_notebook as fpf
from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress
from fpf_notebook.models import GRU, LSTM, VanillaRNN
from tests.finder.known_maps import Known, finder_of, grid, scalar, scalar_map

STARTS = grid(-1, 1, 8)


def drift(**options: Any) -> tuple[FixedPoints, FixedPoints]:
    """The search for fixed points of x + 1."""
    known = Known("", scalar_map, scalar("linear", 1.0, 1.0), STARTS, STARTS, (), ())
    return finder_of(known).find_fixed_points(initial_states=STARTS, **options)


@pytest.fixture(params=[{}, {"exhaustive": True}, {"period": 2}], ids=["once", "rounds", "cycles"])
def nothing(request: pytest.FixtureRequest) -> FixedPoints:
    return drift(**request.param)[0]


def test_no_point_is_a_normal_result(nothing: FixedPoints) -> None:
    assert len(nothing) == 0
    assert nothing.xstar.shape == (0, 1)
    assert nothing.J_xstar.shape == (0, 1, 1)
    assert nothing.eigval_J_xstar.shape == (0, 1)
    assert nothing.is_stable.shape == (0,)
    assert nothing.inputs.shape == (0, 0)
    assert "no fixed points" in nothing.summary()
    assert "no fixed points" in repr(nothing)
    assert nothing.completeness.index_sum == 0
    assert nothing.completeness.coverage is None


def test_no_point_in_tables(nothing: FixedPoints, capsys: pytest.CaptureFixture[str]) -> None:
    nothing.print_summary()
    assert "no fixed points" in capsys.readouterr().out
    assert "no fixed points" in nothing._repr_html_().lower()
    assert len(nothing.to_dataframe()) == 0
    assert nothing.to_xarray().sizes["point"] == 0
    assert nothing.counts()["fixed"] == 0
    assert len(nothing.get_unique()) == 0
    assert len(list(nothing)) == 0


@pytest.mark.parametrize("suffix", [".nc", ".npz"])
def test_no_point_in_files(nothing: FixedPoints, tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"nothing{suffix}"
    nothing.save(path)
    again = FixedPoints.load(path)
    assert len(again) == 0
    assert again.n_states == 1
    assert str(again.completeness) == str(nothing.completeness)


def test_no_point_in_figures() -> None:
    unique, _ = drift()
    trajectory = np.random.default_rng(0).standard_normal((2, 10, 1))
    config = fpf.PlotConfig(show=False)
    for draw in (fpf.plot_fixed_points_2d, fpf.plot_fixed_points_3d):
        figure = draw(unique, trajectory, config)
        figure.canvas.draw()
        plt.close(figure)
    unique.plot(trajectory)
    plt.close("all")


def test_one_unit_one_start_no_input() -> None:
    finder = FixedPointFinder(lambda h: jnp.tanh(0.5 * h), batched=False, progress=SilentProgress())
    unique, everything = finder.find_fixed_points(initial_states=np.array([[0.7]]))
    assert unique.xstar.shape == (1, 1)
    assert everything.inputs.shape == (1, 0)
    assert unique.dFdu.shape == (1, 1, 0)
    np.testing.assert_allclose(unique.eigval_J_xstar, [[0.5]])
    assert "1 fixed point: 1 stable" in unique.summary()
    figure = fpf.plot_fixed_points_2d(unique, np.zeros((1, 5, 1)), fpf.PlotConfig(show=False))
    figure.canvas.draw()
    plt.close(figure)


@pytest.mark.parametrize("method", ["newton", "joint", "sequential"])
def test_one_start_with_every_extra(method: str) -> None:
    known = Known("", scalar_map, scalar("tanh", 2.0), STARTS, STARTS, (), ())
    finder = finder_of(
        known,
        method=method,
        do_exclude_distance_outliers=True,
        do_rerun_q_outliers=True,
        n_runs=0,
        invariant_box=(-1.0, 1.0),
    )
    unique, everything = finder.find_fixed_points(
        initial_states=[[0.4]], include_slow=True, cond_ids=[3]
    )
    assert len(unique) == len(everything) == 1
    assert unique.cond_id.tolist() == [3]


@pytest.mark.parametrize("cell", [VanillaRNN, GRU, LSTM])
def test_cells_of_one_unit_without_input(cell: Any) -> None:
    model = cell(0, 1, 1)
    finder = FixedPointFinder(model, progress=SilentProgress())
    traj = np.zeros((1, 3, model.n_states))
    unique, everything = finder.find_fixed_points(traj, n_inits=5, noise_scale=0.1)
    assert len(everything) == 5
    assert unique.n_states == model.n_states
    assert unique.completeness.expected_sum == 1


def test_as_many_inputs_as_starts_and_one_of_each() -> None:
    model = VanillaRNN(3, 2, 1)
    finder = FixedPointFinder(model, progress=SilentProgress())
    unique, _ = finder.find_fixed_points(initial_states=np.zeros((1, 2)), inputs=np.ones((1, 3)))
    assert unique.inputs.tolist() == [[1.0, 1.0, 1.0]]
    # Without inputs they are zero, of the width that the model has.
    without, _ = finder.find_fixed_points(initial_states=np.zeros((1, 2)))
    assert without.inputs.tolist() == [[0.0, 0.0, 0.0]]
