"""Whether what a module of sequences returns is what it takes: two steps at once, and one twice."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import jax

from fpf_notebook.dynamics.call_form import CallForm

if TYPE_CHECKING:
    from collections.abc import Callable

    import torch

OTHER_KIND = (
    "takes a state of another kind than it returns (potentials, say, and rates): two steps of a "
    "sequence are not one step twice"
)


def is_other_kind(
    call: Callable[..., object],
    form: CallForm,
    h: torch.Tensor,
    u: torch.Tensor,
    once: torch.Tensor,
    twice: torch.Tensor,
    close: float,
) -> bool:
    """Say whether two steps at once end elsewhere than two steps one after the other.

    Parameters
    ----------
    call
        Calls the module with its arguments.
    form
        How. Nothing is said but of sequences with a state of one array.
    h, u
        [batch, n_states] and [batch, n_inputs].
    once, twice
        The states after one step and after two, under this input, [batch, n_states].
    close
        How near is equal.

    Returns
    -------
    bool
        False also where the module takes no sequence of two, or looks at its first input only.
    """
    import torch

    state = form.state
    if form.axes not in ("batch_time", "time_batch") or state.structure is not None:
        return False
    if state.n_layers > 1 or form.spread:
        return False
    given = torch.stack([u, u], dim=1 if form.axes == "batch_time" else 0)
    start = h.clone()[None] if form.layered else h.clone()
    arguments = (given, start) if form.order == "input_state" else (start, given)
    try:
        result = call(*arguments)
    except Exception:
        return False
    ends = list(_ends(result, once))
    return bool(ends) and not any(
        torch.allclose(end, other, rtol=close, atol=close, equal_nan=True)
        for end in ends
        for other in (once, twice)
    )


def _ends(result: object, like: torch.Tensor) -> Iterator[torch.Tensor]:
    """Yield what may be the last state among what was returned."""
    import torch

    for value in jax.tree.leaves(result, is_leaf=torch.is_tensor):
        if not torch.is_tensor(value) or value.shape[-1:] != like.shape[-1:]:
            continue
        ends = [value.select(k, -1) for k, n in enumerate(value.shape[:-1]) if n in (2, 3)]
        for end in (value, *ends):
            if [n for n in end.shape if n != 1] == [n for n in like.shape if n != 1]:
                yield end.reshape(like.shape)
