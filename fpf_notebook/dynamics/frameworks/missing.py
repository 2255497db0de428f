"""Import a framework, or say how to install it."""

from __future__ import annotations

import importlib
from typing import Any

# The names of the extras, where they differ from those of the modules.
_EXTRAS = {"safetensors.numpy": "safetensors"}


def require(module: str, why: str) -> Any:
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
        extra = _EXTRAS.get(module, module)
        raise ImportError(
            f'{why} needs {extra}: pip install "fpf-notebook[{extra}]"', name=module
        ) from error
