"""The solver of large networks: the same points, whatever its shortcuts are."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import CancelToken, FixedPointFinder, SilentProgress
from fpf_notebook.dynamics import compile_cache
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.solvers import factored, newton_for, solver_for
from fpf_notebook.finder.solvers.factored import LEAST_STATES, Factored
from tests.dynamics.counting import compilations

N = LEAST_STATES


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Use it for small networks too, of which the answers are known."""
    monkeypatch.setattr(factored, "LEAST_STATES", 1)


def finder(step: Callable[[Any], Any], n: int, **options: Any) -> FixedPointFinder:
    sizes = {"n_states": n, "n_inputs": 0, "batched": False, "n_runs": 0}
    return FixedPointFinder(step, **(sizes | {"progress": SilentProgress()} | options))


def random_weights(gain: float = 1.5, seed: int = 0) -> np.ndarray:
    return gain * np.random.default_rng(seed).normal(size=(N, N)) / np.sqrt(N)


def tanh_of(weights: np.ndarray) -> Callable[[Any], Any]:
    return lambda h: jnp.tanh(jnp.asarray(weights) @ h)


STARTS = np.random.default_rng(3).uniform(-1, 1, (24, N))


def test_which_networks_it_is_for() -> None:
    assert isinstance(solver_for(Options(), N), Factored)
    assert isinstance(solver_for(Options(), 512), Factored)
    assert solver_for(Options(), N - 1) is newton_for(Options(), N - 1)
    assert solver_for(Options(dtype="float32"), N) is newton_for(Options(), N)
    assert solver_for(Options(dense_limit=N - 1), N) is newton_for(Options(dense_limit=0), N)


def test_its_points_hold_the_ones_of_levenberg_marquardt(monkeypatch: pytest.MonkeyPatch) -> None:
    step = tanh_of(random_weights())
    unique, _ = finder(step, N).find_fixed_points(initial_states=STARTS)
    monkeypatch.setattr(factored, "LEAST_STATES", 10**6)
    other, _ = finder(step, N).find_fixed_points(initial_states=STARTS)
    assert len(unique) >= len(other) >= 2
    origin = np.linalg.norm(unique.xstar, axis=1).argmin()
    np.testing.assert_allclose(unique.xstar[origin], 0.0, atol=1e-12)
    for fps in (unique, other):  # each is exact, and stays where it is
        moved = np.tanh(fps.xstar @ random_weights().T)
        np.testing.assert_allclose(moved, fps.xstar, atol=1e-10)


def test_a_point_is_as_exact_as_double_precision_allows() -> None:
    unique, _ = finder(tanh_of(random_weights()), N).find_fixed_points(initial_states=STARTS)
    assert unique.qstar.max() < 1e-20


def test_the_same_seed_gives_the_same_bits() -> None:
    step = tanh_of(random_weights(2.0))
    first, second = (finder(step, N).find_fixed_points(initial_states=STARTS)[1] for _ in range(2))
    for name in ("xstar", "qstar", "n_iters"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))


def test_other_numbers_compile_nothing() -> None:
    finder(tanh_of(random_weights(seed=0)), N).search(STARTS)
    compiled: list[str] = []
    for seed in range(1, 6):
        other = finder(tanh_of(random_weights(seed=seed)), N)
        with compilations() as names:
            other.search(STARTS)
        compiled += [name for name in names if "residual" in name or "shifted" in name]
    # Jacobians in double precision are compiled when they are first needed, and once.
    assert compiled in ([], ["jit(shifted)"])


def test_a_few_starts_are_worked_on_alone() -> None:
    few, _ = finder(tanh_of(random_weights()), N).find_fixed_points(initial_states=STARTS[:3])
    whole, everything = finder(tanh_of(random_weights()), N).find_fixed_points(
        initial_states=STARTS
    )
    for point in few.xstar:
        assert np.linalg.norm(whole.xstar - point, axis=1).min() < 1e-8
    assert len(everything) == len(STARTS)


def test_lanes_stay_in_the_box() -> None:
    weights = random_weights(3.0)
    _, everything = finder(
        lambda h: 0.7 * jnp.tanh(jnp.asarray(weights) @ h), N, invariant_box=(-0.7, 0.7)
    ).find_fixed_points(initial_states=STARTS)
    assert np.abs(STARTS).max() > 0.9
    assert np.abs(everything.xstar).max() <= 0.7


def test_a_flow() -> None:
    weights = random_weights()
    unique, _ = finder(
        lambda h: -h + jnp.tanh(jnp.asarray(weights) @ h), N, time="continuous"
    ).find_fixed_points(initial_states=STARTS)
    assert len(unique) >= 1
    np.testing.assert_allclose(np.tanh(unique.xstar @ weights.T), unique.xstar, atol=1e-10)


def test_without_structure_the_points_are_the_same() -> None:
    weights = random_weights()

    def sorted_twice(h: Any) -> Any:  # nothing but a step that is no program
        moved = jnp.tanh(jnp.asarray(weights) @ h)
        order = jnp.argsort(moved)
        return jnp.zeros_like(h).at[order].set(moved[order])

    plain, _ = finder(tanh_of(weights), N).find_fixed_points(initial_states=STARTS)
    other, _ = finder(sorted_twice, N).find_fixed_points(initial_states=STARTS)
    assert len(other) >= 1
    for point in other.xstar:
        np.testing.assert_allclose(np.tanh(weights @ point), point, atol=1e-10)
    assert len(plain) >= 1


def test_a_line_of_fixed_points_is_reached_in_double_precision(everywhere: None) -> None:
    # h0 stays, h1 halves: every Jacobian is singular.
    unique, everything = finder(
        lambda h: h * jnp.array([1.0, 0.5]) - 0.1 * jnp.array([0.0, 1.0]) * h**3, 2
    ).find_fixed_points(initial_states=np.random.default_rng(0).uniform(-1, 1, (32, 2)))
    assert np.mean(everything.qstar < 1e-12) == 1.0
    assert len(unique) >= 1


@pytest.mark.filterwarnings("error")
def test_a_step_that_is_not_finite_everywhere(everywhere: None) -> None:
    starts = np.array([[0.5, 0.5], [-1.0, 0.2], [1e200, 1.0], [0.0, 0.0]])
    unique, everything = finder(lambda h: jnp.sqrt(h), 2).find_fixed_points(initial_states=starts)
    assert "diverged" in " ".join(everything.status.tolist())
    assert np.isfinite(unique.xstar).all()


def test_a_cancellation_is_heard_between_two_factorizations() -> None:
    class AfterSix(CancelToken):
        asked = 0

        @property
        def cancelled(self) -> bool:
            self.asked += 1
            return self.asked > 6

    token = AfterSix()
    _, everything = finder(tanh_of(random_weights(2.5)), N).find_fixed_points(
        initial_states=STARTS, cancel=token
    )
    assert everything.interrupted
    assert (everything.n_iters == 0).all()  # of 24 matrices, a few were factorized
    assert set(everything.status.tolist()) == {"interrupted before it finished"}


def test_it_holds_no_numbers_of_the_network_in_the_cache() -> None:
    compile_cache.clear()
    weights = random_weights(seed=5)
    finder(tanh_of(weights), N).search(STARTS)
    (entry,) = [e for key, e in compile_cache._entries.items() if key[0] == "lanes"]
    held = [cell.cell_contents for cell in entry[0].__closure__]
    models = next(item for item in held if type(item).__name__ == "LinearModels")
    assert not [v for v in vars(models).values() if isinstance(v, np.ndarray) and v.size > N]
