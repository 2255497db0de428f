"""Ctrl-C reaches the training between two epochs, wherever it was pressed."""

import os
import signal

import pytest

from fpf_notebook.cli.ctrl_c import CtrlC


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_it_is_raised_at_the_next_epoch_and_the_second_one_at_once():
    with CtrlC() as ctrl_c:
        ctrl_c.on_epoch(None, None)
        press()
        with pytest.raises(KeyboardInterrupt):
            ctrl_c.on_epoch(None, None)
        with pytest.raises(KeyboardInterrupt):
            press()


def test_the_old_handler_is_put_back():
    before = signal.getsignal(signal.SIGINT)
    with CtrlC():
        assert signal.getsignal(signal.SIGINT) != before
    assert signal.getsignal(signal.SIGINT) == before
