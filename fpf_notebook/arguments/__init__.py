"""What the arguments of public calls may be: declared once, checked by one function."""

from fpf_notebook.arguments.bad_calls import BadCall, bad_calls
from fpf_notebook.arguments.calls import CALLS, checked_argument, kind_of
from fpf_notebook.arguments.checks import checks

__all__ = ["CALLS", "BadCall", "bad_calls", "checked_argument", "checks", "kind_of"]
