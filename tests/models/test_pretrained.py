"""The shipped networks: that they load, and that they do what is said of them."""

import hashlib
from pathlib import Path

import jax
import numpy as np
import pytest

import fpf_notebook.models.pretrained as pretrained
from fpf_notebook.analysis.expansion_points import compare_expansion_points
from fpf_notebook.analysis.integration import analyze_integration
from fpf_notebook.analysis.line_attractor import find_line_attractor
from fpf_notebook.analysis.linear_approximation import linearized_run, relative_error
from fpf_notebook.dynamics import as_step_map
from fpf_notebook.finder.finder import FixedPointFinder
from fpf_notebook.finder.progress import SilentProgress
from fpf_notebook.finder.slow_points import find_slow_points
from fpf_notebook.models import GRU, JSLDS, LFADS, KeepChannels, VanillaRNN
from fpf_notebook.models.lfads.saved import header_of_lfads, lfads_of
from fpf_notebook.models.pretrained import load_pretrained, pretrained_names, pretrained_record
from fpf_notebook.tasks import ContextIntegration, FlipFlop
from tools.lfads_pretraining import LFADS_RECIPES, figures
from tools.pretraining import RECIPES, held_out_figures

WEIGHTS = Path(pretrained.__file__).parent / "weights"
SIZES = {
    "jslds-3bit-gru100": (JSLDS, 6, 100, 3),
    "gru100-3bit": (GRU, 6, 100, 3),
    "jslds-context-vanilla128": (JSLDS, 4, 128, 1),
    "vanilla128-context": (VanillaRNN, 4, 128, 1),
}


def fresh_trials(task):
    return task.sample(512, (77, 3))


@pytest.mark.parametrize("name", SIZES)
def test_each_network_loads_with_its_size(name):
    cls, *sizes = SIZES[name]
    model = load_pretrained(name)
    assert type(model) is cls
    assert [model.n_inputs, model.n_hidden, model.n_outputs] == sizes
    assert load_pretrained(name) is not model


def test_the_names_are_those_of_the_recipes():
    assert set(SIZES) == set(RECIPES)
    assert set(pretrained_names()) == set(RECIPES) | set(LFADS_RECIPES)
    context = load_pretrained("jslds-context-vanilla128")
    assert context.input_point == KeepChannels((2, 3))


def test_the_files_are_small_and_without_pickle():
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) < 1_100_000
    for path in WEIGHTS.glob("*.npz"):
        with np.load(path, allow_pickle=False) as file:
            assert all(file[name].dtype.kind in "fu" for name in file.files)


@pytest.mark.parametrize("name", SIZES)
def test_the_record_says_how_it_was_made(name):
    record = pretrained_record(name)
    assert record["command"] == f"python -m tools.make_weights {name}"
    assert record["recipe"]["seed"] == RECIPES[name].seed
    assert [p["n_steps"] for p in record["recipe"]["phases"]] == [
        p.n_steps for p in RECIPES[name].phases
    ]
    assert record["sha256"] == hashlib.sha256((WEIGHTS / f"{name}.npz").read_bytes()).hexdigest()
    for key, value in held_out_figures(load_pretrained(name), RECIPES[name].make_task()).items():
        # Other versions of the compiler add up in another order.
        assert value == pytest.approx(record["held_out"][key], rel=0.02)


@pytest.mark.parametrize("name", LFADS_RECIPES)
def test_each_lfads_does_what_its_record_says(name):
    recipe, record = LFADS_RECIPES[name], pretrained_record(name)
    assert record["command"] == f"python -m tools.make_weights {name}"
    for field in ("task", "has_jslds", "n_epochs", "batch_size", "jslds_start", "seed"):
        assert record["recipe"][field] == getattr(recipe, field), field
    assert record["recipe"]["data"] == {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in recipe.data.items()
    }
    model, task = load_pretrained(name), recipe.make_task()
    assert isinstance(model, LFADS)
    assert model.has_jslds is recipe.has_jslds
    assert model.dt == task.data.dt
    assert model.structure == recipe.make_model(task).structure
    for key, value in figures(model, task).items():
        assert value == pytest.approx(record["held_out"][key], rel=0.02), key
    held_out = record["held_out"]
    assert held_out["r2"] > 0.9 > held_out["r2_smoothed"] + 0.1
    assert held_out["co_smoothing"] > 0.93 * held_out["co_smoothing_true"]
    if recipe.has_jslds:
        assert held_out["n_systems"] == (1 if name == "lfads-rotations" else 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"readout.b_rates": np.zeros(3)}, r"must have the shape \[80\], got \[3\]"),
        ({"readout.other": np.zeros(3)}, "the arrays are not those of the model: readout.other"),
    ],
)
def test_arrays_that_are_not_of_the_model_are_refused(change, message):
    model = load_pretrained("lfads-rotations")
    arrays = {key: np.asarray(value) for key, value in model.parameters().items()}
    header = header_of_lfads(model)
    assert lfads_of(header, arrays).structure == model.structure
    with pytest.raises(ValueError, match=message):
        lfads_of(header, {**arrays, **change})


