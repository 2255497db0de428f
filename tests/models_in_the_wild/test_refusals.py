"""What cannot be read as it is says why, and the code that it prints runs and mends it."""

import ast
import os
import re
import textwrap
from importlib.util import find_spec
from pathlib import Path

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np
import pytest

import fpf_notebook
from fpf_notebook import as_step_map

SIZES = {"n_states": 2, "n_inputs": 1}

ADVICE = {
    "model.{} = 0.0": "test_noise_of_a_module",
    "model = __import__('functools').partial(model, {})": "test_noise_of_a_function",
    "options = {'convention': 'state_input'}  # or 'input_state'": (
        "test_which_argument_is_the_state"
    ),
    "step = lambda u, h: (None, model({})[{}])": "test_which_value_is_the_state",
    "import jax.numpy": "test_numpy_inside",
    "{}.__globals__['np'] = jax.numpy": "test_numpy_inside",
    "options = {'framework': 'torch'}": "test_a_module_that_wants_an_axis_of_time",
    "options = {'batched': False}  # or True": "test_one_state_or_a_batch",
    "step = {}": "test_other_arguments",
    "step = lambda {}: model({})": "test_a_step_that_depends_on_time",
    "def step(input, state):": "test_a_result_of_another_kind",
    "    result = model(input{}, state)": "test_a_module_that_wants_an_axis_of_time",
    "    return None, result[1] if isinstance(result, tuple) else result": (
        "test_a_result_of_another_kind"
    ),
    "options = {'state_vars': {}}": "test_variables_of_brainpy_s_finder",
    "options = {'time': 'continuous'}": "test_kind_of_brainpy_s_finder",
    "options = {'n_states': 64, 'n_inputs': 3}  # for example": "test_sizes_that_no_call_tells",
    "model = model.get_layer({})": "test_layers_of_keras",
    "step = lambda u, h: (None, {}(u[None], [h[None]])[1][0][0])": "test_layers_of_keras",
    "model = model.{}": "test_a_module_that_begins_with_a_state_of_its_own",
    "model.eval()": "test_modes_of_training",
}
"""Every line of code that a refusal prints, and the test that runs it."""

EXECUTED = set()


@pytest.fixture(autouse=True)
def _that_its_lines_were_run(request):
    """Make sure that a test runs the lines of advice that are said to be run by it."""
    EXECUTED.clear()
    yield
    if not EXECUTED and any(find_spec(name) is None for name in ("flax", "keras", "torch")):
        return  # skipped
    mine = {line for line, test in ADVICE.items() if test == request.node.originalname}
    assert mine <= EXECUTED, mine - EXECUTED


def templates_of(line):
    """Return which of the lines of advice this may be."""
    patterns = {each: ".+".join(map(re.escape, each.split("{}"))) for each in ADVICE}
    return {each for each, pattern in patterns.items() if re.fullmatch(pattern, line)}


def advice_in(source: str) -> set[str]:
    """Return the lines of code in the messages of a file: they begin with four blanks."""
    tree = ast.parse(source)
    documentation = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    found = set()
    inside = {
        id(part)
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in node.values
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(
                part.value if isinstance(part, ast.Constant) else "{}" for part in node.values
            )
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) in inside or id(node) in documentation:
                continue
            text = node.value
        else:
            continue
        lines = [line[4:] for line in text.splitlines() if re.match(r" {4}\S| {8}\S", line)]
        found.update(line for line in lines if not re.fullmatch(r"[\w ]+", line))
    return found


def test_every_line_of_advice_is_run_by_a_test():
    folder = Path(fpf_notebook.__file__).parent / "dynamics"
    printed = set().union(*(advice_in(path.read_text()) for path in folder.rglob("*.py")))
    assert printed == set(ADVICE)
    assert all(callable(globals()[test]) for test in ADVICE.values())
    assert advice_in('raise E(f"no {x}:\\n    step = {y}\\nso")') == {"step = {}"}


def pasted(message: str, model):
    """Run the lines of code in a message; return the model and the options to use then."""
    lines = [line for line in message.splitlines() if line.startswith("    ")]
    assert lines, message
    EXECUTED.update(*(templates_of(line.removeprefix("    ")) for line in lines))
    scope = {"model": model, "np": np, "jnp": jnp, "bm": bm, "options": {}}
    options = {}
    for line in lines:  # each line of options is one more
        if line.startswith("    options = "):
            exec(line.strip(), scope)
            options |= scope["options"]
    code = [line for line in lines if not line.startswith("    options = ")]
    exec(textwrap.dedent("\n".join(code)), scope)
    return scope.get("step", scope["model"]), options


