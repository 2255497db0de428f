"""Step maps as programs that travel: a page computes what they say, without Python.

``StepMap.to_program`` writes one (`export.py`), :class:`PageProgram` holds it, and `reference.py`
says in numpy what it means.
"""

from fpf_notebook.dynamics.program.page_program import FORMAT, VERSION, PageProgram, ProgramSize

__all__ = ["FORMAT", "VERSION", "PageProgram", "ProgramSize"]
