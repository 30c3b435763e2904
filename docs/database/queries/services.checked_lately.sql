SELECT h.service_type, h.is_healthy, h.response_time_ms
  FROM service_health_status h
 WHERE h.last_health_check > now() - interval '5 minutes'
