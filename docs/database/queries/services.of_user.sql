SELECT s.instance_id, s.service_type, s.last_used_at
  FROM user_service_instances s
 WHERE s.user_id = :user_id AND s.is_active = true
