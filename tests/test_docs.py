"""The pages against the code: what is public is documented, what is quoted is said."""

import ast
import importlib
import re
from pathlib import Path

import pytest

import fpf_notebook

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
ROOMS = (
    "analysis",
    "dynamics",
    "exercises",
    "finder",
    "io",
    "models",
    "plots",
    "result",
    "sweep",
    "tasks",
    "training",
    "widgets",
)


@pytest.fixture(scope="module")
def documented():
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCS.glob("reference/*.md"))
    return re.findall(r"^\.\. auto(?:class|function|data):: (\S+)$", text, re.MULTILINE)


def found(name):
    """Return the object of a dotted name."""
    parts = name.split(".")
    for k in range(len(parts) - 1, 0, -1):
        try:
            value = importlib.import_module(".".join(parts[:k]))
        except ModuleNotFoundError:
            continue
        for part in parts[k:]:
            value = getattr(value, part)
        return value
    raise AssertionError(name)


def test_every_public_name_is_in_the_reference_once(documented):
    rooms = [importlib.import_module(f"fpf_notebook.{room}") for room in ROOMS]
    public = {id(getattr(room, name)): name for room in rooms for name in room.__all__}
    submodules = {*ROOMS, "__version__"}
    public |= {
        id(getattr(fpf_notebook, name)): name
        for name in fpf_notebook.__all__
        if name not in submodules
    }
    documented_ids = [id(found(name)) for name in documented]
    missing = {name for key, name in public.items() if key not in documented_ids}
    assert missing == set()
    assert len(documented_ids) == len(set(documented_ids))


def messages():
    """Return every text of the package, with … for what is put in."""
    texts = []
    for path in (ROOT / "fpf_notebook").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.JoinedStr):
                parts = (p.value if isinstance(p, ast.Constant) else "…" for p in node.values)
                texts.append("".join(map(str, parts)))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                texts.append(node.value)
    return texts


def test_messages_of_the_troubleshooting_page_are_those_of_the_code():
    page = (DOCS / "troubleshooting.md").read_text(encoding="utf-8")
    quoted = [
        text for line in re.findall(r"^### (.*)$", page, re.MULTILINE)
        for text in re.findall(r"`([^`]+)`", line)
    ]  # fmt: skip
    assert len(quoted) > 30
    texts = messages()
    for quote in quoted:
        # Between the dots anything may stand in the code, dots or other words that are put in.
        pattern = ".*".join(re.escape(part.strip(" ")) for part in quote.split("…"))
        assert any(re.search(pattern, text, re.DOTALL) for text in texts), quote


def test_commands_of_the_pages_exist():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    from fpf_notebook.cli.arguments import build_parser

    commands = build_parser()._subparsers._group_actions[0].choices
    for path in DOCS.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        for target in re.findall(r"(?:`|^)make ([a-z]+)\b", text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{path}: make {target}"
        for command in re.findall(r"(?:`|^)fpf-notebook ([a-z]+)\b", text, re.MULTILINE):
            assert command in commands, f"{path}: fpf-notebook {command}"


def test_python_of_the_pages_is_python():
    blocks = 0
    for path in DOCS.rglob("*.md"):
        for block in re.findall(
            r"^```python\n(.*?)^```$", path.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
        ):
            if "%" not in block:  # IPython's own
                ast.parse(block)
                blocks += 1
    assert blocks > 20


def test_names_that_the_pages_import_exist():
    for path in DOCS.rglob("*.md"):
        text = path.read_text(encoding="utf-8")
        for line in re.findall(r"^from fpf_notebook\S* import [\w, ]+$", text, re.MULTILINE):
            exec(line, {})
