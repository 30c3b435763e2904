"""How runs of maintenance ended, and when each tick was applied last."""

from alembic import op

revision = "0039"
down_revision = "0038"
branch_labels = None
depends_on = None

RUNS = """
ALTER TABLE maintenance.runs
    ADD COLUMN bytes   bigint      NOT NULL DEFAULT 0,
    ADD COLUMN outcome varchar(10) NOT NULL DEFAULT 'done',
    ADD CONSTRAINT check_run_bytes CHECK (bytes >= 0),
    ADD CONSTRAINT check_run_outcome CHECK (outcome IN ('done', 'waits', 'failed'));
COMMENT ON COLUMN maintenance.runs.bytes IS 'How much room was freed or written';
COMMENT ON COLUMN maintenance.runs.outcome IS
    'done; waits: somebody was in the way, the next run tries again; failed: somebody has to look, detail says at what';
"""

TICKS = """
CREATE TABLE maintenance.ticks (
    task           varchar(100) NOT NULL,
    fire_time      timestamptz  NOT NULL,
    next_fire_time timestamptz,
    applied_at     timestamptz  NOT NULL DEFAULT now(),
    outcome        varchar(10)  NOT NULL,
    problem        text,
    CONSTRAINT pk_ticks PRIMARY KEY (task),
    CONSTRAINT check_tick_outcome CHECK (outcome IN ('done', 'waits', 'failed')),
    CONSTRAINT check_tick_problem CHECK ((outcome = 'done') = (problem IS NULL))
) WITH (fillfactor = 50);
COMMENT ON TABLE maintenance.ticks IS 'The last tick of each task: one that is late is seen by its next fire time';
COMMENT ON COLUMN maintenance.ticks.task IS 'What the timetable calls it';
COMMENT ON COLUMN maintenance.ticks.fire_time IS 'The moment of the timetable that the tick stood for';
COMMENT ON COLUMN maintenance.ticks.next_fire_time IS
    'When the next one is due, as its scheduler knows; NULL if it was sent by hand and none came before';
COMMENT ON COLUMN maintenance.ticks.applied_at IS 'When a worker applied it';
COMMENT ON COLUMN maintenance.ticks.outcome IS 'As in maintenance.runs';
COMMENT ON COLUMN maintenance.ticks.problem IS 'Why it waits or failed, for people';
GRANT SELECT, INSERT, UPDATE, DELETE ON maintenance.ticks TO mcp_worker;
GRANT SELECT ON maintenance.ticks TO mcp_reader;
"""


def upgrade() -> None:
    """Add the columns and the table."""
    op.execute(RUNS)
    op.execute(TICKS)


def downgrade() -> None:
    """Drop them."""
    op.execute(
        """
        DROP TABLE maintenance.ticks;
        ALTER TABLE maintenance.runs DROP COLUMN outcome, DROP COLUMN bytes;
        """
    )
