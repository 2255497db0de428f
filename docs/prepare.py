"""Make what the pages are built from and is not written by hand.

    python docs/prepare.py [--no-run]

- ``docs/tutorials/*.ipynb``: the tutorials with their outputs. What `binder/check` has left in
  build/notebooks is used if it is of these very notebooks and this code; others are run here.
- ``docs/_generated/site/live/``: the explorer of the landing page.
- ``docs/_generated/``: the measured table of the tutorials, the help texts of the command line.
- ``docs/_generated/static/``: MathJax, out of the package sphinx-mathjax-offline.

With ``--no-run`` notebooks are taken as they were run last, whatever has changed since: to see
quickly what a page of text looks like.
"""

from __future__ import annotations

import html
import importlib.metadata
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"
GENERATED = DOCS / "_generated"
EXECUTED = ROOT / "build" / "notebooks"
COMMANDS = ("demo", "serve", "tutorials")

sys.path[:0] = [str(ROOT), str(ROOT / "binder")]

from run_notebook import is_fresh  # noqa: E402

WIDGET = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"
_READ_ONLY = (
    "*This page shows the notebook as it came out. Its pictures can be turned and pointed at; for "
    "the sliders, and for your own answers to the exercises, open the notebook.*"
)


def main() -> None:
    """Make everything."""
    for folder in ("site/live", "static/mathjax"):
        (GENERATED / folder).mkdir(parents=True, exist_ok=True)
    copy_mathjax()
    write_help()
    for source in sorted((ROOT / "tutorials").glob("*.ipynb")):
        page = for_page(json.loads(executed(source).read_text(encoding="utf-8")), source.name)
        text = json.dumps(page, indent=1, ensure_ascii=False)
        (DOCS / "tutorials" / source.name).write_text(text, encoding="utf-8")
    for page in (DOCS / "tutorials").glob("*.ipynb"):
        if not (ROOT / "tutorials" / page.name).exists():
            page.unlink()
    write_measured()
    live = GENERATED / "site" / "live" / "explorer.html"
    if not live.exists() or live.stat().st_mtime < newest_source():
        write_live(live)


def newest_source() -> float:
    """Return when the package was changed last."""
    return max(path.stat().st_mtime for path in (ROOT / "fpf_notebook").rglob("*.[pj][ys]"))


def copy_mathjax() -> None:
    """Copy the one file that is needed: TeX in, SVG out, fonts included."""
    (file,) = (
        file
        for file in importlib.metadata.files("sphinx-mathjax-offline") or ()
        if file.name == "tex-svg.js"
    )
    shutil.copyfile(file.locate(), GENERATED / "static" / "mathjax" / "tex-svg.js")


def write_help() -> None:
    """Write down what ``fpf-notebook --help`` says."""
    parts = []
    for arguments in ([], *([command] for command in COMMANDS)):
        printed = subprocess.run(
            [sys.executable, "-m", "fpf_notebook", *arguments, "--help"],
            cwd=ROOT, check=True, capture_output=True, text=True,
            env={**os.environ, "COLUMNS": "80"},
        ).stdout  # fmt: skip
        parts.append(f"## `{' '.join(['fpf-notebook', *arguments])}`\n\n```text\n{printed}```\n")
    (GENERATED / "help.md").write_text("\n".join(parts), encoding="utf-8")


