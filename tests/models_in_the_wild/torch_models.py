"""Networks as people write them in PyTorch."""

from __future__ import annotations

import dataclasses

import numpy as np
import torch
from torch import nn

from tests.models_in_the_wild.known import Wild, current_roots, grid_of, roots, tanh_roots

G = 1.5
PAIR = grid_of(tanh_roots(G), tanh_roots(G))


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def linear(n_out, n_in, scale=0.0, bias=None):
    """A linear layer with a multiple of the identity as its weights."""
    layer = nn.Linear(n_in, n_out, bias=bias is not None)
    with torch.no_grad():
        layer.weight.copy_(scale * torch.eye(n_out, n_in))
        if bias is not None:
            layer.bias.copy_(torch.as_tensor(bias))
    return layer


class CTRNN(nn.Module):
    """Time first, the state optional, all states returned: the loop of many tutorials."""

    def __init__(self):
        super().__init__()
        self.hidden_size, self.alpha = 2, 0.2
        self.input2h, self.h2h = linear(2, 1, 1.0), linear(2, 2, G)

    def init_hidden(self, input):
        return torch.zeros(input.shape[1], self.hidden_size)

    def recurrence(self, input, hidden):
        h_new = torch.tanh(self.input2h(input) + self.h2h(hidden))
        return hidden * (1 - self.alpha) + h_new * self.alpha

    def forward(self, input, hidden=None):
        if hidden is None:
            hidden = self.init_hidden(input)
        output = []
        for i in range(input.size(0)):
            hidden = self.recurrence(input[i], hidden)
            output.append(hidden)
        return torch.stack(output, dim=0), hidden


class BatchFirstLoop(nn.Module):
    """Batch first; returns all outputs and the last state."""

    def __init__(self):
        super().__init__()
        self.w_in, self.w_rec, self.w_out = linear(2, 1, 1.0), linear(2, 2, G), linear(3, 2, 1.0)

    def forward(self, x, h0):
        _, n_time, _ = x.shape
        outputs, h = [], h0
        for t in range(n_time):
            h = torch.tanh(self.w_in(x[:, t]) + self.w_rec(h))
            outputs.append(self.w_out(h))
        return torch.stack(outputs, dim=1), h


class StatesOnly(BatchFirstLoop):
    """Returns the states of all steps, and nothing else."""

    def forward(self, x, h0):
        states, h = [], h0
        for t in range(x.shape[1]):
            h = torch.tanh(self.w_in(x[:, t]) + self.w_rec(h))
            states.append(h)
        return torch.stack(states, dim=1)


class GatedODE(nn.Module):
    """h + dt/tau (1 - z)(n - h), with the gates of a GRU."""

    def __init__(self, tau=5.0, dt=1.0):
        super().__init__()
        self.cell, self.rate = nn.GRUCell(1, 2), dt / tau
        with torch.no_grad():
            for weight in self.cell.parameters():
                weight.zero_()
            self.cell.weight_hh[4:].copy_(2 * torch.eye(2))
            self.cell.bias_hh[:2].fill_(1.0)  # the reset gate is sigmoid(1)

    def forward(self, inputs, hidden):
        return hidden, hidden + self.rate * (self.cell(inputs, hidden) - hidden)


class ActorCritic(nn.Module):
    """An LSTM with two heads; its state is a pair with the axis of layers."""

    def __init__(self):
        super().__init__()
        self.lstm = nn.LSTM(1, 2)
        self.actor, self.critic = linear(3, 2, 1.0), linear(1, 2, 1.0)
        with torch.no_grad():
            for weight in self.lstm.parameters():
                weight.zero_()
            self.lstm.bias_ih_l0.copy_(torch.as_tensor(LSTM_BIAS))

    def forward(self, obs, state):
        y, state = self.lstm(obs, state)
        return self.actor(y).softmax(-1), self.critic(y), state


LSTM_BIAS = np.array([0.3, -0.2, 1.0, 0.5, 0.7, -0.4, 0.1, 0.2])


def lstm_points():
    i, f, g, o = np.split(LSTM_BIAS, 4)
    c = sigmoid(i) * np.tanh(g) / (1 - sigmoid(f))
    return np.concatenate([sigmoid(o) * np.tanh(c), c])[None]


class TwoArguments(nn.Module):
    """h and c as arguments of their own."""

    def __init__(self):
        super().__init__()
        self.cell = nn.LSTMCell(1, 2)
        with torch.no_grad():
            for weight in self.cell.parameters():
                weight.zero_()
            self.cell.bias_ih.copy_(torch.as_tensor(LSTM_BIAS))

    def forward(self, x, h, c):
        return self.cell(x, (h, c))


