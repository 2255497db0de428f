"""Modules of PyTorch as people write them, without a wrapper."""

import pytest

pytest.importorskip("torch")

from tests.models_in_the_wild.known import check
from tests.models_in_the_wild.torch_models import TORCH


@pytest.mark.filterwarnings("ignore:.*torch.jit.*:DeprecationWarning")
@pytest.mark.parametrize("name", TORCH)
def test_every_known_point_is_found_and_no_other(name):
    check(TORCH[name])
