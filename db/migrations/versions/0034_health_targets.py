"""Everything that is checked is a target: instances, their processes, shared services, servers of the gateway."""

from typing import Final

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

TARGETS: Final = """
CREATE TABLE health_targets (
    id                    uuid             NOT NULL DEFAULT gen_random_uuid(),
    kind                  varchar(10)      NOT NULL,
    mcp_instance_id       uuid,
    service_type          varchar(50),
    server_id             text,
    host_id               varchar(255),
    interval_seconds      integer          NOT NULL DEFAULT 30,
    timeout_seconds       double precision NOT NULL DEFAULT 5,
    jitter_seconds        double precision NOT NULL DEFAULT 3,
    failure_threshold     integer          NOT NULL DEFAULT 3,
    recovery_threshold    integer          NOT NULL DEFAULT 2,
    reset_seconds         integer          NOT NULL DEFAULT 60,
    reset_limit_seconds   integer          NOT NULL DEFAULT 900,
    verdict               varchar(20),
    scheduled_at          timestamptz,
    checked_at            timestamptz,
    response_ms           double precision,
    error                 text,
    era                   varchar(10),
    consecutive_failures  integer          NOT NULL DEFAULT 0,
    consecutive_successes integer          NOT NULL DEFAULT 0,
    last_alive_at         timestamptz,
    last_failed_at        timestamptz,
    breaker               varchar(20)      NOT NULL DEFAULT 'closed',
    opened_at             timestamptz,
    tries                 integer          NOT NULL DEFAULT 0,
    next_check_at         timestamptz,
    next_check_reason     varchar(20)      NOT NULL DEFAULT 'new',
    claimed_by            uuid,
    claimed_at            timestamptz,
    shard                 integer          NOT NULL DEFAULT floor(random() * 1000000)::integer,
    tool_count            integer,
    listed_at             timestamptz,
    created_at            timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_health_targets PRIMARY KEY (id),
    CONSTRAINT uq_health_targets_mcp_instance_id UNIQUE (mcp_instance_id, kind),
    CONSTRAINT uq_health_targets_service_type UNIQUE (service_type),
    CONSTRAINT uq_health_targets_server_id UNIQUE (server_id),
    CONSTRAINT fk_health_targets_mcp_instance_id_mcp_instances
        FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE CASCADE,
    CONSTRAINT fk_health_targets_service_type_service_registry FOREIGN KEY (service_type)
        REFERENCES service_registry (service_type) ON UPDATE CASCADE ON DELETE CASCADE,
    CONSTRAINT fk_health_targets_server_id_mcp_servers
        FOREIGN KEY (server_id) REFERENCES gateway.mcp_servers (id) ON DELETE CASCADE,
    CONSTRAINT check_target_subject CHECK (
        kind IN ('instance', 'process', 'service', 'server')
        AND (mcp_instance_id IS NOT NULL) = (kind IN ('instance', 'process'))
        AND (service_type IS NOT NULL) = (kind = 'service')
        AND (server_id IS NOT NULL) = (kind = 'server')
        AND (host_id IS NOT NULL) = (kind = 'process')),
    CONSTRAINT check_instance_target CHECK (kind <> 'instance' OR id = mcp_instance_id),
    CONSTRAINT check_target_times CHECK (interval_seconds BETWEEN 1 AND 86400
        AND timeout_seconds BETWEEN 0.1 AND 30 AND timeout_seconds <= interval_seconds
        AND jitter_seconds >= 0 AND jitter_seconds < interval_seconds
        AND reset_seconds > 0 AND reset_limit_seconds >= reset_seconds),
    CONSTRAINT check_target_thresholds CHECK (failure_threshold >= 1 AND recovery_threshold >= 2),
    CONSTRAINT check_verdict CHECK (verdict IN ('up', 'degraded', 'auth_required', 'restarted',
        'protocol_error', 'tools_missing', 'unreachable', 'timeout')),
    CONSTRAINT check_era CHECK (era IN ('modern', 'legacy')),
    CONSTRAINT check_breaker_state CHECK (breaker IN ('closed', 'open', 'half_open')),
    CONSTRAINT check_next_check_reason
        CHECK (next_check_reason IN ('new', 'regular', 'back_off', 'half_open', 'asked')),
    CONSTRAINT check_target_counts CHECK (consecutive_failures >= 0 AND consecutive_successes >= 0
        AND tries >= 0 AND tool_count >= 0)
) WITH (fillfactor = 70);
CREATE INDEX idx_health_targets_due ON health_targets (next_check_at) WHERE next_check_at IS NOT NULL;
CREATE INDEX idx_health_targets_failing ON health_targets (id) WHERE consecutive_failures > 0 OR breaker <> 'closed';

COMMENT ON TABLE health_targets IS
    'What is checked: how often, when next and why, who is at it, and what the newest check found';
COMMENT ON COLUMN health_targets.id IS 'Of an instance, the instance''s own id';
COMMENT ON COLUMN health_targets.kind IS
    'instance: the endpoint of one; process: its process, on its host; service: a shared one; server: the gateway''s';
COMMENT ON COLUMN health_targets.mcp_instance_id IS 'The dedicated instance, of kinds instance and process';
COMMENT ON COLUMN health_targets.service_type IS 'The shared service, of kind service';
COMMENT ON COLUMN health_targets.server_id IS 'The server, of kind server';
COMMENT ON COLUMN health_targets.host_id IS 'Where the process is: only a worker on this host can look at it';
COMMENT ON COLUMN health_targets.interval_seconds IS 'No longer than this passes between two regular checks';
COMMENT ON COLUMN health_targets.timeout_seconds IS 'How long one check may take';
COMMENT ON COLUMN health_targets.jitter_seconds IS
    'A check comes up to so much earlier, so that targets do not march in step';
COMMENT ON COLUMN health_targets.failure_threshold IS 'So many failures in a row open the circuit breaker';
COMMENT ON COLUMN health_targets.recovery_threshold IS
    'So many signs of life in a row close it again: two at least, so that a flapping target stays open';
COMMENT ON COLUMN health_targets.reset_seconds IS
    'While it is open the next check comes after this, and twice as long after each further failure';
COMMENT ON COLUMN health_targets.reset_limit_seconds IS 'The longest wait while the breaker is open';
COMMENT ON COLUMN health_targets.verdict IS 'What the check of the newest slot found; NULL before the first one';
COMMENT ON COLUMN health_targets.scheduled_at IS 'The newest slot; a report of an older slot never replaces it';
COMMENT ON COLUMN health_targets.checked_at IS 'When that check was made';
COMMENT ON COLUMN health_targets.response_ms IS 'How long its answer took, in milliseconds';
COMMENT ON COLUMN health_targets.error IS 'What went wrong in it, in a sentence';
COMMENT ON COLUMN health_targets.era IS 'Which era of the protocol the server spoke in it';
COMMENT ON COLUMN health_targets.consecutive_failures IS
    'Failed slots since last_alive_at, in whatever order they were reported';
COMMENT ON COLUMN health_targets.consecutive_successes IS
    'Slots with a sign of life since last_failed_at, in whatever order they were reported';
COMMENT ON COLUMN health_targets.last_alive_at IS 'The newest slot in which it answered as it should';
COMMENT ON COLUMN health_targets.last_failed_at IS 'The newest slot in which it did not';
COMMENT ON COLUMN health_targets.breaker IS
    'closed: checked regularly; open: failing, checked after a back-off; half_open: tried, or on the way back';
COMMENT ON COLUMN health_targets.opened_at IS 'When the breaker last opened';
COMMENT ON COLUMN health_targets.tries IS 'Failures since it opened, which double the back-off';
COMMENT ON COLUMN health_targets.next_check_at IS
    'The next slot; NULL while nobody shall check it, because its subject is not alive';
COMMENT ON COLUMN health_targets.next_check_reason IS 'Why the next check is when it is';
COMMENT ON COLUMN health_targets.claimed_by IS
    'The prober that checks the slot now; the claim is void as soon as that prober has fallen silent';
COMMENT ON COLUMN health_targets.claimed_at IS 'Since when it does';
COMMENT ON COLUMN health_targets.shard IS 'Shares targets out to the probers, so that each keeps meeting the same';
COMMENT ON COLUMN health_targets.tool_count IS 'How many tools it listed last';
COMMENT ON COLUMN health_targets.listed_at IS 'When it listed them';
COMMENT ON COLUMN health_targets.created_at IS 'When the row was made';
COMMENT ON INDEX idx_health_targets_due IS 'What is due next, among all there is';
COMMENT ON INDEX idx_health_targets_failing IS 'Targets in trouble, which are few among many';
COMMENT ON INDEX uq_health_targets_mcp_instance_id IS 'An instance has one endpoint and one process';
COMMENT ON INDEX uq_health_targets_service_type IS 'A service is one target';
COMMENT ON INDEX uq_health_targets_server_id IS 'A server is one target';

ALTER TABLE health_targets ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON health_targets TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON health_targets FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances i WHERE i.user_id = (SELECT current_app_user()))
    OR server_id IN (SELECT s.id FROM gateway.mcp_servers s
                      WHERE s.tenant_id IS NULL OR s.tenant_id = (SELECT current_app_tenant())));
GRANT SELECT, INSERT, UPDATE, DELETE ON health_targets TO mcp_worker;
GRANT SELECT ON health_targets TO mcp_producer;

INSERT INTO health_targets (id, kind, mcp_instance_id, verdict, scheduled_at, checked_at, response_ms, error, era,
                            consecutive_failures, last_alive_at)
SELECT mcp_instance_id, 'instance', mcp_instance_id, verdict, scheduled_at, checked_at, response_ms, error, era,
       consecutive_failures, last_alive_at FROM instance_health;
DROP TABLE instance_health;
COMMENT ON COLUMN mcp_instances.last_health_check IS
    'When the newest check was made; its verdict is in health_targets';
"""

