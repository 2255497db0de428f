"""Modules of PyTorch that were once read wrongly without a word, or not at all."""

import numpy as np
import pytest

from fpf_notebook import as_step_map
from fpf_notebook.dynamics import linearize

torch = pytest.importorskip("torch")

W = np.array([[0.5, -1.2, 0.3], [0.8, 0.2, -0.6], [-0.4, 0.9, 1.1]])
H, U = np.array([0.3, -0.7, 0.5]), np.array([0.2, -0.1, 0.4])


class Stacked(torch.nn.Module):
    """A module of two layers, whose state is [layer, batch, unit]."""

    def __init__(self, kind):
        super().__init__()
        self.rnn = kind(1, 2, num_layers=2)

    def forward(self, x, state):
        y, state = self.rnn(x, state)
        return y.sum(-1), state


@pytest.mark.parametrize("kind", [torch.nn.GRU, torch.nn.LSTM])
def test_stacked_layers_within_a_module(kind):
    module = Stacked(kind)
    whole = as_step_map(module, n_states=4 if kind is torch.nn.GRU else 8, n_inputs=1)
    by_weights = as_step_map(module.rnn)
    h = np.linspace(-0.5, 0.7, whole.n_states)
    order = np.argsort([{"h": 0, "c": 1}[s.name[0]] for s in by_weights.slices], kind="stable")
    places = np.concatenate(
        [np.arange(s.start, s.stop) for s in np.array(by_weights.slices, object)[order]]
    )
    mixed = np.empty_like(h)
    mixed[places] = h  # all layers' h, then all layers' c
    np.testing.assert_allclose(whole(h, U[:1]), by_weights(mixed, U[:1])[places], atol=1e-7)
    assert "a recurrent module of a known class" in by_weights.reading.source


class Writing(torch.nn.Module):
    """Writes into the tensor that it is given."""

    def forward(self, x, h):
        h.mul_(0.5)
        h[:, 0] = h[:, 0] + 1
        return torch.tanh(h @ torch.tensor(W).to(h).T + x)


def test_a_module_that_writes_into_its_arguments():
    half = 0.5 * H + [1, 0, 0]
    step_map = as_step_map(Writing(), n_states=3, n_inputs=3)
    np.testing.assert_allclose(step_map(H, U), np.tanh(W @ half + U), rtol=1e-7)


class OfNumPy(torch.nn.Module):
    """Computes in NumPy: PyTorch has no derivative of that."""

    def forward(self, x, h):
        return torch.from_numpy(np.tanh(h.detach().numpy() @ W.T)).to(h) + x


class OfNumbers(torch.nn.Module):
    def forward(self, x, h):
        return torch.stack([torch.tanh(row) * (1 + row[0].item()) for row in h]) + x


@pytest.mark.parametrize("module", [OfNumPy(), OfNumbers()])
def test_derivatives_of_what_pytorch_does_not_differentiate(module):
    step_map = as_step_map(module, n_states=3, n_inputs=3)
    assert "by differences" in step_map.reading.source
    slope = 1 - np.tanh(W @ H) ** 2
    expected = slope[:, None] * W
    if isinstance(module, OfNumbers):
        expected = np.diag((1 - np.tanh(H) ** 2) * (1 + H[0]))
        expected[:, 0] += np.tanh(H)
    found = linearize(step_map, H[None], U[None])[0][0]
    np.testing.assert_allclose(found, expected, atol=1e-8)


class Plain(torch.nn.Module):
    def forward(self, x, h):
        return torch.tanh(2 * h + x)


@pytest.mark.parametrize(
    "wrap", [lambda m: torch.compile(m, backend="eager"), torch.nn.DataParallel]
)
def test_what_is_wrapped_is_unwrapped(wrap):
    step_map = as_step_map(wrap(Plain()), n_states=3, n_inputs=3)
    np.testing.assert_allclose(step_map(H, U), np.tanh(2 * H + U))


class PotentialsAndRates(torch.nn.Module):
    """Begins with potentials and returns rates: the one is no next state of the other."""

    def forward(self, x, init_state):
        v, rates = init_state, []
        for t in range(x.shape[1]):
            v = 0.8 * v + 0.2 * (torch.tanh(v) @ torch.tensor(W).to(v).T + x[:, t])
            rates.append(torch.tanh(v))
        return torch.stack(rates, dim=1)


def test_rates_are_not_the_next_potentials():
    with pytest.raises(ValueError, match="could not be called") as info:
        as_step_map(PotentialsAndRates(), n_states=3, n_inputs=2 + 1)
    assert "of another kind than it returns" in str(info.value)
