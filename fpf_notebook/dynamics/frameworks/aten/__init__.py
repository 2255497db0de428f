"""Modules of PyTorch as programs: exported by PyTorch, evaluated by JAX.

``torch.export`` gives a graph of operators of ATen, PyTorch's own library. `read_graph` reads it,
one rule for each operator says what it is in JAX, and `evaluate` puts them together. What has no
rule is `NotCoveredError`, and the module is called instead.

(torchax does the same for whole models. But version 0.0.13 cannot be imported beside PyTorch 2.13:
it asks for an operation that is no longer there.)
"""

from fpf_notebook.dynamics.frameworks.aten.evaluate import evaluate
from fpf_notebook.dynamics.frameworks.aten.graph import Graph, read_graph
from fpf_notebook.dynamics.frameworks.aten.rules import NotCoveredError

__all__ = ["Graph", "NotCoveredError", "evaluate", "read_graph"]
