"""Ctrl-C in `one_thread`, wherever it may come, leaves BLAS and NumPy as they were."""

import sys

import numpy as np
from threadpoolctl import threadpool_limits

from fpf_notebook.result import blas_threads
from fpf_notebook.result.blas_threads import one_thread, single_threaded
from tests.interrupted import at_every_place


def threads(controllers):
    return [one.get_num_threads() for one in controllers]


@single_threaded
def inner():
    np.linalg.eigvals(np.eye(2))
    with one_thread():
        np.linalg.eigvals(np.eye(2))


@single_threaded
def work():
    np.seterr(all="ignore")
    inner()


def test_ctrl_c_anywhere(monkeypatch):
    # pytest's own keeps what it is given, and with it the interrupted frames.
    monkeypatch.setattr(sys, "unraisablehook", lambda problem: None)
    with threadpool_limits(2, user_api="blas"):
        controllers = blas_threads._libraries()  # asking all of the process takes far longer
        before, errors = threads(controllers), np.geterr()
        assert 2 in before
        n = 0
        for k in at_every_place(work, blas_threads):
            assert threads(controllers) == before, k
            assert np.geterr() == errors, k
            assert not blas_threads._held, k
            n += 1
        assert n > 30
        work()
        assert threads(controllers) == before
        assert np.geterr() == errors
