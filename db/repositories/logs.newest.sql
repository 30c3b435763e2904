SELECT followed.instance_id, newest.timestamp
  FROM unnest(CAST(:instance_ids AS uuid[])) AS followed (instance_id)
 CROSS JOIN LATERAL (
       SELECT timestamp FROM mcp_logs
        WHERE mcp_instance_id = followed.instance_id AND timestamp >= :since AND timestamp < :until
        ORDER BY timestamp DESC LIMIT 1
 ) newest