class Dale(nn.Module):
    """Excitatory and inhibitory rectified units; signs and mask are buffers."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.tensor([[0.5, 1.0], [1.0, 0.3]]))
        self.register_buffer("sign", torch.diag(torch.tensor([1.0, -1.0])))
        self.register_buffer("mask", torch.ones(2, 2))
        self.decay = 0.2

    def forward(self, x, r):
        effective = torch.relu(self.weight) * self.mask @ self.sign
        drive = r @ effective.T + torch.tensor([1.0, 0.2]) + x
        return (1 - self.decay) * r + self.decay * torch.relu(drive)


DALE = np.linalg.solve(np.eye(2) - np.array([[0.5, -1.0], [1.0, -0.3]]), [1.0, 0.2])[None]


class LowRank(nn.Module):
    """Rank one, with noise in the step that is scaled by an attribute."""

    def __init__(self, noise_std=0.0):
        super().__init__()
        self.m = nn.Parameter(torch.tensor([[1.5], [-1.0], [0.5]]))
        self.n = nn.Parameter(torch.tensor([[1.2], [-0.9], [1.0]]))
        self.noise_std, self.alpha = noise_std, 0.2

    def forward(self, input, x):
        noise = torch.randn_like(x)
        rec = torch.tanh(x) @ self.n @ self.m.T / 3 * 1.7
        x = x + self.noise_std * noise + self.alpha * (-x + rec + 0 * input)
        return x, torch.tanh(x)


def low_rank_points():
    m, n = np.array([1.5, -1.0, 0.5]), np.array([1.2, -0.9, 1.0])
    kappa = roots(lambda k: 1.7 / 3 * np.sum(n * np.tanh(k * m)) - k, -3.0007, 3.0003)
    return kappa[:, None] * m


class Scripted(nn.Module):
    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(G * torch.eye(2))

    def forward(self, x: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        return torch.tanh(h @ self.w + x)


class ReturnsDict(Scripted):
    def forward(self, x, h):
        h = torch.tanh(h @ self.w + x)
        return {"output": h.flip(-1), "hidden": h}


class DictState(nn.Module):
    """A dictionary of two variables: rate and adaptation."""

    def forward(self, u, state):
        rate = torch.tanh(2.5 * state["rate"] - state["adaptation"] + u)
        return {"rate": rate, "adaptation": 0.9 * state["adaptation"] + 0.05 * state["rate"]}


class StateFirst(Scripted):
    def forward(self, hidden, stimulus):
        return torch.tanh(hidden @ self.w + stimulus)


class Derivative(nn.Module):
    """What a neural ODE integrates."""

    def forward(self, x, u):
        return -x + 1.8 * torch.tanh(x) + u


class OneState(Scripted):
    """Written for one state, by matrix times vector."""

    def forward(self, x, h):
        return torch.mv(self.w, h).tanh() + x.sum()


class Constants(nn.Module):
    """Weights built in the step, in single precision."""

    def forward(self, x, h):
        return torch.tanh(h @ (G * torch.eye(2)) + x)


class Decomposed(nn.Module):
    """A network with a sub-module that it steps itself; normal noise is off in eval mode."""

    def __init__(self):
        super().__init__()
        self.step_cell, self.drop = nn.RNNCell(1, 2), nn.Dropout(0.2)
        with torch.no_grad():
            for weight in self.step_cell.parameters():
                weight.zero_()
            self.step_cell.weight_hh.copy_(G * torch.eye(2))

    def forward(self, x, h):
        h = self.step_cell(self.drop(x), h)
        return h.sum(-1, keepdim=True), h


class KeywordState(nn.Module):
    """A whole trajectory, with the state before it; noise is drawn at once, and is off."""

    def __init__(self, noise_std=0.0):
        super().__init__()
        self.noise_std, self.w = noise_std, nn.Parameter(G * torch.eye(2))

    def forward(self, inputs, return_states=False, initial_states=None):
        n_trials, n_steps = inputs.shape[:2]
        noise = torch.randn(n_trials, n_steps, 2, dtype=inputs.dtype)
        outputs = torch.zeros(n_trials, n_steps, 1, dtype=inputs.dtype)
        states = torch.zeros(n_trials, n_steps + 1, 2, dtype=inputs.dtype)
        states[:, 0] = h = initial_states
        for t in range(n_steps):
            h = torch.tanh(h @ self.w + inputs[:, t]) + self.noise_std * noise[:, t]
            outputs[:, t] = h.sum(-1, keepdim=True)
            states[:, t + 1] = h
        return (outputs, states) if return_states else outputs


class LatentSequence(nn.Module):
    """Time inside, other options before the state."""

    def __init__(self):
        super().__init__()
        self.A, self.w = nn.Parameter(torch.full((2,), 0.2)), nn.Parameter(1.2 * torch.eye(2))

    def forward(self, x, forcing=None, z0=None):
        z, states = z0, []
        for t in range(x.shape[1]):
            z = self.A * z + torch.tanh(z @ self.w) + x[:, t]
            states.append(z)
        return torch.stack(states, dim=1)


class NoiseArguments(nn.Module):
    """A vector field of one state; noise is handed in."""

    def rhs(self, x, inp, input_noise, recurrent_noise):
        return -x + 1.8 * torch.tanh(x) + (inp + input_noise) + recurrent_noise


class Guarded(Scripted):
    """Refuses what is not finite, and bounds what is large: branches on numbers."""

    def forward(self, x, h):
        if torch.isnan(h).any():
            raise FloatingPointError("NaN in the state")
        if h.abs().max() > 1e3:
            h = h / h.abs().max()
        self.last = h.detach()
        return torch.tanh(h @ self.w + x)


class Straight(torch.autograd.Function):
    """The identity, with a derivative of its own, which is the same."""

    @staticmethod
    def forward(context, x):
        return x.clone()

    @staticmethod
    def backward(context, gradient):
        return gradient


class OwnDerivative(Scripted):
    def forward(self, x, h):
        return Straight.apply(torch.tanh(Straight.apply(h) @ self.w + x))


class ConvolutionRing(nn.Module):
    """Units that see their neighbours on a ring, with equal weights: 0 and two uniform states."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv1d(1, 1, 3, padding=1, padding_mode="circular", bias=False)
        with torch.no_grad():
            self.conv.weight.fill_(0.5)

    def forward(self, u, h):
        return torch.tanh(self.conv(h[:, None])[:, 0] + u)


