"""Modules and functions of PyTorch that are called, against the same networks read by weights."""

import threading

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.dynamics.jacobians import linearize

torch = pytest.importorskip("torch")

from tests.dynamics.frameworks.torch_models import randomized  # noqa: E402  (needs torch)

N, M = 4, 2
RNG = np.random.default_rng(0)


class Own(torch.nn.Module):
    """A cell of one's own: the state is scaled by a buffer, the output read by a linear layer."""

    def __init__(self, n_outputs=2):
        super().__init__()
        self.cell = torch.nn.GRUCell(M, N)
        self.out = torch.nn.Linear(N, n_outputs)
        self.register_buffer("scale", torch.tensor(1.0))
        self.register_buffer("count", torch.tensor(7))

    def forward(self, u, h):
        h = self.cell(u, h) * self.scale
        return self.out(h), h

    def step(self, h, u):
        return self.cell(u, h)


class Guarded(Own):
    """The same, with a branch on its numbers, which torch.export does not read."""

    def forward(self, u, h):
        if bool(torch.isnan(h).any()):
            raise FloatingPointError("NaN in the state")
        return super().forward(u, h)


class Called(Own):
    """The same, with a look at a number that no program can repeat."""

    def forward(self, u, h):
        if h.abs().max().item() > 1e12:
            raise FloatingPointError("the state grows")
        return super().forward(u, h)


@pytest.fixture(params=[Own, Guarded, Called])
def module(request):
    return randomized(request.param())


@pytest.fixture
def pair(module):
    called = as_step_map(module, n_states=N, n_inputs=M)
    return called, as_step_map(module.cell, readout=module.out)


def states_and_inputs(n=5):
    return RNG.uniform(-1, 1, (n, N)), RNG.uniform(-1, 1, (n, M))


def test_values_outputs_and_jacobians(pair):
    called, read = pair
    h, u = states_and_inputs()
    assert called.precision == "float64"
    np.testing.assert_allclose(called(h, u), read(h, u), atol=1e-14)
    np.testing.assert_allclose(called.output(h, u), read.output(h, u), atol=1e-14)
    for ours, theirs in zip(linearize(called, h, u), linearize(read, h, u), strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-14)
    if called.reading.source.endswith(", exported to JAX"):
        assert called.box_reason.startswith("proven from the step")
    elif "recorded as" in called.reading.source:
        assert "may not hold all" in called.box_reason
    else:
        assert "nothing is known of the range of Called" in called.box_reason


def test_double_precision_in_every_thread_and_in_loops(pair):
    # JAX calls back from threads in which 64 bits may be off.
    called, read = pair
    h, u = states_and_inputs(64)
    inputs = np.repeat(u[:, None], 30, axis=1)
    expected = read.trajectory(h, inputs)
    np.testing.assert_allclose(called.trajectory(h, inputs), expected, atol=1e-13)
    found = []
    thread = threading.Thread(target=lambda: found.append(called.trajectory(h, inputs)))
    thread.start()
    thread.join()
    np.testing.assert_allclose(found[0], expected, atol=1e-13)


def test_all_transformations_that_the_search_needs(pair):
    h, u = states_and_inputs(1)
    with jax.enable_x64(True):
        h, u, cotangent = jnp.asarray(h[0]), jnp.asarray(u[0]), jnp.arange(4.0)
        for take in (
            lambda f: jax.jacfwd(f)(h),
            lambda f: jax.jacrev(f)(h),
            lambda f: jax.vjp(f, h)[1](cotangent)[0],
            lambda f: jax.jvp(f, (h,), (cotangent,))[1],
            lambda f: jax.linear_transpose(jax.linearize(f, h)[1], h)(cotangent)[0],
            lambda f: jax.vmap(jax.vmap(f))(jnp.ones((2, 3, N)) * h),
        ):
            ours, theirs = (
                jax.jit(lambda m=m, take=take: take(lambda x: m.step(m.params, x, u)))()
                for m in pair
            )
            np.testing.assert_allclose(ours, theirs, atol=1e-13)


