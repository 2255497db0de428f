"""``fpf-notebook demo``: train, find, show."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    import brainpy as bp

    from fpf_notebook.cli.network import Network
    from fpf_notebook.result.fixed_points import FixedPoints

CONSISTENT = 0
NOT_CONSISTENT = 1
WRONG_ARGUMENT = 2
INTERRUPTED = 130  # what shells say of a program that Ctrl-C ended

_N_TRIALS = 128  # for the trajectories: 8,192 states


def run_demo(
    *, n_bits: int, cell: str, n_hidden: int | None, seed: int, out: Path, use_cache: bool
) -> int:
    """Train a flip-flop network, find all its fixed points, draw and save them.

    Parameters
    ----------
    n_bits : int
        Number of bits.
    cell : {"tanh", "gru", "lstm"}
        Kind of network.
    n_hidden : int or None
        Hidden units; None leaves it to the recipe.
    seed : int
        Of the weights, the trials and the search.
    out : Path
        Folder of the results, made if it is missing.
    use_cache : bool
        Whether a network that was trained with the same settings before may be used.

    Returns
    -------
    int
        The exit status: 0 if the set is consistent with the index theorem, 1 if it is not, 2 if
        an argument cannot be used, 130 after Ctrl-C.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return _refuse(f"--out: cannot make the folder {out}: {error.strerror}")
    try:
        # Heavy imports, seconds of them: within reach of Ctrl-C.
        from fpf_notebook.cli.network import trained_network

        network = trained_network(n_bits, cell, n_hidden, seed, use_cache=use_cache)
        if network.interrupted:
            print("Stopped while training: there is no network to search.", file=sys.stderr)
            return INTERRUPTED
        trials = network.task.sample(_N_TRIALS, seed)
        outputs, states = (_numpy(array) for array in network.model.run(trials.inputs))
        accuracy = network.task.accuracy(outputs, trials)
        print(f"On {_N_TRIALS} new trials {100 * accuracy:.2f} % of its outputs are right.")

        fixed_points = _find(network.model, states, n_bits, seed)
        summary = fixed_points.summary()
        print(f"\n{summary}\n")
        title = f"Fixed points of a {n_bits}-bit flip-flop network ({network.name})"
        _write(network, fixed_points, states, out, title, summary)
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return INTERRUPTED
    if fixed_points.interrupted:
        return INTERRUPTED
    completeness = fixed_points.completeness
    consistent = completeness is not None and completeness.consistent
    return CONSISTENT if consistent else NOT_CONSISTENT


def _find(model: bp.DynamicalSystem, states: np.ndarray, n_bits: int, seed: int) -> FixedPoints:
    import numpy as np

    from fpf_notebook import FixedPointFinder, TerminalProgress

    print("Searching for its fixed points while no input comes in …", flush=True)
    began = time.perf_counter()
    finder = FixedPointFinder(model, random_seed=seed, progress=TerminalProgress())
    fixed_points, _ = finder.find_fixed_points(states, np.zeros((1, n_bits)), exhaustive=True)
    seconds = time.perf_counter() - began
    print(f"{'Interrupted' if fixed_points.interrupted else 'Done'} after {seconds:.1f} s.")
    return fixed_points


def _write(
    network: Network,
    fixed_points: FixedPoints,
    states: np.ndarray,
    out: Path,
    title: str,
    summary: str,
) -> None:
    from fpf_notebook.cli.pages import write_pages
    from fpf_notebook.cli.results import write_results

    written = write_results(fixed_points, states, out, title=title, text=summary)
    if not fixed_points.interrupted:  # the pages take a search of their own
        written |= write_pages(network.model, states, network.checkpoint, out)
    print(f"Written to {out.resolve()}:")
    for name, description in written.items():
        print(f"  {name:<20} {description}")


def _numpy(array: object) -> Any:
    import numpy as np

    return np.asarray(array)


def _refuse(message: str) -> int:
    print(f"fpf-notebook demo: error: {message}", file=sys.stderr)
    return WRONG_ARGUMENT
