-- The verdict, the counts and the last signs of life are functions of the set of slots that were reported, so neither
-- the order nor the repetition of reports matters.  The targets were locked before, hence nothing read here can change
-- meanwhile.  The breaker turns only with a slot that is new, and a turn is what has consequences.
WITH reported AS (
    SELECT DISTINCT ON (target_id, scheduled_at) *
      FROM jsonb_to_recordset(CAST(:reports AS jsonb)) AS r (
           target_id uuid, scheduled_at timestamptz, verdict text, checked_at timestamptz,
           response_ms double precision, error text, era text)
     ORDER BY target_id, scheduled_at, checked_at DESC
), slots AS (
    INSERT INTO health_checks (target_id, scheduled_at, verdict, checked_at, response_ms, error, era)
    SELECT target_id, scheduled_at, verdict, checked_at, response_ms, error, era FROM reported
    ON CONFLICT DO NOTHING
    RETURNING target_id, scheduled_at, verdict, checked_at, response_ms, error, era, verdict IN ($alive) AS alive
), hours AS (
    INSERT INTO health_hours AS h (target_id, hour, checks, alive, answers, total_ms, slowest_ms)
    SELECT target_id, date_trunc('hour', scheduled_at, 'UTC'), count(*), count(*) FILTER (WHERE alive),
           count(response_ms), coalesce(sum(response_ms), 0), max(response_ms)
      FROM slots GROUP BY 1, 2
    ON CONFLICT (target_id, hour) DO UPDATE
       SET checks = h.checks + excluded.checks, alive = h.alive + excluded.alive,
           answers = h.answers + excluded.answers, total_ms = h.total_ms + excluded.total_ms,
           slowest_ms = greatest(h.slowest_ms, excluded.slowest_ms)
), known AS (
    -- An array, for with a join the planner would rather read the targets of the whole fleet.
    SELECT t.* FROM health_targets t WHERE t.id = ANY (ARRAY(SELECT target_id FROM slots))
), life AS (
    SELECT t.id, greatest(t.last_alive_at, max(s.scheduled_at) FILTER (WHERE s.alive)) AS alive_at,
           greatest(t.last_failed_at, max(s.scheduled_at) FILTER (WHERE NOT s.alive)) AS failed_at
      FROM slots s JOIN known t ON t.id = s.target_id GROUP BY t.id, t.last_alive_at, t.last_failed_at
), latest AS (
    SELECT DISTINCT ON (id) *
      FROM (SELECT target_id AS id, scheduled_at, verdict, checked_at, response_ms, error, era FROM slots
            UNION ALL
            SELECT id, scheduled_at, verdict, checked_at, response_ms, error, era FROM known
             WHERE scheduled_at IS NOT NULL) every
     ORDER BY id, scheduled_at DESC
), counted AS (
    SELECT t.id, life.alive_at, life.failed_at,
           (SELECT count(*) FROM slots s WHERE s.target_id = t.id AND NOT s.alive
               AND (life.alive_at IS NULL OR s.scheduled_at > life.alive_at))
           + CASE WHEN life.alive_at IS NOT DISTINCT FROM t.last_alive_at THEN t.consecutive_failures
                  -- A sign of life came: only the failures after it still count.
                  ELSE (SELECT count(*) FROM health_checks h WHERE h.target_id = t.id
                           AND h.scheduled_at > life.alive_at AND h.verdict NOT IN ($alive)) END AS failures,
           (SELECT count(*) FROM slots s WHERE s.target_id = t.id AND s.alive
               AND (life.failed_at IS NULL OR s.scheduled_at > life.failed_at))
           + CASE WHEN life.failed_at IS NOT DISTINCT FROM t.last_failed_at THEN t.consecutive_successes
                  ELSE (SELECT count(*) FROM health_checks h WHERE h.target_id = t.id
                           AND h.scheduled_at > life.failed_at AND h.verdict IN ($alive)) END AS successes
      FROM known t JOIN life USING (id)
), judged AS (
    SELECT t.id, t.breaker AS was, c.failures, c.successes, c.alive_at, c.failed_at,
           CASE WHEN c.failures >= t.failure_threshold OR (t.breaker <> 'closed' AND c.failures > 0) THEN 'open'
                WHEN t.breaker <> 'closed' AND c.successes < t.recovery_threshold THEN 'half_open'
                ELSE 'closed' END AS breaker,
           t.scheduled_at IS DISTINCT FROM l.scheduled_at AS is_newer, l.scheduled_at >= t.next_check_at AS is_due
      FROM known t JOIN counted c USING (id) JOIN latest l USING (id)
), planned AS (
    SELECT j.*, CASE WHEN j.breaker <> 'open' THEN 0 WHEN j.is_newer THEN t.tries + 1 ELSE t.tries END AS tries
      FROM judged j JOIN known t USING (id)
)
UPDATE health_targets t
   SET scheduled_at = l.scheduled_at, verdict = l.verdict, checked_at = l.checked_at, response_ms = l.response_ms,
       error = l.error, era = l.era, last_alive_at = p.alive_at, last_failed_at = p.failed_at,
       consecutive_failures = p.failures, consecutive_successes = p.successes, breaker = p.breaker, tries = p.tries,
       opened_at = CASE WHEN p.breaker = 'closed' THEN NULL WHEN p.was = 'closed' THEN least(now(), l.scheduled_at)
                        ELSE t.opened_at END,
       next_check_at = CASE
           WHEN p.is_due IS NOT TRUE THEN t.next_check_at
           WHEN p.breaker = 'open'
           THEN now() + make_interval(secs => (1 + random() / 4)
                * least(t.reset_seconds * power(2, least(p.tries - 1, 20)), t.reset_limit_seconds))
           -- After an outage of all workers a target is not checked again for every slot that was missed.
           -- One that somebody else told of the future, or of a clock that is ahead, puts off none of ours.
           ELSE greatest(least(l.scheduled_at, now()) + make_interval(secs => t.interval_seconds),
                         now() + make_interval(secs => t.interval_seconds / 2.0))
                - make_interval(secs => least(random() * t.jitter_seconds, t.interval_seconds / 2.0)) END,
       next_check_reason = CASE WHEN p.is_due IS NOT TRUE THEN t.next_check_reason WHEN p.breaker = 'open' THEN 'back_off'
                                WHEN p.breaker = 'half_open' THEN 'half_open' ELSE 'regular' END,
       claimed_by = CASE WHEN p.is_due THEN NULL ELSE t.claimed_by END,
       claimed_at = CASE WHEN p.is_due THEN NULL ELSE t.claimed_at END
  FROM planned p JOIN latest l USING (id)
 WHERE t.id = p.id
RETURNING t.id, t.kind, t.mcp_instance_id, t.service_type, t.server_id,
          CASE WHEN p.was = 'closed' AND t.breaker <> 'closed' THEN 'lost'
               WHEN p.was <> 'closed' AND t.breaker = 'closed' THEN 'back' END,
          t.consecutive_failures, t.verdict, t.error, t.scheduled_at,
          (SELECT count(*) FROM slots s WHERE s.target_id = t.id),
          (SELECT i.status FROM mcp_instances i WHERE i.id = t.mcp_instance_id AND i.deleted_at IS NULL)
