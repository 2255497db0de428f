"""Many networks in one call: seeds, hyperparameters, the epochs of a training.

`sweep(networks, request)` searches each, keeps the results in a folder as they come, and goes on
where it was when it is called again. `SweepResult` holds them all.
"""

from typing import TYPE_CHECKING

from fpf_notebook._lazy import lazy_names

if TYPE_CHECKING:
    from fpf_notebook.sweep.networks import Network
    from fpf_notebook.sweep.result import SweepResult, SweepRow
    from fpf_notebook.sweep.run import sweep

__all__ = ["Network", "SweepResult", "SweepRow", "sweep"]

_HOME_OF = {
    "Network": "networks",
    "SweepResult": "result",
    "SweepRow": "result",
    "sweep": "run",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
