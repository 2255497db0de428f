"""One layer under every format: files are written whole, and read without trusting them."""

from fpf_notebook.files.arrays_file import read_arrays, write_arrays
from fpf_notebook.files.atomic import write_file
from fpf_notebook.files.errors import FileError

__all__ = ["FileError", "read_arrays", "write_arrays", "write_file"]
