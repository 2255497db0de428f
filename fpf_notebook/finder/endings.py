"""Why something ended: numbers for compiled loops, with the words that people read."""

from __future__ import annotations

from enum import IntEnum

__all__ = ["Ending"]


class Ending(IntEnum):
    """A number with a message: members are written as ``NAME = number, "in words"``.

    Examples
    --------
    >>> class Light(Ending):
    ...     STOP = 0, "red"
    ...     GO = 1, "green"
    >>> Light(1) is Light.GO, int(Light.GO), Light.GO.message
    (True, 1, 'green')
    """

    message: str

    def __new__(cls, number: int, message: str = "") -> Ending:
        """Make a member of its number and its words."""
        member = int.__new__(cls, number)
        member._value_ = number
        member.message = message
        return member
