WITH told AS (
    SELECT id, at, stats
      FROM unnest(CAST(:ids AS uuid[]), CAST(:ats AS timestamptz[]), CAST(:stats AS text[])) AS t (id, at, stats)
), held AS MATERIALIZED (
    -- One order for all, so that two batches never wait for each other in a circle.
    SELECT i.id FROM mcp_instances i WHERE i.id = ANY (CAST(:ids AS uuid[])) ORDER BY i.id FOR NO KEY UPDATE
), moved AS (
    UPDATE mcp_instances i SET stats = told.stats::jsonb, stats_at = told.at
      FROM held JOIN told USING (id)
     WHERE i.id = held.id AND (i.stats_at IS NULL OR i.stats_at < told.at)
)
SELECT id FROM held
