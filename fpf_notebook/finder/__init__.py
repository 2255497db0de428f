"""Finding fixed points: sampling, solvers, deduplication, completeness."""

from typing import TYPE_CHECKING

from fpf_notebook._lazy import lazy_names

if TYPE_CHECKING:
    from fpf_notebook.finder.finder import FixedPointFinder
    from fpf_notebook.finder.progress import CancelToken, Progress, SilentProgress, TerminalProgress
    from fpf_notebook.finder.slow_points import find_slow_points

__all__ = [
    "CancelToken",
    "FixedPointFinder",
    "Progress",
    "SilentProgress",
    "TerminalProgress",
    "find_slow_points",
]

# The same list as above; a test compares the two.
_HOME_OF = {
    "CancelToken": "progress",
    "FixedPointFinder": "finder",
    "Progress": "progress",
    "SilentProgress": "progress",
    "TerminalProgress": "progress",
    "find_slow_points": "slow_points",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
