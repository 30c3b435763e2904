"""How Alembic runs the revisions: on the connection it is given, as the owner, one transaction each."""

from collections.abc import Collection, Mapping

from alembic import context
from alembic.runtime.migration import MigrationContext, MigrationInfo

from db.models import Base


def tell(ctx: MigrationContext, step: MigrationInfo, heads: Collection[object], run_args: Mapping[str, object]) -> None:
    """Report a step that was applied; Alembic passes all four by name."""
    del ctx, heads, run_args
    sentence = str(getattr(step.up_revision, "doc", ""))
    verb = "up to" if step.is_upgrade else "down from"
    context.config.attributes["report"](f"{verb} {step.up_revision_id}  {sentence}")


def run_offline() -> None:
    """Write the SQL of the revisions instead of running it."""
    context.configure(
        dialect_name="postgresql",
        # The parameter style of the driver would double every percent sign.
        dialect_opts={"paramstyle": "named"},
        target_metadata=Base.metadata,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_online() -> None:
    """Run the revisions on the connection that the caller prepared."""
    context.configure(
        connection=context.config.attributes["connection"],
        target_metadata=Base.metadata,
        transaction_per_migration=True,
        on_version_apply=tell,
    )
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    run_offline()
else:
    run_online()
