import pickle
import pickletools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder
from fpf_notebook.io import load_legacy_fps, save_legacy_fps
from fpf_notebook.result.fixed_points import FixedPoints

ARRAYS = (
    *("xstar", "x_init", "inputs", "F_xstar", "qstar", "dq", "n_iters", "J_xstar", "dFdu"),
    *("eigval_J_xstar", "eigvec_J_xstar", "is_stable", "cond_id"),
)


@pytest.fixture(scope="module")
def points() -> FixedPoints:
    W = np.array([[2.0, -0.5], [0.5, 1.5]])

    def step(state: Any, input: Any) -> Any:
        import jax.numpy as jnp

        return jnp.tanh(W @ state + input)

    finder = FixedPointFinder(step, n_states=2, n_inputs=1, convention="state_input")
    starts = np.random.default_rng(0).uniform(-1, 1, (64, 2))
    return finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)))[0]


def restored(path: Path) -> dict[str, Any]:
    """Read a file as FixedPointFinder's ``restore`` does: what it unpickles is its ``__dict__``."""
    return pickle.loads(path.read_bytes())


def test_the_attributes_are_those_of_fixed_point_finder(points, tmp_path) -> None:
    save_legacy_fps(points, tmp_path / "points.fps")
    attributes = restored(tmp_path / "points.fps")
    for name in ARRAYS:
        expected = getattr(points, name)
        if expected is None:
            assert attributes[name] is None
            continue
        np.testing.assert_array_equal(attributes[name], expected, err_msg=name)
        assert type(attributes[name]) is np.ndarray
        attributes[name][...] = 0  # its code writes to them
    assert (attributes["n"], attributes["n_states"], attributes["n_inputs"]) == (len(points), 2, 1)
    assert attributes["tol_unique"] == points.tol_unique
    assert attributes["dtype"] is np.float64
    assert attributes["dtype_complex"] is np.complex128
    assert attributes["has_decomposed_jacobians"]
    assert attributes.keys() == {
        *ARRAYS,
        *("n", "n_states", "n_inputs", "tol_unique", "dtype", "dtype_complex"),
        *("do_alloc_nan", "verbose", "has_decomposed_jacobians"),
    }


def test_there_and_back(points, tmp_path) -> None:
    save_legacy_fps(points, tmp_path / "points.fps")
    back = load_legacy_fps(tmp_path / "points.fps")
    for name in ARRAYS:
        np.testing.assert_array_equal(getattr(back, name), getattr(points, name), err_msg=name)
    assert back.time == "discrete"
    assert "ignored" not in back.provenance


def test_any_version_of_numpy_can_read_it(points, tmp_path) -> None:
    save_legacy_fps(points, tmp_path / "points.fps")
    content = (tmp_path / "points.fps").read_bytes()
    texts = {argument for _, argument, _ in pickletools.genops(content) if type(argument) is str}
    named = {text for text in texts if text.partition(".")[0] in ("numpy", "builtins", "copyreg")}
    assert named == {"numpy"}  # not numpy.core.multiarray, which numpy 2 calls otherwise


def test_single_precision_and_missing_fields(tmp_path) -> None:
    bare = FixedPoints(xstar=np.ones((2, 3), np.float32))
    save_legacy_fps(bare, tmp_path / "points.fps")
    attributes = restored(tmp_path / "points.fps")
    assert attributes["dtype"] is np.float32
    assert attributes["n_inputs"] is None
    assert attributes["J_xstar"] is None
    assert not attributes["has_decomposed_jacobians"]
    assert len(load_legacy_fps(tmp_path / "points.fps")) == 2


def test_other_things_are_refused(tmp_path) -> None:
    flow = FixedPoints(xstar=np.ones((2, 3)), time="continuous")
    with pytest.raises(ValueError, match="fixed points of a flow"):
        save_legacy_fps(flow, tmp_path / "points.fps")
    with pytest.raises(TypeError, match="expected FixedPoints"):
        save_legacy_fps({"xstar": np.ones((2, 3))}, tmp_path / "points.fps")  # type: ignore[arg-type]
    assert not list(tmp_path.iterdir())
