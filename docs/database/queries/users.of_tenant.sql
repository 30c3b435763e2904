SELECT u.id, u.name, u.email
  FROM users u
 WHERE u.tenant_id = :tenant_id AND u.role = CAST(:role AS user_role) AND u.is_active AND u.deleted_at IS NULL
   AND u.id > :after
 ORDER BY u.id LIMIT 50
