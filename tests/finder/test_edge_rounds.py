"""Edge states within an exhaustive search: saddles between attractors that runs have reached."""

import jax.numpy as jnp
import numpy as np

from fpf_notebook import as_step_map
from fpf_notebook.finder.edge_rounds import EdgeRounds
from fpf_notebook.finder.ledger import EDGES, RUNS, Ledger
from fpf_notebook.finder.options import Options
from fpf_notebook.finder.progress import CancelToken
from fpf_notebook.finder.rounds import Rounds
from fpf_notebook.finder.search import search

LATCHES = as_step_map(
    lambda h: jnp.tanh(2 * h), n_states=2, n_inputs=0, batched=False, invariant_box=(-1.0, 1.0)
)
ROOT = 0.957504024077  # of x = tanh(2 x)


def rounds_of(states: np.ndarray) -> Rounds:
    """Return a search that knows only what runs from these states have reached."""
    options, u = Options(), np.zeros((len(states), 0))
    ledger = Ledger(LATCHES, options, np.zeros((1, 0)))
    part = search(LATCHES, states, u, options)
    ledger.enter(part, RUNS)
    return Rounds([(part, np.full(len(part), RUNS, dtype=object))], ledger, [])


def test_the_saddles_between_attractors_are_found() -> None:
    corners = ROOT * np.array([[1.0, 1.0], [1.0, -1.0], [-1.0, 1.0], [-1.0, -1.0]])
    rounds = rounds_of(corners)
    edges = EdgeRounds(rounds.ledger, seed=0)
    assert len(edges.attractors(np.zeros(0))) == 4
    assert edges.enter(rounds, CancelToken()) == 5  # four saddles and the middle: all nine
    assert len(rounds.ledger) == 9
    assert (rounds.ledger.start_kind[4:] == EDGES).all()
    assert not rounds.ledger.drawn[4:].any()  # nobody's starts: audits do not count them


def test_a_pair_is_tried_once_and_one_attractor_has_no_border() -> None:
    rounds = rounds_of(ROOT * np.array([[1.0, 1.0], [1.0, -1.0]]))
    edges = EdgeRounds(rounds.ledger, seed=0)
    assert edges.enter(rounds, CancelToken()) == 1
    n = len(rounds.ledger.owner)
    assert edges.enter(rounds, CancelToken()) == 0
    assert len(rounds.ledger.owner) == n  # nothing was run
    alone = rounds_of(ROOT * np.ones((1, 2)))
    assert EdgeRounds(alone.ledger, seed=0).enter(alone, CancelToken()) == 0


def test_cancelled_at_once() -> None:
    rounds = rounds_of(ROOT * np.array([[1.0, 1.0], [1.0, -1.0]]))
    token = CancelToken()
    token.cancel()
    assert EdgeRounds(rounds.ledger, seed=0).enter(rounds, token) == 0
