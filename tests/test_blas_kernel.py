"""`make test-kernels` runs the numerical tests with the matrix kernels that it names."""

import os

import numpy  # noqa: F401  (loads its OpenBLAS)
import pytest
import scipy.linalg  # noqa: F401  (loads another one, which JAX uses for LAPACK on a CPU)
from threadpoolctl import threadpool_info

# What OpenBLAS calls the kernels that it takes when it is told one of these. It has none for
# Prescott any more, and takes the oldest that it has, which are as old.
TAKEN = {"Haswell": {"Haswell"}, "SkylakeX": {"SkylakeX"}, "Prescott": {"Prescott", "Katmai"}}

asked = os.environ.get("OPENBLAS_CORETYPE")


@pytest.mark.skipif(asked not in TAKEN, reason="OPENBLAS_CORETYPE names none of the kernels tested")
def test_the_kernels_asked_for_are_in_use():
    libraries = [info for info in threadpool_info() if info["internal_api"] == "openblas"]
    assert libraries
    for library in libraries:
        assert library["architecture"] in TAKEN[asked]
