"""Networks that other frameworks train on the 3-bit flip-flop: complete sets, and the explorer."""

import numpy as np
import pytest

from fpf_notebook import FixedPointFinder, as_step_map
from fpf_notebook.models import GRU, LSTM, VanillaRNN
from fpf_notebook.tasks import FlipFlop

torch = pytest.importorskip("torch")

N_BITS, N_HIDDEN, N_STEPS = 3, 16, 400
pytestmark = pytest.mark.slow


class Network(torch.nn.Module):
    """A recurrent module with a linear readout."""

    def __init__(self, kind):
        super().__init__()
        self.rnn = getattr(torch.nn, kind)(N_BITS, N_HIDDEN, batch_first=True)
        self.readout = torch.nn.Linear(N_HIDDEN, N_BITS)

    def forward(self, inputs):
        return self.readout(self.rnn(inputs)[0])


def trained(kind):
    # Pulses are rare, so that memories must last.
    trials = FlipFlop(N_BITS, p=0.2).sample(512, seed=0)
    inputs, targets = torch.tensor(trials.inputs), torch.tensor(trials.targets)
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = Network(kind)
    optimizer = torch.optim.Adam(network.parameters())
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.02, total_steps=N_STEPS)
    generator = torch.Generator().manual_seed(0)
    for _ in range(N_STEPS):
        batch = torch.randint(0, len(inputs), (64,), generator=generator)
        loss = torch.nn.functional.mse_loss(network(inputs[batch]), targets[batch])
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        schedule.step()
    return network, float(loss.detach())


def twin_of(rnn):
    """Return our own model with the same weights."""
    ours = {"GRU": GRU, "LSTM": LSTM, "RNN": VanillaRNN}[type(rnn).__name__]
    arrays = {name: weight.detach().numpy() for name, weight in rnn.named_parameters()}
    cell = {"W_ih": arrays["weight_ih_l0"], "W_hh": arrays["weight_hh_l0"]}
    if ours is VanillaRNN:
        cell["b"] = arrays["bias_ih_l0"] + arrays["bias_hh_l0"]
    else:
        cell |= {"b_ih": arrays["bias_ih_l0"], "b_hh": arrays["bias_hh_l0"]}
    return ours.from_arrays(**cell)


def search(model, states, **options):
    finder = FixedPointFinder(model, **options)
    unique, _ = finder.find_fixed_points(states, np.zeros((1, N_BITS)), exhaustive=True)
    return unique


@pytest.fixture(params=["GRU", "LSTM", "RNN"], scope="module")
def network(request):
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # of so small a network, more are only in each other's way
    yield trained(request.param)
    torch.set_num_threads(threads)


def test_the_complete_set_of_a_trained_network(network):
    module, loss = network
    assert loss < 0.02
    step_map = as_step_map(module.rnn, readout=module.readout)
    inputs = FlipFlop(N_BITS, p=0.2).sample(64, seed=1).inputs
    states = step_map.trajectory(np.zeros((64, step_map.n_states)), inputs)
    with torch.no_grad():
        expected = module.rnn(torch.tensor(inputs))[0].numpy()
    np.testing.assert_allclose(states[..., :N_HIDDEN], expected, atol=1e-4)

    points = search(module.rnn, states, readout=module.readout)
    assert points.completeness.index_sum == points.completeness.expected_sum == 1
    # Each memory has a stable point, from which it is read.
    stable = points[points.is_stable]
    outputs = step_map.output(stable.xstar, np.zeros((1, N_BITS)))
    memories = {tuple(signs) for signs in np.sign(np.round(outputs)).astype(int)}
    assert len(memories) == 2**N_BITS
    np.testing.assert_allclose(np.abs(outputs), 1, atol=0.3)

    # Our models sum the two biases of an RNN in single precision.
    twin = search(twin_of(module.rnn), states)
    assert len(twin) == len(points)
    distance = np.linalg.norm(points.xstar[:, None] - twin.xstar, axis=2)
    assert distance.min(axis=1).max() < 1e-7
    assert (twin.is_stable[distance.argmin(axis=1)] == points.is_stable).all()


def test_the_explorer_opens_on_it(network):
    module, _ = network
    pytest.importorskip("ipywidgets")
    from fpf_notebook import FixedPointExplorer

    step_map = as_step_map(module.rnn)
    inputs = FlipFlop(N_BITS, p=0.2).sample(32, seed=1).inputs
    states = step_map.trajectory(np.zeros((32, step_map.n_states)), inputs)
    explorer = FixedPointExplorer(module.rnn, states, readout=module.readout, exhaustive=True)
    try:
        explorer.wait(120)
        assert len(explorer.fixed_points) >= 2**N_BITS
    finally:
        explorer.close()
