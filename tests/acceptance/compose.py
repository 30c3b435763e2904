"""Reads compose.yaml as Compose would, so that tests can run its commands as plain processes."""

import os
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[2]
SECRETS: Final = "/run/secrets"
VARIABLE: Final = re.compile(r"\$\{(?P<name>\w+)(?::-(?P<default>[^}]*))?\}")


@dataclass(frozen=True)
class Service:
    """What a test needs to know of one service."""

    name: str
    built_here: bool
    command: tuple[str, ...]
    health_command: tuple[str, ...]
    environment: Mapping[str, str]
    replicas: int

    def module(self) -> str:
        """Return what `python -m` is told to run."""
        found = re.search(r"python -m (\w+)", " ".join(self.command))
        if found is None:
            raise LookupError(f"{self.name} runs no module: {self.command}")
        return found[1]

    def process(self, secrets: Path, overrides: Mapping[str, str]) -> tuple[list[str], dict[str, str]]:
        """Return the command line and environment of a container's process, for a process without a container.

        `secrets` stands for /run/secrets; `overrides` replaces addresses that only exist between containers.
        """
        local = [word.replace(SECRETS, str(secrets)) for word in self.command]
        environment = {name: value.replace(SECRETS, str(secrets)) for name, value in self.environment.items()}
        # `python` is the one of this environment, as it is the image's in a container.
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        return local, {"PATH": path, **environment, **overrides}


def document(environment: Mapping[str, str] | None = None) -> dict[str, Any]:
    """Return the file with its variables filled in, from the environment given or with their defaults."""
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    known = environment or {}
    filled = VARIABLE.sub(lambda found: known.get(found["name"]) or found["default"] or "", text)
    loaded: dict[str, Any] = yaml.safe_load(filled.replace("$$", "$"))
    return loaded


def services() -> dict[str, Service]:
    """Return every service by its name."""
    return {name: _service(name, fields) for name, fields in document()["services"].items()}


def _service(name: str, fields: Mapping[str, Any]) -> Service:
    _, *health_command = fields.get("healthcheck", {}).get("test", ["NONE"])
    return Service(
        name=name,
        built_here="build" in fields,
        command=tuple(fields.get("command", ())),
        health_command=tuple(health_command),
        environment=fields.get("environment", {}),
        replicas=fields.get("deploy", {}).get("replicas", 1),
    )
