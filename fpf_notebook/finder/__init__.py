"""Finding fixed points: sampling, solvers, deduplication, completeness."""

from typing import TYPE_CHECKING

from fpf_notebook._lazy import lazy_names

if TYPE_CHECKING:
    from fpf_notebook.finder.finder import FixedPointFinder
    from fpf_notebook.finder.manifolds.of_searches import find_manifolds
    from fpf_notebook.finder.progress import CancelToken, Progress, SilentProgress, TerminalProgress
    from fpf_notebook.finder.proof import Certificates, Proof, certify, prove
    from fpf_notebook.finder.request import SearchRequest
    from fpf_notebook.finder.slow_points import find_slow_points
    from fpf_notebook.finder.solvers.protocol import Limits, Problem, Solver

__all__ = [
    "CancelToken",
    "Certificates",
    "FixedPointFinder",
    "Limits",
    "Problem",
    "Progress",
    "Proof",
    "SearchRequest",
    "SilentProgress",
    "Solver",
    "TerminalProgress",
    "certify",
    "find_manifolds",
    "find_slow_points",
    "prove",
]

# The same list as above; a test compares the two.
_HOME_OF = {
    "CancelToken": "progress",
    "Certificates": "proof",
    "FixedPointFinder": "finder",
    "Limits": "solvers.protocol",
    "Problem": "solvers.protocol",
    "Progress": "progress",
    "Proof": "proof",
    "SearchRequest": "request",
    "SilentProgress": "progress",
    "Solver": "solvers.protocol",
    "TerminalProgress": "progress",
    "certify": "proof",
    "find_manifolds": "manifolds.of_searches",
    "find_slow_points": "slow_points",
    "prove": "proof",
}

__getattr__, __dir__ = lazy_names(__name__, _HOME_OF)
