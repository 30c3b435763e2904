-- A service keeps the port it has; a new one without a port gets the lowest free one of the range.
-- One that another name made stays as it is: a file must not take over what it only happens to be called like.
-- What the row says is dated also when nothing else changes: else something older could come after it and win.
-- Whoever registers holds the ports, so what is read here is what is written to.
WITH before AS (
SELECT r.* FROM service_registry r WHERE r.service_type = CAST(:service_type AS text)
), given AS (
SELECT CAST(:service_type AS text) AS service_type, CAST(:name AS text) AS name,
       CAST(:display_name AS text) AS display_name, CAST(:description AS text) AS description,
       CAST(:icon_url AS text) AS icon_url, CAST(:category AS text) AS category,
       coalesce(CAST(:port AS integer), (SELECT port FROM before),
                (SELECT min(free) FROM generate_series(CAST(:first_port AS integer), CAST(:last_port AS integer)) AS free
                  WHERE free NOT IN (SELECT r.port FROM service_registry r))) AS port,
       CAST(:base_url AS text) AS base_url, CAST(:health_check_endpoint AS text) AS health_check_endpoint,
       CAST(:auth_type AS text) AS auth_type, CAST(:service_config AS jsonb) AS service_config,
       CAST(:is_available AS boolean) AS is_available
), verdict AS (
SELECT b.name AS present,
       CASE WHEN b.service_type IS NULL THEN 'new'
            WHEN lower(b.name) <> lower(g.name) THEN 'namesake'
            WHEN b.registered_at > CAST(:said_at AS timestamptz) THEN 'outdated'
            WHEN (b.name, b.display_name, b.description, b.icon_url, b.category, b.port, b.base_url,
                  b.health_check_endpoint, b.auth_type, b.service_config, b.is_available)
                 IS DISTINCT FROM
                 (g.name, g.display_name, g.description, g.icon_url, g.category, g.port, g.base_url,
                  g.health_check_endpoint, g.auth_type, g.service_config, g.is_available) THEN 'changed'
            ELSE 'unchanged' END AS outcome
  FROM given g LEFT JOIN before b ON true
), written AS (
INSERT INTO service_registry (service_type, name, display_name, description, icon_url, category, port, base_url,
                              health_check_endpoint, auth_type, service_config, is_available, registered_at)
SELECT g.service_type, g.name, g.display_name, g.description, g.icon_url, g.category, g.port, g.base_url,
       g.health_check_endpoint, g.auth_type, g.service_config, g.is_available, CAST(:said_at AS timestamptz)
  FROM given g, verdict WHERE outcome IN ('new', 'changed', 'unchanged')
    ON CONFLICT (service_type) DO UPDATE
   SET name = excluded.name, display_name = excluded.display_name, description = excluded.description,
       icon_url = excluded.icon_url, category = excluded.category, port = excluded.port, base_url = excluded.base_url,
       health_check_endpoint = excluded.health_check_endpoint, auth_type = excluded.auth_type,
       service_config = excluded.service_config, is_available = excluded.is_available,
       registered_at = excluded.registered_at
)
SELECT outcome, present FROM verdict
