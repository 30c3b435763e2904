WITH told AS (
    SELECT id, at FROM unnest(CAST(:ids AS uuid[]), CAST(:ats AS timestamptz[])) AS t (id, at)
), held AS MATERIALIZED (
    -- One order for all, so that two batches never wait for each other in a circle.
    SELECT i.id FROM mcp_instances i WHERE i.id = ANY (CAST(:ids AS uuid[])) ORDER BY i.id FOR NO KEY UPDATE
), moved AS (
    UPDATE mcp_instances i SET last_accessed = told.at
      FROM held JOIN told USING (id)
     WHERE i.id = held.id AND (i.last_accessed IS NULL OR i.last_accessed < told.at)
)
SELECT id FROM held
