"""Checks the exercises of tutorial 10, "Dynamics from spikes"."""

from __future__ import annotations

import numpy as np

from fpf_notebook.exercises.calling import call, expect_function
from fpf_notebook.exercises.reading import array, number
from fpf_notebook.exercises.registry import exercise

# Of exercise 10.3: the planes share one direction, and the others are 60 degrees apart.
_ANGLES = np.array([0.0, 60.0])


@exercise("10.1")
def bits_per_spike(answer: object) -> str | None:
    """Check a function that scores rates by the bits per spike that they gain over mean rates."""
    function = expect_function(answer, ("rates", "spikes"))
    rng = np.random.default_rng(10)
    for n_trials, n_time, n_neurons in ((5, 8, 3), (2, 4, 1), (6, 5, 7)):
        rates = rng.gamma(1.5, 0.8, (n_trials, n_time, n_neurons)) + 0.05
        spikes = rng.poisson(rates).astype(float)
        spikes[0, 0] += 1  # no neuron is silent
        shown = f"arrays of shape [{n_trials}, {n_time}, {n_neurons}]"
        score = number(call(function, rates, spikes, shown=shown), "what the function returns")
        gain = _gain(rates, spikes, spikes.mean(axis=(0, 1)))
        exact = gain / spikes.sum() / np.log(2)
        if np.isclose(score, exact, rtol=1e-5, atol=1e-9):
            continue
        if np.isclose(score, -exact, rtol=1e-5):
            return "The sign is the wrong way round: good rates should have a positive score."
        if np.isclose(score, gain / spikes.sum(), rtol=1e-5):
            return "That is in nats. A bit is a factor of 2 in the likelihood, a nat one of e."
        if np.isclose(score, gain / np.log(2), rtol=1e-5):
            return "That is in bits, but of all spikes together: by what should it be divided?"
        if np.isclose(score, gain / spikes.size / np.log(2), rtol=1e-5):
            return "You have divided by the number of bins. It should be bits for each spike."
        own = np.sum(spikes * np.log(rates) - rates)
        if np.isclose(score, own / spikes.sum() / np.log(2), rtol=1e-5):
            return (
                "That is the likelihood of the rates alone. The score compares it with what is "
                "known without any model: the mean rate of each neuron."
            )
        if n_neurons > 1 and np.isclose(
            score, _gain(rates, spikes, spikes.mean()) / spikes.sum() / np.log(2), rtol=1e-5
        ):
            return (
                "You compare with one mean rate for all neurons. That some neurons are more "
                "active than others is not worth a bit: each gets a mean of its own."
            )
        without = np.sum(spikes * (np.log(rates) - np.log(spikes.mean(axis=(0, 1)))))
        if np.isclose(score, without / spikes.sum() / np.log(2), rtol=1e-5):
            return (
                "The logarithm of a Poisson probability has two terms that depend on the rate r: "
                "k log r, and another one for the spikes that did not come."
            )
        return (
            f"For {shown} the score should be {exact:.4g}, yours is {score:.4g}. Begin with the "
            "sum of k log r - r over all bins, once for the rates and once for the means."
        )
    return None


def _gain(rates: np.ndarray, spikes: np.ndarray, mean: np.ndarray | float) -> float:
    """Return how much likelier the spikes are under the rates than under mean rates, in nats."""
    null = np.broadcast_to(mean, spikes.shape)
    return float(np.sum(spikes * np.log(rates) - rates) - np.sum(spikes * np.log(null) - null))


@exercise("10.2")
def frequency_and_time_constant(answer: object) -> str | None:
    """Check a function that gives Hz and seconds for an eigenvalue a bin."""
    function = expect_function(answer, ("eigenvalue", "dt"))
    for eigenvalue, dt in ((0.95 + 0.2j, 0.02), (0.5 - 0.3j, 0.01), (-0.3 + 0.8j, 0.005)):
        shown = f"the eigenvalue {eigenvalue} and bins of {dt} s"
        given = call(function, eigenvalue, dt, shown=shown)
        hertz, seconds = array(given, (2,), "what the function returns")
        angle, decay = abs(np.angle(eigenvalue)), -np.log(abs(eigenvalue))
        exact_hertz, exact_seconds = angle / (2 * np.pi * dt), dt / decay
        right = np.isclose([abs(hertz), seconds], [exact_hertz, exact_seconds], rtol=1e-6)
        if right.all():
            continue
        if np.isclose([hertz, seconds], [exact_seconds, exact_hertz], rtol=1e-6).all():
            return "Both are right, but in the other order: the frequency first."
        if not right[0]:
            return _about_frequency(abs(hertz), eigenvalue, dt)
        return _about_time_constant(seconds, eigenvalue, dt)
    return None