HISTORY: Final = """
COMMENT ON COLUMN mcp_instances.last_health_check IS
    'When the newest check was made; its verdict is in health_targets';
DROP POLICY producer_own ON health_checks;
ALTER TABLE health_checks DROP CONSTRAINT fk_health_checks_mcp_instance_id_mcp_instances;
ALTER TABLE health_checks RENAME COLUMN mcp_instance_id TO target_id;
ALTER TABLE health_checks ADD CONSTRAINT fk_health_checks_target_id_health_targets
    FOREIGN KEY (target_id) REFERENCES health_targets (id) ON DELETE CASCADE;
CREATE POLICY producer_own ON health_checks FOR SELECT TO mcp_producer
    USING (target_id IN (SELECT t.id FROM health_targets t));
COMMENT ON TABLE health_checks IS 'One row per check of a target';
COMMENT ON COLUMN health_checks.target_id IS 'What was checked; of an instance, its own id';
"""

BACK: Final = """
CREATE TABLE instance_health (
    mcp_instance_id      uuid             NOT NULL,
    verdict              varchar(20)      NOT NULL,
    scheduled_at         timestamptz      NOT NULL,
    checked_at           timestamptz      NOT NULL,
    response_ms          double precision,
    error                text,
    era                  varchar(10),
    consecutive_failures integer          NOT NULL DEFAULT 0,
    last_alive_at        timestamptz,
    created_at           timestamptz      NOT NULL DEFAULT now(),
    updated_at           timestamptz      NOT NULL DEFAULT now(),
    CONSTRAINT pk_instance_health PRIMARY KEY (mcp_instance_id),
    CONSTRAINT fk_instance_health_mcp_instance_id_mcp_instances
        FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE CASCADE,
    CONSTRAINT check_verdict CHECK (verdict IN ('up', 'degraded', 'auth_required', 'restarted',
        'protocol_error', 'tools_missing', 'unreachable', 'timeout')),
    CONSTRAINT check_era CHECK (era IN ('modern', 'legacy')),
    CONSTRAINT check_consecutive_failures CHECK (consecutive_failures >= 0)
) WITH (fillfactor = 70);
CREATE INDEX idx_instance_health_failing ON instance_health (consecutive_failures) WHERE consecutive_failures > 0;
COMMENT ON TABLE instance_health IS 'The verdict of the newest check of each instance';
COMMENT ON COLUMN instance_health.scheduled_at IS 'The slot of that check; a report of an older slot never replaces it';
COMMENT ON COLUMN instance_health.consecutive_failures IS
    'Failed slots since last_alive_at, in whatever order they were reported';
COMMENT ON COLUMN instance_health.last_alive_at IS 'The newest slot in which the server answered as it should';
COMMENT ON COLUMN instance_health.mcp_instance_id IS 'The instance that the verdict is about';
COMMENT ON COLUMN instance_health.verdict IS 'What its newest check found';
COMMENT ON COLUMN instance_health.checked_at IS 'When that check was made';
COMMENT ON COLUMN instance_health.response_ms IS 'How long its answer took, in milliseconds';
COMMENT ON COLUMN instance_health.error IS 'What went wrong in it, in a sentence';
COMMENT ON COLUMN instance_health.era IS 'Which era of the protocol the server spoke in it';
COMMENT ON COLUMN instance_health.created_at IS 'When the row was made';
COMMENT ON COLUMN instance_health.updated_at IS 'When the row was last changed; a trigger keeps it';
COMMENT ON INDEX idx_instance_health_failing IS 'Instances that fail, which are few among many';
CREATE TRIGGER instance_health_updated_at BEFORE UPDATE ON instance_health
    FOR EACH ROW EXECUTE FUNCTION touch_updated_at();
ALTER TABLE instance_health ENABLE ROW LEVEL SECURITY;
CREATE POLICY worker_all ON instance_health TO mcp_worker USING (true) WITH CHECK (true);
CREATE POLICY producer_own ON instance_health FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances i WHERE i.user_id = (SELECT current_app_user()))
);
GRANT SELECT, INSERT, UPDATE, DELETE ON instance_health TO mcp_worker;
GRANT SELECT ON instance_health TO mcp_producer;
INSERT INTO instance_health (mcp_instance_id, verdict, scheduled_at, checked_at, response_ms, error, era,
                             consecutive_failures, last_alive_at)
SELECT id, verdict, scheduled_at, checked_at, response_ms, error, era, consecutive_failures, last_alive_at
  FROM health_targets WHERE kind = 'instance' AND verdict IS NOT NULL;

DROP POLICY producer_own ON health_checks;
ALTER TABLE health_checks DROP CONSTRAINT fk_health_checks_target_id_health_targets;
DELETE FROM health_checks WHERE target_id NOT IN (SELECT id FROM mcp_instances);
ALTER TABLE health_checks RENAME COLUMN target_id TO mcp_instance_id;
ALTER TABLE health_checks ADD CONSTRAINT fk_health_checks_mcp_instance_id_mcp_instances
    FOREIGN KEY (mcp_instance_id) REFERENCES mcp_instances (id) ON DELETE CASCADE;
CREATE POLICY producer_own ON health_checks FOR SELECT TO mcp_producer USING (
    mcp_instance_id IN (SELECT i.id FROM mcp_instances i WHERE i.user_id = (SELECT current_app_user()))
);
COMMENT ON TABLE health_checks IS 'One row per check of an instance';
COMMENT ON COLUMN health_checks.mcp_instance_id IS 'The instance that was checked';
COMMENT ON COLUMN mcp_instances.last_health_check IS
    'When the newest check was made; its verdict is in instance_health';
DROP TABLE health_targets;
"""


def upgrade() -> None:
    """Make targets of the instances that were checked, and let the history be theirs."""
    op.execute(TARGETS)
    op.execute(HISTORY)


def downgrade() -> None:
    """Go back to checks of instances only; what was found of others is dropped."""
    op.execute(BACK)