def test_the_same_fixed_points(module):
    randomized(module, seed=4, scale=1.5)
    starts = RNG.uniform(-1, 1, (128, N))
    found = []
    for finder in (
        FixedPointFinder(module, n_states=N, n_inputs=M, invariant_box=(-1.0, 1.0)),
        FixedPointFinder(module.cell, readout=module.out),
    ):
        unique, _ = finder.find_fixed_points(
            initial_states=starts, inputs=np.zeros((1, M)), exhaustive=True
        )
        assert unique.completeness.index_sum == unique.completeness.expected_sum == 1
        found.append(unique.xstar[np.lexsort(unique.xstar.T)])
    assert len(found[0]) >= 1
    np.testing.assert_allclose(*found, atol=1e-9)


@pytest.mark.parametrize("method", ["joint", "sequential"])
def test_gradient_descent(pair, method):
    called, _ = pair
    unique, _ = FixedPointFinder(
        called, method=method, lr_init=0.1, max_iters=400
    ).find_fixed_points(initial_states=RNG.uniform(-1, 1, (8, N)), inputs=np.zeros((1, M)))
    assert len(unique) >= 1
    assert unique.qstar.max() < 1e-20


def test_a_large_state_is_searched_without_matrices():
    W = 0.1 * np.random.default_rng(1).normal(size=(40, 40))

    def step(u, h):
        assert h.abs().max().item() < 1e9  # so that it is called
        h = torch.tanh(h @ torch.as_tensor(W, dtype=h.dtype).T + u)
        return h, h

    called = as_step_map(step, n_states=40, n_inputs=1, framework="torch")
    unique, _ = FixedPointFinder(called, dense_limit=10).find_fixed_points(
        initial_states=RNG.uniform(-0.1, 0.1, (2, 40)), inputs=np.full((1, 1), 0.3)
    )
    x = unique.xstar
    assert len(x) >= 1
    np.testing.assert_allclose(np.tanh(x @ W.T + 0.3), x, atol=1e-10)


def test_methods_and_functions(module):
    h, u = states_and_inputs()
    expected = as_step_map(module.cell)(h, u)
    method = as_step_map(module.step, n_states=N, n_inputs=M, convention="state_input")
    np.testing.assert_allclose(method(h, u), expected, atol=1e-14)
    assert set(method.params) == set(dict(module.named_parameters())) | {"scale", "count"}

    def one_state(u, h):
        return None, module.double().cell(u[None], h[None])[0]

    function = as_step_map(one_state, n_states=N, n_inputs=M, framework="torch", batched=False)
    assert function.precision == "float64"
    np.testing.assert_allclose(function(h, u), expected, atol=1e-14)
    assert function.readout is None


def test_a_function_of_single_precision_weights_says_that_it_rounds(module):
    step_map = as_step_map(lambda u, h: module(u, h), n_states=N, n_inputs=M, framework="torch")
    assert step_map.precision == "float32"
    h, u = states_and_inputs()
    np.testing.assert_allclose(step_map(h, u), as_step_map(module.cell)(h, u), atol=1e-6)


def test_retrained_weights_share_what_was_compiled_and_snapshots_stay(module):
    first = as_step_map(module, n_states=N, n_inputs=M)
    h, u = states_and_inputs()
    before = first(h, u)
    randomized(module, seed=9)
    np.testing.assert_array_equal(first(h, u), before)
    again = first.with_model(module)
    np.testing.assert_allclose(again(h, u), as_step_map(module.cell)(h, u), atol=1e-14)
    assert module.training
    assert all(weight.grad is None for weight in module.parameters())


def test_the_reading_says_how_a_module_is_computed():
    own, guarded, called = (
        as_step_map(randomized(kind()), n_states=N, n_inputs=M).reading.source
        for kind in (Own, Guarded, Called)
    )
    assert own == "a module of PyTorch, exported to JAX"
    assert guarded == (
        "a module of PyTorch, recorded as programs of JAX, and called where it branches otherwise "
        "(it has a branch that depends on numbers)"
    )
    assert called.startswith("a module of PyTorch, called (and not exported to JAX, because ")
    assert called.endswith("not recorded, because it makes a number of Python of a tensor)")


