"""What tells calls on the host from each other, where JAX cannot see what they do."""

from __future__ import annotations

from collections.abc import Hashable


class CallIdentity:
    """What a call on the host depends on beside its arguments.

    JAX sees nothing of what happens on the host: two calls that differ in the order of their
    arguments only look the same to it. So whatever the call closes over has to stand here.

    Parameters
    ----------
    framework
        Who computes.
    model
        What is called. It is kept, so that no other object can have its address meanwhile.
    options
        Everything else that ``call`` and ``jacobians`` close over: values with a full ``repr``.
    """

    def __init__(self, framework: str, model: object, options: tuple[Hashable, ...]) -> None:
        # Each access makes a new bound method.
        owner, function = getattr(model, "__self__", None), getattr(model, "__func__", None)
        self._kept = (model, owner, function)
        who = (id(model),) if function is None else (id(owner), id(function))
        self._key = f"{framework} {who} {options!r}"

    def __str__(self) -> str:
        return self._key


def identity_of_callback(callback: object) -> str:
    """Return a text that tells what is called on the host from everything else that lives.

    Parameters
    ----------
    callback
        One of `Traced.callbacks`.

    Returns
    -------
    str
        Its own text where it is an identity, else its address.
    """
    return str(callback) if isinstance(callback, CallIdentity) else str(id(callback))
