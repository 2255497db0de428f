"""What is closed is closed with all its parts: ipywidgets keeps the others for good."""

import jax.numpy as jnp
import numpy as np
from ipywidgets.widgets.widget import _instances

from fpf_notebook.widgets import FixedPointExplorer, JacobianInspector, TrainingMonitor


def test_no_part_of_a_closed_widget_is_kept():
    states = np.random.default_rng(0).uniform(-1, 1, (2, 4, 2))
    before = set(_instances)
    explorer = FixedPointExplorer(
        lambda h, u: jnp.tanh(2 * h + u), states, np.zeros(2), n_inits=8, auto=False
    )
    explorer.controls  # noqa: B018 - made at the first use
    inspector, monitor = JacobianInspector(explorer), TrainingMonitor()
    inspector.controls  # noqa: B018
    assert len(set(_instances) - before) > 40
    for widget in (inspector, explorer, monitor):
        widget.close()
        widget.close()  # once more is nothing
    left = [type(_instances[name]).__name__ for name in set(_instances) - before]
    assert left == []
