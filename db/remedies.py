"""What to do about a row that a constraint refuses: a sentence for each constraint by its name."""

from typing import Final

_CHECKS: Final[dict[str, str]] = {
    # What people and services are called, and where they are.
    "check_auth_provider": "An identity provider and the id there belong together: give both or neither",
    "check_tenant_id": "The id of a tenant has 1 to 64 characters: shorten it, or leave it out to get one",
    "check_tenant_status": "A tenant is active, suspended or disabled: choose one of these",
    "check_valid_url": "A server is reached by a URL that begins with http, https, ws or wss: write it out in full",
    "check_base_url": "A base URL begins with http:// or https:// and has no blanks: write it out in full",
    "check_health_check_endpoint": "A health check asks for a path: let it begin with /",
    "check_access_url": "A pending or running instance has an access URL: give it one",
    "check_service_type": "A service is named with lower-case letters, digits, and . _ - after the first: rename it",
    "check_service_port": "The port of a shared service is between 1024 and 65535: choose another",
    "check_port": "Ports of instances are between 3001 and 65535: choose another",
    "check_port_range": "Ports of instances are between 3001 and 65535: choose another",
    "check_available_port": "A port that is free belongs to no instance: give it back or lease it, not both",
    "check_set_aside": "A port that is set aside is neither free nor leased, and says why: give the reason, and take it"
    " back first",
    # Words from a list.
    "check_status": "An instance is pending, running, expired, disconnected or error: choose one of these",
    "check_server_status": "People set a server active, inactive or maintenance: choose one of these",
    "check_health_status": "A server is HEALTHY, UNHEALTHY, DEGRADED, UNKNOWN or MAINTENANCE: choose one of these",
    "check_transport_type": "A server speaks http, websocket, stdio, sse or streamable_http: choose one of these",
    "check_auth_type": "A service asks for api_key, oauth2, basic_auth or none: choose one of these",
    "check_level": "A line is of level debug, info, warn or error: choose one of these",
    "check_source": "A line comes from process, system or api: choose one of these",
    "check_verdict": "A verdict is up, degraded, auth_required, restarted, protocol_error, tools_missing, unreachable"
    " or timeout: choose one of these",
    "check_era": "The era of the protocol is modern or legacy: choose one of these",
    "check_action": "A change is an INSERT, an UPDATE or a DELETE: choose one of these",
    "check_state": "A message that is put by is suspect, retry, parked or delayed: choose one of these",
    "check_outcome": "A message in the inbox is applied or dead: choose one of these",
    "check_breaker_state": "A circuit breaker is closed, open or half_open: choose one of these",
    "check_comparison_operator": "A limit compares with >, <, >=, <= or ==: choose one of these",
    "check_load_balancing_strategy": "Requests are spread round_robin, weighted, least_connections, random or"
    " consistent_hash: choose one of these",
    "check_next_check_reason": "The next check is new, regular, back_off, half_open or asked: choose one of these",
    "check_key_status": "A master key is active, decrypt_only or retired: choose one of these",
    # Times and spans of time.
    "check_valid_date_range": "A server expires after it was entered: choose a later expiry",
    "check_session_expiry": "A session ends after it began: choose a later expiry",
    "check_key_expiry": "A key expires after it was made: choose a later expiry",
    "check_enhanced_key_expiry": "A key expires after it was made: choose a later expiry",
    "check_access_window": "Access ends after it begins: choose a later end",
    "check_positive_timeout": "A timeout is a number of milliseconds above 0: choose a longer one",
    "check_breaker_limits": "Thresholds and the timeout of a circuit breaker are above 0: raise what is not",
    "check_pool_timeouts": "Timeouts of a pool are numbers of milliseconds above 0: raise what is not",
    "check_queue_limits": "The size, the timeout and the levels of a queue are above 0: raise what is not",
    "check_alert_times": "Minutes of an alert are not below 0: raise what is",
    "check_target_times": "A check takes 0.1 to 30 s and no longer than its interval, which is a day at most, and"
    " no wait is endless: choose times that fit",
    "check_max_duration": "A type lets its instances live for more than 0 minutes: raise its longest duration",
    "check_triggered_since": "An alert that is triggered says since when: give the time",
    "check_held": "A legal hold is of one tenant or of one instance: give one of them",
    "check_hold_reason": "A legal hold says why it is and who ordered it: give both",
    "check_hold_until": "A legal hold ends after it begins: choose a later end, or none",
    # Numbers.
    "check_rate_limits": "Rate limits are above 0: raise what is not, or switch the key off",
    "check_pool_size": "A pool holds a connection at least, and no fewer than its smallest size: raise its largest",
    "check_success_rate": "A success rate is between 0 and 100 per cent: measure again",
    "check_error_rate": "An error rate is between 0 and 100 per cent: measure again",
    "check_uptime_percentage": "Uptime is between 0 and 100 per cent: measure again",
    "check_status_code": "A status code is between 100 and 599: leave it out when there was no answer",
    "check_duration": "A duration is not below 0: measure with a clock that does not go back",
    "check_response_ms": "A response time is not below 0: measure with a clock that does not go back",
    "check_response_time": "A response time is not below 0: measure with a clock that does not go back",
    "check_response_size": "A size is not below 0: leave it out when it is not known",
    "check_access_counts": "Counts and sizes are not below 0: count again",
    "check_breaker_counts": "Counts are not below 0: count again",
    "check_call_counts": "Counts are not below 0: count again",
    "check_queue_sizes": "Counts are not below 0: count again",
    "check_usage_count": "Counts are not below 0: count again",
    "check_consecutive_failures": "Counts are not below 0: count again",
    "check_outbox_attempts": "Counts are not below 0: count again",
    "check_target_counts": "Counts are not below 0: count again",
    "check_hour_counts": "Of an hour's checks no more were alive or answered than were made: count again",
    "check_target_thresholds": "A breaker opens after one failure at least and closes after two signs of life at least:"
    " raise what is less",
    "check_config_version": "Versions of a setting count from 1: raise it",
    # Whose something is, and what it holds.
    "check_target_subject": "A target is an instance, the process of one on its host, a service or a server: name that",
    "check_instance_target": "The target of an instance has the instance's id: give it that id",
    "check_key_owner": "A key belongs to a tenant, a user or both: name one",
    "check_enhanced_key_owner": "A key belongs to a tenant, a user or both: name one",
    "check_outbox_sender": "A message has a sender: set app.user_id or app.tenant_id in the transaction first",
    "check_one_subject": "A right is one user's, one tenant's or one key's: name exactly one",
    "check_outbox_payload": "The payload of a message is a JSON object: wrap what it is in one",
    "check_data": "A change tells what was or what became: give at least one",
    "check_access_token_hash": "A token is stored as 64 hexadecimal digits of SHA-256: hash it, never store it",
    "check_session_token_hash": "A token is stored as 64 hexadecimal digits of SHA-256: hash it, never store it",
    "check_check_value": "The check value of a master key has 64 hexadecimal digits: compute it again",
    "check_encrypted_api_key": "A share of a service has an encrypted key or none: seal the key, or leave it out",
    "check_share_key": "A secret is stored with the name of its master key: give both or neither",
    "check_share_end": "A share that has ended is not active and has no key: take both away with its end",
}
_DOUBLES: Final[dict[str, str]] = {
    "idx_users_email": "Another user has this e-mail address: choose another, or that user",
    "idx_users_username": "Another user has this name: choose another",
    "idx_users_auth_provider": "Another user signs in with this identity: choose that user",
    "idx_tenants_name": "Another tenant has this name: choose another",
    "idx_organizations_name": "Another organization of the tenant has this name: choose another",
    "uq_mcp_types_name": "Another type has this name: choose another",
    "uq_api_keys_user_id": "The user has a key for this type: replace it",
    "uq_mcp_instances_access_token_hash": "Another instance has this token: make a new one",
    "idx_mcp_instances_live_port": "Another live instance has this port of the host: lease another",
    "idx_port_allocations_mcp": "The instance leases another port: give that back first",
    "uq_service_registry_port": "Another service has this port: choose another",
    "uq_user_service_instances_user_id": "The user has a share of this service: use that one",
    "idx_mcp_servers_tenant_id_name": "Another server of the tenant has this name: choose another",
    "unique_active_server": "Another active server of the tenant is reached there: deactivate that one first",
    "uq_server_tools_server_id": "The server has a tool of this name: update that one",
    "uq_server_resources_server_id": "The server has a resource of this URI: update that one",
    "uq_circuit_breakers_server_id": "The server has a circuit breaker of this name: update that one",
    "uq_connection_pools_server_id": "The server has a pool of this name: update that one",
    "uq_request_queues_server_id": "The server has a queue of this name: update that one",
    "idx_performance_alerts_name": "The server has an alert of this name: update that one",
    "uq_health_targets_mcp_instance_id": "The instance is a target already: change that one",
    "uq_health_targets_service_type": "The service is a target already: change that one",
    "uq_health_targets_server_id": "The server is a target already: change that one",
    "uq_performance_alerts_target_id": "The target has an alert: update that one",
    "uq_sessions_session_token_hash": "Another session has this token: make a new one",
    "uq_api_keys_key_hash": "This key was entered before: make a new one",
    "uq_enhanced_api_keys_key_hash": "This key was entered before: make a new one",
    "idx_routing_rules_name": "Another rule of the tenant has this name: choose another",
    "idx_system_configs_key": "The tenant has this setting: update it",
    "uq_dead_letters_message_id": "The message has a dead letter: write that one anew",
    "uq_encryption_keys_usable_id": "There is a master key of this name: choose another name",
    "idx_encryption_keys_active": "Another master key is active: set that one decrypt_only first",
    # Ids that come from outside.
    "pk_users": "There is a user of this id: choose another id",
    "pk_tenants": "There is a tenant of this id: choose another id",
    "pk_mcp_servers": "There is a server of this id: choose another id",
    "pk_mcp_instances": "There is an instance of this id: choose another id",
    "pk_user_service_instances": "There is a share of this id: choose another id",
    "pk_outbox": "There is a message of this id: choose another id",
}
_KEPT: Final[dict[str, str]] = {
    "fk_users_tenant_id_tenants": "A user is of a tenant that exists: enter the tenant first, or move its users away"
    " before it goes",
    "fk_mcp_instances_mcp_type_id_mcp_types": "An instance is of a type that exists: enter the type first, or delete"
    " its instances before it goes",
    "fk_user_service_instances_service_type_service_registry": "A share is of a service that exists: register the"
    " service first, or delete its shares before it goes",
    "fk_service_usage_analytics_service_type_service_registry": "Usage is of a service that exists: register the"
    " service first, or set it unavailable instead of deleting it",
    "fk_user_service_instances_encryption_key_id_encryption_keys": "A share is encrypted under a master key that is"
    " registered and not retired: register the key first, or rotate its shares before it goes",
    "fk_api_keys_encryption_key_id_encryption_keys": "A key is encrypted under a master key that is registered and not"
    " retired: register the master key first, or wrap its keys anew before it goes",
    "fk_api_keys_archive_encryption_key_id_encryption_keys": "An archived key is encrypted under a master key that is"
    " registered and not retired: wrap the archived keys anew or delete them before it goes",
}
_MISSING: Final[dict[str, str]] = {
    "_users": "There is no such user: enter the user first",
    "_tenants": "There is no such tenant: enter the tenant first",
    "_organizations": "There is no such organization: enter the organization first",
    "_mcp_types": "There is no such type: enter the type first",
    "_mcp_instances_archive": "There is no such instance in the archive: archive the instance first",
    "_mcp_instances": "There is no such instance: create the instance first",
    "_api_keys": "There is no such key: store the key first",
    "_enhanced_api_keys": "There is no such key: make the key first",
    "_mcp_servers": "There is no such server: register the server first",
    "_health_targets": "There is no such target: have what it checks entered first",
    "_service_registry": "There is no such service: register the service first",
}
_REMEDIES: Final = {**_CHECKS, **_DOUBLES, **_KEPT}


def remedy(constraint: str) -> str | None:
    """Return what to do about a row that a constraint refuses, None for one that no input of users can meet."""
    found = _REMEDIES.get(constraint)
    if found is None and constraint.startswith("fk_"):
        # The name of a foreign key ends with the table that it points to.
        found = next((sentence for table, sentence in _MISSING.items() if constraint.endswith(table)), None)
    return found


def constraints() -> frozenset[str]:
    """Return the constraints that have a sentence of their own."""
    return frozenset(_REMEDIES)
