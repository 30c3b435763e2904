"""What a program logs reaches Valkey, also when the program is stopped and when the network is cut."""

import json
import logging
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime
from uuid import uuid4

from producers import LogLine, connect
from producers.broker import redis_client
from producers.buffer import Buffer, Limits
from producers.shapes import LINES
from tests.acceptance.processes import CHECKOUT
from tests.integration.bus.network import FaultyNetwork

INSTANCE = uuid4()

PROGRAM = """
import logging, sys, time
from uuid import UUID
from producers import connect
from producers.buffer import Buffer, Limits
from producers.logging_handler import BufferedHandler
from producers.shapes import LINES
from producers.sigterm import exit_on_sigterm

exit_on_sigterm()
buffer = Buffer(connect(sys.argv[1]), LINES, Limits(batch_seconds=60))
logging.getLogger().addHandler(BufferedHandler(buffer, instance_id=UUID(sys.argv[2])))
for number in range(100):
    logging.warning("line %d", number)
print("ready", flush=True)
if sys.argv[3] == "wait":
    time.sleep(60)
"""


def sent(url: str) -> list[str]:
    """Give the text of all lines that wait in the queue."""
    envelopes = redis_client(url).hvals("dramatiq:logs.msgs")
    lines = [line for envelope in envelopes for line in json.loads(envelope)["args"][0]["lines"]]
    return sorted((str(line["message"]) for line in lines), key=lambda text: int(text.split()[-1]))


def program(url: str, then: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-c", PROGRAM, url, str(INSTANCE), then]
    return subprocess.Popen(command, cwd=CHECKOUT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def test_a_program_that_ends_or_is_stopped_sends_what_it_still_has(redis_url: str) -> None:
    with program(redis_url, "end") as ending:
        assert ending.wait(20) == 0
    assert sent(redis_url) == [f"line {number}" for number in range(100)]
    redis_client(redis_url).flushall()
    with program(redis_url, "wait") as stopped:
        assert stopped.stdout is not None
        assert stopped.stdout.readline() == "ready\n"
        assert sent(redis_url) == []
        stopped.send_signal(signal.SIGTERM)
        assert stopped.wait(20) == 128 + signal.SIGTERM
    assert sent(redis_url) == [f"line {number}" for number in range(100)]


def test_lines_wait_while_the_network_is_cut_and_arrive_once(redis_url: str) -> None:
    with FaultyNetwork(int(redis_url.rpartition(":")[2].split("/")[0])) as network:
        limits = Limits(batch_count=10, batch_seconds=0.05, first_pause=0.02, longest_pause=0.1)
        with connect(network.url) as producer, Buffer(producer, LINES, limits) as buffer:
            for number in range(300):
                if number == 100:
                    network.cut()
                if number == 200:
                    wait_for_a_retry(buffer)
                    network.mend()
                buffer.put(LogLine(instance_id=INSTANCE, timestamp=datetime.now(UTC), message=f"line {number}"))
            assert buffer.close()
    assert buffer.counters().dropped == 0
    assert sent(redis_url) == [f"line {number}" for number in range(300)]


def wait_for_a_retry(buffer: Buffer[LogLine]) -> None:
    deadline = time.monotonic() + 10
    while not buffer.counters().retries:
        assert time.monotonic() < deadline, buffer.counters()
        time.sleep(0.01)
    logging.getLogger(__name__).info("the network is away: %s", buffer.counters())
