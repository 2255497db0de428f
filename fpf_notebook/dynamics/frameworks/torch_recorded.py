"""What a module of PyTorch did in one call, as a list of operators that can be repeated.

For modules that ``torch.export`` does not read: with a branch on numbers, compiled by TorchScript,
with derivatives of their own. The call is made with real numbers, and every operator is noted that
it came to. What it decided by looking at a number (a branch) is noted as well: the list is what the
module does wherever all of these decisions are the same.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fpf_notebook.dynamics.frameworks.aten.graph import Graph, read_graph
from fpf_notebook.dynamics.frameworks.aten.rules import NotCoveredError

if TYPE_CHECKING:
    import torch
    from torch._ops import OpOverload

Item: TypeAlias = "torch.Tensor | Place | bool | int | float | str | Sequence[Item] | None"
Tensors: TypeAlias = "tuple[torch.Tensor, ...]"
Recordable: TypeAlias = "Callable[..., Tensors]"


@dataclass(frozen=True)
class Place:
    """The result of an earlier operator, or an argument, by number."""

    number: int


@dataclass(frozen=True)
class Call:
    """One operator that was applied."""

    operator: OpOverload
    arguments: tuple[Item, ...]
    keywords: Mapping[str, Item]
    results: tuple[int, ...]


@dataclass(frozen=True, eq=False)
class Recording:
    """What was done in a call.

    Parameters
    ----------
    graph
        Returns the results, and after them the values that decided on branches.
    decisions
        What these values were.
    steps
        The operators in words, by which two recordings are told apart.
    point
        The state and the input of the call.
    """

    graph: Graph
    decisions: tuple[bool, ...]
    steps: tuple[str, ...]
    point: tuple[np.ndarray, np.ndarray]


class _Notes:
    """What operators were applied to which tensors."""

    def __init__(self, arguments: Sequence[torch.Tensor]) -> None:
        self._numbers: dict[int, int] = {}
        self._kept: list[torch.Tensor] = []  # as long as they live, their addresses are theirs
        self.calls: list[Call] = []
        self.constants: dict[int, torch.Tensor] = {}
        self.decided: list[int] = []
        self.decisions: list[bool] = []
        for argument in arguments:
            self.number(argument)

    def number(self, tensor: torch.Tensor) -> int:
        known = self._numbers.get(id(tensor))
        if known is None:
            known = self._numbers[id(tensor)] = len(self._kept)
            self._kept.append(tensor)
        return known

    def _place(self, item: Item) -> Item:
        import torch

        if isinstance(item, torch.Tensor):
            if id(item) not in self._numbers:  # what the module holds
                self.constants[self.number(item)] = item.detach().clone()
            return Place(self._numbers[id(item)])
        return [self._place(part) for part in item] if isinstance(item, tuple | list) else item

    def apply(self, func: OpOverload, args: tuple[Item, ...], keywords: dict[str, Item]) -> object:
        """Apply an operator, and note it."""
        import torch

        arguments = tuple(self._place(item) for item in args)
        named = {key: self._place(item) for key, item in keywords.items()}
        found = func(*args, **keywords)
        name = str(func)
        if "_local_scalar_dense" in name:
            if not isinstance(found, bool):
                raise NotCoveredError("it makes a number of Python of a tensor")
            assert isinstance(arguments[0], Place)
            self.decided.append(arguments[0].number)
            self.decisions.append(found)
            return found
        if {torch.Tag.data_dependent_output, torch.Tag.dynamic_output_shape} & set(func.tags):
            raise NotCoveredError(f"what {name} returns depends on numbers")
        results = found if isinstance(found, tuple | list) else (found,)
        if name.startswith("aten.detach") and isinstance(found, torch.Tensor):
            # Below automatic differentiation this is the same tensor once more.
            assert isinstance(arguments[0], Place)
            self._numbers[id(found)] = arguments[0].number
            self._kept.append(found)
            return found
        numbers = tuple(self.number(r) if isinstance(r, torch.Tensor) else -1 for r in results)
        self.calls.append(Call(func, arguments, named, numbers))
        return found


def record(
    function: Recordable,
    arguments: Sequence[torch.Tensor],
    point: tuple[torch.Tensor, torch.Tensor],
) -> Recording:
    """Call a function of tensors, and note what it does.

    Parameters
    ----------
    function
        Takes the arguments, and returns a tuple of tensors.
    arguments
        Tensors.
    point
        Those of them that are the state and the input.

    Returns
    -------
    Recording
        What it did.

    Raises
    ------
    NotCoveredError
        If it cannot be repeated: it raised an error, looked at numbers other than to decide on a
        branch, or mutated a tensor of its own.
    """
    from torch.utils._python_dispatch import TorchDispatchMode

    recorder = _Notes(arguments)

    class Recorder(TorchDispatchMode):
        def __torch_dispatch__(
            self,
            func: OpOverload,
            types: Sequence[type],
            args: tuple[Item, ...] = (),
            kwargs: dict[str, Item] | None = None,
        ) -> object:
            return recorder.apply(func, args, kwargs or {})

    try:
        with Recorder():
            results = function(*arguments)
            outputs = [recorder.number(result) for result in results]
    except NotCoveredError:
        raise
    except Exception as error:
        raise NotCoveredError(f"it raised {type(error).__name__} when it was recorded") from error

    def again(*given: torch.Tensor) -> Tensors:
        known: dict[int, torch.Tensor] = dict(enumerate(given))
        known |= recorder.constants

        def value(item: Item) -> Item:
            if isinstance(item, Place):
                return known[item.number]
            return [value(part) for part in item] if isinstance(item, list) else item

        for call in recorder.calls:
            keywords = {key: value(item) for key, item in call.keywords.items()}
            found = call.operator(*map(value, call.arguments), **keywords)
            parts = found if isinstance(found, tuple | list) else (found,)
            known |= dict(zip(call.results, parts, strict=True))
        return tuple(known[number].clone() for number in (*outputs, *recorder.decided))

    steps = [f"{c.operator} {c.arguments} {c.keywords} {c.results}" for c in recorder.calls]
    held = [f"{k} {_text(tensor)}" for k, tensor in recorder.constants.items()]
    graph = read_graph(again, [argument.detach() for argument in arguments])
    h, u = (part.detach().numpy() for part in point)
    return Recording(graph, tuple(recorder.decisions), (*steps, *held), (h, u))


def _text(tensor: torch.Tensor) -> str:
    array = tensor.numpy()
    return f"{array.dtype}{array.shape}{np.ascontiguousarray(array).tobytes()!r}"