def mend(model, options, match, **more):
    """Refuse, paste what the message says, and return the step map and the message."""
    with pytest.raises((ValueError, TypeError), match=match) as info:
        as_step_map(model, **options)
    text = str(info.value)
    model, added = pasted(text, model)
    kept = {name: value for name, value in options.items() if f"no option {name!r}" not in text}
    return as_step_map(model, **{**kept, **added, **more})


def numpy_step(h, u):
    return np.tanh(np.array([[0.5, 0.1], [0.0, 0.5]]) @ h + u)


def test_numpy_inside():
    numpy = np
    try:
        step_map = mend(numpy_step, SIZES, "computes with NumPy.*use jax.numpy")
    finally:
        numpy_step.__globals__["np"] = numpy
    h, u = np.array([0.3, -0.2]), np.array([0.1])
    np.testing.assert_allclose(step_map(h, u), numpy_step(h, u), rtol=1e-12)


class NoisyModel(bp.DynamicalSystem):
    def __init__(self):
        super().__init__()
        self.noise_std, self.h = 0.1, bm.Variable(bm.zeros(2))

    def update(self, x):
        noise = self.noise_std * bm.random.randn(2)
        self.h.value = 0.9 * self.h.value + 0.1 * jnp.tanh(2 * self.h.value + x) + noise


def test_noise_of_a_brainpy_model():
    step_map = mend(NoisyModel(), {"n_inputs": 2}, "draws random numbers.*noise_std may be")
    h = np.array([0.3, -0.2])
    np.testing.assert_allclose(step_map(h, np.zeros(2)), 0.9 * h + 0.1 * np.tanh(2 * h), rtol=1e-6)


def test_which_argument_is_the_state():
    def step(a, b):
        return jnp.tanh(2 * a + b)

    step_map = mend(step, {"n_states": 2, "n_inputs": 2}, "either of its arguments")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(2)), np.tanh([2.0, 2.0]))


def test_which_value_is_the_state():
    step_map = mend(
        lambda h, u: (jnp.tanh(2 * h), jnp.sin(h) + u, jnp.cos(h)),
        SIZES,
        "value 0 and value 1 and value 2 could be the next state",
    )
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]))


def test_the_second_value_is_computed_from_the_first():
    """Two values without names: the second one would be the state, but it is the output of it."""

    def states(u, x):
        return (new := 0.9 * x + 0.1 * jnp.tanh(2 * x) + u), jnp.tanh(new)

    h, after = np.array([0.3, -0.2]), 0.9 * np.array([0.3, -0.2]) + 0.1 * np.tanh([0.6, -0.4])
    step_map = mend(states, SIZES, "computes value 1 from value 0")
    np.testing.assert_allclose(step_map(h, np.zeros(1)), after)

    class Model(bp.DynamicalSystem):
        def update(self, u, x):
            return (new := 0.9 * x + 0.1 * jnp.tanh(2 * x) + u[..., 0:1]), jnp.tanh(new)

    step_map = mend(Model(), SIZES, "computes value 1 from value 0")
    np.testing.assert_allclose(step_map(h, np.zeros(1)), after, rtol=1e-6)
    torch = pytest.importorskip("torch")

    class Module(torch.nn.Module):
        def forward(self, u, x):
            return (new := 0.9 * x + 0.1 * torch.tanh(2 * x) + u), torch.tanh(new)

    step_map = mend(Module(), SIZES, "computes value 1 from value 0")
    np.testing.assert_allclose(step_map(h, np.zeros(1)), after, rtol=1e-12)


def test_a_result_of_another_kind():
    class Result:
        def __init__(self, h):
            self.h = h

    with pytest.raises(ValueError, match="returned Result, expected one array") as info:
        as_step_map(lambda u, h: Result(h), **SIZES)
    model, _ = pasted(str(info.value), lambda u, h: (None, jnp.tanh(h) + u))
    assert as_step_map(model, **SIZES).n_states == 2


def test_other_arguments():
    def step(u, *, hidden, key):
        return jnp.tanh(2 * hidden + u)

    step_map = mend(step, SIZES, "It takes other arguments")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]))
    weights = {"w": np.array(2.0)}
    step_map = mend(
        lambda h, u, params: jnp.tanh(params["w"] * h + u),
        {**SIZES, "params": weights},
        "It takes other arguments",
    )
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]))


