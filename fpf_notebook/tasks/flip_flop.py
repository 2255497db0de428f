"""The n-bit flip-flop: remember the last pulse on each of several lines."""

from collections.abc import Callable
from typing import Literal

import numpy as np
from jaxtyping import Float

from fpf_notebook.arguments import checked_argument
from fpf_notebook.tasks.task import Seed
from fpf_notebook.tasks.trials import Trials

Encoding = Literal["pulse", "one_hot"]

# Sussillo and Barak (2013) and Smith, Linderman and Sussillo (2021) respectively, the latter as in
# their published code.
_DEFAULTS: dict[str, tuple[int, float]] = {"pulse": (64, 0.5), "one_hot": (25, 2 / 3)}
_CALL = "tasks.FlipFlop"
_N_NOT_SCORED = {"pulse": 0, "one_hot": 5}


class FlipFlop:
    """Each output holds the sign of the last pulse on its input, until the next pulse.

    A network that does this has a stable fixed point for each of the ``2 ** n_bits`` memories.

    Parameters
    ----------
    n_bits : int
        Number of bits, and of outputs.
    n_time : int, optional
        Steps of a trial: 64, or 25 for ``encoding="one_hot"``.
    p : float, optional
        Probability of a pulse on each line at each step: 0.5, or 2/3 for ``encoding="one_hot"``.
        Pulses of either sign are equally likely.
    encoding : {"pulse", "one_hot"}
        How pulses are shown to the network.

        - ``"pulse"``: one input line for each bit, +1 or −1 at a pulse and 0 between. The first
          step has a pulse on every line, so that an output is asked for from the start, and all
          steps are scored.
        - ``"one_hot"``: two lines for each bit, one after the other: [1, 0] is −1, [0, 1] is +1,
          [0, 0] is no pulse. An output that has seen no pulse yet is −1; the first 5 steps are
          not scored.

    Raises
    ------
    TypeError, ValueError
        If a number is out of range, or the encoding unknown.

    References
    ----------
    Sussillo and Barak, "Opening the black box", Neural Computation 25, 2013. Smith, Linderman and
    Sussillo, "Reverse engineering recurrent neural networks with Jacobian switching linear
    dynamical systems", NeurIPS 2021, for ``"one_hot"``.
    """

    def __init__(
        self,
        n_bits: int,
        n_time: int | None = None,
        p: float | None = None,
        encoding: Encoding = "pulse",
    ) -> None:
        self.encoding: Encoding = checked_argument(_CALL, "encoding", encoding)
        default_n_time, default_p = _DEFAULTS[encoding]
        self.n_bits: int = checked_argument(_CALL, "n_bits", n_bits)
        self.n_time: int = checked_argument(
            _CALL, "n_time", default_n_time if n_time is None else n_time
        )
        if self.n_time <= _N_NOT_SCORED[encoding]:
            raise ValueError(
                f"n_time is {n_time}, expected at least {1 + _N_NOT_SCORED[encoding]} for "
                f"encoding={encoding!r}: its first steps are not scored."
            )
        self.p: float = checked_argument(_CALL, "p", default_p if p is None else p)

    @property
    def n_inputs(self) -> int:
        """Number of input lines: one for each bit, or two if one-hot."""
        return self.n_bits if self.encoding == "pulse" else 2 * self.n_bits

    @property
    def n_outputs(self) -> int:
        """Number of outputs, one for each bit."""
        return self.n_bits

    def sample(self, n_trials: int, seed: Seed) -> Trials:
        """Return random trials, in float32.

        Parameters
        ----------
        n_trials : int
            How many.
        seed : int, sequence of int or SeedSequence
            The same seed gives the same trials. Global random numbers are neither used nor
            changed.

        Returns
        -------
        trials : Trials
            Inputs ``[trial, time, n_inputs]``, targets and mask ``[trial, time, n_bits]``.
        """
        n_trials = checked_argument(_CALL, "n_trials", n_trials)
        rng = np.random.default_rng(seed)
        chance = rng.random((n_trials, self.n_time, self.n_bits), dtype=np.float32)
        pulses = (chance < self.p / 2).astype(np.int8)
        pulses -= (chance >= self.p / 2) & (chance < self.p)
        if self.encoding == "pulse":
            pulses[:, 0] = np.where(chance[:, 0] < 0.5, 1, -1)
        return _ENCODERS[self.encoding](pulses)

    def accuracy(self, outputs: Float[np.ndarray, "trial time n_outputs"], trials: Trials) -> float:
        """Return the fraction of scored outputs that have the right sign.

        Parameters
        ----------
        outputs : array, [trial, time, n_bits]
            The network's outputs for the trials. Zero and NaN have no sign, and are wrong.
        trials : Trials
            Trials of this task.

        Returns
        -------
        accuracy : float
            From 0 to 1.

        Raises
        ------
        ValueError
            If the outputs have another shape than the targets.
        """
        outputs = trials.checked_outputs(outputs)
        scored = trials.mask > 0
        return float(np.mean((outputs * trials.targets > 0)[scored]))

    def __repr__(self) -> str:
        return (
            f"FlipFlop(n_bits={self.n_bits}, n_time={self.n_time}, p={self.p!r}, "
            f"encoding={self.encoding!r})"
        )


def _last_pulse(pulses: np.ndarray, before_the_first: int) -> np.ndarray:
    """Return the sign of the last pulse up to each step ``[trial, time, bit]``."""
    held = pulses.copy()
    held[:, 0][pulses[:, 0] == 0] = before_the_first
    for t in range(1, pulses.shape[1]):
        np.copyto(held[:, t], held[:, t - 1], where=pulses[:, t] == 0)
    return held


def _as_pulses(pulses: np.ndarray) -> Trials:
    # There is a pulse at the first step: nothing comes before it.
    targets = _last_pulse(pulses, before_the_first=0).astype(np.float32)
    return Trials(pulses.astype(np.float32), targets, np.ones_like(targets))


def _as_one_hot(pulses: np.ndarray) -> Trials:
    n_trials, n_time, n_bits = pulses.shape
    lines = np.stack([pulses < 0, pulses > 0], axis=-1).reshape(n_trials, n_time, 2 * n_bits)
    targets = _last_pulse(pulses, before_the_first=-1).astype(np.float32)
    mask = np.ones_like(targets)
    mask[:, : _N_NOT_SCORED["one_hot"]] = 0
    return Trials(lines.astype(np.float32), targets, mask)


_ENCODERS: dict[str, Callable[[np.ndarray], Trials]] = {
    "pulse": _as_pulses,
    "one_hot": _as_one_hot,
}
