"""The real published files: all four are read, and behave as their authors say."""

import numpy as np
import pytest

from fpf_notebook.analysis.linear_approximation import relative_error
from fpf_notebook.io import import_jslds_weights
from fpf_notebook.models import JSLDS, KeepChannels
from fpf_notebook.tasks import ContextIntegration, FlipFlop
from tests.published import published

CONTEXT = KeepChannels((2, 3))


@pytest.mark.parametrize(
    ("name", "task", "point", "error"),
    [
        # Co-trained: the paper reports 0.046 and 0.0097.
        ("3-bit, figures", FlipFlop(3, encoding="one_hot"), None, (0.0466, 0.002)),
        ("context", ContextIntegration(), CONTEXT, (0.0096, 0.001)),
        # By their own settings (all four factors of the switching system are 0), trained alone.
        ("3-bit, another run", FlipFlop(3, encoding="one_hot"), None, (0.7, 0.1)),
        ("context, alone", ContextIntegration(), CONTEXT, (1.06, 0.1)),
    ],
)
def test_the_networks_do_their_task_and_the_co_trained_are_nearly_linear(name, task, point, error):
    model = import_jslds_weights(published(name), input_point=point)
    assert isinstance(model, JSLDS)
    assert model.n_states == (100 if name.startswith("3-bit") else 128)
    trials = task.sample(512, 0)
    run = model.run(trials.inputs)
    assert task.accuracy(run.rnn_outputs, trials) > 0.99
    expected, tolerance = error
    assert relative_error(run.rnn_states, run.jslds_states) == pytest.approx(
        expected, abs=tolerance
    )
    assert np.isfinite(run.expansion_points).all()
