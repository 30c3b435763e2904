import os
import threading

import pytest

from process.lifeline import Lifeline


def test_the_end_of_the_master_asks_to_stop(caplog: pytest.LogCaptureFixture) -> None:
    reading, writing = os.pipe()
    stop = threading.Event()
    lifeline = Lifeline(reading, stop)
    lifeline.start()
    assert not stop.wait(0.05)
    os.close(writing)
    assert stop.wait(5)
    lifeline.join(5)
    os.close(reading)
    assert "the master is gone" in caplog.text
