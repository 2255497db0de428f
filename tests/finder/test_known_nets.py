"""Trained networks whose points are known from a search with many more starts.

They lie beside the checkout, or where FPF_NOTEBOOK_NETS says; without them the tests are skipped.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, FixedPoints, SilentProgress
from fpf_notebook.models.loading import load_model

FOLDER = Path(
    os.environ.get("FPF_NOTEBOOK_NETS", Path(__file__).parents[3] / "shared" / "peers" / "nets")
)
NETS = ("ff2_tanh3", "ff3_tanh4", "ff4_tanh6", "ff3_gru16", "ff3_lstm16", "rand_tanh64")
SLOW = ("ff3_gru16", "ff3_lstm16", "rand_tanh64")

pytestmark = pytest.mark.skipif(
    not (FOLDER / f"{NETS[0]}.npz").exists(), reason=f"there are no networks in {FOLDER}"
)


def load(name: str) -> tuple[Any, dict[str, np.ndarray]]:
    with np.load(FOLDER / f"{name}.npz", allow_pickle=False) as file:
        return load_model(FOLDER / f"{name}.npz"), dict(file)


def find(name: str, n_inits: int = 512, **arguments: Any) -> tuple[FixedPoints, FixedPoints]:
    model, data = load(name)
    options = {
        key: arguments.pop(key)
        for key in list(arguments)
        if key in ("method", "lr_init", "max_iters", "dtype")
    }
    finder = FixedPointFinder(model, progress=SilentProgress(), **options)
    return finder.find_fixed_points(data["traj"], data["u_star"], n_inits, **arguments)


def assert_the_true_points(found: FixedPoints, data: dict[str, np.ndarray]) -> None:
    true = data["xstar_true"].astype(float)
    distance = np.linalg.norm(found.xstar[:, None] - true[None], axis=2)
    assert len(found) == len(true)
    assert distance.min(axis=0).max() < 1e-6, "a point is missing"
    assert distance.min(axis=1).max() < 1e-6, "a point is none"
    match = distance.argmin(axis=1)
    np.testing.assert_array_equal(found.index, data["index_true"][match])
    np.testing.assert_allclose(
        np.abs(found.eigval_J_xstar).max(axis=1), data["spectral_radius_true"][match], atol=1e-5
    )


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.slow if name in SLOW else ()) for name in NETS],
)
def test_an_exhaustive_search_finds_exactly_the_true_points(name: str) -> None:
    _, data = load(name)
    unique, _ = find(name, exhaustive=True)
    assert_the_true_points(unique, data)
    assert (unique.kind == "fixed").all()
    assert unique.index.sum() == 1
    assert unique.qstar.max() < 1e-20
    assert unique.forward_error.max() < 1e-9
    report = unique.completeness
    assert (report.index_sum, report.expected_sum, report.consistent) == (1, 1, True)
    n_bits = int(name[2]) if name.startswith("ff") else None
    if n_bits:
        assert unique.counts()["stable"] == 2**n_bits


def test_single_precision_finds_the_same() -> None:
    _, data = load("ff3_tanh4")
    unique, _ = find("ff3_tanh4", exhaustive=True, dtype="float32")
    assert_the_true_points(unique, data)


@pytest.mark.parametrize("method", ["newton", "joint"])
def test_false_points_of_a_gru_outside_its_box_are_not_reported(method: str) -> None:
    # Far outside, the update gate saturates and q vanishes where there is no fixed point: with
    # noise this large nearly every search ends there, unless something keeps it from it.
    model, data = load("ff3_gru16")
    rng = np.random.default_rng(0)
    states = data["traj"].reshape(-1, model.n_states)
    starts = states[rng.integers(len(states), size=256)] + 4.0 * rng.standard_normal((256, 16))
    finder = FixedPointFinder(
        model, method=method, lr_init=1.0, max_iters=400, progress=SilentProgress()
    )
    unique, everything = finder.find_fixed_points(initial_states=starts, inputs=data["u_star"])
    true = data["xstar_true"].astype(float)
    for points in (unique, everything[everything.kind == "fixed"]):
        distance = np.linalg.norm(points.xstar[:, None] - true[None], axis=2)
        assert distance.min(axis=1, initial=np.inf).max(initial=0.0) < 1e-6
        assert np.abs(points.xstar).max(initial=0.0) <= 1.0
    outside = np.abs(everything.xstar).max(axis=1) > 1
    if method == "joint":
        assert np.sum(outside & (everything.qstar <= 1e-12)) > 0  # so there was something to refuse
        refused = everything.status[outside & (everything.qstar <= 1e-12)]
        assert set(refused) == {"outside the invariant box, where no fixed point can be"}
    else:
        assert not outside.any()


def test_without_its_box_the_newton_step_exposes_false_points(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model, data = load("ff3_gru16")
    rng = np.random.default_rng(1)
    starts = 6.0 * rng.standard_normal((256, 16))

    def step(params: Any, h: Any, u: Any) -> Any:
        return model.step(params, h, u)

    # Without the box that is proven from the step, too.
    monkeypatch.setattr("fpf_notebook.dynamics.jaxpr.proven.with_proven_box", lambda given: given)
    finder = FixedPointFinder(
        step,
        params={name: np.asarray(value, float) for name, value in model.parameters().items()},
        n_inputs=3,
        convention="state_input",
        batched=False,
        progress=SilentProgress(),
    )
    unique, everything = finder.find_fixed_points(initial_states=starts, inputs=data["u_star"])
    true = data["xstar_true"].astype(float)
    distance = np.linalg.norm(unique.xstar[:, None] - true[None], axis=2)
    assert distance.min(axis=1, initial=np.inf).max(initial=0.0) < 1e-6
    small = everything.qstar <= 1e-12
    assert np.sum(small & (everything.kind != "fixed")) > 0
    assert unique.completeness.consistent is None
