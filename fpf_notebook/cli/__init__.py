"""The command ``fpf-notebook``."""

from fpf_notebook.cli.arguments import main

__all__ = ["main"]
