"""A module of PyTorch as programs of JAX that were recorded, where it cannot be exported."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.frameworks.aten import NotCoveredError, evaluate
from fpf_notebook.dynamics.frameworks.aten.rules import Value
from fpf_notebook.dynamics.frameworks.bridge import Host
from fpf_notebook.dynamics.frameworks.guarded import Path, guarded
from fpf_notebook.dynamics.frameworks.torch_exported import (
    SCALES,
    ExportedStep,
    FlatStep,
    check_same,
)
from fpf_notebook.dynamics.frameworks.torch_recorded import Recordable, Recording, record

if TYPE_CHECKING:
    import torch

_MAX_PATHS = 4  # all of them are computed for each state


def recorded_step(
    flat: FlatStep, host: Host, own_derivative: bool = False
) -> tuple[ExportedStep, bool]:
    """Call a step at some states, and return what it did there as a function of JAX.

    Parameters
    ----------
    flat
        The step.
    host
        The step as it is called, for states at which it does something else.
    own_derivative
        Whether it is known to have derivatives other than those of its values. Else they are
        compared at some states.

    Returns
    -------
    step
        The step.
    branches
        Whether it branches on its numbers, so that the host may be needed.

    Raises
    ------
    NotCoveredError
        If what it does cannot be repeated.
    """
    for own in (True,) if own_derivative else (False, True):
        recordings, scales = _recordings(flat, own)
        step, branches = _joined(flat, recordings, host, own)
        try:
            check_same(flat, step, scales)
        except NotCoveredError:
            if own:
                raise
            continue
        return step, branches
    raise AssertionError("the last of them returns or raises")


def _recordings(flat: FlatStep, own_derivative: bool) -> tuple[list[Recording], list[float]]:
    """Return the different things that it does, and the sizes of states where it can be called."""
    import torch

    rng = np.random.default_rng(5)
    found: dict[tuple[bool, ...], Recording] = {}
    scales, why = [], NotCoveredError("it cannot be called")
    # An ordinary state first: what is decided at zero is often of zero alone.
    for scale in sorted(SCALES, key=lambda scale: abs(scale - 0.5)):
        h, u = flat.point(rng, scale)
        arguments = [*flat.weights, h, u]
        function = flat.function
        if own_derivative:
            with torch.no_grad():
                n_rows = len(flat.function(*arguments)[0])
            arguments.append(torch.tensor(rng.normal(size=n_rows).astype(flat.work)))
            function = _with_gradients(flat)
        try:
            with torch.enable_grad(), torch.random.fork_rng(devices=[]):
                recording = record(function, arguments, (h, u))
        except NotCoveredError as error:
            why = error
            continue
        scales.append(scale)
        known = found.setdefault(recording.decisions, recording)
        if known.steps != recording.steps:
            raise NotCoveredError("what it does depends on something that is no tensor")
    if not found:
        raise why
    return list(found.values())[:_MAX_PATHS], scales


def _with_gradients(flat: FlatStep) -> Recordable:
    import torch

    def function(*given: torch.Tensor) -> tuple[torch.Tensor, ...]:
        *weights, h, u, along = given
        (rows,) = flat.function(*weights, h, u)
        if not rows.requires_grad:
            return rows, torch.zeros_like(h), torch.zeros_like(u)
        by = torch.autograd.grad(rows, (h, u), along, allow_unused=True)
        by_h, by_u = (
            torch.zeros_like(part) if g is None else g for g, part in zip(by, (h, u), strict=True)
        )
        return rows, by_h, by_u

    return function


def _joined(
    flat: FlatStep, recordings: Sequence[Recording], host: Host, own_derivative: bool
) -> tuple[ExportedStep, bool]:
    paths = [_path(recording, flat, host, own_derivative) for recording in recordings]
    branches = any(recording.decisions for recording in recordings)
    if not branches and not own_derivative:

        def step(values: Sequence[Value], h: Value, u: Value) -> Value:
            return paths[0].values(values, h, u)[0]

        return step, False
    return guarded(paths, host, *flat.sizes), branches


def _path(recording: Recording, flat: FlatStep, host: Host, own_derivative: bool) -> Path:
    n_rows = flat.sizes.n_states + host.n_outputs
    extra = [np.zeros(n_rows, flat.work)] if own_derivative else []
    n_results = 3 if own_derivative else 1

    def values(weights: Sequence[Value], h: Value, u: Value) -> tuple[Value, Value]:
        found = evaluate(recording.graph, [*weights, h, u, *extra])
        holds = jnp.asarray(True)
        for decided, seen in zip(found[n_results:], recording.decisions, strict=True):
            holds = holds & (jnp.reshape(decided, ()) == seen)
        return found[0], holds

    def change(weights: Sequence[Value], h: Value, u: Value, dh: Value, du: Value) -> Value:
        def backwards(along: Value) -> tuple[Value, Value]:
            by_h, by_u = evaluate(recording.graph, [*weights, h, u, along])[1:3]
            return by_h, by_u

        rows = jax.ShapeDtypeStruct((n_rows,), h.dtype)
        return jax.linear_transpose(backwards, rows)((dh, du))[0]

    return Path(values, change if own_derivative else None, recording.point)
