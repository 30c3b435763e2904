"""What is gone from the audit tables is explained by a record of retention, and what comes back is sealed again."""

from pathlib import Path
from typing import Final

from alembic import op

revision = "0050"
down_revision = "0049"
branch_labels = None
depends_on = None

_FOLDER: Final = Path(__file__).with_suffix("")
_SEALING: Final = _FOLDER.parent / "0048_audit_chain" / "sealing.sql"
_ATTACH: Final = _FOLDER.parent / "0045_restored_archives" / "attach.sql"
_DROP: Final = _FOLDER.parent / "0046_policies" / "drop.sql"
_STEPS: Final = _FOLDER.parent / "0033_erasure" / "steps.sql"
_DROPPED: Final = "SET dropped_at = now()"
# What somebody attached again retention did not take, whoever takes it later.
_LET_BE: Final = """SET dropped_at = now(), attached_at = (
                   SELECT now() FROM pg_inherits i
                    WHERE i.inhrelid = due.relid AND i.inhparent = to_regclass(d.parent))"""
_STEP: Final = "        EXECUTE step USING"
_RETURN: Final = "    RETURN format('partitions.%s', child);"
_NOTE: Final = "    PERFORM maintenance.note_restored(kept.parent, kept.range_from, kept.range_to);\n"
# Archives that came back before there was a record of it: their rows have no entry and no list.
_BACK: Final = """
UPDATE maintenance.detached_partitions d SET attached_at = d.dropped_at
  FROM maintenance.partition_catalog c
 WHERE d.parent = c.schema_name || '.' || c.table_name AND d.range_from = c.range_from AND d.range_to = c.range_to
   -- What retention drops has had its grace.
   AND d.dropped_at < d.drop_after AND d.archive_uri IS NOT NULL
   AND NOT EXISTS (SELECT FROM maintenance.detached_partitions later
                    WHERE later.parent = d.parent AND later.range_from = d.range_from
                      AND later.detached_at > d.detached_at);
SELECT maintenance.note_restored(d.parent, d.range_from, d.range_to) FROM maintenance.detached_partitions d
 WHERE d.attached_at IS NOT NULL;
"""


def upgrade() -> None:
    """Add the record, and go by it when lists are let go and when archives are attached again."""
    op.execute(_text(_FOLDER / "tables.sql"))
    op.execute(_text(_FOLDER / "restored.sql"))
    before, _, _ = _seal_before().partition("    -- Nobody can compare")
    op.execute(before + _text(_FOLDER / "sealing.sql"))
    attach = _text(_ATTACH).replace(_DROPPED, f"{_DROPPED}, attached_at = now()").replace(_RETURN, _NOTE + _RETURN)
    op.execute(_replacing(attach))
    op.execute(_text(_DROP).replace(_DROPPED, _LET_BE))
    op.execute(_erase_before().replace(_STEP, _text(_FOLDER / "apart.sql") + _STEP))
    op.execute(_BACK)


def downgrade() -> None:
    """Go by what the tables cover, as before; what came back is taken for what was entered."""
    op.execute(_replacing(_text(_ATTACH)))
    op.execute(_text(_DROP))
    op.execute(_seal_before())
    op.execute(_erase_before())
    op.execute(
        """
        DROP FUNCTION maintenance.note_restored(text, timestamptz, timestamptz);
        UPDATE maintenance.audit_entries SET kind = 'entered' WHERE kind = 'restored';
        ALTER TABLE maintenance.audit_entries DROP CONSTRAINT check_entry_kind,
            ADD CONSTRAINT check_entry_kind CHECK (kind IN ('entered', 'erased'));
        COMMENT ON COLUMN maintenance.audit_entries.kind IS
            'entered: the row is new; erased: what it said of a user was taken out';
        DROP VIEW maintenance.retired_ranges;
        ALTER TABLE maintenance.detached_partitions DROP COLUMN attached_at;
        ALTER TABLE maintenance.row_policies DISABLE TRIGGER row_policies_changed;
        UPDATE maintenance.row_policies
           SET condition = 'archive_uri IS NULL',
               description = 'Partitions that were dropped without an archive; those that have one stay as the way back'
                             ' to it'
         WHERE table_name = 'maintenance.detached_partitions';
        ALTER TABLE maintenance.row_policies ENABLE TRIGGER row_policies_changed;
        """
    )


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _replacing(text: str) -> str:
    return text.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")


def _seal_before() -> str:
    return _function(_SEALING, "seal_audit")


def _erase_before() -> str:
    return _function(_STEPS, "erase_some")


def _function(path: Path, name: str) -> str:
    """Give a function as it was made."""
    text = _text(path)
    begins = text.index(f"CREATE FUNCTION maintenance.{name}(")
    return _replacing(text[begins : text.index(f"COMMENT ON FUNCTION maintenance.{name}(")])
