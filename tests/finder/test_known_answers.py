"""Every method finds the points of the table, all of them and nothing else."""

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.finder.options import METHODS
from tests.finder.known_maps import (
    Known,
    assert_same_points,
    finder_of,
    grid,
    known_maps,
    planar,
    planar_map,
    scalar,
    scalar_map,
)

EVERY_WAY = [
    pytest.param(method, dtype, id=f"{method}-{dtype}")
    for method in METHODS
    for dtype in ("float64", "float32")
]


# Maps share what is compiled for a method; for each flow it is compiled anew.
FLOW_WAYS = [("newton", "float64"), ("newton", "float32"), ("joint", "float64")]


@pytest.mark.parametrize(
    ("known", "method", "dtype"),
    [
        pytest.param(known, *way.values, id=f"{known}-{way.id}")
        for known in known_maps()
        for way in EVERY_WAY
        if "flow" not in known.name or way.values in FLOW_WAYS
    ],
)
def test_finds_exactly_the_known_points(known: Known, method: str, dtype: str) -> None:
    finder = finder_of(known, method=method, dtype=dtype)
    unique, everything = finder.find_fixed_points(initial_states=known.starts)

    order = assert_same_points(unique, known.points)
    assert unique.stability[order].tolist() == list(known.stability)
    assert unique.index[order].tolist() == list(known.index)
    assert (unique.kind == "fixed").all()
    assert unique.qstar.max() <= 1e-20
    assert unique.forward_error.max() <= 1e-9
    assert unique.hits.sum() == np.sum(everything.kind == "fixed")
    # A box is proven for those that are bounded; nothing is claimed of the others.
    assert unique.completeness.consistent is not False


@pytest.mark.parametrize(("method", "dtype"), EVERY_WAY)
def test_a_line_attractor_is_a_line_of_degenerate_points(method: str, dtype: str) -> None:
    along, across = np.array([0.6, 0.8]), np.array([-0.8, 0.6])
    w = np.outer(along, along) + 0.5 * np.outer(across, across)
    starts = 3 * grid(-1, 1, 4, 2)
    known = Known("line", planar_map, planar("linear", w), starts, starts, (), ())
    unique, everything = finder_of(known, method=method, dtype=dtype).find_fixed_points(
        initial_states=starts
    )

    # Adam may lower its rate to nothing before it arrives.
    fixed = everything.kind == "fixed"
    assert fixed.mean() >= (1.0 if method == "newton" else 0.75)
    np.testing.assert_allclose(everything.xstar[fixed] @ across, 0, atol=1e-7)
    assert (unique.index == 0).all()
    assert (unique.stability == "marginal").all()
    assert len(unique) > 5
    report = unique.completeness
    assert (report.index_sum, report.n_degenerate, report.consistent) == (0, len(unique), None)
    assert f"{len(unique)} degenerate" in str(report)


@pytest.mark.parametrize(("method", "dtype"), EVERY_WAY)
@pytest.mark.parametrize(
    ("params", "root"),
    [
        pytest.param(scalar("fold"), 0.0, id="fold"),
        pytest.param(scalar("cubic"), 0.0, id="pitchfork"),
        pytest.param(scalar("tanh", 1.0), 0.0, id="tanh(x)"),
    ],
)
def test_a_bifurcation_point_is_one_degenerate_point(
    params: dict[str, object], root: float, method: str, dtype: str
) -> None:
    starts = grid(-0.3, 0.3, 16)
    known = Known("", scalar_map, params, starts, starts, (), ())
    unique, _ = finder_of(known, method=method, dtype=dtype).find_fixed_points(
        initial_states=starts, exhaustive=method == "newton"
    )

    assert_same_points(unique, [[root]], tol=1e-4)
    assert unique.index.tolist() == [0]
    assert unique.stability.tolist() == ["marginal"]
    assert unique.completeness.n_degenerate == 1


