"""Addresses of the project stand in docs/links.toml, and nowhere else by hand."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tools import write_links

ROOT = Path(__file__).parent.parent
LINKS = write_links.read()


def test_everything_is_as_links_toml_says():
    command = [sys.executable, "tools/write_links.py", "--check"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_no_page_has_an_address_outside_of_the_marks():
    own = re.compile(
        r"mybinder\.org/v2|fpf-notebook\.github\.io|github\.com/fpf-notebook|colab\.res"
    )
    for path in write_links.files():
        if path.suffix == ".md":
            rest = write_links._BLOCK.sub("", path.read_text(encoding="utf-8"))
            assert not own.search(rest), path


def test_another_address_reaches_all_of_them():
    moved = {**LINKS, "tag": "v9", "documentation": "https://docs.example.org", "hosted": True}
    moved |= {"repository": "https://example.org/r", "binder": "https://b.example.org/{tag}/{file}"}
    tutorial = ROOT / "tutorials" / write_links.FIRST
    text = write_links.in_notebook(tutorial.read_text(encoding="utf-8"), tutorial.name, moved)
    assert "https://b.example.org/v9/01_what_is_a_fixed_point.ipynb" in text
    assert "https://docs.example.org/tutorials/01_what_is_a_fixed_point.html" in text
    assert "git+https://example.org/r" in text
    readme = write_links.in_text((ROOT / "README.md").read_text(encoding="utf-8"), moved)
    assert "https://b.example.org/v9/" in readme
    assert "not hosted yet" not in readme
    assert LINKS["documentation"] not in readme


def test_links_in_the_text_of_a_tutorial_follow():
    moved = {**LINKS, "documentation": "https://docs.example.org/here"}
    path = ROOT / "tutorials" / "09_your_own_model.ipynb"
    text = write_links.in_notebook(path.read_text(encoding="utf-8"), path.name, moved)
    assert "https://docs.example.org/here/how_to/other_frameworks.html" in text
    assert LINKS["documentation"] not in text


def test_writing_twice_changes_nothing():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    once = write_links.in_text(readme, LINKS)
    assert write_links.in_text(once, LINKS) == once
    with pytest.raises(ValueError, match="no block"):
        write_links.block(LINKS, "nothing")
