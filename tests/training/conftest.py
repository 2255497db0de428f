import pytest

from fpf_notebook.models import VanillaRNN
from fpf_notebook.tasks import FlipFlop


@pytest.fixture
def task():
    return FlipFlop(2, n_time=12)


@pytest.fixture
def model():
    return VanillaRNN(2, 3, 2)
