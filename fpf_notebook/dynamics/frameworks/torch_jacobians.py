"""Jacobians of a batch of steps, by PyTorch."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import Tensor


def all_rows(rows: Tensor, x: Tensor, v: Tensor) -> tuple[Tensor, Tensor]:
    """Differentiate rows, each of which depends on the same row of x and v.

    Parameters
    ----------
    rows
        [batch, n_rows], with a graph.
    x, v
        [batch, n_states] and [batch, n_inputs].

    Returns
    -------
    tuple
        Derivatives by x [batch, n_rows, n_states] and by v [batch, n_rows, n_inputs].
    """
    import torch

    n_batch, n_rows = rows.shape
    if not rows.requires_grad:
        by_x, by_v = (rows.new_zeros(n_batch, n_rows, part.shape[1]) for part in (x, v))
        return by_x, by_v
    options = {"retain_graph": True, "allow_unused": True}
    along = torch.eye(n_rows, dtype=rows.dtype)[:, None].expand(n_rows, n_batch, n_rows)
    try:
        # All backward passes as one batch; the forward one is as it was.
        found = torch.autograd.grad(rows, (x, v), along, is_grads_batched=True, **options)
    except RuntimeError:  # an operation whose derivative torch.func.vmap does not know
        each = [torch.autograd.grad(rows, (x, v), row, **options) for row in along]
        found = [None if part[0] is None else torch.stack(part) for part in zip(*each, strict=True)]
    by_x, by_v = (
        rows.new_zeros(n_batch, n_rows, part.shape[1]) if g is None else g.movedim(0, 1)
        for g, part in zip(found, (x, v), strict=True)
    )
    return by_x, by_v
