"""Settings from variables of the environment, or from the files that they name."""

from collections.abc import Mapping
from pathlib import Path

from .errors import SettingMissingError

__all__ = ["SettingMissingError", "optional", "required"]


def required(environment: Mapping[str, str], name: str, example: str) -> str:
    """Give the value of NAME, or what the file named by NAME_FILE holds: container secrets come as files."""
    value = optional(environment, name)
    if value is None:
        raise SettingMissingError(f"{name} is not set: give it as {name}={example}, or name its file in {name}_FILE.")
    return value


def optional(environment: Mapping[str, str], name: str) -> str | None:
    """Give the value as `required` does, and None when neither variable is set."""
    value, file = environment.get(name), environment.get(f"{name}_FILE")
    if value and file:
        raise SettingMissingError(f"Both {name} and {name}_FILE are set, and could disagree: unset one of them.")
    if file:
        value = _content(name, Path(file))
    return value or None


def _content(name: str, file: Path) -> str:
    try:
        content = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingMissingError(f"The file {file} of {name}_FILE cannot be read: {error}.") from error
    if not content:
        raise SettingMissingError(f"The file {file} of {name}_FILE is empty: write the value of {name} to it.")
    return content
