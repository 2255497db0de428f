"""Whoever follows the docs needs no path deeper than ``fpf_notebook.<room>.<name>``."""

import importlib
import inspect
import json
import re
from pathlib import Path

import pytest

import fpf_notebook

ROOT = Path(__file__).parent.parent
ROOMS = [f"fpf_notebook.{name}" for name in fpf_notebook._SUBMODULES]

# A statement, in a block of code or within a sentence; the names may stand in brackets.
FROM = re.compile(r"\bfrom\s+(fpf_notebook[\w.]*)\s+import\s+(\([^)]*\)|[\w, ]+)")
IMPORT = re.compile(r"(?<!__)\bimport\s+(fpf_notebook[\w.]*)")
NAME = re.compile(r"\bfpf_notebook(?:\.[A-Za-z_]\w*)+")
AUTO = re.compile(r"^\.\. auto(?:class|function|data|method|module):: (\S+)", re.MULTILINE)


def pages():
    """Return where and what: README, docs, and the cells of the tutorials."""
    texts = {path: path.read_text(encoding="utf-8") for path in (ROOT / "docs").rglob("*.md")}
    texts[ROOT / "README.md"] = (ROOT / "README.md").read_text(encoding="utf-8")
    for path in (ROOT / "tutorials").glob("*.ipynb"):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        texts[path] = "\n\n".join("".join(cell["source"]) for cell in cells)
    return {str(path.relative_to(ROOT)): text for path, text in sorted(texts.items())}


def public_objects():
    """Return every public name with the object that it stands for, the rooms included."""
    objects = {}
    for package in ["fpf_notebook", *ROOMS]:
        module = importlib.import_module(package)
        objects[package] = module
        for name in module.__all__:
            objects[f"{package}.{name}"] = getattr(module, name)
    return objects


def docstrings():
    """Return the docstrings of all that is public, those of methods included."""
    texts = {}
    for name, value in public_objects().items():
        texts[name] = inspect.getdoc(value) or ""
        if inspect.isclass(value):
            for part, member in vars(value).items():
                if not part.startswith("_") and getattr(member, "__doc__", None):
                    texts[f"{name}.{part}"] = member.__doc__
    return texts


def wrong_imports(text):
    """Return the imports of a text that no user should have to make, and those that fail."""
    public = public_objects()
    wrong = []
    for home, names in FROM.findall(text):
        for part in names.strip("()").split(","):
            name = re.sub(r"#.*", "", part).split(" as ")[0].strip()
            if name and f"{home}.{name}" not in public:
                wrong.append(f"from {home} import {name}")
    wrong += [f"import {home}" for home in IMPORT.findall(text) if home not in public]
    return wrong


def test_every_import_of_the_pages_is_public():
    found = {where: wrong_imports(text) for where, text in pages().items()}
    assert {where: wrong for where, wrong in found.items() if wrong} == {}
    imports = sum(len(FROM.findall(text)) for text in pages().values())
    assert imports > 50


def test_every_import_of_the_docstrings_is_public():
    found = {where: wrong_imports(text) for where, text in docstrings().items()}
    assert {where: wrong for where, wrong in found.items() if wrong} == {}


def test_every_documented_name_is_public():
    public = public_objects()
    for where, text in pages().items():
        documented = AUTO.findall(text)
        assert [name for name in documented if name not in public] == [], where


def test_every_name_that_a_page_mentions_is_public():
    public = public_objects()
    for where, text in pages().items():
        for name in NAME.findall(text):
            # What comes after a public class is a method or an attribute of it.
            start = ".".join(name.split(".")[:3])
            owner = start if start in public else ".".join(start.split(".")[:2])
            assert owner in public, f"{where}: {name}"
            rest = name.removeprefix(owner).strip(".")
            if inspect.ismodule(public[owner]):
                assert not rest, f"{where}: {name}"


@pytest.mark.parametrize(
    "text",
    [
        "from fpf_notebook.finder.finder import FixedPointFinder",
        "use `from fpf_notebook.analysis.spectrum import classify` for it",
        "from fpf_notebook.plots import (\n    Scene,\n    checked_trajectories,\n)",
        "from fpf_notebook import FixPointFinder",
        "import fpf_notebook.result.audit as audit",
    ],
)
def test_the_check_can_fail(text):
    assert len(wrong_imports(text)) == 1


@pytest.mark.parametrize("package", ROOMS)
def test_lazy_names_are_those_that_a_type_checker_sees(package):
    module = importlib.import_module(package)
    homes = getattr(module, "_HOME_OF", {})
    source = Path(module.__file__).read_text(encoding="utf-8")
    for name, home in homes.items():
        assert re.search(
            rf"from {re.escape(package)}\.{home} import (\([^)]*\b{name}\b|.*\b{name}\b)", source
        ), name
        assert name in module.__all__
    # A module of the same name, once it is imported, would stand in the name's place.
    folder = Path(module.__file__).parent
    same = [name for name in homes if (folder / f"{name}.py").exists()]
    assert same == ([] if package != "fpf_notebook.widgets" else ["check"])


def test_a_lazy_name_stays_what_it_is_when_modules_are_imported_first():
    import fpf_notebook.analysis.normality
    from fpf_notebook.analysis import non_normality

    assert callable(non_normality)
    assert fpf_notebook.analysis.non_normality is non_normality
    with pytest.raises(AttributeError, match=r"'fpf_notebook.analysis' has no attribute 'nonn'"):
        fpf_notebook.analysis.nonn  # noqa: B018
