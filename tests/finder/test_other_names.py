"""What is called otherwise in FixedPointFinder and BrainPy is answered with what it is here."""

import copy
import inspect
import pickle

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints


@pytest.fixture(scope="module")
def finder():
    return FixedPointFinder(lambda h, u: jnp.tanh(2 * h + u), n_states=1, n_inputs=1)


def test_every_method_of_brainpy_s_finder_is_there_or_answered(finder):
    from brainpy.analysis import SlowPointFinder

    # Of its base class, which is for low-dimensional systems.
    own = [name for name in vars(SlowPointFinder) if not name.startswith("_")]
    assert {"find_fps_with_gd_method", "filter_loss", "keep_unique", "num_fps"} <= set(own)
    for name in own:
        if not hasattr(finder, name):
            with pytest.raises(AttributeError, match=rf"has no '{name}': .+"):
                getattr(finder, name)


def test_what_the_answers_say_can_be_done(finder):
    unique_fps, all_fps = finder.find_fixed_points(np.linspace(-1, 1, 9)[:, None], np.zeros((1, 1)))
    assert len(unique_fps[unique_fps.qstar < 1e-20]) == len(unique_fps) == 3
    assert len(unique_fps.get_unique(tol=0.1)) == 3
    assert unique_fps.J_xstar.shape == (3, 1, 1)
    assert all_fps.is_fixed.all()
    assert len(all_fps.n_iters) == 9
    with pytest.raises(AttributeError, match=r"FixedPoints\.load"):
        unique_fps.restore("points.fps")


def test_names_that_nobody_has_are_plain_errors_and_copies_work(finder):
    with pytest.raises(AttributeError, match="'FixedPoints' object has no attribute 'color'"):
        FixedPoints(np.zeros((1, 2))).color  # noqa: B018
    assert not hasattr(finder, "colour")
    points = FixedPoints(np.ones((1, 2)))
    for again in (copy.copy(points), copy.deepcopy(points), pickle.loads(pickle.dumps(points))):
        np.testing.assert_array_equal(again.xstar, points.xstar)
    assert inspect.isroutine(FixedPoints.load)
