"""What every loader says of a file that it cannot take."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["FileError"]


class FileError(ValueError):
    """A file is damaged, cut off, foreign, newer than this release, or larger than it may be.

    Parameters
    ----------
    path
        The file.
    format
        What it was read as, with its article: ``"a model checkpoint"``.
    problem
        What is wrong, as the end of a sentence.

    Attributes
    ----------
    path : pathlib.Path
        The file.
    format : str
        What it was read as.
    problem : str
        What is wrong.

    Examples
    --------
    >>> print(FileError("run.npz", "a training state", "it is empty"))
    run.npz cannot be loaded as a training state: it is empty
    """

    def __init__(self, path: str | os.PathLike[str], format: str, problem: str) -> None:
        super().__init__(path, format, problem)  # these, so that it can be pickled
        self.path = Path(path)
        self.format = format
        self.problem = problem

    def __str__(self) -> str:
        return f"{self.path} cannot be loaded as {self.format}: {self.problem}"
