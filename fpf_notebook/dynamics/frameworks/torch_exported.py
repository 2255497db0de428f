"""A module of PyTorch as a step of JAX, where its graph can be read."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import jax
import jax.numpy as jnp
import numpy as np

from fpf_notebook.dynamics.call_form import CallForm
from fpf_notebook.dynamics.compile_cache import QUICK
from fpf_notebook.dynamics.frameworks.aten import NotCoveredError, evaluate, read_graph
from fpf_notebook.dynamics.frameworks.aten.rules import Value
from fpf_notebook.dynamics.frameworks.torch_keywords import Keywords
from fpf_notebook.dynamics.frameworks.torch_probes import Sizes, rounded
from fpf_notebook.dynamics.frameworks.torch_target import (
    Model,
    ScriptCopy,
    copied,
    stepped,
    target_of,
)
from fpf_notebook.dynamics.returned import Names
from fpf_notebook.dynamics.step_map import Precision

if TYPE_CHECKING:
    import torch

ExportedStep: TypeAlias = Callable[[Sequence[Value], Value, Value], Value]
"""``step(weights, h, u)`` for one state: the next state and the output, one after the other."""

# States of different sizes, for what is different from a threshold on; zero is one of its own.
SCALES = (0.0, 0.3, 0.5, 1.0, 3.0, 10.0)


@dataclass(frozen=True, eq=False)
class FlatStep:
    """A step of PyTorch as a function of nothing but tensors.

    Parameters
    ----------
    function
        ``function(*weights, h, u)`` returns the rows, the next state and the output one after the
        other, as a tuple of one tensor.
    weights
        Their values, in the precision in which it works.
    sizes
        Lengths of state and input.
    work
        The precision.
    """

    function: Callable[..., tuple[torch.Tensor]]
    weights: list[torch.Tensor]
    sizes: Sizes
    work: Precision

    def point(self, rng: np.random.Generator, scale: float) -> tuple[torch.Tensor, torch.Tensor]:
        """Return a random state and a random input of some size, which require gradients."""
        import torch

        h, u = (
            torch.tensor((scale * rng.normal(size=n)).astype(self.work), requires_grad=True)
            for n in self.sizes
        )
        return h, u


def flat_step(
    model: Model,
    module: torch.nn.Module | None,
    weights: Sequence[str],
    arrays: Sequence[np.ndarray],
    form: CallForm,
    names: Names,
    sizes: Sizes,
    work: Precision,
    autonomous: bool,
    keywords: Keywords | None = None,
) -> FlatStep:
    """Return a step as a function of nothing but tensors, of a copy of the model.

    Parameters
    ----------
    model, module
        The model, and the module that it is or belongs to; or a :class:`ScriptCopy`, and None.
    weights, arrays
        Names and values of the weights.
    form, names
        How it is called.
    sizes
        Lengths of state and input.
    work
        The precision in which it works.
    autonomous
        Whether it takes the state alone.
    keywords
        What is passed by name.

    Raises
    ------
    NotCoveredError
        If it cannot be copied.
    """
    import torch

    try:
        # What is traced must not stay behind in the user's module.
        target = (
            model
            if isinstance(model, ScriptCopy)
            else target_of(*copied(model, module), weights, autonomous, keywords)
        )
    except Exception as error:
        raise NotCoveredError(f"the module cannot be copied ({type(error).__name__})") from error
    own = [torch.as_tensor(rounded(array, work)) for array in arrays]

    def flat(*given: torch.Tensor) -> tuple[torch.Tensor]:
        *values, h, u = given
        following, output, _ = stepped(target, form, names, values, h[None], u[None])
        rest = [] if output is None else [output.reshape(-1).to(following.dtype)]
        return (torch.cat([following.reshape(-1), *rest]),)

    return FlatStep(flat, own, sizes, work)


def exported_step(flat: FlatStep) -> ExportedStep:
    """Have PyTorch export a step, and return it as a function of JAX.

    What is returned agrees with what PyTorch computes, values and derivatives, at some states: a
    module with a derivative of its own (``torch.autograd.Function``) is not covered.

    Parameters
    ----------
    flat
        The step.

    Returns
    -------
    Callable
        The step.

    Raises
    ------
    NotCoveredError
        If it cannot be exported, or an operator has no rule, or the numbers are different.
    """
    import torch

    with torch.random.fork_rng(devices=[]):
        h, u = (torch.zeros(n, dtype=getattr(torch, flat.work)) for n in flat.sizes)
        graph = read_graph(flat.function, [*flat.weights, h, u])

    def step(values: Sequence[Value], h: Value, u: Value) -> Value:
        return evaluate(graph, [*values, h, u])[0]

    check_same(flat, step)
    return step


def check_same(flat: FlatStep, step: ExportedStep, scales: Sequence[float] = SCALES) -> None:
    """Compare values and derivatives along a random direction.

    Parameters
    ----------
    flat
        The step of PyTorch.
    step
        The same, of JAX.
    scales
        Sizes of the states and inputs at which they are compared.

    Raises
    ------
    NotCoveredError
        If they differ, of `CutGradientsError` if their derivatives alone do.
    """
    import torch

    rng = np.random.default_rng(2)
    arrays = [weight.numpy() for weight in flat.weights]

    def along(h: Value, u: Value, w: Value) -> tuple[Value, Value]:
        found = step(arrays, h, u)
        return jnp.sum(found * w), found

    close = 1e-9 if flat.work == "float64" else 1e-4
    with jax.enable_x64(flat.work == "float64"):
        gradient = jax.value_and_grad(along, argnums=(0, 1), has_aux=True)
        differentiate = jax.jit(gradient, compiler_options=QUICK)
        for scale in scales:
            h, u = flat.point(rng, scale)
            with torch.enable_grad(), torch.random.fork_rng(devices=[]):
                (found,) = flat.function(*flat.weights, h, u)
                w = torch.tensor(rng.normal(size=len(found)).astype(flat.work))
                expected = _gradients((found * w).sum(), h, u)
            (_, values), slopes = differentiate(*(part.detach().numpy() for part in (h, u, w)))
            for ours, theirs in zip(
                (values, *slopes), (found.detach().numpy(), *expected), strict=True
            ):
                size = np.abs(theirs, where=np.isfinite(theirs), out=np.zeros(theirs.shape))
                atol = close * (1 + size.max(initial=0))
                if not np.allclose(ours, theirs, rtol=close, atol=atol, equal_nan=True):
                    raise NotCoveredError("the numbers or derivatives that it gives are different")


def _gradients(
    total: torch.Tensor, h: torch.Tensor, u: torch.Tensor
) -> tuple[np.ndarray, np.ndarray]:
    import torch

    zeros = (np.zeros(h.shape, h.detach().numpy().dtype), np.zeros(u.shape, np.float64))
    if not total.requires_grad:
        return zeros
    found = torch.autograd.grad(total, (h, u), allow_unused=True)
    by_h, by_u = (z if g is None else g.numpy() for g, z in zip(found, zeros, strict=True))
    return by_h, by_u
