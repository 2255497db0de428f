"""The explorer's script finds exactly the explorer's points, in a process of its own."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpf_notebook import FixedPointExplorer
from tests.widgets.code_models import N_INPUTS, OPTIONS, data_of, model_of

ROOT = Path(__file__).parents[2]
N_SETTINGS = 50

RUN_ALL = """
import json, sys
import numpy as np
from tests.widgets.code_models import data_of, model_of

for line in open(sys.argv[1], encoding="utf-8"):
    job = json.loads(line)
    scope = {"model": model_of(job["name"]), **data_of(job["name"], job["seed"], job["masked"])}
    exec(job["code"].replace("unique_fps.print_summary()", ""), scope)
    found = scope["unique_fps"]
    np.savez(f"{sys.argv[2]}/{job['number']}.npz", xstar=found.xstar, kind=found.kind,
             everything=scope["all_fps"].xstar, report=str(found.completeness))
"""


def settings_of(number: int) -> tuple[str, int, bool, dict[str, Any]]:
    """Return a network, a seed of its data, whether some are masked, and settings."""
    rng = np.random.default_rng([number, 1234])
    names = ["latches", "flow", "alone", "vanilla", "gru"]
    try:
        import torch  # noqa: F401

        names.append("torch")
    except ImportError:
        pass
    name = str(rng.choice(names))
    settings: dict[str, Any] = {
        "n_inits": int(rng.choice([1, 30, 100, 256])),
        "noise_scale": float(rng.choice([0.0, 0.1, 0.7])),
        "random_seed": int(rng.integers(5)),
        "tol_q": float(10.0 ** rng.uniform(-26, -6)),
        "tol_unique": float(10.0 ** rng.uniform(-5, -0.5)),
        "final_q_threshold": float(rng.choice([0.0, 1e-8, 1e-3])),
        "exhaustive": bool(rng.random() < 0.3),
    }
    if rng.random() < 0.25:
        settings |= {"method": str(rng.choice(["joint", "sequential"])), "max_iters": 300}
    if rng.random() < 0.2:
        settings |= {"dtype": "float32"}
    if rng.random() < 0.2:
        settings |= {"max_n_unique": int(rng.integers(1, 5))}
    if rng.random() < 0.2:
        settings |= {"do_exclude_distance_outliers": True, "outlier_distance_scale": 1.5}
    if rng.random() < 0.2:
        settings |= {"n_runs": 0, "tol_slope": 0.1}
    return name, int(rng.integers(100)), bool(rng.random() < 0.4), settings


@pytest.mark.slow
def test_scripts_of_fifty_settings_find_exactly_what_is_shown(tmp_path: Path) -> None:
    shown, jobs = {}, []
    for number in range(N_SETTINGS):
        name, seed, masked, settings = settings_of(number)
        rng = np.random.default_rng(number)
        u = rng.uniform(-0.3, 0.3, N_INPUTS[name]) if rng.random() < 0.7 else None
        explorer = FixedPointExplorer(
            model_of(name),
            data_of(name, seed, masked)["state_traj"],
            u,
            valid_bxt=data_of(name, seed, masked).get("valid_bxt"),
            **OPTIONS.get(name, {}),
            **settings,
        ).wait(120)
        if rng.random() < 0.5:  # moved afterwards, as by a hand: judged again, or searched again
            explorer.tol_q = float(10.0 ** rng.uniform(-20, -5))
            explorer.final_q_threshold = 1e-4
            explorer.wait(120)
        shown[number] = (explorer.fixed_points, explorer.all_candidates)
        job = {"number": number, "name": name, "seed": seed, "masked": masked}
        jobs.append(json.dumps({**job, "code": explorer.to_code()}))
        explorer.close()
    (tmp_path / "jobs").write_text("\n".join(jobs), encoding="utf-8")
    command = [sys.executable, "-c", RUN_ALL, str(tmp_path / "jobs"), str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    n_points = 0
    for number, (points, everything) in shown.items():
        with np.load(tmp_path / f"{number}.npz") as script:
            where = f"setting {number}: {settings_of(number)}"
            np.testing.assert_array_equal(script["xstar"], points.xstar, err_msg=where)
            assert script["kind"].tolist() == points.kind.tolist(), where
            np.testing.assert_array_equal(script["everything"], everything.xstar, err_msg=where)
            assert str(script["report"]) == str(points.completeness), where
        n_points += len(points)
    assert n_points > 100  # there was something to find
