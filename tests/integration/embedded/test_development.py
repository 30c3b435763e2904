"""`make dev`, as a developer uses it."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
import redis

EXPORT = re.compile(r"export (\w+)='?([^'\n]+)")


def started(folder: Path) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "embedded", "--data", str(folder)], stdout=subprocess.PIPE, text=True
    )


def said_until_ready(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    said = ""
    for line in process.stdout:
        said += line
        if "producers send" in line:
            return said
    raise AssertionError(said)


@pytest.mark.timeout(300)
def test_it_prints_urls_that_work_and_keeps_them_and_the_data(tmp_path: Path) -> None:
    with started(tmp_path / "dev") as process:
        urls = dict(EXPORT.findall(said_until_ready(process)))
        with psycopg.connect(urls["DATABASE_URL"]) as connection:
            assert connection.execute("SELECT count(*) FROM mcp_instances").fetchone() == (0,)
        with psycopg.connect(urls["DATABASE_ADMIN_URL"], autocommit=True) as connection:
            connection.execute("CREATE TABLE kept ()")
        with redis.Redis.from_url(urls["REDIS_URL"]) as client:
            client.set("kept", "1")
        assert dict(EXPORT.findall((tmp_path / "dev" / "env").read_text(encoding="utf-8"))) == urls
        process.send_signal(signal.SIGINT)
        assert process.wait(90) == 0

    with started(tmp_path / "dev") as process:
        assert dict(EXPORT.findall(said_until_ready(process))) == urls
        with psycopg.connect(urls["DATABASE_ADMIN_URL"]) as connection:
            assert connection.execute("SELECT to_regclass('kept') IS NOT NULL").fetchone() == (True,)
        with redis.Redis.from_url(urls["REDIS_URL"]) as client:
            assert client.exists("kept")
        process.send_signal(signal.SIGTERM)
        assert process.wait(90) == 0


def test_a_server_that_dies_ends_it_with_a_sentence(tmp_path: Path) -> None:
    with started(tmp_path / "dev") as process:
        said_until_ready(process)
        lock = tmp_path / "dev" / "postgres" / "cluster" / "postmaster.pid"
        os.kill(int(lock.read_text(encoding="utf-8").split()[0]), signal.SIGKILL)
        assert process.wait(90) == 1
