"""`python -m producers logs` runs a command as if it were not there, and ships what it prints."""

import io
import json
import os
import pty
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Final
from uuid import uuid4

import pytest

from producers import LINES, Buffer, Limits, Queue, connect
from producers.__main__ import main
from producers.broker import redis_client
from producers.streams import follow
from tests.acceptance.processes import CHECKOUT

INSTANCE: Final = uuid4()

NOISY: Final = """
import sys, time
sys.stdout.write("2026-11-21T12:00:00Z INFO ready\\n")
sys.stdout.flush()
time.sleep(0.05)
sys.stderr.buffer.write(b"bad \\xff bytes and \\x00\\n")
raise ValueError("no")
"""
WAITING: Final = """
import signal, sys
def end(number, frame):
    print("stopped by", signal.Signals(number).name, flush=True)
    sys.exit(7)
for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1):
    signal.signal(number, end)
print("ready", flush=True)
signal.pause()
"""

COUNTING: Final = """
import signal, time
count = 0
def more(number, frame):
    global count
    count += 1
signal.signal(signal.SIGINT, more)
print("ready", flush=True)
until = time.monotonic() + 10
while not count and time.monotonic() < until:
    time.sleep(0.01)
time.sleep(0.3)
print("interrupted", "once" if count == 1 else count, flush=True)
"""


def command(url: str, *words: str) -> list[str]:
    return [sys.executable, "-m", "producers", "logs", "--url", url, "--instance", str(INSTANCE), *words]


def shipped(url: str) -> list[dict[str, object]]:
    client = redis_client(url)
    envelopes = [each for queue in (Queue.LOGS, Queue.LOGS_BULK) for each in client.hvals(f"dramatiq:{queue}.msgs")]
    return [line for envelope in envelopes for line in json.loads(envelope)["args"][0]["lines"]]


def ran(url: str, *words: str, given: bytes = b"") -> "subprocess.CompletedProcess[bytes]":
    return subprocess.run(command(url, *words), cwd=CHECKOUT, input=given, capture_output=True, timeout=60, check=False)


def test_output_and_exit_code_are_the_commands_own_and_its_lines_are_shipped(redis_url: str) -> None:
    alone = subprocess.run([sys.executable, "-c", NOISY], capture_output=True, check=False)
    done = ran(redis_url, "--", sys.executable, "-c", NOISY)
    assert (done.returncode, done.stdout, done.stderr) == (1, alone.stdout, alone.stderr)
    lines = {str(line["metadata"]["stream"]) + str(line["level"]): line for line in shipped(redis_url)}  # type: ignore[index]  # JSON
    assert {line["instance_id"] for line in lines.values()} == {str(INSTANCE)}
    assert lines["stdoutinfo"]["timestamp"] == "2026-11-21T12:00:00Z"
    assert lines["stderrinfo"]["message"] == "bad \ufffd bytes and \ufffd"
    assert str(lines["stderrerror"]["message"]).startswith("Traceback (most recent call last):\n  File")
    assert str(lines["stderrerror"]["message"]).endswith("ValueError: no")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1])
def test_a_signal_reaches_the_command(redis_url: str, number: signal.Signals) -> None:
    words = command(redis_url, "--", sys.executable, "-c", WAITING)
    with subprocess.Popen(words, cwd=CHECKOUT, stdout=subprocess.PIPE) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == b"ready\n"
        running.send_signal(number)
        assert running.stdout.read() == f"stopped by {number.name}\n".encode()
        assert running.wait(20) == 7
    assert [line["message"] for line in shipped(redis_url)] == ["ready", f"stopped by {number.name}"]


def test_how_a_command_ended_or_did_not_begin_is_told_as_a_shell_does(redis_url: str, tmp_path: Path) -> None:
    assert ran(redis_url, "--", "sh", "-c", "kill -KILL $$").returncode == 128 + signal.SIGKILL
    missing = ran(redis_url, "--", "no-such-command-here")
    assert (missing.returncode, missing.stderr) == (
        127,
        b"error: no-such-command-here cannot be run: No such file or directory\n",
    )
    (tmp_path / "plain").write_text("text")
    assert ran(redis_url, "--", str(tmp_path / "plain")).returncode == 126


def test_what_is_no_log_is_left_alone(redis_url: str) -> None:
    """An MCP server on stdio speaks its protocol on the standard output."""
    done = ran(redis_url, "--stderr-only", "--", "sh", "-c", "cat; echo note >&2", given=b'{"jsonrpc":"2.0"}\n')
    assert (done.stdout, done.stderr) == (b'{"jsonrpc":"2.0"}\n', b"note\n")
    assert [line["message"] for line in shipped(redis_url)] == ["note"]


