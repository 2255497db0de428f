"""Which way of calling a step is meant: by what fits, then by the names, else it is asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import NamedTuple

from fpf_notebook.dynamics.call_form import ENTANGLED, Attempt, CallForm
from fpf_notebook.dynamics.parameter_names import Convention

DecideOrder = Callable[[], tuple[Convention, str]]


class Choice(NamedTuple):
    """The ways of calling that are left.

    Parameters
    ----------
    forms
        At least one; all of the same order. Several only where one state and a batch both work.
    decided_by
        What told the order of the arguments.
    failures
        Empty, or if there is no form: why each of those that were tried first does not fit.
    """

    forms: list[CallForm]
    decided_by: str
    failures: list[tuple[CallForm, str]]


def choose_form(
    groups: Iterator[list[CallForm]],
    attempt: Attempt,
    *,
    given: Convention | None,
    decide_order: DecideOrder,
) -> Choice:
    """Choose among ways of calling.

    Parameters
    ----------
    groups
        As `forms_in_turn` yields them; the first group with a form that fits decides.
    attempt
        Why a form does not fit, or None.
    given
        The order that the caller gave.
    decide_order
        Called where both orders fit. Returns the order and what told it, or raises.

    Returns
    -------
    Choice
        The forms that fit.
    """
    first: list[tuple[CallForm, str]] = []
    for group in groups:
        tried = [(form, attempt(form)) for form in group]
        fitting = [form for form, failure in tried if failure is None]
        if not first:
            first = [(form, failure) for form, failure in tried if failure is not None]
        if not fitting:
            continue
        # An order in which it can be called, but does with a batch what it must not, is no reason
        # to take the other order for the one that is meant.
        only_batches = all(form.is_batched for form in group)
        entangled = {f.order for f, failure in tried if only_batches and failure == ENTANGLED}
        orders = {form.order for form in fitting} | entangled
        decided_by = "convention=" if given is not None else "what can be called"
        if len(orders) > 1:
            order, decided_by = decide_order()
            fitting = [form for form in fitting if form.order == order]
            if not fitting:
                break
        return Choice(fitting, decided_by, [])
    return Choice([], "", first)
