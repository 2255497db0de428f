"""Waiting for what another thread does."""

import time


def until(condition, timeout=60.0):
    end = time.monotonic() + timeout
    while not condition():
        assert time.monotonic() < end, "not within the time"
        time.sleep(0.002)
