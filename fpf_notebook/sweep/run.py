"""Searching many networks, one after another or on a cluster."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, NamedTuple

from fpf_notebook.arguments import checked_argument, checks
from fpf_notebook.dynamics import StepMap
from fpf_notebook.finder import (
    CancelToken,
    FixedPointFinder,
    Progress,
    SearchRequest,
    SilentProgress,
    TerminalProgress,
)
from fpf_notebook.finder.options import Options
from fpf_notebook.sweep.folder import SweepFolder, is_part
from fpf_notebook.sweep.identity import digest_of, fingerprint_of
from fpf_notebook.sweep.networks import Network, named_networks
from fpf_notebook.sweep.result import SweepResult, SweepRow

if TYPE_CHECKING:
    from distributed import Client

__all__ = ["sweep"]

_CALL = "FixedPointFinder.find_fixed_points"

MakeRequest = Callable[[StepMap], SearchRequest]


@checks("sweep.sweep")
def sweep(
    networks: Mapping[str, object] | Iterable[object],
    request: SearchRequest | MakeRequest,
    *,
    model: object = None,
    folder: str | os.PathLike[str] | None = None,
    client: Client | None = None,
    progress: Progress | None = None,
    cancel: CancelToken | None = None,
    **model_options: Any,
) -> SweepResult:
    """Find the fixed points of many networks.

    Networks of one shape share what is compiled: only their numbers differ. A network that fails
    is a row with its error, and the others go on.

    Parameters
    ----------
    networks : list or dict
        The networks, in order or by name: what `as_step_map` takes, or functions without arguments
        that return one (so that thousands need not be in memory at once). With `model`, the values
        of its parameters instead, as ``step_map.params`` or ``model.parameters()`` have them.
    request : SearchRequest or callable
        What to search for in each: ``finder.request(...)`` makes one. Or a function that takes the
        step map of a network and returns its request, where each starts from its own trajectories.
    model : object, optional
        The network that `networks` are parameters of.
    folder : path, optional
        Where results are kept as they come. Called again with the same folder and request, a sweep
        searches only what is not there yet; networks that failed are tried again.
    client : distributed.Client, optional
        Search on the workers of a Dask cluster (extra: ``dask``). Networks and requests must be
        such that cloudpickle can send them: functions, functions that make a model.
    progress : Progress, optional
        Default: a bar that appears after a second, with the remaining time.
    cancel : CancelToken, optional
        Ends the sweep, as Ctrl-C does: what was found so far is returned.
    **model_options
        Options of `as_step_map`: ``n_states``, ``n_inputs``, ``time``, ….

    Returns
    -------
    SweepResult

    Raises
    ------
    TypeError, ValueError
        If an argument is not as described, before any search.

    Examples
    --------
    Three networks that differ in their gain:

    >>> import jax.numpy as jnp, numpy as np
    >>> from fpf_notebook import FixedPointFinder, StepMap
    >>> def net(gain):
    ...     return StepMap(lambda p, h, u: jnp.tanh(p * h + u), np.float64(gain), 1, 1,
    ...                    signature="gain")
    >>> states = np.linspace(-1, 1, 9)[:, None]
    >>> finder = FixedPointFinder(net(1.0))
    >>> request = finder.request(initial_states=states)
    >>> result = sweep({f"gain {g}": net(g) for g in (0.5, 1.5, 3.0)}, request)
    >>> [row["n_fixed"] for row in result.table()]
    [1, 3, 3]
    """
    if not isinstance(request, SearchRequest) and not callable(request):
        raise TypeError(
            f"request is of type {type(request).__name__}, expected a SearchRequest, as "
            "finder.request(...) returns it, or a function that makes one of a step map."
        )
    progress = checked_argument(_CALL, "progress", progress) or TerminalProgress()
    cancel = checked_argument(_CALL, "cancel", cancel) or CancelToken()
    named = named_networks(networks, model, model_options)
    kept = None
    if folder is not None:
        kept = SweepFolder(folder, digest_of(request) if isinstance(request, SearchRequest) else "")
    rows: dict[str, SweepRow] = {}
    progress.start(len(named), "Searching networks")
    try:
        found = (
            _one_after_another(named, request, kept, cancel)
            if client is None
            else _on_cluster(named, request, kept, cancel, client)
        )
        n_points = 0
        for row in found:
            rows[row.name] = row
            n_points += 0 if row.fixed_points is None else len(row.fixed_points)
            progress.update(len(rows), f"{n_points} fixed points")
    except KeyboardInterrupt:
        cancel.cancel()
    finally:
        progress.close()
    ordered = [rows[network.name] for network in named if network.name in rows]
    return SweepResult(ordered, interrupted=len(rows) < len(named))


class Task(NamedTuple):
    """The search of one network, ready to run.

    Parameters
    ----------
    step_map
        The network.
    request
        What to search for.
    mark
        Identity of both, by which a kept result is known again.
    """

    step_map: StepMap
    request: SearchRequest
    mark: str


def prepare(network: Network, request: SearchRequest | MakeRequest) -> Task:
    """Make a network, and what is to be searched for in it."""
    if isinstance(request, SearchRequest):
        step_map = network.step_map(request.n_states, request.n_inputs)
        return Task(step_map, request, fingerprint_of(step_map))
    step_map = network.step_map()
    own = request(step_map)
    if not isinstance(own, SearchRequest):
        raise TypeError(f"request returned {type(own).__name__}, expected a SearchRequest.")
    return Task(step_map, own, f"{fingerprint_of(step_map)} {digest_of(own)}")


def search_network(
    network: Network, request: SearchRequest | MakeRequest, cancel: CancelToken | None = None
) -> tuple[SweepRow, str]:
    """Search one network.

    Returns
    -------
    row : SweepRow
        With the error, where there was one.
    mark : str
        Identity of network and request; "" if they could not be made.
    """
    began, mark = time.perf_counter(), ""
    points, problem = None, ""
    try:
        step_map, wanted, mark = prepare(network, request)
        options = {field.name: getattr(wanted.options, field.name) for field in fields(Options)}
        finder = FixedPointFinder(step_map, **options)
        points, _ = finder.run(wanted, progress=SilentProgress(), cancel=cancel)
    except Exception as error:
        problem = f"{type(error).__name__}: {error}"
    return SweepRow(network.name, points, problem, time.perf_counter() - began), mark


def _known(
    network: Network, request: SearchRequest | MakeRequest, folder: SweepFolder | None
) -> SweepRow | None:
    """Return what is kept of a network, if it is of this one and of this request."""
    if folder is None or not folder.has(network.name):
        return None
    try:
        return folder.read(network.name, prepare(network, request).mark)
    except Exception:  # it becomes a row with its error in its turn
        return None


def _one_after_another(
    networks: list[Network],
    request: SearchRequest | MakeRequest,
    folder: SweepFolder | None,
    cancel: CancelToken,
) -> Iterable[SweepRow]:
    for network in networks:
        if cancel.cancelled:
            return
        row = _known(network, request, folder)
        if row is None:
            row, mark = search_network(network, request, cancel)
            # A part of a search is no result that a later call may take for one.
            if is_part(row.fixed_points):  # Ctrl-C, which the search has answered by itself
                cancel.cancel()
            if cancel.cancelled and (row.fixed_points is None or row.fixed_points.interrupted):
                return
            if folder is not None:
                folder.write(row, mark)
        yield row


def _on_cluster(
    networks: list[Network],
    request: SearchRequest | MakeRequest,
    folder: SweepFolder | None,
    cancel: CancelToken,
    client: Client,
) -> Iterable[SweepRow]:
    """Search on the workers. Results are written here, so that they need no common disk."""
    from distributed import as_completed

    waiting = {}
    for network in networks:
        row = _known(network, request, folder)
        if row is not None:
            yield row
        else:
            waiting[client.submit(search_network, network, request, pure=False)] = network
    try:
        for future in as_completed(waiting):
            if cancel.cancelled:
                return
            if future.status == "finished":
                row, mark = future.result()
            else:  # a worker was lost again and again, or the network could not be sent
                error = future.exception()
                problem = f"{type(error).__name__}: {error}"
                row, mark = SweepRow(waiting[future].name, None, problem), ""
            if folder is not None:
                folder.write(row, mark)
            yield row
    finally:
        client.cancel(list(waiting))
