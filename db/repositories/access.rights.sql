SELECT bool_or(a.can_read), bool_or(a.can_write), bool_or(a.can_admin), bool_or(a.can_proxy),
       array_remove(array_agg(DISTINCT denied.method), NULL)
  FROM gateway.server_access_control a
  LEFT JOIN LATERAL jsonb_array_elements_text(a.denied_methods) AS denied (method) ON true
 WHERE a.server_id = :server_id AND a.is_active
   AND (a.user_id = CAST(:user_id AS uuid) OR a.tenant_id = CAST(:tenant_id AS text) OR a.api_key_id = CAST(:key_id AS text))
   AND coalesce(a.access_start_time <= now(), true) AND coalesce(a.access_end_time > now(), true)
   AND (a.allowed_days = '[]' OR a.allowed_days @> to_jsonb(extract(isodow FROM now() AT TIME ZONE 'UTC')::integer))
   AND (a.allowed_hours = '[]' OR a.allowed_hours @> to_jsonb(extract(hour FROM now() AT TIME ZONE 'UTC')::integer))
HAVING count(*) > 0