@pytest.mark.parametrize("kind", [Guarded, Called])
def test_the_derivative_by_the_weights_is_refused_and_not_wrong(kind):
    called = as_step_map(randomized(kind()), n_states=N, n_inputs=M)
    leaves, structure = jax.tree.flatten(called.params)
    real = [np.issubdtype(np.asarray(leaf).dtype, np.floating) for leaf in leaves]
    assert any(real)

    def stepped(weights):
        given = iter(weights)
        params = [
            next(given) if chosen else leaf for chosen, leaf in zip(real, leaves, strict=True)
        ]
        return called.step(jax.tree.unflatten(structure, params), jnp.ones(N), jnp.ones(M)).sum()

    weights = [leaf for chosen, leaf in zip(real, leaves, strict=True) if chosen]
    with jax.enable_x64(True), pytest.raises(Exception, match="derivative by the weights"):
        jax.grad(stepped)(weights)


def test_random_steps_and_batch_statistics_are_refused():
    class Noisy(torch.nn.Module):
        def __init__(self, extra):
            super().__init__()
            self.extra, self.cell = extra, torch.nn.GRUCell(M, N)

        def forward(self, u, h):
            h = self.extra(self.cell(u, h))
            return h, h

    for extra, kind in (
        (torch.nn.Dropout(0.1), "Dropout"),
        (torch.nn.BatchNorm1d(N), "BatchNorm1d"),
    ):
        noisy = Noisy(extra)
        with pytest.raises(ValueError, match=rf"Noisy\.extra is a {kind} in training mode.*eval"):
            as_step_map(noisy, n_states=N, n_inputs=M)
        assert as_step_map(noisy.eval(), n_states=N, n_inputs=M).n_states == N

    def random(u, h):
        return h, h + torch.rand(h.shape)

    state = torch.get_rng_state()
    with pytest.raises(ValueError, match="does something different when it is called"):
        as_step_map(random, n_states=N, n_inputs=M, framework="torch")
    torch.set_rng_state(state)


def test_a_network_that_wraps_a_recurrent_module_is_told_the_quick_way():
    class Network(torch.nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.readout = torch.nn.GRU(M, N), torch.nn.Linear(N, 1)

        def forward(self, x):
            return self.readout(self.rnn(x)[0])

    with pytest.raises(ValueError, match=r"pass n_states= and .* as_step_map\(model\.rnn\)"):
        as_step_map(Network())
    with pytest.raises(ValueError, match=r"could not be called as a step(.|\n)*model\.rnn"):
        as_step_map(Network(), n_states=N, n_inputs=M)
    with pytest.raises(ValueError, match=r"a next state of shape \(3, 3\), expected \(3, 4\)"):
        as_step_map(lambda u, h: (h, h[:, :3]), n_states=N, n_inputs=M, framework="torch")


def test_two_functions_of_the_same_sizes_are_not_mistaken_for_each_other():
    h, u = states_and_inputs()

    def scaled(gain):
        return lambda u, h: (h, torch.tanh(gain * h))

    for gain in (0.5, 2.0):
        step_map = as_step_map(scaled(gain), n_states=N, n_inputs=M, framework="torch")
        np.testing.assert_allclose(step_map(h, u), np.tanh(gain * h), atol=1e-14)
        by_h, _ = linearize(step_map, np.zeros((1, N)), np.zeros((1, M)))
        np.testing.assert_allclose(by_h[0], gain * np.eye(N), atol=1e-14)


def test_the_same_module_with_other_weights_compiles_nothing_anew(module):
    first = as_step_map(module, n_states=N, n_inputs=M)
    with torch.no_grad():
        module.cell.bias_hh += 0.5
    second = first.with_model(module)
    assert first.signature == second.signature
    h, u = states_and_inputs()
    assert not np.allclose(first(h, u), second(h, u))
