-- Each instance has a bound of its own, so that one whose clock is slow is not behind the bound of another.
-- What a snapshot did not see has a transaction id that is not before the oldest one that was running then; its
-- subtransactions come after it.  Rows in between may have been seen: whoever asks leaves those out by their ids.
SELECT l.id, l.mcp_instance_id, l.timestamp, l.level, l.source, l.message, l.metadata
  FROM unnest(CAST(:instance_ids AS uuid[]), CAST(:bounds AS timestamptz[])) AS followed (instance_id, bound)
 CROSS JOIN LATERAL (
       SELECT * FROM mcp_logs
        WHERE mcp_instance_id = followed.instance_id AND timestamp >= followed.bound
          AND timestamp >= :since AND timestamp < :until
          AND age(xmin) <= age(CAST(CAST(:horizon AS xid8) AS xid))
          AND (CAST(:levels AS text[]) IS NULL OR level = ANY (CAST(:levels AS text[])))
          AND (CAST(:words AS text) IS NULL
               OR to_tsvector('simple', message) @@ websearch_to_tsquery('simple', CAST(:words AS text)))
 ) l
 ORDER BY l.timestamp, l.id
