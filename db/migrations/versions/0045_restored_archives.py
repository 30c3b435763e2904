"""Archives come back: as a table beside the others for a while, or into the table that they were a part of."""

from pathlib import Path
from typing import Final

from alembic import op

revision = "0045"
down_revision = "0044"
branch_labels = None
depends_on = None

_FOLDER: Final = Path(__file__).with_suffix("")
_FILES: Final = ("restore", "attach")


def upgrade() -> None:
    """Create the functions; only the owner may call them."""
    for name in _FILES:
        op.execute((_FOLDER / f"{name}.sql").read_text(encoding="utf-8"))


def downgrade() -> None:
    """Drop them; what came back stays until its grace is over."""
    op.execute(
        """
        DROP FUNCTION maintenance.attach_restored(text);
        DROP FUNCTION maintenance.begin_restore(text, text, text[], text[]);
        """
    )
