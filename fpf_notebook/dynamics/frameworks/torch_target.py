"""What is called of a module of PyTorch, with weights that are given."""

from __future__ import annotations

import copy
import functools
import io
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, TypeAlias

from fpf_notebook.dynamics.call_form import CallForm
from fpf_notebook.dynamics.frameworks.torch_keywords import Keywords
from fpf_notebook.dynamics.returned import Names
from fpf_notebook.dynamics.state_form import Ops

if TYPE_CHECKING:
    import torch

Model: TypeAlias = "Callable[..., object]"
"""A module, a method of one, or a function of tensors."""
Target: TypeAlias = "Callable[..., object]"
"""``target(weights, *arguments)``."""

_RANDOM = ("dropout",)
_BATCH_NORM = ("batchnorm", "instancenorm")


def name_of(model: Model) -> str:
    """Return what to call a model in messages."""
    return str(getattr(model, "__name__", type(model).__name__))


def module_of(model: Model) -> torch.nn.Module | None:
    """Return the module that a model is, or that it is a method of; None for a function."""
    import torch

    owner = getattr(model, "__self__", model)
    return owner if isinstance(owner, torch.nn.Module) else None


def called_of(model: Model, module: torch.nn.Module | None) -> Model:
    """Return what has the names of arguments and results: of a module its ``forward``."""
    itself = model is module
    return module.forward if itself and module is not None else model


def tensors_of(module: torch.nn.Module) -> Mapping[str, torch.Tensor]:
    """Return parameters and buffers of a module, by name."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def check_mode(module: torch.nn.Module, name: str) -> None:
    """Refuse what is in training mode and behaves differently there.

    Parameters
    ----------
    module
        The module.
    name
        What to call it.

    Raises
    ------
    ValueError
        If there is dropout, or a norm over the batch, in training mode.
    """
    for path, part in module.named_modules():
        kind = type(part).__name__
        lower = kind.lower()
        where = f"{name}.{path}" if path else name
        if not part.training:
            continue
        if any(word in lower for word in _RANDOM) and getattr(part, "p", 1) != 0:
            raise ValueError(
                f"{where} is a {kind} in training mode: the step is random, so it has no fixed "
                "points. Call .eval() on the module first:\n"
                "    model.eval()"
            )
        if any(word in lower for word in _BATCH_NORM):
            raise ValueError(
                f"{where} is a {kind} in training mode: what becomes of one state depends on the "
                "others of its batch. Call .eval() on the module first:\n"
                "    model.eval()"
            )


def ops_of_torch() -> Ops:
    """Return what is needed of tensors."""
    import torch

    return Ops(
        torch.is_tensor,
        torch.reshape,
        join=lambda parts: torch.cat(list(parts), dim=-1),
        swap=lambda tensor: tensor.transpose(0, 1).contiguous(),
    )


def target_of(
    model: Model,
    module: torch.nn.Module | None,
    names: Sequence[str],
    autonomous: bool,
    keywords: Keywords | None = None,
) -> Target:
    """Return ``target(weights, *arguments)``, which calls a model with these weights.

    Parameters
    ----------
    model, module
        The model, and the module that it is or belongs to.
    names
        Of the weights.
    autonomous
        Whether it takes the state alone, the first of the arguments.
    keywords
        What is passed by name.
    """
    import torch

    if module is None:
        function = model if keywords is None else functools.partial(keywords.call, model)
        return lambda _, *arguments: function(*(arguments[:1] if autonomous else arguments))
    whole, start = module, ""
    if model is not module or keywords is not None:

        class Method(torch.nn.Module):
            def __init__(self) -> None:
                super().__init__()
                self.owner: torch.nn.Module = module

            def forward(self, *arguments: torch.Tensor) -> object:
                own: Model = self.owner
                called = own if model is module else getattr(own, name_of(model))
                return called(*arguments) if keywords is None else keywords.call(called, *arguments)

        whole, start = Method(), "owner."

    def call(weights: Sequence[torch.Tensor], *arguments: torch.Tensor) -> object:
        given = arguments[:1] if autonomous else arguments
        named = {f"{start}{name}": value for name, value in zip(names, weights, strict=True)}
        return torch.func.functional_call(whole, named, given)

    return call


def copied(model: Model, module: torch.nn.Module | None) -> tuple[Model, torch.nn.Module | None]:
    """Return a copy of a module and its model, which can be called without a trace on the first."""
    if module is None:
        return model, None
    other = copy.deepcopy(module)
    return (other if model is module else getattr(other, name_of(model))), other


class ScriptCopy:
    """A compiled module with the weights that it has now, in the precision of what it is given.

    It takes no other weights than its own.

    Parameters
    ----------
    model, module
        The model, and the ``torch.jit.ScriptModule`` that it is or belongs to.
    autonomous
        Whether it takes the state alone, the first of the arguments.
    """

    def __init__(self, model: Model, module: torch.nn.Module, autonomous: bool = False) -> None:
        import torch

        self._autonomous = autonomous
        self._name = None if model is module else name_of(model)
        # Not by deepcopy, whose parameters are no leaves of a graph, which PyTorch warns of.
        buffer = io.BytesIO()
        torch.jit.save(module, buffer)
        self._copies = {}
        for kind in (torch.float64, torch.float32):
            buffer.seek(0)
            self._copies[kind] = torch.jit.load(buffer).to(kind)

    def __call__(self, _: Sequence[torch.Tensor], *arguments: torch.Tensor) -> object:
        """Call the copy, with no weights but its own."""
        module = self._copies[next(a.dtype for a in arguments if hasattr(a, "dtype"))]
        called = module if self._name is None else getattr(module, self._name)
        return called(*(arguments[:1] if self._autonomous else arguments))


def stepped(
    target: Target,
    form: CallForm,
    names: Names,
    weights: Sequence[torch.Tensor],
    h: torch.Tensor,
    u: torch.Tensor,
) -> tuple[torch.Tensor, torch.Tensor | None, str]:
    """Step a batch of states.

    Parameters
    ----------
    target
        What is called.
    form
        How.
    names
        What its author calls arguments and results.
    weights, h, u
        The weights, [batch, n_states] and [batch, n_inputs].

    Returns
    -------
    tuple
        Next states, outputs or None, and where the state was found.
    """
    import torch

    ops = ops_of_torch()

    def call(*arguments: torch.Tensor) -> object:
        return target(weights, *arguments)

    h, u = h.clone(), u.clone()  # some models write into their arguments
    if form.is_batched:
        return form.step(ops, call, h, u, names)
    rows = [form.step(ops, call, x, v, names) for x, v in zip(h, u, strict=True)]
    following = torch.stack([row[0] for row in rows])
    output = None if rows[0][1] is None else torch.stack([row[1] for row in rows])
    return following, output, rows[0][2]
