SELECT a.service_type, count(*) AS calls, round(avg(a.response_time_ms), 1) AS avg_response_ms
  FROM service_usage_analytics a
 WHERE a.timestamp >= :since AND a.timestamp < :until
 GROUP BY a.service_type
 ORDER BY calls DESC
