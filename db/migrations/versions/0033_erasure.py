"""Where a user's rows are, as the catalog knows it, and how all of them go.

What refers to a user by a foreign key is found in the catalog, so a table that is made tomorrow is erased tomorrow.
What refers to one without is declared here, with the reason; a test refuses a column that is neither.
All of it runs as the owner: a worker may not change the records of what was done, but for this.
"""

from pathlib import Path
from typing import Final

from alembic import op

revision = "0033"
down_revision = "0032"
branch_labels = None
depends_on = None

_FOLDER: Final = Path(__file__).with_suffix("")
_FILES: Final = ("references", "traces", "steps", "reading")


def upgrade() -> None:
    """Create the tables, the view and the functions."""
    for name in _FILES:
        op.execute((_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them; what was erased stays erased."""
    op.execute(
        """
        DROP FUNCTION maintenance.user_rows(uuid, text);
        DROP FUNCTION maintenance.count_user_rows(uuid);
        DROP FUNCTION maintenance.erase_some(uuid, integer);
        DROP FUNCTION maintenance.erase_messages(text[], integer);
        DROP FUNCTION maintenance.begin_erasure(uuid, uuid);
        DROP FUNCTION maintenance.names_of_user(uuid);
        DROP VIEW maintenance.user_traces;
        DROP FUNCTION maintenance.without_names(text, text[]);
        DROP FUNCTION maintenance.mentions(text, text[]);
        DROP TABLE maintenance.erasures;
        DROP TABLE maintenance.user_references;
        """
    )
