"""The calendar of partitions: what is missing of it is found in one statement and made, whatever happened to the rest.

A hole is filled as far as its neighbours leave room, so that a unit may change; a relation that somebody detached
by hand keeps its name, its rows and its peace.  All times are told by one clock, which only the owner may set.
"""

from pathlib import Path
from typing import Final

from alembic import op

revision = "0040"
down_revision = "0039"
branch_labels = None
depends_on = None

_FOLDER: Final = Path(__file__).with_suffix("")
_FILES: Final = ("clock", "sizes", "missing", "create", "keep", "retire", "health")


def upgrade() -> None:
    """Create the clock and what goes by it."""
    for name in _FILES:
        op.execute((_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Go back to the clock of PostgreSQL, and to a calendar that is repaired one unit back."""
    op.execute((_FOLDER / "downgrade.sql").read_text(encoding="utf-8"))
