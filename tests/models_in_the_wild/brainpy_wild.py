"""Networks as people write them in BrainPy."""

import brainpy as bp
import brainpy.math as bm
import jax.numpy as jnp
import numpy as np

from tests.models_in_the_wild.known import Wild, current_roots, grid_of, roots, tanh_roots

G = 1.5
PAIR = grid_of(tanh_roots(G), tanh_roots(G))


class StateAlone(bp.DynamicalSystem):
    """update(inputs, hidden) returns the next state, and nothing else."""

    def update(self, inputs, hidden):
        return jnp.tanh(G * hidden + inputs[:, 0])


class Rates(bp.DynamicalSystem):
    """Integrated by bp.odeint, state in a Variable."""

    def __init__(self):
        super().__init__()
        self.x = bm.Variable(bm.zeros(2))
        self.integral = bp.odeint(self.derivative, method="exp_euler", dt=0.1)

    def derivative(self, x, t, current):
        return -x + 1.8 * jnp.tanh(x) + current

    def update(self, current):
        self.x.value = self.integral(self.x.value, bp.share["t"], current)


class Noisy(bp.DynamicalSystem):
    """Noise in the step, whose scale is zero."""

    def __init__(self, noise_scale=0.0):
        super().__init__()
        self.noise_scale = noise_scale
        self.r = bm.Variable(bm.zeros(2))

    def update(self, x):
        noise = self.noise_scale * bm.random.randn(2)
        self.r.value = 0.9 * self.r.value + 0.1 * jnp.tanh(G * self.r.value + x + noise)
        return self.r.value


class Recording(bp.DynamicalSystem):
    """Keeps a mask, a constant drive, a counter and its last output beside its state."""

    def __init__(self):
        super().__init__()
        self.mask = bm.Variable(bm.ones(2))
        self.drive = bm.Variable(bm.zeros(2))
        self.n_steps = bm.Variable(bm.zeros(1, dtype=int))
        self.h = bm.Variable(bm.zeros(2))
        self.output = bm.Variable(bm.zeros(1))

    def update(self, x):
        self.n_steps += 1
        self.drive.value = self.drive.value
        self.h.value = jnp.tanh(G * self.h.value * self.mask.value + self.drive.value + x)
        self.output.value = self.h.value.sum(keepdims=True)
        return self.output.value


class Plasticity(bp.DynamicalSystem):
    """Three Variables of one population with short-term plasticity."""

    def __init__(self):
        super().__init__()
        self.r, self.u, self.x = (bm.Variable(bm.full(1, v)) for v in (0.1, 0.2, 1.0))
        self.integral = bp.odeint(bp.JointEq(self.dr, self.du, self.dx), method="euler", dt=0.05)

    def dr(self, r, t, u, x, drive):
        return -r + 1 / (1 + jnp.exp(-(4.0 * u * x * r - 1.5 + drive)))

    def du(self, u, t, r):
        return (0.2 - u) / 1.5 + 0.2 * (1 - u) * r

    def dx(self, x, t, r, u):
        return (1 - x) / 0.2 - u * x * r

    def update(self, drive):
        r, u, x = self.integral(self.r.value, self.u.value, self.x.value, 0.0, drive)
        self.r.value, self.u.value, self.x.value = r, u, x


def plasticity_points():
    def rest(r):
        u = (0.2 / 1.5 + 0.2 * r) / (1 / 1.5 + 0.2 * r)
        return u, 5.0 / (5.0 + u * r)

    def excess(r):
        u, x = rest(r)
        return 1 / (1 + np.exp(-(4.0 * u * x * r - 1.5))) - r

    return np.array([[r, *rest(r)] for r in roots(excess, 0.0, 1.0)])


def cell_and_readout():
    identity = jnp.asarray(G * np.eye(2), jnp.float32)
    mode = bm.TrainingMode()
    return bp.Sequential(
        bp.dyn.RNNCell(
            *(1, 2),
            Wi_initializer=jnp.ones((1, 2), jnp.float32),
            Wh_initializer=identity,
            activation="tanh",
            mode=mode,
        ),
        bp.layers.Dense(2, 1, mode=mode),
    )


class StateFirst(bp.DynamicalSystem):
    """The state before the input."""

    def update(self, h, x):
        return jnp.tanh(G * h + x @ jnp.ones((1, 2)))


CURRENT = grid_of(current_roots(1.8), current_roots(1.8))
TWO = (0.0, 0.0)

BRAINPY = {
    "state alone": Wild(StateAlone, PAIR),
    "rates, a map": Wild(Rates, CURRENT, input=TWO, low=-2.0, high=2.0),
    "rates, a flow": Wild(Rates, CURRENT, {"time": "continuous"}, TWO, -2.0, 2.0),
    "noise of scale zero": Wild(Noisy, PAIR, input=TWO),
    "recording": Wild(Recording, PAIR, input=TWO),
    "plasticity": Wild(Plasticity, plasticity_points(), {"time": "continuous"}, low=0.0, high=1.0),
    "cell and readout": Wild(cell_and_readout, PAIR),
    "state first": Wild(StateFirst, PAIR),
}
