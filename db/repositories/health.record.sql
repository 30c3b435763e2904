-- The current verdict, the count of failures and the last sign of life are functions of the set of slots that were
-- reported, so neither the order nor the repetition of reports matters.  The instances were locked before, hence
-- nothing read here can change meanwhile.
WITH reported AS (
    SELECT DISTINCT ON (mcp_instance_id, scheduled_at) *
      FROM jsonb_to_recordset(CAST(:reports AS jsonb)) AS r (
           mcp_instance_id uuid, scheduled_at timestamptz, verdict text, checked_at timestamptz,
           response_ms double precision, error text, era text)
     ORDER BY mcp_instance_id, scheduled_at, checked_at DESC
), slots AS (
    INSERT INTO health_checks (mcp_instance_id, scheduled_at, verdict, checked_at, response_ms, error, era)
    SELECT mcp_instance_id, scheduled_at, verdict, checked_at, response_ms, error, era FROM reported
    ON CONFLICT DO NOTHING
    RETURNING mcp_instance_id, scheduled_at, verdict, checked_at, response_ms, error, era,
              verdict IN ('up', 'degraded', 'auth_required', 'restarted') AS alive
), known AS (
    -- An array, for with a join the planner would rather read the verdicts of the whole fleet.
    SELECT h.* FROM instance_health h WHERE h.mcp_instance_id = ANY (ARRAY(SELECT mcp_instance_id FROM slots))
), life AS (
    SELECT s.mcp_instance_id, known.last_alive_at AS was, known.consecutive_failures AS failures,
           greatest(known.last_alive_at, max(s.scheduled_at) FILTER (WHERE s.alive)) AS alive_at,
           max(s.checked_at) AS checked_at
      FROM slots s LEFT JOIN known USING (mcp_instance_id)
     GROUP BY s.mcp_instance_id, known.last_alive_at, known.consecutive_failures
), latest AS (
    SELECT DISTINCT ON (mcp_instance_id) *
      FROM (SELECT mcp_instance_id, scheduled_at, verdict, checked_at, response_ms, error, era FROM slots
            UNION ALL
            SELECT mcp_instance_id, scheduled_at, verdict, checked_at, response_ms, error, era FROM known) every
     ORDER BY mcp_instance_id, scheduled_at DESC
), current AS (
    INSERT INTO instance_health (mcp_instance_id, scheduled_at, verdict, checked_at, response_ms, error, era,
                                 last_alive_at, consecutive_failures)
    SELECT latest.mcp_instance_id, latest.scheduled_at, latest.verdict, latest.checked_at, latest.response_ms,
           latest.error, latest.era, life.alive_at,
           (SELECT count(*) FROM slots s WHERE s.mcp_instance_id = life.mcp_instance_id AND NOT s.alive
               AND (life.alive_at IS NULL OR s.scheduled_at > life.alive_at))
           + CASE WHEN life.alive_at IS NOT DISTINCT FROM life.was THEN coalesce(life.failures, 0)
                  -- A sign of life came late: only the failures after it still count.
                  ELSE (SELECT count(*) FROM health_checks h
                         WHERE h.mcp_instance_id = life.mcp_instance_id AND h.scheduled_at > life.alive_at
                           AND h.verdict NOT IN ('up', 'degraded', 'auth_required', 'restarted')) END
      FROM latest JOIN life USING (mcp_instance_id)
    ON CONFLICT (mcp_instance_id) DO UPDATE
       SET scheduled_at = excluded.scheduled_at, verdict = excluded.verdict, checked_at = excluded.checked_at,
           response_ms = excluded.response_ms, error = excluded.error, era = excluded.era,
           last_alive_at = excluded.last_alive_at, consecutive_failures = excluded.consecutive_failures
), touched AS (
    UPDATE mcp_instances i SET last_health_check = greatest(i.last_health_check, life.checked_at)
      FROM life WHERE i.id = life.mcp_instance_id
)
SELECT count(*) FROM slots
