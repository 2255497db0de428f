"""The exercises of the tutorials, which check themselves.

>>> from fpf_notebook.exercises import check
>>> check("1.1", ...)
Exercise 1.1: not answered yet. Put your answer in place of the three dots and run the cell again.

Each tutorial has a module of its own here with its checkers; they are imported at the first check,
and need numpy alone.
"""

from fpf_notebook.exercises.registry import Verdict, check

__all__ = ["Verdict", "check"]