def _about_frequency(hertz: float, eigenvalue: complex, dt: float) -> str:
    angle = abs(np.angle(eigenvalue))
    for wrong, words in (
        (angle / dt, "The frequency is in radians a second. How many radians has a turn?"),
        (angle / (2 * np.pi), "The frequency is in turns a bin. How many bins are in a second?"),
        (
            abs(eigenvalue.imag) / (2 * np.pi * dt),
            "The imaginary part is not the angle, though near it where the angle is small and the "
            "modulus near 1.",
        ),
        (
            abs(np.arctan(eigenvalue.imag / eigenvalue.real)) / (2 * np.pi * dt),
            "The arc tangent of a quotient does not know in which half of the plane the "
            "eigenvalue lies: left of 0 it is wrong.",
        ),
        (np.degrees(angle) / (2 * np.pi * dt), "The angle is in degrees, but divided by 2π."),
    ):
        if np.isclose(hertz, wrong, rtol=1e-6):
            return words
    return (
        f"For the eigenvalue {eigenvalue} and bins of {dt} s the frequency is not {hertz:.4g} Hz. "
        "In each bin the mode turns by the angle of the eigenvalue; a full turn is 2π."
    )


def _about_time_constant(seconds: float, eigenvalue: complex, dt: float) -> str:
    decay = -np.log(abs(eigenvalue))
    for wrong, words in (
        (-dt / decay, "The time constant has the wrong sign: this mode decays."),
        (1 / decay, "The time constant is in bins. How long is a bin?"),
        (dt * np.log(2) / decay, "That is the half-life. The time constant is the time to 1/e."),
        (dt / (1 - abs(eigenvalue)), "1 - |λ| is -log |λ| only where |λ| is near 1."),
        (
            -dt / np.log(abs(eigenvalue.real)),
            "The real part alone does not say how fast the mode decays: it turns as well.",
        ),
    ):
        if np.isclose(seconds, wrong, rtol=1e-6):
            return words
    return (
        f"For the eigenvalue {eigenvalue} and bins of {dt} s the time constant is not "
        f"{seconds:.4g} s. In each bin the mode shrinks by |λ|: when has it shrunk to 1/e?"
    )


@exercise("10.3")
def angles(answer: object) -> str | None:
    """Check the principal angles between two planes that share a direction."""
    given = array(answer, (2,), "the two angles")
    if np.allclose(given, _ANGLES, atol=0.05):
        return None
    if np.allclose(given, _ANGLES[::-1], atol=0.05):
        return "Right angles in the other order: the smallest first."
    if np.allclose(given, np.radians(_ANGLES), atol=1e-3):
        return "These are radians. Give degrees."
    if np.allclose(given, np.cos(np.radians(_ANGLES)), atol=1e-3):
        return "These are the cosines of the angles. Take the arc cosine, and give degrees."
    if abs(given[0]) > 0.05:
        return (
            f"The smallest angle is not {given[0]:g}°: is there a direction that lies in both "
            "planes? Its angle to itself is the smallest there can be."
        )
    if abs(given[1] - 90) <= 0.05:
        return (
            "The planes are not at a right angle: what is left of them, once the direction that "
            "they share is taken away, is e₂ and 0.5 e₂ + 0.866 e₃."
        )
    if abs(given[1] - 30) <= 0.05:
        return "0.5 is the cosine of the largest angle, not its sine."
    if abs(given[1]) <= 0.05:
        return "If both angles were 0, the two planes would be one and the same."
    return (
        f"The smallest angle is right, the largest is not {given[1]:g}°. Take away the direction "
        "that they share; what is the angle between what is left?"
    )
