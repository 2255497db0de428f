"""The graph of operators that PyTorch exports, without PyTorch in it."""

from __future__ import annotations

import contextlib
import logging
import threading
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

import numpy as np

from fpf_notebook.dynamics.frameworks.aten.rules import NotCoveredError, Number

if TYPE_CHECKING:
    import torch
    from torch.export import ExportedProgram
    from torch.fx import Node as TorchNode

Argument: TypeAlias = "Reference | Number | str | tuple[Argument, ...] | None"
Export: TypeAlias = "Callable[..., tuple[torch.Tensor, ...]]"

# Where numbers lie and in what type they are is taken from the results.
_OF_MEMORY = {"dtype", "layout", "device", "pin_memory", "memory_format", "non_blocking"}
_CHECKS = ("_assert_tensor_metadata", "_assert_scalar", "_assert_async", "sym_constrain_range")
_EFFECTS = ("aten._linalg_check_errors.default",)  # errors where a matrix has no inverse, say
CUT = "it cuts gradients"
"""How the text begins of the error for a module whose derivatives are not those of its values."""

# Their derivatives are finite, or quicker, in one piece.
_WHOLE = ("softplus", "elu", "silu", "gelu", "hardtanh", "leaky_relu", "log_sigmoid_forward")


@dataclass(frozen=True)
class Reference:
    """The result of another operation."""

    name: str


@dataclass(frozen=True)
class Form:
    """Shape and type of an array."""

    shape: tuple[int, ...]
    dtype: str


@dataclass(frozen=True)
class Operation:
    """One operator, and what it is applied to.

    Parameters
    ----------
    name
        Of its result.
    operator
        Its name with the overload, without ``aten.``.
    arguments, keywords
        What it takes.
    forms
        Of its result, or of its results, if it has ``several``.
    several
        Whether the result is a tuple.
    """

    name: str
    operator: str
    arguments: tuple[Argument, ...]
    keywords: Mapping[str, Argument]
    forms: tuple[Form, ...]
    several: bool


@dataclass(frozen=True, eq=False)
class Graph:
    """A computation as a list of operations.

    Parameters
    ----------
    inputs
        Names of the arguments, flat and in order.
    constants
        Arrays that are in it, by name.
    operations
        In the order in which they can be evaluated.
    outputs
        Names of the results.
    """

    inputs: tuple[str, ...]
    constants: Mapping[str, np.ndarray] = field(repr=False)
    operations: tuple[Operation, ...]
    outputs: tuple[str, ...]


def read_graph(function: Export, arguments: Sequence[torch.Tensor]) -> Graph:
    """Export a function of tensors.

    Parameters
    ----------
    function
        Takes the arguments, and returns a tuple of tensors. It is called once, with tensors that
        have shapes and types but no numbers.
    arguments
        Tensors of the right shapes and types.

    Returns
    -------
    Graph
        What it computes.

    Raises
    ------
    NotCoveredError
        If PyTorch cannot export it, or it computes something that depends on gradients being on or
        off.
    """
    import torch
    import torch.export

    class Exported(torch.nn.Module):
        def forward(self, *given: torch.Tensor) -> tuple[torch.Tensor, ...]:
            try:
                return function(*given)
            except Exception as error:  # else the exporter writes pages to the standard error
                raise NotCoveredError(_cannot(error)) from error

    try:
        with _quiet():
            program = torch.export.export(Exported(), tuple(arguments), strict=False)
            _refuse_cut_gradients(program)
            table = torch.export.default_decompositions()
            for name in _WHOLE:
                table.pop(getattr(torch.ops.aten, name).default, None)
            program = program.run_decompositions(table)
    except NotCoveredError:
        raise
    except Exception as error:  # whatever the exporter stumbles over, the module can be called
        raise NotCoveredError(_cannot(error)) from error
    return _read(program)


def _cannot(error: Exception) -> str:
    lines = str(error).strip().splitlines() or [type(error).__name__]
    if "data-dependent" in lines[0]:
        return "it has a branch that depends on numbers"
    return f"torch.export does not read it: {lines[0][:160]}"


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Keep what the exporter says of a module that it cannot read from this thread's output."""
    thread = threading.get_ident()

    def is_of_others(record: logging.LogRecord) -> bool:
        return record.thread != thread

    known = [name for name in logging.root.manager.loggerDict if name.split(".")[0] == "torch"]
    loggers = [logging.getLogger(name) for name in known]
    for logger in loggers:
        logger.addFilter(is_of_others)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger in loggers:
            logger.removeFilter(is_of_others)


