"""Reads settings from the environment, or from files that the environment names."""

from collections.abc import Mapping
from pathlib import Path


class SettingMissingError(Exception):
    """A setting without which the process cannot start; the sentence says how to give it."""


def required(environment: Mapping[str, str], name: str, example: str) -> str:
    """Give the value of NAME, or the content of the file that NAME_FILE names."""
    value = optional(environment, name)
    if value is None:
        message = f"{name} is not set: set it to {example}, or {name}_FILE to a file that holds it"
        raise SettingMissingError(message)
    return value


def optional(environment: Mapping[str, str], name: str) -> str | None:
    """Give the value of NAME or of the file that NAME_FILE names, or nothing."""
    if environment.get(name):
        return environment[name]
    file = environment.get(f"{name}_FILE")
    if not file:
        return None
    try:
        return Path(file).read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"{name}_FILE names {file}, which cannot be read: {error.strerror}"
        raise SettingMissingError(message) from None
