"""What the tests of training share."""

import numpy as np

from fpf_notebook.training import Callback


class Recorder(Callback):
    """Writes down all that a callback hears."""

    def __init__(self):
        self.heard, self.infos, self.run = [], [], None

    def on_start(self, run):
        self.run = run
        self.heard.append("start")

    def on_phase(self, run, phase):
        self.heard.append(phase)

    def on_epoch(self, run, info):
        self.infos.append(info)
        self.heard.append("epoch")

    def on_stop(self, run):
        self.heard.append("stop")


class OnEpoch(Callback):
    """Does something after each epoch."""

    def __init__(self, action):
        self.action = action

    def on_epoch(self, run, info):
        self.action(run, info)


# One size for all tests: it is compiled once.
SIZES = {"steps_per_epoch": 5, "batch_size": 8, "validation": 32}


def same_weights(first, second):
    return all(np.array_equal(first[name], second[name]) for name in first)
