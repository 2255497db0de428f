"""Compiled functions, shared by every step map with the same computation.

JAX caches compilations by the *identity* of a Python function. A model that is traced again, with
other weights but the same structure, gives a new function and would be compiled again. Here the key
is the text identity of the computation instead, so that retraining, sweeps and new finders reuse
what is there.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING, Any, TypeVar

from fpf_notebook._types import AnyFunction

if TYPE_CHECKING:
    from fpf_notebook.dynamics.step_map import StepFunction, StepMap

Function = TypeVar("Function", bound=Callable[..., Any])

_MAX_ENTRIES = 256

QUICK = {"xla_backend_optimization_level": 0, "xla_llvm_disable_expensive_passes": True}
"""``compiler_options`` of :func:`jax.jit` for what is called a few times only.

Compiles in a third of the time, and runs somewhat slower.
"""

# The step function stands in the entry too. A signature may contain the address of an object (of a
# host callback, say); as long as the entry lives, so does the object, and the address cannot be
# given to another one.
_entries: OrderedDict[tuple[str, str, Hashable], tuple[Any, StepFunction]] = OrderedDict()
_lock = threading.RLock()


def compiled(
    kind: str,
    step_map: StepMap,
    options: Hashable,
    build: Callable[[StepFunction], Function],
) -> Function:
    """Return the compiled function of this kind for the computation of a step map.

    Parameters
    ----------
    kind
        Name of the function, unique to its caller, for example ``"newton"``.
    step_map
        The step map whose computation is compiled. Only its structure counts, not its parameters.
    options
        Everything that ``build`` closes over and that changes the result: a hashable value.
    build
        Called with the pure function ``step(params, h, u)`` when there is no such function yet.
        Returns the function to keep, as a rule wrapped in :func:`jax.jit`. It must take the
        parameters as an argument and close over nothing but ``options``.

    Returns
    -------
    Callable
        The same object for each call with the same kind, computation and options.
    """
    key = (kind, step_map.signature, options)
    with _lock:
        entry = _entries.get(key)
        if entry is None:
            entry = (build(step_map.step), step_map.step)
            _entries[key] = entry
            while len(_entries) > _MAX_ENTRIES:
                _entries.popitem(last=False)
        else:
            _entries.move_to_end(key)
        function: Function = entry[0]
        return function


def identity_of(function: AnyFunction) -> Hashable:
    """Return what tells a function from others in ``options``.

    Parameters
    ----------
    function
        A function.

    Returns
    -------
    Hashable
        Its attribute ``identity``, a text that equal functions share, if it has one (those of
        traced models do); else the function itself.
    """
    return getattr(function, "identity", function)


def clear() -> None:
    """Forget all compiled functions (to free memory, or to measure a cold start)."""
    with _lock:
        _entries.clear()