def _refuse_cut_gradients(program: ExportedProgram) -> None:
    """Refuse where gradients are cut, which is no longer seen after decomposition."""
    made = ("lift_fresh_copy", "detach", "clone", "to", "full", "ones", "zeros", "arange", "eye")
    for node in _used(program):
        if "grad_enabled" in str(node.target):
            raise NotCoveredError(f"{CUT} (no_grad)")
        if "detach" not in str(node.target) or node.op != "call_function":
            continue
        source = node.args[0]
        constant = source.op == "get_attr" or source.name.startswith("c_")
        if not constant and not any(f"aten.{name}." in str(source.target) for name in made):
            raise NotCoveredError(f"{CUT} (detach, .data)")


def _used(program: ExportedProgram) -> list[TorchNode]:
    """Return the nodes on which a result depends: what is detached to be kept is none of them."""
    used: set[TorchNode] = set()
    for node in reversed(list(program.graph.nodes)):
        schema = getattr(node.target, "_schema", None)
        writes = schema is not None and schema.is_mutable  # in place: what is written may be used
        if writes or node.op == "output" or used.intersection(node.users):
            used.add(node)
    return [node for node in program.graph.nodes if node in used]


def _read(program: ExportedProgram) -> Graph:
    from torch.export.graph_signature import InputKind, OutputKind

    signature = program.graph_signature
    held = {**program.state_dict, **program.constants}
    inputs, constants = [], {}
    for spec in signature.input_specs:
        name = spec.arg.name
        if spec.kind == InputKind.USER_INPUT:
            inputs.append(name)
        elif spec.target in held:
            constants[name] = array_of_tensor(held[spec.target])
        elif spec.kind != InputKind.TOKEN:
            raise NotCoveredError("it takes something that is no tensor")
    outputs = [
        getattr(spec.arg, "name", "")
        for spec in signature.output_specs
        if spec.kind == OutputKind.USER_OUTPUT
    ]
    return Graph(
        inputs=tuple(inputs),
        constants=constants,
        operations=tuple(_operations(program)),
        outputs=tuple(outputs),
    )


def array_of_tensor(tensor: torch.Tensor) -> np.ndarray:
    """Return a copy of a tensor, one of bfloat16 in single precision.

    Parameters
    ----------
    tensor
        Any tensor.

    Returns
    -------
    numpy.ndarray
        Its numbers.
    """
    plain = tensor.detach().to("cpu")
    if str(plain.dtype) == "torch.bfloat16":
        plain = plain.float()
    return np.array(plain.numpy())


def _operations(program: ExportedProgram) -> Iterator[Operation]:
    checks: set[TorchNode] = set()
    for node in program.graph.nodes:
        if node.op in ("placeholder", "output"):
            continue
        operator = str(node.target).removeprefix("aten.")
        effect = len(node.args) > 1 and str(node.args[1]) in _EFFECTS
        if operator.split(".")[0] in _CHECKS or effect or checks.intersection(node.args[:1]):
            checks.add(node)
            continue
        if node.op != "call_function":
            raise NotCoveredError(f"it holds {node.target}, which is no operator")
        if "getitem" in operator:
            operator = "getitem"
        elif not str(node.target).startswith("aten."):
            raise NotCoveredError(f"there is no rule for {node.target}")
        value = node.meta["val"]
        several = isinstance(value, tuple | list)
        yield Operation(
            name=node.name,
            operator=operator,
            arguments=tuple(_argument(item) for item in node.args),
            keywords={k: _argument(v) for k, v in node.kwargs.items() if k not in _OF_MEMORY},
            forms=tuple(_form(item) for item in (value if several else (value,))),
            several=several,
        )


def _argument(value: TorchNode | Number | str | Sequence[object] | None) -> Argument:
    import torch

    if isinstance(value, torch.fx.Node):
        return Reference(value.name)
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple | list):
        return tuple(_argument(item) for item in value)  # type: ignore[arg-type]
    if isinstance(value, torch.dtype | torch.layout | torch.device | torch.memory_format):
        return None
    raise NotCoveredError(f"it holds {value!r}, a {type(value).__name__}")


def _form(value: torch.Tensor | None) -> Form:
    if value is None or not hasattr(value, "dtype"):
        return Form((), "")
    if not all(isinstance(n, int) for n in value.shape):
        raise NotCoveredError("the length of a result depends on its numbers")
    return Form(tuple(value.shape), str(value.dtype).removeprefix("torch."))
