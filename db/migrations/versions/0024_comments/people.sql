COMMENT ON TABLE alembic_version IS 'Which migration the schema is at; Alembic keeps it';
COMMENT ON COLUMN alembic_version.version_num IS 'Revision of the newest migration that was applied';

COMMENT ON COLUMN users.id IS 'Identity of the user in every table and message';
COMMENT ON COLUMN users.name IS 'What people call the user';
COMMENT ON COLUMN users.is_active IS 'A user who is not active may not have new instances';
COMMENT ON COLUMN users.email_verified IS 'The address was proven to be the user''s';
COMMENT ON COLUMN users.username IS 'Unique among users that are not deleted, whatever its case';
COMMENT ON COLUMN users.avatar_url IS 'Picture of the user';
COMMENT ON COLUMN users.email_verified_at IS 'When the address was proven';

COMMENT ON COLUMN tenants.description IS 'For operators';
COMMENT ON COLUMN tenants.status IS 'active; suspended for a while; disabled for good';
COMMENT ON COLUMN tenants.settings IS 'What the tenant chose; settings of the gateway are in gateway.system_configs';

COMMENT ON COLUMN organizations.id IS 'Text, for gateways bring ids of their own';
COMMENT ON COLUMN organizations.name IS 'Unique within its tenant among organizations that are not deleted, whatever its case';
COMMENT ON COLUMN organizations.description IS 'What the group is for';
COMMENT ON COLUMN users_organizations.user_id IS 'The member';
COMMENT ON COLUMN users_organizations.organization_id IS 'What the user is a member of';
COMMENT ON COLUMN users_organizations.joined_at IS 'When the membership began';

COMMENT ON COLUMN audit_log.id IS 'Identity of the entry, together with created_at';
COMMENT ON COLUMN audit_log.table_name IS 'The table that was changed';
COMMENT ON COLUMN audit_log.action IS 'INSERT, UPDATE or DELETE';
COMMENT ON COLUMN audit_log.ip_address IS 'Where the change was asked for, if it came over a network';
COMMENT ON COLUMN audit_log.created_at IS 'When the change was made';