def test_arguments_that_nobody_can_know():
    """Weights among the arguments: what cannot be pasted is not printed as if it could."""
    with pytest.raises(ValueError, match="It takes A, W, b beside a state") as info:
        as_step_map(lambda z, A, W, b: A * z + jnp.maximum(z, 0) @ W + b, **SIZES)
    assert not [line for line in str(info.value).splitlines() if line.startswith("    ")]


def test_a_vector_field_is_no_map():
    class Trials:
        def rhs(self, x, u):
            return -x + jnp.tanh(2 * x) + u

        def __call__(self, trials):
            return trials[0, :, :, 7]

    step_map = mend(Trials(), {**SIZES, "n_inputs": 1, "batched": True}, "Its rhs may be the step")
    assert step_map.time == "continuous"


def test_a_step_that_depends_on_time():
    step_map = mend(
        lambda t, y, u: jnp.tanh(2 * y + jnp.sin(t)) + u, SIZES, "depends on its argument 't'"
    )
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]))
    torch = pytest.importorskip("torch")

    class Driven(torch.nn.Module):
        def forward(self, t, y, u):
            return torch.tanh(2 * y + t) + u

    step_map = mend(Driven(), SIZES, "depends on its argument 't'")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-12)


def test_one_state_or_a_batch():
    step_map = mend(
        lambda h, u: jnp.tanh(2 * h + u) - h.mean(axis=0), SIZES, "something different with each"
    )
    h = np.array([0.3, -0.2])
    np.testing.assert_allclose(step_map(h, np.zeros(1)), np.tanh(2 * h) - h.mean())


def test_numpy_inside_a_brainpy_model():
    class Model(bp.DynamicalSystem):
        def update(self, x, h):
            return np.tanh(2 * np.asarray(h)) + np.asarray(x)[..., 0:1]

    numpy = np
    try:
        step_map = mend(Model(), SIZES, "computes with NumPy.*use jax.numpy")
    finally:
        Model.update.__globals__["np"] = numpy
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-6)


def test_noise_of_a_module():
    torch = pytest.importorskip("torch")

    class Noisy(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.sigma_rec = 0.05

        def forward(self, x, h):
            return torch.tanh(2 * h + x) + self.sigma_rec * torch.randn_like(h)

    step_map = mend(Noisy(), SIZES, "sigma_rec may be what to set")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-12)


def test_a_module_that_begins_with_a_state_of_its_own():
    torch = pytest.importorskip("torch")

    class Sequence(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.w = torch.nn.Parameter(2 * torch.eye(2))

        def recurrence(self, x, h):
            return torch.tanh(h @ self.w + x)

        def forward(self, inputs):
            h = torch.zeros(inputs.shape[0], 2)
            for t in range(inputs.shape[1]):
                h = self.recurrence(inputs[:, t], h)
            return h

    step_map = mend(Sequence(), SIZES, "takes no state.*recurrence may be the step")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-12)


def test_a_module_that_wants_an_axis_of_time():
    torch = pytest.importorskip("torch")

    class Sequence(torch.nn.Module):
        def forward(self, inputs, state):
            h = torch.tanh(2 * state + inputs[:, 0])
            return inputs, Result(h)

    class Result:
        def __init__(self, h):
            self.h = h

    with pytest.raises(ValueError, match="could not be called as a step") as info:
        as_step_map(Sequence(), **SIZES)
    model, options = pasted(str(info.value), Unwrapped(Sequence()))
    step_map = as_step_map(model, **SIZES, **options)
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-12)


class Unwrapped:
    """What a user has to add here, since no advice can know his class of results."""

    def __init__(self, module):
        self.module = module

    def __call__(self, *arguments):
        output, result = self.module(*arguments)
        return output, result.h


class OnlyTrained(bp.DynamicalSystem):
    """What is trained by a loop of its own, without an update."""

    def __init__(self):
        super().__init__()
        self.w, self.h = bm.TrainVar(2 * bm.eye(2)), bm.Variable(bm.zeros((1, 2)))

    def cell(self, h, x):
        return bm.tanh(h @ self.w + x)


def test_a_brainpy_model_without_an_update():
    step_map = mend(OnlyTrained(), SIZES, "neither as (.|\n)*Its cell may be the step")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-6)


