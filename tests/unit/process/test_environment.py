from pathlib import Path

import pytest

from process.environment import SettingMissingError, optional, required


def test_a_value_comes_from_the_variable() -> None:
    assert required({"REDIS_URL": "redis://there"}, "REDIS_URL", "redis://HOST") == "redis://there"


def test_a_value_comes_from_the_file_that_is_named(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("redis://secret\n", encoding="utf-8")
    environment = {"REDIS_URL_FILE": str(tmp_path / "url")}
    assert required(environment, "REDIS_URL", "redis://HOST") == "redis://secret"


@pytest.mark.parametrize("environment", [{}, {"REDIS_URL": ""}])
def test_a_missing_value_is_named_with_an_example(environment: dict[str, str]) -> None:
    with pytest.raises(SettingMissingError, match="REDIS_URL=redis://HOST"):
        required(environment, "REDIS_URL", "redis://HOST")
    assert optional(environment, "REDIS_URL") is None


def test_two_sources_that_could_disagree_are_refused() -> None:
    with pytest.raises(SettingMissingError, match="unset one"):
        optional({"REDIS_URL": "redis://a", "REDIS_URL_FILE": "/run/b"}, "REDIS_URL")


def test_a_file_that_is_missing_or_empty_is_named(tmp_path: Path) -> None:
    with pytest.raises(SettingMissingError, match="absent"):
        optional({"REDIS_URL_FILE": str(tmp_path / "absent")}, "REDIS_URL")
    (tmp_path / "empty").touch()
    with pytest.raises(SettingMissingError, match="is empty"):
        optional({"REDIS_URL_FILE": str(tmp_path / "empty")}, "REDIS_URL")