def test_an_unknown_name_and_a_changed_file_are_refused(tmp_path, monkeypatch):
    with pytest.raises(ValueError, match=r"name must be one of \['gru100-3bit'.*got 'lstm'"):
        load_pretrained("lstm")
    for path in WEIGHTS.iterdir():
        data = bytearray(path.read_bytes())
        if path.name == "gru100-3bit.npz":
            data[5000] ^= 1
        (tmp_path / path.name).write_bytes(data)
    monkeypatch.setattr(pretrained, "_FOLDER", tmp_path)
    with pytest.raises(ValueError, match=r"is not the file that was shipped"):
        load_pretrained("gru100-3bit")


@pytest.mark.parametrize(
    ("name", "task", "limit"),
    [
        ("jslds-3bit-gru100", FlipFlop(3, encoding="one_hot"), 0.005),
        ("jslds-context-vanilla128", ContextIntegration(), 0.006),
    ],
)
def test_co_trained_networks_are_followed_by_their_linear_systems(name, task, limit):
    trials = fresh_trials(task)
    model = load_pretrained(name)
    run = model.run(trials.inputs)
    assert relative_error(run.rnn_states, run.jslds_states) <= limit
    scored = trials.mask > 0
    losses = [
        np.mean((outputs - trials.targets)[scored] ** 2)
        for outputs in (run.rnn_outputs, run.jslds_outputs)
    ]
    assert max(losses) < 3e-4
    for outputs in (run.rnn_outputs, run.jslds_outputs):
        assert task.accuracy(outputs, trials) > 0.97
    held_out = pretrained_record(name)["held_out"]
    low, high = sorted((held_out["rnn_loss"], held_out["jslds_loss"]))
    assert high <= 1.1 * low


def test_the_networks_trained_alone_solve_their_tasks():
    task = FlipFlop(3, encoding="one_hot")
    trials = fresh_trials(task)
    outputs = np.asarray(load_pretrained("gru100-3bit").run(trials.inputs)[0])
    assert task.accuracy(outputs, trials) == 1.0
    task = ContextIntegration()
    trials = fresh_trials(task)
    outputs = np.asarray(load_pretrained("vanilla128-context").run(trials.inputs)[0])
    assert np.mean((outputs - trials.targets) ** 2) < 3e-4


@pytest.mark.slow
def test_eight_groups_of_expansion_points_each_next_to_a_numerical_point():
    trials = FlipFlop(3, encoding="one_hot").sample(128, 0)
    model = load_pretrained("jslds-3bit-gru100")
    run = model.run(trials.inputs)
    step_map = as_step_map(model.rnn)
    expansion = run.expansion_points[:, 5:]
    numerical = find_slow_points(step_map, expansion, progress=SilentProgress())
    result = compare_expansion_points(step_map, expansion, numerical)
    assert result.clusters.k == 8
    assert (result.share < 0.1).all()
    assert set(result.kind) == {"fixed", "slow"}  # which is which, is reported
    assert (result.q < 1.01e-8).all()
    assert result.is_marginal.all()
    assert (result.n_near_one <= 4).all()


@pytest.mark.slow
def test_the_network_trained_alone_has_27_fixed_points_and_is_not_linear_around_them():
    trials = FlipFlop(3, encoding="one_hot").sample(128, 0)
    model = load_pretrained("gru100-3bit")
    states = np.asarray(model.run(trials.inputs)[1])
    finder = FixedPointFinder(model, progress=SilentProgress())
    points, _ = finder.find_fixed_points(
        states, np.zeros((1, 6)), n_inits=128, noise_scale=0.2, exhaustive=True
    )
    assert points.completeness.index_sum == points.completeness.expected_sum == 1
    np.testing.assert_array_equal(np.bincount(points.n_unstable), [8, 12, 6, 1])
    linear = linearized_run(
        as_step_map(model), points, trials.inputs, states,
        initial_states=np.asarray(model.initial_state(128)),
    )  # fmt: skip
    assert relative_error(states, linear.states) > 0.1


@pytest.mark.slow
def test_the_integrator_has_a_line_attractor_and_selects_the_relevant_input():
    task = ContextIntegration()
    model = load_pretrained("jslds-context-vanilla128")
    step_map = as_step_map(model.rnn)
    readout = np.asarray(model.rnn.W_out.value)[0]
    for context in (0, 1):
        trials = task.sample_fixed_bias(task.bias_grid(), context, 4, 1)
        run = model.run(trials.inputs)
        found = analyze_integration(
            step_map, run.expansion_points, np.eye(4)[2 + context], readout=readout, n_points=150
        )
        overlap = found.mean_overlap()
        assert overlap[context] > 0.4
        assert overlap[1 - context] < 0.05
        line = find_line_attractor(found.line_points(25))
        assert line.is_line, line.reason
        assert np.abs(line.leading - 1).max() < 0.05
        assert line.second.max() < 0.8
        # Evidence moves the state along the choice axis, and the output with it.
        places = found.project(run.jslds_states)[..., 0]
        assert np.corrcoef(places[:, -1], trials.targets[:, -1, 0])[0, 1] > 0.99


def test_networks_are_plain_models_to_jax():
    model = load_pretrained("jslds-3bit-gru100")
    assert all(isinstance(value, jax.Array) for value in model.parameters().values())
