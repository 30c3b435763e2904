-- As a list, so that no plan walks the index on time alone for an instance that has printed nothing for long.
SELECT followed.instance_id, newest.timestamp
  FROM unnest(CAST(:instance_ids AS uuid[])) AS followed (instance_id)
 CROSS JOIN LATERAL (
       SELECT timestamp FROM mcp_logs
        WHERE mcp_instance_id = ANY (ARRAY[followed.instance_id]) AND timestamp >= :since AND timestamp < :until
        ORDER BY mcp_instance_id, timestamp DESC LIMIT 1
 ) newest
