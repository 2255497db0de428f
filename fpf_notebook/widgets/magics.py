"""The magics of `%load_ext fpf_notebook`: `%explore`, `%inspect` and `%%watch`."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from typing import Any

__all__ = ["register", "unregister"]

_LINE, _CELL = ("explore", "inspect"), ("watch",)


def register(ipython: Any) -> None:
    """Add the magics to a shell."""
    for name, kind, make in (
        ("explore", "line", _explore),
        ("inspect", "line", _inspect),
        ("watch", "cell", _watch),
    ):
        ipython.register_magic_function(make(ipython), magic_kind=kind, magic_name=name)


def unregister(ipython: Any) -> None:
    """Take them away again."""
    for kind, names in (("line", _LINE), ("cell", _CELL)):
        for name in names:
            ipython.magics_manager.magics[kind].pop(name, None)


def _explore(ipython: Any) -> Callable[[str], Any]:
    def explore(line: str) -> Any:
        """Explore the fixed points of a network.

        ``%explore model states [inputs] [option=value …]``: expressions without spaces, as for
        `FixedPointExplorer(model, states, inputs, option=value)`, which it returns and shows.
        """
        from fpf_notebook.widgets import FixedPointExplorer

        values, options = _arguments(ipython, "explore model states [inputs]", line, 2, 3)
        return FixedPointExplorer(*values, **options)

    return explore


def _inspect(ipython: Any) -> Callable[[str], Any]:
    def inspect(line: str) -> Any:
        """Inspect the Jacobians at fixed points.

        ``%inspect points [option=value …]``: as for `JacobianInspector`, which it returns and
        shows; points or an explorer.
        """
        from fpf_notebook.widgets import JacobianInspector

        values, options = _arguments(ipython, "inspect points", line, 1, 1)
        return JacobianInspector(*values, **options)

    return inspect


def _watch(ipython: Any) -> Callable[[str, str], None]:
    def watch(line: str, cell: str) -> None:
        """Watch a cell that trains.

        ``%%watch [name]`` shows a `TrainingMonitor`, and runs the cell on its thread, where its
        buttons act. In the cell the monitor has the name (by default ``monitor``): give it to
        ``train(…, callbacks=[monitor])``, or call ``monitor.log(loss=…)`` in a loop over
        ``monitor(batches)``, or ``monitor.follow(model, inputs)`` first for the fixed points.
        ``monitor.result()`` waits for the end, and raises what went wrong.
        """
        from IPython.core.error import UsageError
        from IPython.display import display

        from fpf_notebook.widgets import TrainingMonitor

        name = line.strip() or "monitor"
        if not name.isidentifier():
            raise UsageError(f"%%watch [name]: {name!r} is no name for the monitor.")
        code = compile(ipython.transform_cell(textwrap.dedent(cell)), "<%%watch>", "exec")
        monitor = ipython.user_ns[name] = TrainingMonitor()
        display(monitor)
        space = ipython.user_ns
        monitor.run(lambda: exec(code, space))

    return watch


def _arguments(
    ipython: Any, usage: str, line: str, least: int, most: int
) -> tuple[list[Any], dict[str, Any]]:
    """Evaluate the words of a line: values, and options by name."""
    from IPython.core.error import UsageError

    values: list[Any] = []
    options: dict[str, Any] = {}
    for word in line.split():
        name, equals, expression = word.partition("=")
        if equals and name.isidentifier() and not expression.startswith("="):
            options[name] = ipython.ev(expression)
        else:
            values.append(ipython.ev(word))
    if not least <= len(values) <= most:
        raise UsageError(f"usage: %{usage} [option=value …], expressions without spaces.")
    return values, options
