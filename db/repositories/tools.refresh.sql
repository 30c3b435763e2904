-- What a server lists now takes the place of what it listed before; what did not change is not written.
WITH listed AS (
    SELECT DISTINCT ON (name) * FROM jsonb_to_recordset(CAST(:tools AS jsonb)) AS l (name text, description text, schema jsonb)
     ORDER BY name
), gone AS (
    DELETE FROM gateway.server_tools t
     WHERE t.server_id = CAST(:server_id AS text) AND t.name NOT IN (SELECT name FROM listed)
), written AS (
    INSERT INTO gateway.server_tools AS t (server_id, name, description, tool_schema)
    SELECT CAST(:server_id AS text), name, description, schema FROM listed
    ON CONFLICT (server_id, name) DO UPDATE SET description = excluded.description, tool_schema = excluded.tool_schema
     WHERE (t.description, t.tool_schema) IS DISTINCT FROM (excluded.description, excluded.tool_schema)
    RETURNING t.id
)
SELECT count(*) FROM written