def executed(source: Path) -> Path:
    """Return a notebook with its outputs, run now if it has not been."""
    target = EXECUTED / source.name
    if "--no-run" in sys.argv[1:] and target.exists():
        return target
    if not is_fresh(target, source):
        print(f"docs: running {source.name}", flush=True)
        command = [sys.executable, str(ROOT / "binder" / "run_notebook.py"), str(source)]
        # Other work may share the machine: only a cell that hangs is to be stopped here.
        done = subprocess.run(
            [*command, str(target), "--max-seconds=600", "--max-megabytes=4000"],
            env={**os.environ, "FPF_WIDGETS": "html", "PYTHONPATH": str(ROOT)},
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        if done.returncode:
            sys.exit(f"docs: {source.name} failed: {done.stdout}")
    return target


def for_page(notebook: dict[str, Any], name: str) -> dict[str, Any]:
    """Return a notebook as the page shows it: what needs a kernel or a network is left out."""
    kept = notebook["metadata"].pop("widgets", {}).get(STATE, {}).get("state", {})
    models = {key: model["state"] for key, model in kept.items()}
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            cell["source"] = without_badges(cell["source"], name)
        elif "solution" in cell["metadata"].get("tags", ()):
            # With what it prints, which gives the answer away just as well.
            cell["metadata"]["tags"] = ["hide-cell"]
            cell["metadata"]["mystnb"] = {"code_prompt_show": "Show a solution"}
        if "outputs" in cell:
            cell["outputs"] = [o for output in cell["outputs"] for o in shown(output, models)]
    return notebook


def without_badges(text: str, name: str) -> str:
    """Put links of words in the place of badges, which are pictures from other servers."""
    text = re.sub(
        r"\[!\[Docs\]\([^)]*\)\]\([^)]*\)",
        f"· {{download}}`Download the notebook <{name}>`\n\n{_READ_ONLY}",
        text,
    )
    return re.sub(r"\[!\[(\w+)\]\([^)]*\)\]", r"[Open it on \1]", text)


def shown(output: dict[str, Any], models: dict[str, Any]) -> list[dict[str, Any]]:
    """Return an output as the page shows it: as it is, as what stands for it, or not at all."""
    data = output.get("data", {})
    if output.get("name") == "stderr":
        return []
    view = data.pop(WIDGET, None)
    if view is not None and not {"image/png", "text/html"} & set(data):
        controls, pictures = of_widget(view["model_id"], models)
        values = " · ".join(f"{name} = {value}" for name, value in controls)
        note = f"<p class='fpf-left-out'>Sliders and buttons, in a running notebook. {values}</p>"
        metadata: dict[str, Any] = {}
        words = {"data": {"text/html": note, "text/plain": values}, "metadata": metadata}
        return [{"output_type": "display_data", **words}, *pictures]
    # Plotly's own type would bring its library from a server; a picture or a page is there as well.
    data.pop("application/vnd.plotly.v1+json", None)
    return [output]


def of_widget(
    model_id: str, models: dict[str, Any]
) -> tuple[list[tuple[str, str]], list[dict[str, Any]]]:
    """Return the values of the controls of a widget, and what stands in its outputs."""
    state = models.get(model_id, {})
    controls, outputs = [], []
    if state.get("_model_name") == "OutputModel":
        outputs += state.get("outputs", ())
    elif state.get("description") and isinstance(state.get("value"), int | float | str):
        controls.append((html.escape(state["description"]), html.escape(str(state["value"]))))
    for child in state.get("children", ()):
        more = of_widget(child.removeprefix("IPY_MODEL_"), models)
        controls += more[0]
        outputs += more[1]
    return controls, outputs


def write_measured() -> None:
    """Write the table of seconds and memory of the tutorials."""
    environment, lines = "", []
    report = EXECUTED / "measured.json"
    if report.exists():
        figures = json.loads(report.read_text(encoding="utf-8"))
        environment = f"The environment was made in {figures['environment_seconds']} s.\n"
        if session := figures.get("session"):
            names = ", ".join(Path(name).stem for name in session["names"])
            environment += (
                f"The first three open at once ({names}) take {session['megabytes']} MB, server "
                "included.\n"
            )
    for source in sorted((ROOT / "tutorials").glob("*.ipynb")):
        run = json.loads((EXECUTED / source.name).read_text(encoding="utf-8"))["metadata"]
        figures = run["fpf_notebook"]
        lines.append(
            f"| {source.stem} | {figures['seconds']} | {figures.get('cpu_seconds', '')} | "
            f"{figures['megabytes']} |"
        )
    head = (
        "| tutorial | seconds | of the processor | peak memory, MB |\n| --- | ---: | ---: | ---: |"
    )
    table = "\n".join([head, *lines])
    (GENERATED / "measured.md").write_text(f"{environment}\n{table}\n", encoding="utf-8")


def write_live(path: Path) -> None:
    """Write the explorer of the landing page: a 3-bit flip-flop network."""
    import numpy as np

    from fpf_notebook import FixedPointExplorer, train_flip_flop

    print("docs: the explorer of the landing page", flush=True)
    model, task, _ = train_flip_flop(n_bits=3, cell="tanh")
    _, states = model.run(task.sample(48, seed=0).inputs)
    explorer = FixedPointExplorer(model, np.asarray(states), noise_scale=0.4, exhaustive=True)
    try:
        explorer.wait(120)
        saddles = np.flatnonzero(explorer.fixed_points.n_unstable == 1)
        explorer.selected = int(saddles[0])
        explorer.save_html(path)
    finally:
        explorer.close()


if __name__ == "__main__":
    main()
