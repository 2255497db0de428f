"""Models of BrainPy as people write them, without a wrapper."""

import dataclasses

import pytest

from tests.models_in_the_wild.brainpy_wild import BRAINPY
from tests.models_in_the_wild.known import check


@pytest.mark.parametrize("name", BRAINPY)
def test_every_known_point_is_found_and_no_other(name):
    check(dataclasses.replace(BRAINPY[name], framework="brainpy"))
