"""Draws the picture of docs/explanation/manifolds.md: ``python tools/make_manifold_picture.py``."""

from collections.abc import Callable
from pathlib import Path

import jax
import jax.numpy as jnp
import matplotlib.image
import numpy as np

from fpf_notebook import FixedPointFinder, SilentProgress, plot_fixed_points

PICTURE = Path(__file__).parent.parent / "docs" / "manifolds.png"


def ring(noise: float) -> Callable[[jax.Array, jax.Array], jax.Array]:
    """Return a step with a ring of fixed points, or of slow ones."""

    def step(h: jax.Array, u: jax.Array) -> jax.Array:
        angle, across = jnp.arctan2(h[1], h[0]), jnp.stack([-h[1], h[0]])
        return h + 0.3 * h * (1 - h @ h) + noise * jnp.sin(8 * angle) * across

    return step


def main() -> None:
    """Search both, draw them side by side."""
    starts = np.random.default_rng(0).normal(size=(256, 2))
    halves = []
    for noise in (0.0, 5e-3):
        finder = FixedPointFinder(ring(noise), n_states=2, n_inputs=1, progress=SilentProgress())
        points, _ = finder.find_fixed_points(initial_states=starts, inputs=np.zeros((1, 1)))
        figure = plot_fixed_points(points, n_dims=2, figsize=(6.6, 7.0))
        figure.savefig(PICTURE, dpi=72)
        halves.append(matplotlib.image.imread(PICTURE)[..., :3])
    height = min(len(half) for half in halves)
    matplotlib.image.imsave(PICTURE, np.hstack([half[:height] for half in halves]))


if __name__ == "__main__":
    main()
