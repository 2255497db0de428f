"""Public names of a package that are imported at first use."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any

__all__ = ["lazy_names"]


def lazy_names(
    package: str, home_of: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Return the ``__getattr__`` and the ``__dir__`` of a package with lazy names.

    Parameters
    ----------
    package
        Name of the package, ``__name__`` there.
    home_of
        For each name the module within the package that has it. No module of the package may have
        the name of one of them: importing it would put the module in the place of the name.

    Returns
    -------
    tuple of callable
        Functions for the package to take as its own.

    Examples
    --------
    >>> get, names = lazy_names("fpf_notebook.result", {"classify": "spectrum"})
    >>> get("classify").__module__
    'fpf_notebook.result.spectrum'
    """
    namespace = vars(sys.modules[package])

    def get(name: str) -> Any:
        if name not in home_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{home_of[name]}"), name)
        namespace[name] = value  # found at once from now on
        return value

    def names() -> list[str]:
        return sorted({*namespace, *namespace.get("__all__", ())})

    return get, names
