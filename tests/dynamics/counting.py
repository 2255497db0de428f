"""Count what XLA compiles."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jax.monitoring

_COMPILED = "/jax/core/compile/backend_compile_duration"


@contextmanager
def compilations() -> Iterator[list[str]]:
    """Yield a list that grows by one entry, the function's name, with each compilation inside."""
    names: list[str] = []

    def listen(event: str, duration: float, **details: Any) -> None:
        if event == _COMPILED:
            names.append(str(details.get("fun_name")))

    jax.monitoring.register_event_duration_secs_listener(listen)
    try:
        yield names
    finally:
        jax.monitoring.unregister_event_duration_listener(listen)
