COMMENT ON COLUMN mcp_types.id IS 'Identity of the type';
COMMENT ON COLUMN mcp_types.display_name IS 'What people are shown';
COMMENT ON COLUMN mcp_types.description IS 'What a server of this type does';
COMMENT ON COLUMN mcp_types.icon_url IS 'Picture of the type';
COMMENT ON COLUMN mcp_types.resource_limits IS 'CPU cores and memory that the host allows an instance';
COMMENT ON COLUMN mcp_types.is_active IS 'A type that is not active gets no new instances';
COMMENT ON COLUMN mcp_types.category IS 'What the type is listed under';

COMMENT ON COLUMN mcp_instances.id IS 'Made by the producer, so that asking again is the same request';
COMMENT ON COLUMN mcp_instances.user_id IS 'Whose it is; row level security goes by it';
COMMENT ON COLUMN mcp_instances.mcp_type_id IS 'What kind of server it runs';
COMMENT ON COLUMN mcp_instances.api_key_id IS 'The key that it works with; NULL when it needs none or the key was deleted';
COMMENT ON COLUMN mcp_instances.name IS 'What its owner calls it';
COMMENT ON COLUMN mcp_instances.process_id IS 'Its process on the host; NULL before it was started';
COMMENT ON COLUMN mcp_instances.status IS
    'pending, running, then expired, disconnected or error; only transitions that are allowed are made';
COMMENT ON COLUMN mcp_instances.is_active IS 'Computed: pending or running, and not deleted';
COMMENT ON COLUMN mcp_instances.expires_at IS 'When it will be expired, whether it was started or not';
COMMENT ON COLUMN mcp_instances.config IS 'What this instance was asked to be set up with';
COMMENT ON COLUMN mcp_instances.error_message IS 'Why the status is error';
COMMENT ON COLUMN mcp_instances.last_accessed IS 'When somebody last used it';
COMMENT ON COLUMN mcp_instances.last_health_check IS 'When the newest check was made; its verdict is in instance_health';
COMMENT ON COLUMN mcp_instances.created_at IS 'When it was asked for';

COMMENT ON COLUMN mcp_instances_archive.archived_at IS 'When the instance had moved to a shared service';
COMMENT ON COLUMN mcp_types_archive.archived_at IS 'When the type was no longer offered';

COMMENT ON COLUMN port_allocations.host_id IS 'The machine that the port is on';
COMMENT ON COLUMN port_allocations.port IS 'From 3001 on; which ones there are is up to the pool of the host';
COMMENT ON COLUMN port_allocations.mcp_instance_id IS 'Who leases it; NULL when nobody does';
COMMENT ON COLUMN port_allocations.allocated_at IS 'When it was last leased';
COMMENT ON COLUMN port_allocations.released_at IS 'When it was last given back; NULL for a port that was never leased';
COMMENT ON COLUMN port_allocations.last_health_check IS 'When somebody last looked whether the port is really free';

COMMENT ON COLUMN mcp_events.id IS 'Identity of the event, together with created_at';
COMMENT ON COLUMN mcp_events.mcp_instance_id IS 'The instance that it happened to';
COMMENT ON COLUMN mcp_events.user_id IS 'Whose instance it was; NULL once the user was erased';
COMMENT ON COLUMN mcp_events.event_data IS 'When it happened, the status before, and what else belongs to the event';
COMMENT ON COLUMN mcp_events.ip_address IS 'Where it was asked for, if it came over a network';
COMMENT ON COLUMN mcp_events.user_agent IS 'The program that asked';

COMMENT ON COLUMN system_settings.key IS 'Name of the setting, with dots';
COMMENT ON COLUMN system_settings.value IS 'Any JSON; numbers are numbers';
COMMENT ON COLUMN system_settings.description IS 'What the setting does';

COMMENT ON COLUMN api_keys.id IS 'Identity of the key; the encryption is bound to it';
COMMENT ON COLUMN api_keys.user_id IS 'Whose key it is';
COMMENT ON COLUMN api_keys.mcp_type_id IS 'The type whose instances work with it';
COMMENT ON COLUMN api_keys.encryption_key_id IS 'The master key that encrypted_dek is wrapped by';
COMMENT ON COLUMN api_keys.is_active IS 'False once it was revoked';
COMMENT ON COLUMN api_keys.expires_at IS 'When the third party stops to accept it, if it says so';

COMMENT ON COLUMN encryption_keys.key_id IS 'Name of the master key in the settings of the workers';
COMMENT ON COLUMN encryption_keys.created_at IS 'When a worker first came with the key';
COMMENT ON COLUMN encryption_keys.retired_at IS 'When no secret was left under it';

COMMENT ON COLUMN api_key_validation_cache.user_id IS 'Whose key was asked about';
COMMENT ON COLUMN api_key_validation_cache.service_type IS 'The service that was asked';
COMMENT ON COLUMN api_key_validation_cache.is_valid IS 'What the service said';
COMMENT ON COLUMN api_key_validation_cache.validated_at IS 'When it was asked';
COMMENT ON COLUMN api_key_validation_cache.expires_at IS 'When the answer is too old to be believed; a tick deletes it then';

COMMENT ON COLUMN mcp_logs.mcp_instance_id IS 'Who printed it; every query names it, so that an index finds the lines';
COMMENT ON COLUMN mcp_logs.level IS 'debug, info, warn or error';
COMMENT ON COLUMN mcp_logs.source IS 'Who printed it: the process, the system around it, or the api that it serves';
COMMENT ON COLUMN mcp_logs.message IS 'The line; cut and marked when it is longer than a message may carry';
COMMENT ON COLUMN mcp_logs.metadata IS 'What the line carries beyond its text';
COMMENT ON COLUMN mcp_logs.created_at IS 'When it was stored';

COMMENT ON COLUMN log_quarantine.id IS 'Counts up, so the order of arrival can be seen';
COMMENT ON COLUMN log_quarantine.reason IS 'Why it could not be stored, in one word';
COMMENT ON COLUMN log_quarantine.created_at IS 'When it was put here';

COMMENT ON COLUMN health_checks.mcp_instance_id IS 'The instance that was checked';
COMMENT ON COLUMN health_checks.verdict IS 'What the check found; up, degraded, auth_required and restarted count as alive';
COMMENT ON COLUMN health_checks.checked_at IS 'When the answer came or was given up';
COMMENT ON COLUMN health_checks.response_ms IS 'How long the answer took, in milliseconds';
COMMENT ON COLUMN health_checks.error IS 'What went wrong, in a sentence';
COMMENT ON COLUMN health_checks.created_at IS 'When the report was stored';

COMMENT ON COLUMN instance_health.mcp_instance_id IS 'The instance that the verdict is about';
COMMENT ON COLUMN instance_health.verdict IS 'What its newest check found';
COMMENT ON COLUMN instance_health.checked_at IS 'When that check was made';
COMMENT ON COLUMN instance_health.response_ms IS 'How long its answer took, in milliseconds';
COMMENT ON COLUMN instance_health.error IS 'What went wrong in it, in a sentence';
COMMENT ON COLUMN instance_health.era IS 'Which era of the protocol the server spoke in it';
