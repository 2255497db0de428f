"""Finding fixed points: sampling, solvers, deduplication, completeness."""

from typing import TYPE_CHECKING

from fpf_notebook._lazy import lazy_names

if TYPE_CHECKING:
    from fpf_notebook.finder.finder import FixedPointFinder
    from fpf_notebook.finder.progress import CancelToken, Progress, SilentProgress, TerminalProgress
    from fpf_notebook.finder.request import SearchRequest
    from fpf_notebook.finder.slow_points import find_slow_points
    from fpf_notebook.finder.solvers.protocol import Limits, Problem, Solver

__all__ = [
    "CancelToken",
    "FixedPointFinder",
    "Limits",
    "Problem",
    "Progress",
    "SearchRequest",
    "SilentProgress",
    "Solver",
    "TerminalProgress",
    "find_slow_points",
]

# The same list as above; a test compares the two.
_HOME_OF = {
    "CancelToken": "progress",
    "FixedPointFinder": "finder",
    "Limits": "solvers.protocol",
    "Problem": "solvers.protocol",
    "Progress": "progress",
    "SearchRequest": "request",
    "SilentProgress": "progress",
    "Solver": "solvers.protocol",
    "TerminalProgress": "progress",
    "find_slow_points": "slow_points",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
