CREATE FUNCTION maintenance.clock() RETURNS timestamptz
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
    -- Whoever may not drop a table must not be able to make it old either.
    SELECT CASE WHEN pg_has_role(session_user, 'mcp_owner', 'MEMBER')
                THEN coalesce(nullif(current_setting('maintenance.clock', true), '')::timestamptz, now())
                ELSE now() END
$$;
COMMENT ON FUNCTION maintenance.clock() IS
    'What time it is for maintenance: a login of the owner may set maintenance.clock, to rehearse years in seconds';
REVOKE EXECUTE ON FUNCTION maintenance.clock() FROM PUBLIC;
GRANT EXECUTE ON FUNCTION maintenance.clock() TO mcp_worker, mcp_reader;
