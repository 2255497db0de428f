"""Step maps as programs that travel: a page computes what they say, without Python.

``StepMap.to_program`` writes one (:mod:`~fpf_notebook.dynamics.program.export`), :class:`PageProgram`
holds it, and :mod:`~fpf_notebook.dynamics.program.reference` says in numpy what it means.
"""

from fpf_notebook.dynamics.program.page_program import FORMAT, VERSION, PageProgram, ProgramSize

__all__ = ["FORMAT", "VERSION", "PageProgram", "ProgramSize"]
