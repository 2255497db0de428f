"""Whose a model is: decided by where its class is defined, without importing anything."""

from __future__ import annotations

import sys

_FRAMEWORKS = {
    "torch": "torch",
    "keras": "keras",
    "tf_keras": "keras",
    "flax": "flax",
    "equinox": "equinox",
    "brainstate": "brainstate",
    "brainpy_state": "brainstate",
    "tensorflow": "tensorflow",
}


def is_brainpy(model: object) -> bool:
    """Say whether a model is a ``brainpy.DynamicalSystem``.

    Parameters
    ----------
    model
        Any object. One of BrainPy can only exist once BrainPy is there: it is not imported.
    """
    brainpy = sys.modules.get("brainpy")
    return brainpy is not None and isinstance(model, brainpy.DynamicalSystem)


def framework_of(model: object) -> str | None:
    """Return the framework whose object a model is.

    Parameters
    ----------
    model
        Any object. A method counts as its object with PyTorch, where it can only be called;
        elsewhere it is a function.

    Returns
    -------
    str or None
        ``"torch"``, ``"keras"``, ``"flax"``, ``"equinox"``, ``"brainstate"``, ``"tensorflow"``, or
        None if it is none of these (plain functions are of no framework).
    """
    own = _root_of(model)
    if own is not None:
        return own
    return "torch" if _root_of(getattr(model, "__self__", None)) == "torch" else None


def _root_of(model: object) -> str | None:
    for base in type(model).__mro__:
        root = base.__module__.partition(".")[0]
        if root in _FRAMEWORKS:
            return _FRAMEWORKS[root]
    return None
