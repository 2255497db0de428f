"""Linear algebra on one thread, and as many threads as before afterwards."""

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from fpf_notebook.result.blas_threads import single_threaded


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
