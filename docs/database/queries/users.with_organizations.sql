SELECT u.id, u.name, o.name AS organization, m.role, m.joined_at
  FROM users u
  JOIN users_organizations m ON m.user_id = u.id
  JOIN organizations o ON o.id = m.organization_id AND o.deleted_at IS NULL
 WHERE u.id = :user_id AND u.deleted_at IS NULL
 ORDER BY m.joined_at
