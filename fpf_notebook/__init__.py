"""Find every fixed point of a recurrent network, and say whether the set is complete.

The public names below are imported at first use: ``import fpf_notebook`` itself is instant, and
brings in neither JAX nor BrainPy nor any plotting library.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from fpf_notebook._version import __version__

if TYPE_CHECKING:
    from fpf_notebook import (
        analysis,
        dynamics,
        exercises,
        finder,
        io,
        models,
        plots,
        result,
        sweep,
        tasks,
        training,
        widgets,
    )
    from fpf_notebook.dynamics import as_step_map
    from fpf_notebook.dynamics.step_map import StepMap
    from fpf_notebook.finder.finder import FixedPointFinder
    from fpf_notebook.finder.progress import CancelToken, SilentProgress, TerminalProgress
    from fpf_notebook.models.pretrained import load_pretrained
    from fpf_notebook.plots.config import PlotConfig
    from fpf_notebook.plots.fixed_points import (
        plot_fixed_points,
        plot_fixed_points_2d,
        plot_fixed_points_3d,
        plot_fps,
    )
    from fpf_notebook.plots.spectrum import plot_spectrum
    from fpf_notebook.result.completeness import Completeness
    from fpf_notebook.result.fixed_points import FixedPoints
    from fpf_notebook.training import TrainingHistory, train
    from fpf_notebook.training.checkpoint import load_checkpoint, save_checkpoint
    from fpf_notebook.training.recipes import train_flip_flop
    from fpf_notebook.widgets import (
        FixedPointExplorer,
        JacobianInspector,
        TrainingMonitor,
        check,
    )

# The same list as above, for `__getattr__`; a test compares the two.
_HOME_OF = {
    "CancelToken": "finder.progress",
    "Completeness": "result.completeness",
    "FixedPointExplorer": "widgets",
    "FixedPointFinder": "finder.finder",
    "FixedPoints": "result.fixed_points",
    "JacobianInspector": "widgets",
    "PlotConfig": "plots.config",
    "SilentProgress": "finder.progress",
    "StepMap": "dynamics.step_map",
    "TerminalProgress": "finder.progress",
    "TrainingHistory": "training",
    "TrainingMonitor": "widgets",
    "as_step_map": "dynamics",
    "check": "widgets",
    "load_checkpoint": "training.checkpoint",
    "load_pretrained": "models.pretrained",
    "plot_fixed_points": "plots.fixed_points",
    "plot_fixed_points_2d": "plots.fixed_points",
    "plot_fixed_points_3d": "plots.fixed_points",
    "plot_fps": "plots.fixed_points",
    "plot_spectrum": "plots.spectrum",
    "save_checkpoint": "training.checkpoint",
    "train": "training",
    "train_flip_flop": "training.recipes",
}
_SUBMODULES = (
    "analysis",
    "dynamics",
    "exercises",
    "finder",
    "io",
    "models",
    "plots",
    "result",
    "sweep",
    "tasks",
    "training",
    "widgets",
)

__all__ = [
    "CancelToken",
    "Completeness",
    "FixedPointExplorer",
    "FixedPointFinder",
    "FixedPoints",
    "JacobianInspector",
    "PlotConfig",
    "SilentProgress",
    "StepMap",
    "TerminalProgress",
    "TrainingHistory",
    "TrainingMonitor",
    "__version__",
    "analysis",
    "as_step_map",
    "check",
    "dynamics",
    "exercises",
    "finder",
    "io",
    "load_checkpoint",
    "load_pretrained",
    "models",
    "plot_fixed_points",
    "plot_fixed_points_2d",
    "plot_fixed_points_3d",
    "plot_fps",
    "plot_spectrum",
    "plots",
    "result",
    "save_checkpoint",
    "sweep",
    "tasks",
    "train",
    "train_flip_flop",
    "training",
    "widgets",
]


def __getattr__(name: str) -> Any:
    if name in _HOME_OF:
        value = getattr(import_module(f"{__name__}.{_HOME_OF[name]}"), name)
    elif name in _SUBMODULES:
        value = import_module(f"{__name__}.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value  # found at once from now on
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def load_ipython_extension(ipython: Any) -> None:
    """Run by ``%load_ext fpf_notebook``: rich display of results, and widgets in Colab."""
    from fpf_notebook.widgets.extension import load

    load(ipython)


def unload_ipython_extension(ipython: Any) -> None:
    """Run by ``%unload_ext fpf_notebook``."""
    from fpf_notebook.widgets.extension import unload

    unload(ipython)
