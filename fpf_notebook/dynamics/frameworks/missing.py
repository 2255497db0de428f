"""Import a framework, or say how to install it."""

from __future__ import annotations

import importlib
from types import ModuleType


def require(module: str, why: str) -> ModuleType:
    """Import an optional module.

    Parameters
    ----------
    module
        Its name.
    why
        What needs it, for the message.

    Returns
    -------
    module
        The module.

    Raises
    ------
    ImportError
        If it is not installed, with the command that installs it.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ImportError(
            f'{why} needs {module}: pip install "fpf-notebook[{module}]"', name=module
        ) from error
