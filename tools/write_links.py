"""Write the addresses of docs/links.toml wherever they are needed.

    python tools/write_links.py [--check]

The second line of a tutorial has its badges, and its setup cell begins with what to install on
Colab. In README and documentation, what stands between ``<!-- links: NAME -->`` and
``<!-- /links -->`` is made here. With ``--check`` nothing is written: files that would change are
listed, and the exit status is 1.
"""

from __future__ import annotations

import json
import re
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
LINKS = ROOT / "docs" / "links.toml"
FIRST = "01_what_is_a_fixed_point.ipynb"
_BLOCK = re.compile(r"(<!-- links: (\w+) -->\n).*?(<!-- /links -->)", re.DOTALL)
_PAGE = re.compile(r"https://[^\s()]+/((?:how_to|explanation|reference)/\w+\.html)")


def read(path: Path = LINKS) -> dict[str, Any]:
    """Return what links.toml says."""
    with path.open("rb") as file:
        return tomllib.load(file)


def address(links: dict[str, Any], service: str, file: str) -> str:
    """Return where a tutorial opens on Binder or on Colab."""
    return links[service].format(tag=links["tag"], file=file)


def badge(links: dict[str, Any], name: str, file: str) -> str:
    """Return one badge of a tutorial: Binder, Colab or Docs."""
    target = (
        f"{links['documentation']}/tutorials/{Path(file).stem}.html"
        if name == "Docs"
        else address(links, name.lower(), file)
    )
    return f"[![{name}]({links['badges'][name.lower()]})]({target})"


def badges(links: dict[str, Any], file: str) -> str:
    """Return the line of badges of a tutorial."""
    return " ".join(badge(links, name, file) for name in ("Binder", "Colab", "Docs"))


def requirement(links: dict[str, Any]) -> str:
    """Return what pip installs from the repository."""
    return f'"fpf-notebook[widgets] @ git+{links["repository"]}"'


def block(links: dict[str, Any], name: str) -> str:
    """Return what stands between the marks of that name."""
    if name == "badges":
        return "\n".join(badge(links, name, FIRST) for name in ("Binder", "Colab"))
    if name == "hosted":
        if links["hosted"]:
            return ""
        return (
            "(The project is not hosted yet: links to Binder, Colab and the online documentation "
            "lead nowhere\nbefore it is. What works without them: `make lab` opens the tutorials "
            "in JupyterLab, `make docs` builds\nthe documentation in `build/html`, and "
            "`python3.11 binder/check` makes the environment of Binder and\nruns every tutorial "
            "in it.)"
        )
    if name == "site":
        pages = {
            "Documentation": "",
            "Tutorials": "tutorials/index.html",
            "Beside its peers": "comparison.html",
        }
        site = links["documentation"]
        return " ·\n".join(f"[{name}]({site}/{page})" for name, page in pages.items())
    if name == "first":
        first = {name: address(links, name.lower(), FIRST) for name in ("Binder", "Colab")}
        return (
            "- **See it**: [the tutorials](tutorials/index.md), run in your browser on\n"
            f"  [Binder]({first['Binder']}) or\n  [Colab]({first['Colab']})."
        )
    if name == "form":
        return f"`{links['binder'].format(tag=links['tag'], file='NAME.ipynb')}`"
    if name == "install":
        return f"```python\n%pip install -q {requirement(links)}\n%load_ext fpf_notebook\n```"
    raise ValueError(f"links: {name} is no block that write_links.py knows.")


def in_text(text: str, links: dict[str, Any]) -> str:
    """Return the text of a page with the present addresses."""

    def written(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        made = block(links, name)
        return begin + (made + "\n" if made else "") + end

    return _BLOCK.sub(written, text)


def in_notebook(text: str, file: str, links: dict[str, Any]) -> str:
    """Return a tutorial with the present badges, and what to install on Colab."""
    notebook = json.loads(text)
    cells = {cell["id"]: cell for cell in notebook["cells"]}
    if "title" in cells:
        lines = "".join(cells["title"]["source"]).split("\n")
        lines[1] = badges(links, file)
        cells["title"]["source"] = "\n".join(lines).splitlines(keepends=True)
    for cell in cells.values():
        text = "".join(cell["source"])
        text = _PAGE.sub(lambda found: f"{links['documentation']}/{found[1]}", text)
        cell["source"] = text.splitlines(keepends=True)
    if "setup" in cells:
        code = re.sub(r"\A(#.*\n)+\n?", "", "".join(cells["setup"]["source"]))
        first = f"# Colab: %pip install -q {requirement(links)}\n"
        cells["setup"]["source"] = (first + code).splitlines(keepends=True)
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def files() -> list[Path]:
    """Return every file that may have a link."""
    pages = [ROOT / "README.md", *(ROOT / "docs").rglob("*.md")]
    pages = [page for page in pages if "_generated" not in page.parts]
    return [*pages, *sorted((ROOT / "tutorials").glob("[0-9]*.ipynb"))]


def main() -> int:
    """Run the command line."""
    links, check = read(), "--check" in sys.argv[1:]
    stale = []
    for path in files():
        before = path.read_text(encoding="utf-8")
        after = (
            in_notebook(before, path.name, links)
            if path.suffix == ".ipynb"
            else in_text(before, links)
        )
        if after != before:
            stale.append(path)
            if not check:
                path.write_text(after, encoding="utf-8")
    for path in stale:
        print(f"{'stale' if check else 'written'}: {path.relative_to(ROOT)}")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
