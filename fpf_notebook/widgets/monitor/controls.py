"""The monitor's buttons and its learning-rate slider."""

from __future__ import annotations

from typing import TYPE_CHECKING

import ipywidgets as ipw
import traitlets

if TYPE_CHECKING:
    from traitlets import Bunch

    from fpf_notebook.widgets.monitor.widget import TrainingMonitor


def monitor_controls(monitor: TrainingMonitor) -> ipw.HBox:
    """Pause, stop, learning rate, and how often to take a snapshot."""
    pause = ipw.Button(
        description="Pause", icon="pause", tooltip="hold the training after the present chunk",
        layout=ipw.Layout(width="92px"), disabled=True,
    )  # fmt: skip
    stop = ipw.Button(
        description="Stop", icon="stop", tooltip="end the training and keep the best weights",
        layout=ipw.Layout(width="80px"), disabled=True,
    )  # fmt: skip
    # Not continuous: the browser would send every value that it shows back, rounded to the slider's
    # steps, as if it had been moved by hand; a schedule would end with the first value shown.
    rate = ipw.FloatLogSlider(
        value=0.01, base=10, min=-6, max=0, step=0.05, description="learning rate",
        tooltip="holds from the next chunk on", readout_format=".1e", disabled=True,
        continuous_update=False,
        style={"description_width": "92px"}, layout=ipw.Layout(width="320px"),
    )  # fmt: skip
    every = ipw.BoundedIntText(
        value=monitor.snapshot_every, min=0, max=10**6, description="snapshot every",
        tooltip="epochs (of a loop of your own: steps) between two snapshots; 0: none",
        style={"description_width": "112px"}, layout=ipw.Layout(width="190px"),
    )  # fmt: skip
    pause.add_class("fpf-pause")
    stop.add_class("fpf-stop")
    rate.add_class("fpf-rate")
    pause.on_click(lambda _: monitor.resume() if monitor.pausing else monitor.pause())
    stop.on_click(lambda _: monitor.stop())
    shown = {"rate": False}

    def moved(change: Bunch) -> None:
        if not shown["rate"]:
            monitor.learning_rate = change["new"]

    def phase_changed(_: object = None) -> None:
        running = monitor.phase in ("starting", "compiling", "training", "paused")
        pause.disabled = stop.disabled = not running
        held = monitor.pausing
        pause.description, pause.icon = ("Resume", "play") if held else ("Pause", "pause")
        rate.disabled = not running or monitor.learning_rate is None

    def rate_changed(_: object = None) -> None:
        if monitor.learning_rate is None:
            return
        shown["rate"] = True  # showing a scheduled rate must not fix it
        try:
            rate.value = monitor.learning_rate
        finally:
            shown["rate"] = False
        phase_changed()

    rate.observe(moved, names="value")
    traitlets.link((monitor, "snapshot_every"), (every, "value"))
    monitor.observe(phase_changed, names=["phase", "pausing"])
    monitor.observe(rate_changed, names="learning_rate")
    row = ipw.Layout(flex_flow="row wrap", align_items="center")
    return ipw.HBox([pause, stop, rate, every], layout=row)
