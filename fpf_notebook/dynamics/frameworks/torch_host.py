"""A step that PyTorch computes and differentiates, for what cannot be exported."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from fpf_notebook.dynamics.call_form import CallForm
from fpf_notebook.dynamics.call_identity import CallIdentity
from fpf_notebook.dynamics.frameworks.bridge import Host, Parameters
from fpf_notebook.dynamics.frameworks.torch_jacobians import all_rows
from fpf_notebook.dynamics.frameworks.torch_target import Target, stepped
from fpf_notebook.dynamics.returned import Names

if TYPE_CHECKING:
    import torch


def torch_host(
    target: Target, form: CallForm, names: Names, n_outputs: int, identity: CallIdentity
) -> Host:
    """Return a step as PyTorch makes it.

    Parameters
    ----------
    target
        What is called.
    form
        How.
    names
        What its author calls arguments and results.
    n_outputs
        Length of the output, 0 if there is none.
    identity
        What all of this is.
    """
    import torch

    def call(
        weights: Sequence[torch.Tensor], h: torch.Tensor, u: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        return stepped(target, form, names, weights, h, u)[:2]

    def tensors(arrays: Sequence[np.ndarray]) -> list[torch.Tensor]:
        # Copied: what JAX hands out must not be written to, and torch has no such thing.
        return [torch.tensor(array) for array in arrays]

    def values(params: Parameters, h: np.ndarray, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        h, lost = _without_lost(h)
        with torch.no_grad(), _one_thread():
            following, output = call(tensors(params), *tensors([h, u]))
        rest = np.empty((len(h), 0), h.dtype)
        if output is not None:
            rest = output.reshape(len(h), n_outputs).numpy()
        return _with_lost(following.numpy(), lost), _with_lost(rest, lost)

    def jacobians(
        params: Parameters, h: np.ndarray, u: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        # For the whole batch at once: no state of the batch depends on another.
        h, lost = _without_lost(h)
        with torch.enable_grad(), _one_thread():
            x, v = (part.requires_grad_() for part in tensors([h, u]))
            following, output = call(tensors(params), x, v)
            parts = [following]
            if output is not None:
                parts.append(output.reshape(len(h), n_outputs))
            by_h, by_u = all_rows(torch.cat(parts, dim=1), x, v)
        return _with_lost(by_h.numpy(), lost), _with_lost(by_u.numpy(), lost)

    return Host(values, jacobians, n_outputs, identity)


@contextlib.contextmanager
def _one_thread() -> Iterator[None]:
    """Have PyTorch compute in this thread alone: for these batches more of them are slower.

    JAX calls from threads of its own, and each would start a team of threads for PyTorch.
    """
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _without_lost(h: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Put zeros in the place of states that are not finite: models assert that there are none."""
    lost = ~np.isfinite(h).all(axis=1)
    return (np.where(lost[:, None], 0, h).astype(h.dtype) if lost.any() else h), lost


def _with_lost(found: np.ndarray, lost: np.ndarray) -> np.ndarray:
    if not lost.any():
        return found
    found = found.copy()
    found[lost] = np.nan
    return found
