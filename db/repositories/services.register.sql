-- A service keeps the port it has; a new one without a port gets the lowest free one of the range.
-- One that another name made stays as it is: a file must not take over what it only happens to be called like.
WITH written AS (
INSERT INTO service_registry (service_type, name, display_name, description, icon_url, category, port, base_url,
                              health_check_endpoint, auth_type, service_config, is_available)
SELECT CAST(:service_type AS text), CAST(:name AS text), CAST(:display_name AS text), CAST(:description AS text), CAST(:icon_url AS text),
       CAST(:category AS text),
       coalesce(CAST(:port AS integer),
                (SELECT r.port FROM service_registry r WHERE r.service_type = CAST(:service_type AS text)),
                (SELECT min(free) FROM generate_series(CAST(:first_port AS integer), CAST(:last_port AS integer)) AS free
                  WHERE free NOT IN (SELECT r.port FROM service_registry r))),
       CAST(:base_url AS text), CAST(:health_check_endpoint AS text), CAST(:auth_type AS text),
       CAST(:service_config AS jsonb), CAST(:is_available AS boolean)
    ON CONFLICT (service_type) DO UPDATE
   SET name = excluded.name, display_name = excluded.display_name, description = excluded.description,
       icon_url = excluded.icon_url, category = excluded.category, port = excluded.port, base_url = excluded.base_url,
       health_check_endpoint = excluded.health_check_endpoint, auth_type = excluded.auth_type,
       service_config = excluded.service_config, is_available = excluded.is_available
 WHERE lower(service_registry.name) = lower(excluded.name)
   AND (service_registry.name, service_registry.display_name, service_registry.description, service_registry.icon_url,
        service_registry.category, service_registry.port, service_registry.base_url,
        service_registry.health_check_endpoint, service_registry.auth_type, service_registry.service_config,
        service_registry.is_available)
       IS DISTINCT FROM
       (excluded.name, excluded.display_name, excluded.description, excluded.icon_url, excluded.category,
        excluded.port, excluded.base_url, excluded.health_check_endpoint, excluded.auth_type, excluded.service_config,
        excluded.is_available)
RETURNING xmax = 0 AS is_new)
SELECT is_new, CAST(NULL AS text) FROM written
 UNION ALL
SELECT NULL, r.name FROM service_registry r
 WHERE r.service_type = CAST(:service_type AS text) AND lower(r.name) <> lower(CAST(:name AS text))
