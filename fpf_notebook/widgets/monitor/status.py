"""The monitor's status line."""

from __future__ import annotations

from typing import Any

from fpf_notebook.widgets.monitor.log import MetricLog

_STATES = {"training": "computing", "compiling": "computing", "starting": "computing"}


def training_status(
    phase: str,
    run: Any,
    metrics: MetricLog,
    elapsed: float,
    pausing: bool = False,
    finished: bool = False,
) -> dict[str, object]:
    """Return the trait `status` of a training.

    Parameters
    ----------
    phase
        See `TrainingMonitor.phase`.
    run
        The `TrainingRun` or `BpttRun`, or None for a loop of which only the metrics are known.
    metrics
        What was logged.
    elapsed
        Seconds.
    pausing
        Whether a pause was asked for.
    finished
        Whether the training came to its end, and was not stopped.
    """
    if finished:
        phase = "finished"
    words = [{"idle": "nothing trained yet", "compiling": "compiling…"}.get(phase, phase)]
    if pausing:
        words[0] = "paused" if phase == "paused" else "pausing…"
    progress = -1.0
    if run is not None:
        words.append(f"epoch {run.epoch}/{run.n_epochs}")
        progress = run.step / run.n_steps if run.n_steps else -1.0
        elapsed = run.seconds or elapsed
    elif metrics.last_step >= 0:
        words.append(f"step {metrics.last_step}")
    for name in ("validation_loss", "loss"):
        value = metrics.last(name)
        if value is not None:
            words.append(f"{name.replace('_', ' ')} {value:.2e}")
            break
    if phase != "idle" and elapsed:
        words.append(f"{clock(elapsed)} elapsed")
    if phase == "training" and 0 < progress < 1:
        words.append(f"{clock(elapsed * (1 / progress - 1))} left")
    return {
        "state": _STATES.get(phase, "idle"),
        "text": " · ".join(words),
        "tooltip": "",
        "progress": progress,
        "error": "",
    }


def clock(seconds: float) -> str:
    """Return minutes and seconds, or hours too: 0:08, 1:02:03."""
    whole = round(seconds)
    minutes, rest = divmod(whole, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