def test_noise_of_a_function():
    torch = pytest.importorskip("torch")

    def step(x, h, noise_scale=0.1):
        return torch.tanh(2 * h + x) + noise_scale * torch.randn_like(h)

    step_map = mend(step, {**SIZES, "framework": "torch"}, "argument noise_scale may be what")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-12)


def test_variables_of_brainpy_s_finder():
    model = NoisyModel()
    model.noise_std = 0.0
    options = {"n_inputs": 2, "target_vars": {"h": model.h}}
    step_map = mend(model, options, "target_vars=.* are state_vars=")
    assert [part.name for part in step_map.slices] == ["h"]


def test_kind_of_brainpy_s_finder():
    options = {**SIZES, "f_type": "continuous"}
    assert mend(lambda h, u: -h + u, options, "called time='continuous' here").time == "continuous"


def test_sizes_that_no_call_tells():
    torch = pytest.importorskip("torch")

    class Own(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.cell = torch.nn.GRUCell(3, 64)

        def forward(self, x, h):
            return self.cell(x, h)

    assert mend(Own(), {}, "a call does not tell its sizes").n_states == 64


@pytest.mark.parametrize("kind", ["Dropout", "BatchNorm1d"])
def test_modes_of_training(kind):
    if kind == "Dropout":
        nnx = pytest.importorskip("flax.nnx")

        class Flax(nnx.Module):
            def __init__(self):
                self.drop = nnx.Dropout(0.3, rngs=nnx.Rngs(0))

            def __call__(self, h, x):
                return jnp.tanh(self.drop(2 * h) + x)

        step_map = mend(Flax(), SIZES, "draws random numbers, for dropout")
        np.testing.assert_allclose(step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]))
    torch = pytest.importorskip("torch")

    class Trained(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.layer = torch.nn.Dropout() if kind == "Dropout" else torch.nn.BatchNorm1d(2)

        def forward(self, x, h):
            return torch.tanh(self.layer(h) + x)

    model = Trained()
    assert mend(model, SIZES, f"{kind} in training mode").n_states == 2
    assert not model.training


def test_layers_of_keras():
    """A cell of one's own, a layer that repeats it, and a model that is no chain of layers."""
    os.environ.setdefault("KERAS_BACKEND", "jax")
    keras = pytest.importorskip("keras")

    class Cell(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.state_size = 2

        def build(self, shape):
            self.w = self.add_weight(shape=(2, 2), initializer=keras.initializers.Identity(2.0))

        def call(self, inputs, states):
            h = keras.ops.tanh(keras.ops.matmul(states[0], self.w) + inputs)
            return h, [h]

    cell = Cell()
    cell.build((1, 1))
    for model in (cell, keras.layers.RNN(cell)):
        step_map = mend(model, SIZES, "As such a function")
        np.testing.assert_allclose(
            step_map(np.ones(2), np.zeros(1)), np.tanh([2.0, 2.0]), rtol=1e-6
        )
    given = keras.Input((None, 1))
    rates = keras.layers.GRU(2, return_sequences=True)(given)
    chain = keras.Model(given, keras.layers.Dense(1)(rates))
    assert as_step_map(chain).n_outputs == 1
    two = keras.Model(given, [keras.layers.Dense(1)(rates), keras.layers.Dense(1)(rates)])
    assert mend(two, {}, "gru.* is recurrent").n_states == 2


def test_the_word_explain_is_answered():
    with pytest.raises(TypeError, match=r"as_step_map\(model, ...\)\.explain\(\)"):
        as_step_map(lambda h, u: h, **SIZES, explain=True)
    told = as_step_map(lambda h, u: jnp.tanh(h) + u, **SIZES).explain()
    assert "state[2] at 0" in str(told)


def test_which_argument_of_a_module_is_the_state():
    torch = pytest.importorskip("torch")

    class Unnamed(torch.nn.Module):
        def forward(self, a, b):
            return torch.tanh(2 * a + b)

    step_map = mend(Unnamed(), {"n_states": 2, "n_inputs": 2}, "either of its arguments")
    np.testing.assert_allclose(step_map(np.ones(2), np.zeros(2)), np.tanh([2.0, 2.0]))


def test_what_was_read_is_told():
    reading = as_step_map(lambda h, u: jnp.tanh(2 * h + u), **SIZES).reading
    assert "state_input" in str(reading)
    assert "a JAX function" in str(reading)
    assert "<lambda>(state[2], input[1])" in str(reading)
