"""What the README says is what happens."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language):
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.mark.slow
@pytest.mark.versions
def test_the_example_runs_and_prints_what_is_shown(tmp_path):
    example = next(block for block in blocks("python") if "find_fixed_points" in block)
    assert len(example.strip().splitlines()) <= 15
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", example],
        cwd=tmp_path,
        env={"MPLBACKEND": "Agg", "JAX_PLATFORMS": "cpu", "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    (shown,) = blocks("text")
    for line in shown.strip().splitlines():
        assert line in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == {
        "fixed_points.nc",
        "fixed_points.png",
        "spectrum.png",
    }


def test_every_link_into_the_repository_leads_somewhere():
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", README)
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_every_make_target_exists():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for document in ("README.md", "CONTRIBUTING.md"):
        text = (ROOT / document).read_text(encoding="utf-8")
        for target in re.findall(r"(?:`|^)make ([a-z]+)\b", text, re.MULTILINE):
            assert re.search(rf"^{target}:", makefile, re.MULTILINE), f"{document}: make {target}"


def test_names_that_scripts_for_canns_import():
    after = next(block for block in blocks("python") if "canns" in block)
    exec(after.split("# after\n")[1], {})
