-- What a server lists now takes the place of what it listed before; what did not change is not written.
WITH listed AS (
    SELECT DISTINCT ON (uri) * FROM jsonb_to_recordset(CAST(:resources AS jsonb))
                                 AS l (uri text, name text, description text, mime_type text)
     ORDER BY uri
), gone AS (
    DELETE FROM gateway.server_resources r
     WHERE r.server_id = CAST(:server_id AS text) AND r.uri_template NOT IN (SELECT uri FROM listed)
), written AS (
    INSERT INTO gateway.server_resources AS r (server_id, uri_template, name, description, mime_type)
    SELECT CAST(:server_id AS text), uri, name, description, mime_type FROM listed
    ON CONFLICT (server_id, uri_template) DO UPDATE
       SET name = excluded.name, description = excluded.description, mime_type = excluded.mime_type
     WHERE (r.name, r.description, r.mime_type) IS DISTINCT FROM (excluded.name, excluded.description, excluded.mime_type)
    RETURNING r.id
)
SELECT count(*) FROM written
