import importlib.util
import json
import re
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

import jsonschema
import pytest

from tests.acceptance import compose

OURS = [service for service in compose.services().values() if service.built_here]


def test_the_file_follows_the_compose_specification() -> None:
    """The schema is the specification's own, which check-jsonschema ships unchanged."""
    shipped = resources.files("check_jsonschema") / "builtin_schemas" / "vendor" / "compose-spec.json"
    schema = json.loads(shipped.read_text(encoding="utf-8"))
    validator = jsonschema.validators.validator_for(schema)(schema)
    assert [error.message for error in validator.iter_errors(compose.document())] == []


def test_no_secret_stands_in_the_file() -> None:
    for service in compose.services().values():
        for name, value in service.environment.items():
            secret = re.search(r"PASSWORD|SECRET|KEY|DATABASE", name)
            assert not secret or name.endswith("_FILE") or name == "POSTGRES_DB", f"{service.name}: {name}"
            assert "@" not in value, f"{service.name}: {name} may hold a password"


def test_everything_that_is_named_is_declared() -> None:
    document = compose.document()
    for name, service in document["services"].items():
        assert set(service.get("secrets", [])) <= set(document["secrets"]), name
        assert set(service.get("depends_on", {})) <= set(document["services"]), name
        volumes = {volume.partition(":")[0] for volume in service.get("volumes", [])}
        assert volumes <= set(document["volumes"]), name
        for variable, value in service.get("environment", {}).items():
            if variable.endswith("_FILE"):
                assert value.removeprefix("/run/secrets/") in service["secrets"], f"{name}: {variable}"


def test_a_command_runs_outside_a_container_too(tmp_path: Path) -> None:
    service = compose.services()["login"]
    command, environment = service.process(tmp_path, {"DATABASE_ADMIN_URL_FILE": "elsewhere"})
    assert command[2].endswith(f"< {tmp_path}/worker_password")
    assert environment["DATABASE_ADMIN_URL_FILE"] == "elsewhere"


def test_the_broker_drops_no_message() -> None:
    words = compose.services()["valkey"].command
    settings = dict(zip(words[1::2], words[2::2], strict=True))
    assert settings["--maxmemory-policy"] == "noeviction"
    assert settings["--appendonly"] == "yes"


def test_workers_and_schedulers_are_several() -> None:
    services = compose.services()
    assert services["workers"].replicas > 1
    assert services["scheduler"].replicas > 1


@pytest.mark.parametrize("service", OURS, ids=lambda service: service.name)
def test_a_command_runs_a_package_that_the_image_has(service: compose.Service) -> None:
    """No shell stays in between, so that a signal reaches our process."""
    assert service.command[0] == "python" or service.command[2].startswith("exec python ")
    copied = re.findall(r"^COPY (\w+) \1$", (compose.ROOT / "Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    admitted = re.findall(r"^!(\w+)$", (compose.ROOT / ".dockerignore").read_text(encoding="utf-8"), re.MULTILINE)
    assert service.module() in copied
    assert set(copied) <= set(admitted)
    assert importlib.util.find_spec(f"{service.module()}.__main__")


def test_the_workers_archive_to_a_volume_that_is_theirs_to_write() -> None:
    workers = compose.document()["services"]["workers"]
    place = urlsplit(workers["environment"]["ARCHIVE_URL"])
    assert place.scheme == "file"
    assert place.path in {volume.partition(":")[2] for volume in workers["volumes"]}
    image = (compose.ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert f"install -d -o minimcp {place.path}\nUSER" in image


@pytest.mark.parametrize("name", ["workers", "scheduler"])
def test_a_process_that_stays_is_asked_whether_it_lives(name: str) -> None:
    service = compose.services()[name]
    assert service.health_command == ("python", "-m", name, "liveness")
