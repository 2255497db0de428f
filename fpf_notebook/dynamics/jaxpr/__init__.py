"""One interpreter of jaxprs: what a step computes, as a program that several algebras evaluate.

:func:`program_of` makes a :class:`Program` of a step map: calls inlined, loops of known length
unrolled, known numbers folded, equal expressions once, and operations that only move numbers turned
into addresses. :func:`evaluate` is the algebra of plain numbers, and the model of every other.
"""

from fpf_notebook.dynamics.jaxpr.boxes import InvariantBox, invariant_box, is_whole
from fpf_notebook.dynamics.jaxpr.inclusion import Enclosure, Inclusion
from fpf_notebook.dynamics.jaxpr.interpreter import parameter_names, program_of
from fpf_notebook.dynamics.jaxpr.plain import evaluate
from fpf_notebook.dynamics.jaxpr.program import (
    OPERATIONS,
    Constant,
    NotCoveredError,
    Operand,
    Operation,
    Program,
    Uncovered,
    View,
)
from fpf_notebook.dynamics.jaxpr.structure import structured_jacobian

__all__ = [
    "OPERATIONS",
    "Constant",
    "Enclosure",
    "Inclusion",
    "InvariantBox",
    "NotCoveredError",
    "Operand",
    "Operation",
    "Program",
    "Uncovered",
    "View",
    "evaluate",
    "invariant_box",
    "is_whole",
    "parameter_names",
    "program_of",
    "structured_jacobian",
]
