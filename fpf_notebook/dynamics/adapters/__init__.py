"""One file a framework: what its models are, and how they are read as a step.

Each file of this folder registers an adapter when it is imported, which is when the first model is
given. None of them imports its framework before a model of it is there.
"""

from fpf_notebook.dynamics.adapters.registry import (
    Adapter,
    adapter_of,
    check_model,
    register_adapter,
)

__all__ = ["Adapter", "adapter_of", "check_model", "register_adapter"]
