"""Alerts that checks open and resolve."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db.statement import Driver, Statement, from_file

_OPEN: Final = Statement(
    "alerts.open",
    text(
        """
        INSERT INTO gateway.performance_alerts AS a (server_id, target_id, name, description, metric_name,
               threshold_value, comparison_operator, duration_minutes, is_triggered, first_triggered, last_triggered,
               trigger_count)
        SELECT t.server_id, t.id, 'health of ' || t.kind || ' ' || coalesce(t.server_id, t.service_type,
               CAST(t.mcp_instance_id AS text)), t.error, 'consecutive_failures', t.failure_threshold, '>=', 0,
               true, now(), now(), 1
          FROM health_targets t WHERE t.id = ANY (CAST(:target_ids AS uuid[]))
        ON CONFLICT (target_id) DO UPDATE
           SET is_triggered = true, first_triggered = now(), last_triggered = now(), description = excluded.description,
               acknowledged_at = NULL, resolved_at = NULL, trigger_count = a.trigger_count + 1
         WHERE NOT a.is_triggered
        """
    ),
)
_RESOLVE: Final = Statement(
    "alerts.resolve",
    text(
        """
        UPDATE gateway.performance_alerts SET is_triggered = false, resolved_at = now()
         WHERE target_id = ANY (CAST(:target_ids AS uuid[])) AND is_triggered
        """
    ),
)
_SETTLE: Final = Statement(
    "alerts.settle",
    text(
        """
        UPDATE gateway.performance_alerts a SET is_triggered = false, resolved_at = now()
          FROM health_targets t WHERE t.id = a.target_id AND a.is_triggered AND t.breaker = 'closed'
        """
    ),
)
_ACKNOWLEDGE: Final = Statement(
    "alerts.acknowledge",
    text(
        """
        UPDATE gateway.performance_alerts SET acknowledged_at = now()
         WHERE target_id = :target_id AND is_triggered AND acknowledged_at IS NULL RETURNING id
        """
    ),
)
_FOLLOW_TROUBLES: Final = Statement(
    "alerts.follow_troubles",
    text(
        """
        WITH wrong AS MATERIALIZED (
            SELECT left('maintenance: ' || subject || ' (' || kind || ')', 255) AS name, min(kind) AS kind,
                   string_agg(sentence, ' ' ORDER BY sentence) AS told
              FROM maintenance.troubles GROUP BY 1
        ), opened AS (
            INSERT INTO gateway.performance_alerts AS a (name, description, metric_name, threshold_value,
                   comparison_operator, duration_minutes, is_triggered, first_triggered, last_triggered, trigger_count)
            SELECT name, told, 'maintenance.' || kind, 0, '>', 0, true, now(), now(), 1 FROM wrong
            ON CONFLICT (server_id, name) DO UPDATE
               SET is_triggered = true, description = excluded.description,
                   first_triggered = CASE WHEN a.is_triggered THEN a.first_triggered ELSE now() END,
                   last_triggered = CASE WHEN a.is_triggered THEN a.last_triggered ELSE now() END,
                   acknowledged_at = CASE WHEN a.is_triggered THEN a.acknowledged_at END, resolved_at = NULL,
                   trigger_count = a.trigger_count + CAST(NOT a.is_triggered AS integer)
             WHERE NOT a.is_triggered OR a.description IS DISTINCT FROM excluded.description
            RETURNING a.name, a.description, a.last_triggered = now() AS is_new
        ), resolved AS (
            UPDATE gateway.performance_alerts a SET is_triggered = false, resolved_at = now()
             WHERE a.server_id IS NULL AND a.metric_name LIKE 'maintenance.%' AND a.is_triggered
               AND NOT EXISTS (SELECT FROM wrong w WHERE w.name = a.name)
            RETURNING a.name
        )
        SELECT name, description FROM opened WHERE is_new UNION ALL SELECT name, NULL FROM resolved ORDER BY name
        """
    ),
)
# What a server says of the metric of a rule, for long enough to tell whether it lasts.
_SAMPLES: Final = """
SELECT g.timestamp, g.value, CASE r.comparison_operator
       WHEN '>' THEN g.value > r.threshold_value WHEN '<' THEN g.value < r.threshold_value
       WHEN '>=' THEN g.value >= r.threshold_value WHEN '<=' THEN g.value <= r.threshold_value
       ELSE g.value = r.threshold_value END AS is_broken
  FROM (SELECT t.timestamp, coalesce((CASE r.metric_name
               WHEN 'response_time_ms' THEN t.response_time_ms WHEN 'requests_per_second' THEN t.requests_per_second
               WHEN 'error_rate' THEN t.error_rate WHEN 'cpu_usage' THEN t.cpu_usage
               WHEN 'memory_usage_mb' THEN t.memory_usage_mb WHEN 'active_connections' THEN t.active_connections
               WHEN 'connection_pool_size' THEN t.connection_pool_size END)::numeric,
               CASE jsonb_typeof(t.custom_metrics -> r.metric_name)
               WHEN 'number' THEN (t.custom_metrics ->> r.metric_name)::numeric END) AS value
          FROM gateway.server_metrics t
         WHERE t.server_id = s.id AND t.timestamp > now() - 2 * r.lasting - interval '10 minutes'
           AND t.timestamp <= now() + interval '10 minutes') g
 WHERE g.value IS NOT NULL
"""
_FOLLOW_METRICS: Final = from_file("alerts.follow_metrics", parts={"samples": _SAMPLES}, anew=True)


@dataclass(frozen=True, slots=True)
class Turn:
    """A rule whose limit is broken, with what broke it, or holds again; no news within the cooldown of the last."""

    name: str
    told: str | None
    is_news: bool


class Alerts:
    """A target has one alert, however often it fails: opened, acknowledged by somebody, resolved."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def open(self, target_ids: Collection[UUID]) -> None:
        """Open the alerts of targets that are lost; one that is open stays as it is."""
        if target_ids:
            _OPEN.run(self._driver, target_ids=sorted(target_ids))

    def resolve(self, target_ids: Collection[UUID]) -> None:
        """Resolve the alerts of targets that are back."""
        if target_ids:
            _RESOLVE.run(self._driver, target_ids=sorted(target_ids))

    def settle(self) -> None:
        """Resolve the alerts of targets that nobody misses any more, because they ended or began anew."""
        _SETTLE.run(self._driver)

    def acknowledge(self, target_id: UUID) -> bool:
        """Note that somebody takes care of a target; False when it has no open alert, or somebody does already."""
        return _ACKNOWLEDGE.run(self._driver, target_id=target_id).fetchone() is not None

    def follow_troubles(self) -> dict[str, str | None]:
        """Open an alert for each new trouble of maintenance, and resolve those of troubles that are over.

        Returns the names of the alerts that turned, with what is wrong, or None where nothing is any more.
        """
        return dict(iter(_FOLLOW_TROUBLES.run(self._driver)))

    def follow_metrics(self) -> list[Turn]:
        """Open the alerts of rules whose limits samples break, and resolve those whose limits hold again."""
        return [Turn(*row) for row in _FOLLOW_METRICS.run(self._driver)]
