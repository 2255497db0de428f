"""Models of JAX as people write them, without a wrapper."""

import pytest

from tests.models_in_the_wild.jax_models import JAX
from tests.models_in_the_wild.known import check


@pytest.mark.parametrize("name", JAX)
def test_every_known_point_is_found_and_no_other(name):
    check(JAX[name])
