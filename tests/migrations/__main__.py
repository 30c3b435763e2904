"""Accept the catalog that the migrations make now: `python -m tests.migrations`."""

from tests import databases

from .accepted import ACCEPTED, accept, drift
from .catalog import snapshot


def main() -> None:
    """Migrate an empty database, say what has changed and write it down."""
    with databases.migrated() as database:
        found = snapshot(database.admin_url)
    told = drift(found) or f"{ACCEPTED.name} says already what the migrations make."
    accept(found)
    print(told)


if __name__ == "__main__":
    main()
