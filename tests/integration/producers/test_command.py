"""`python -m producers send` on a real Valkey."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from uuid import uuid4

import pytest
import redis

from producers import message_id as ids
from producers.__main__ import main


def test_a_message_is_sent_from_a_shell(redis_url: str) -> None:
    payload = json.dumps({"instance_id": str(uuid4()), "reason": "Gone for good."})
    command = [sys.executable, "-m", "producers", "send", "instances.delete.v1", "--json", payload, "--durable"]
    done = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "REDIS_URL": redis_url}
    )
    (message_id,) = redis.Redis.from_url(redis_url, decode_responses=True).lrange("dramatiq:instances", 0, -1)
    assert done.stdout == f"instances.delete.v1 {message_id!s} is on queue instances\n"
    assert done.stderr == ""


def test_a_message_may_be_sent_again_under_its_id(redis_url: str, capsys: pytest.CaptureFixture[str]) -> None:
    payload = json.dumps({"instance_id": str(uuid4()), "message_id": str(ids.new())})
    for _ in range(2):
        assert main(["send", "instances.delete.v1", "--json", payload, "--url", redis_url]) == 0
    assert redis.Redis.from_url(redis_url).hlen("dramatiq:instances.msgs") == 1
    assert capsys.readouterr().err == ""


def test_a_long_message_and_a_secret_url_come_from_files(
    redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "redis-url").write_text(f"{redis_url}\n", encoding="utf-8")
    monkeypatch.delenv("REDIS_URL", raising=False)
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "redis-url"))
    line = {"instance_id": str(uuid4()), "timestamp": "2026-11-21T12:00:00Z", "message": "x" * 200}
    monkeypatch.setattr(sys, "stdin", io.StringIO(json.dumps({"lines": [line] * 1_000})))
    assert main(["send", "logs.emitted.v1", "--json", "-"]) == 0
    assert redis.Redis.from_url(redis_url).llen("dramatiq:logs") == 1


def test_a_redis_that_is_away_is_one_sentence_and_exit_code_1(capsys: pytest.CaptureFixture[str]) -> None:
    payload = json.dumps({"instance_id": str(uuid4())})
    assert main(["send", "instances.delete.v1", "--json", payload, "--url", "redis://127.0.0.1:1"]) == 1
    assert capsys.readouterr().err.startswith("error: Redis at 127.0.0.1:1 cannot be reached")