def test_standard_input_is_shipped_when_there_is_no_command(redis_url: str) -> None:
    done = ran(redis_url, given=b"level=warn msg=slow\nno line break")
    assert (done.returncode, done.stdout, done.stderr) == (0, b"", b"")
    assert [(line["level"], line["message"]) for line in shipped(redis_url)] == [
        ("warn", "slow"),
        ("info", "no line break"),
    ]


def test_a_burst_passes_whole_and_arrives_whole(redis_url: str) -> None:
    burst = "for n in range(20_000): print('line', n)\nprint('x' * 10_000_000)"
    done = ran(redis_url, "--block", "--", sys.executable, "-c", burst)
    assert len(done.stdout) == sum(len(f"line {n}\n") for n in range(20_000)) + 10_000_001
    messages = [str(line["message"]) for line in shipped(redis_url)]
    long = max(messages, key=len)
    assert sorted(messages) == sorted([*(f"line {n}" for n in range(20_000)), long])
    assert long.endswith("xx… [truncated]")


AWAY: Final = "redis://:secret@127.0.0.1:1/0"


@pytest.mark.parametrize(("ended", "code"), [(0, 1), (3, 3)])
def test_a_command_does_not_notice_that_redis_is_away_and_the_cause_is_told_once(
    ended: int, code: int, monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("producers.streams.command.Limits", partial(Limits, close_seconds=0.5))
    assert main(command(AWAY, "--", "sh", "-c", f"echo hello; exit {ended}")[3:]) == code
    told = capfdbinary.readouterr()
    assert told.out == b"hello\n"
    assert told.err.startswith(b"minimcp: 0 lines were dropped and 1 could not be sent: Redis at 127.0.0.1:1 cannot be")
    assert told.err.endswith(b": check REDIS_URL and the server\n")
    assert (told.err.count(b"\n"), told.err.count(b"secret")) == (1, 0)


def test_standard_input_that_could_not_be_sent_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    monkeypatch.setattr("producers.streams.command.Limits", partial(Limits, close_seconds=0.5))
    monkeypatch.setattr("producers.streams.command.exit_on_sigterm", lambda: None)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b"hello\n")))
    assert main(command(AWAY)[3:]) == 1
    assert b" 1 could not be sent: Redis at 127.0.0.1:1 cannot be reached (" in capfdbinary.readouterr().err


def test_a_command_whose_output_nobody_reads_ends_as_it_would_alone(redis_url: str) -> None:
    shell = f"{' '.join(command(redis_url))} -- yes | head -n 1; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", shell], cwd=CHECKOUT, capture_output=True, timeout=60, check=False)
    assert (done.returncode, done.stdout) == (128 + signal.SIGPIPE, b"y\n")


def test_a_child_that_keeps_the_output_does_not_keep_the_exit_code(
    redis_url: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("producers.streams.command._LAST_SECONDS", 0.1)
    pid = tmp_path / "pid"
    words = ["--", "sh", "-c", f"sleep 30 & echo $! > {pid}; exit 3"]
    assert main(command(redis_url, *words)[3:]) == 3
    os.kill(int(pid.read_text()), signal.SIGTERM)


def test_ctrl_c_at_a_terminal_reaches_the_command_once(redis_url: str) -> None:
    ours, theirs = pty.openpty()
    words = ["setsid", "--ctty", "--wait", *command(redis_url, "--", sys.executable, "-c", COUNTING)]
    with subprocess.Popen(words, cwd=CHECKOUT, stdin=theirs, stdout=theirs, stderr=theirs) as running:
        os.close(theirs)
        read_until(ours, b"ready")
        os.write(ours, b"\x03")
        assert b"interrupted once" in read_until(ours, b"interrupted ")
        assert running.wait(20) == 0
    os.close(ours)


def read_until(terminal: int, text: bytes) -> bytes:
    seen = b""
    while text not in seen or not seen.endswith(b"\n"):
        seen += os.read(terminal, 1_000)
    return seen


def test_a_program_follows_a_process_of_its_own(redis_url: str) -> None:
    with connect(redis_url) as producer, Buffer(producer, LINES) as buffer:
        words = ["sh", "-c", "echo out; echo err >&2"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            assert follow(process, buffer, INSTANCE).join(10)
    assert sorted(str(line["message"]) for line in shipped(redis_url)) == ["err", "out"]