@pytest.mark.parametrize(("method", "dtype"), EVERY_WAY)
@pytest.mark.parametrize("gap", [1e-5, 1e-7])
def test_the_ghost_of_a_fold_is_slow_and_not_fixed(gap: float, method: str, dtype: str) -> None:
    # x + x² + gap has no fixed point; q = gap² / 2 at its narrowest place, x = 0, which for the
    # smaller gap is below tol_q.
    starts = grid(-0.3, 0.3, 16)
    known = Known("ghost", scalar_map, scalar("fold", b=gap), starts, starts, (), ())
    finder = finder_of(known, method=method, dtype=dtype)
    unique, everything = finder.find_fixed_points(initial_states=starts)
    assert len(unique) == 0
    assert not (everything.kind == "fixed").any()
    assert (everything.kind == "slow").any()

    with_slow, _ = finder.find_fixed_points(initial_states=starts, include_slow=True)
    assert with_slow.kind.tolist() == ["slow"]
    assert abs(with_slow.xstar[0, 0]) < 1e-3
    np.testing.assert_allclose(with_slow.qstar, gap**2 / 2, rtol=1e-2)
    assert with_slow.completeness.n_points == 0
    assert with_slow.completeness.index_sum == 0


def test_a_map_that_moves_nothing_has_every_start_as_a_fixed_point() -> None:
    starts = grid(-1, 1, 8)
    known = Known("identity", scalar_map, scalar("linear", 1.0), starts, starts, (), ())
    unique, _ = finder_of(known).find_fixed_points(initial_states=starts)
    assert_same_points(unique, starts, tol=0)
    assert (unique.index == 0).all()
    assert (unique.stability == "marginal").all()


@pytest.mark.parametrize("method", METHODS)
def test_a_map_without_fixed_points_gives_none(method: str) -> None:
    starts = grid(-1, 1, 8)
    known = Known("x + 1", scalar_map, scalar("linear", 1.0, 1.0), starts, starts, (), ())
    unique, everything = finder_of(known, method=method).find_fixed_points(initial_states=starts)
    assert len(unique) == 0
    np.testing.assert_allclose(everything.qstar, 0.5)
    assert not (everything.kind == "fixed").any()


@pytest.mark.parametrize("side", [-1, 1])
def test_eigenvalues_are_those_of_the_jacobian(side: int) -> None:
    gain = 1.0 + 0.3 * side
    starts = grid(-1, 1, 8)
    known = Known("", scalar_map, scalar("tanh", gain), starts, starts, (), ())
    unique, _ = finder_of(known).find_fixed_points(initial_states=starts)
    expected = gain * (1 - unique.xstar[:, 0] ** 2)
    np.testing.assert_allclose(unique.eigval_J_xstar[:, 0], expected, rtol=1e-10)
    np.testing.assert_array_equal(unique.is_stable, np.abs(expected) < 1)
    np.testing.assert_array_equal(unique.index, np.sign(1 - expected))


def test_a_flow_is_judged_by_the_real_part() -> None:
    # dx/dt = -1.5 x: as a map |-1.5| would be unstable, as a flow it is stable.
    starts = grid(-1, 1, 4)
    known = Known("", scalar_map, scalar("linear", -1.5), starts, starts, (), ())
    flow, _ = finder_of(known, time="continuous").find_fixed_points(initial_states=starts)
    assert flow.stability.tolist() == ["stable"]
    assert flow.time == "continuous"
    np.testing.assert_allclose(flow.margin, 1.5)
    as_map, _ = finder_of(known).find_fixed_points(initial_states=starts)
    assert as_map.stability.tolist() == ["unstable"]


def test_a_linear_step_that_newton_cannot_solve_has_one_point() -> None:
    n = 12
    q = np.linalg.qr(np.random.default_rng(0).normal(size=(n, n)))[0]
    a = q @ (0.9 * np.eye(n) + 10 * np.eye(n, k=1)) @ q.T
    for exhaustive in (False, True):
        finder = FixedPointFinder(
            lambda s, i: s @ a.T, n_states=n, n_inputs=1, progress=SilentProgress()
        )
        starts = np.random.default_rng(0).normal(size=(64, n))
        found, _ = finder.find_fixed_points(
            initial_states=starts, inputs=np.zeros((1, 1)), exhaustive=exhaustive, max_rounds=1
        )
        np.testing.assert_array_equal(found.xstar, np.zeros((1, n)))
        assert found.stability.tolist() == ["undetermined"]
