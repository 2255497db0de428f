"""Linear algebra on one thread, and as many threads as before afterwards."""

import threading

import jax.numpy as jnp
import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from fpf_notebook import FixedPointFinder, SilentProgress
from fpf_notebook.result.blas_threads import one_thread, single_threaded


def blas_threads():
    """Return the threads of numpy's BLAS: scipy may bring, and load at any time, one of its own."""
    pools = [pool for pool in threadpool_info() if pool["user_api"] == "blas"]
    own = [pool for pool in pools if "numpy" in pool["filepath"]] or pools
    return [pool["num_threads"] for pool in own]


def test_a_library_that_was_loaded_later_is_left_alone():
    single_threaded(blas_threads)()
    import scipy.linalg

    def works():
        return scipy.linalg.eigvals(np.eye(2)), blas_threads()

    assert set(single_threaded(works)()[1]) == {1}


def test_one_thread_within_and_the_same_as_before_afterwards():
    np.linalg.eigvals(np.eye(2))
    before = blas_threads()
    assert before
    assert set(single_threaded(blas_threads)()) == {1}
    assert blas_threads() == before


def test_also_after_an_error():
    before = blas_threads()

    def fails():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        single_threaded(fails)()
    assert blas_threads() == before


def test_blocks_in_two_threads_that_overlap_restore_when_the_last_one_ends():
    before = blas_threads()
    entered, leave, seen = threading.Event(), threading.Event(), []

    def long():
        with one_thread():
            entered.set()
            leave.wait(30)
            seen.append(blas_threads())

    other = threading.Thread(target=long)
    with one_thread():  # this one ends first
        other.start()
        assert entered.wait(30)
    assert set(blas_threads()) == {1}
    leave.set()
    other.join()
    assert set(seen[0]) == {1}
    assert blas_threads() == before


def test_what_is_set_meanwhile_stays():
    with threadpool_limits(2, user_api="blas"):
        with one_thread():
            threadpool_limits(3, user_api="blas")
        assert set(blas_threads()) == {3}


def test_a_search_runs_on_one_thread_that_of_xla_included():
    seen = []

    class Looks(SilentProgress):
        def update(self, done, message):
            seen.extend(
                pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"
            )

    with threadpool_limits(2, user_api="blas"):
        FixedPointFinder(
            lambda h: jnp.tanh(2.0 * h), n_states=6, n_inputs=0, batched=False
        ).find_fixed_points(initial_states=np.full((4, 6), 0.3), progress=Looks())
        assert seen
        assert set(seen) == {1}
        assert set(blas_threads()) == {2}