def as_function(input, state):
    return torch.tanh(G * state + input)


CURRENT = grid_of(current_roots(1.8), current_roots(1.8))
GATED = grid_of(tanh_roots(2 * sigmoid(1.0)), tanh_roots(2 * sigmoid(1.0)))
ADAPTED = np.stack([tanh_roots(2.0), tanh_roots(2.0) / 2], axis=1)

LATENT = roots(lambda z: 0.2 * z + np.tanh(1.2 * z) - z, -2.0007, 2.0003)
RING = np.outer(tanh_roots(1.5), np.ones(3))

TORCH = {
    "keyword state": Wild(KeywordState, PAIR),
    "keyword after options": Wild(LatentSequence, grid_of(LATENT, LATENT), low=-2.0, high=2.0),
    "noise handed in": Wild(
        lambda: NoiseArguments().rhs, CURRENT, {"time": "continuous"}, low=-2.0, high=2.0
    ),
    "branches": Wild(Guarded, PAIR),
    "own derivative": Wild(OwnDerivative, PAIR),
    "convolution": Wild(ConvolutionRing, RING),
    "CTRNN, time first": Wild(CTRNN, PAIR),
    "method recurrence": Wild(lambda: CTRNN().recurrence, PAIR),
    "batch first": Wild(BatchFirstLoop, PAIR),
    "states only": Wild(StatesOnly, PAIR),
    "gated ODE": Wild(GatedODE, GATED),
    "actor-critic": Wild(ActorCritic, lstm_points()),
    "h and c": Wild(TwoArguments, lstm_points()),
    "Dale": Wild(Dale, DALE, low=0.0, high=2.0),
    "low rank, no noise": Wild(LowRank, low_rank_points(), low=-2.0, high=2.0),
    "scripted": Wild(lambda: torch.jit.script(Scripted()), PAIR),
    "double precision": Wild(lambda: Scripted().double(), PAIR),
    "returns a dict": Wild(ReturnsDict, PAIR),
    "dict state": Wild(DictState, ADAPTED, {"n_states": {"rate": 1, "adaptation": 1}}),
    "state first": Wild(StateFirst, PAIR),
    "derivative": Wild(Derivative, CURRENT, {"time": "continuous"}, low=-2.0, high=2.0),
    "one state": Wild(OneState, PAIR),
    "constants": Wild(Constants, PAIR),
    "dropout in eval mode": Wild(lambda: Decomposed().eval(), PAIR),
    "function": Wild(lambda: as_function, PAIR, {"framework": "torch"}),
}
TORCH = {name: dataclasses.replace(case, framework="torch") for name, case in TORCH.items()}
