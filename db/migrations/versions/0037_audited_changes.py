"""Sensitive changes enter the audit trail by themselves, whoever makes them and by whatever way."""

from dataclasses import dataclass

from alembic import op

revision = "0037"
down_revision = "0036"
branch_labels = None
depends_on = None

# What a hidden column holds is never repeated in the trail, only that it changed.
NOTE_CHANGE = """
CREATE FUNCTION note_change() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    was    jsonb := CASE WHEN TG_OP <> 'INSERT' THEN to_jsonb(old) ELSE '{}' END;
    became jsonb := CASE WHEN TG_OP <> 'DELETE' THEN to_jsonb(new) ELSE '{}' END;
    hidden text[] := '{encrypted_key,encryption_iv,encrypted_dek,encrypted_api_key,encrypted_additional_credentials,
                       key_fingerprint,key_hash,salt,check_value,auth_config,password_hash,access_token_hash,instance_id}';
    old_data jsonb;
    new_data jsonb;
BEGIN
    -- What is being erased must not be written down once more.
    IF current_setting('minimcp.erasing', true) = 'on' THEN
        RETURN NULL;
    END IF;
    IF TG_TABLE_NAME = 'users' THEN
        hidden := hidden || '{email,name,username,avatar_url,auth_provider_id,user_metadata}'::text[];
    END IF;
    IF 'true' IN (was ->> 'is_sensitive', became ->> 'is_sensitive') THEN
        hidden := hidden || 'value'::text;
    END IF;
    SELECT jsonb_object_agg(key, CASE WHEN key = ANY (hidden) THEN '"[redacted]"' ELSE was -> key END)
               FILTER (WHERE was -> key <> 'null'),
           jsonb_object_agg(key, CASE WHEN key = ANY (hidden) THEN '"[redacted]"' ELSE became -> key END)
               FILTER (WHERE became -> key <> 'null')
      INTO old_data, new_data
      FROM jsonb_object_keys(was || became) AS key
     WHERE was -> key IS DISTINCT FROM became -> key AND key NOT IN ('created_at', 'updated_at');
    IF old_data IS NULL AND new_data IS NULL THEN
        RETURN NULL;
    END IF;
    INSERT INTO public.audit_log (table_name, record_id, action, old_data, new_data, user_id, ip_address)
    SELECT CASE TG_TABLE_SCHEMA WHEN 'public' THEN '' ELSE TG_TABLE_SCHEMA || '.' END || TG_TABLE_NAME,
           (SELECT string_agg((was || became) ->> part, '/' ORDER BY place)
              FROM unnest(TG_ARGV::text[]) WITH ORDINALITY AS key (part, place)),
           TG_OP, old_data, new_data,
           -- Whoever it was may be erased by now.
           (SELECT id FROM public.users
             WHERE id = nullif(CASE current_setting('app.actor_id', true)
                               WHEN 'owner' THEN (was || became) ->> 'user_id'
                               ELSE current_setting('app.actor_id', true) END, '')::uuid),
           nullif(current_setting('app.actor_address', true), '')::inet;
    RETURN NULL;
END $$;
REVOKE EXECUTE ON FUNCTION note_change() FROM PUBLIC;
COMMENT ON FUNCTION note_change() IS
    'Enters what changed of a row in the audit trail, without secrets; app.actor_id and app.actor_address say who did';
"""


@dataclass(frozen=True)
class Audited:
    """A table whose changes are sensitive; of updates only those of some columns, or those that meet a condition."""

    table: str
    key: str
    columns: str = ""
    when: str = ""
    only_updates: bool = False

    def trigger(self) -> str:
        """Write the statements that create its triggers."""
        of, when = (f" OF {self.columns}" if self.columns else ""), (f" WHEN ({self.when})" if self.when else "")
        call = f"FOR EACH ROW{{}} EXECUTE FUNCTION note_change({', '.join(repr(part) for part in self.key.split())})"
        name = self.table.rpartition(".")[2]
        update = f"CREATE TRIGGER {name}_changed AFTER UPDATE{of} ON {self.table} {call.format(when)};"
        if self.only_updates:
            return update
        return f"CREATE TRIGGER {name}_kept AFTER INSERT OR DELETE ON {self.table} {call.format('')}; {update}"

    def drop(self) -> str:
        """Write the statements that drop them."""
        name = self.table.rpartition(".")[2]
        kept = "" if self.only_updates else f"DROP TRIGGER {name}_kept ON {self.table};"
        return f"{kept} DROP TRIGGER {name}_changed ON {self.table};"


# Rotation wraps data keys anew and use is counted; neither is a change that anybody asks about later.
AUDITED = (
    Audited("api_keys", "id", columns="encrypted_key, is_active, expires_at"),
    Audited(
        "user_service_instances",
        "user_id service_type",
        columns="encrypted_api_key, encrypted_additional_credentials, is_active, config",
        when="(old.is_active, old.config, old.encrypted_additional_credentials,"
        " split_part(old.encrypted_api_key, '.', -1)) IS DISTINCT FROM"
        " (new.is_active, new.config, new.encrypted_additional_credentials,"
        " split_part(new.encrypted_api_key, '.', -1))",
    ),
    Audited("encryption_keys", "key_id"),
    Audited("service_registry", "service_type"),
    Audited("mcp_types", "name"),
    Audited("system_settings", "key"),
    Audited("maintenance.data_retention_policies", "schema_name table_name"),
    Audited("users", "id", columns="role, is_active, tenant_id, password_hash, deleted_at", only_updates=True),
    Audited(
        "mcp_instances",
        "id",
        columns="deleted_at",
        when="old.deleted_at IS NULL AND new.deleted_at IS NOT NULL",
        only_updates=True,
    ),
    Audited("tenants", "id"),
    Audited("users_organizations", "user_id organization_id"),
    Audited("gateway.api_keys", "id", columns="key_hash, permissions, scopes, is_active, expires_at"),
    Audited(
        "gateway.enhanced_api_keys",
        "id",
        columns="key_hash, scopes, allowed_servers, allowed_methods, ip_whitelist, is_active, expires_at, is_locked",
    ),
    Audited(
        "gateway.server_access_control",
        "id",
        columns="can_read, can_write, can_admin, can_proxy, allowed_methods, denied_methods, is_active,"
        " access_start_time, access_end_time",
    ),
    Audited("gateway.system_configs", "id"),
)


def upgrade() -> None:
    """Create the function, and a trigger for each table."""
    op.execute(NOTE_CHANGE)
    for table in AUDITED:
        op.execute(table.trigger())


def downgrade() -> None:
    """Drop them; what was entered stays."""
    for table in AUDITED:
        op.execute(table.drop())
    op.execute("DROP FUNCTION note_change()")
