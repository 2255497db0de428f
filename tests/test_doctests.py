"""The examples in the docstrings do what they say."""

import doctest
import importlib
import pkgutil

import pytest

import fpf_notebook

MODULES = [
    module.name
    for module in pkgutil.walk_packages(fpf_notebook.__path__, "fpf_notebook.")
    if not module.name.endswith("__main__")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples(name):
    try:
        module = importlib.import_module(name)
    except ModuleNotFoundError as missing:  # of a framework or an extra that is not installed
        if (missing.name or "").startswith("fpf_notebook"):
            raise
        pytest.skip(f"needs {missing.name}")
    results = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE)
    assert results.failed == 0


def test_there_are_some():
    finder = importlib.import_module("fpf_notebook.finder.finder")
    assert any(test.examples for test in doctest.DocTestFinder().find(finder))
