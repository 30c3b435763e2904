-- What seals and verifies, where it is not as it was made: a trigger that is gone or off, a function of other words.
SELECT 'trigger ' || t.name || ' of ' || t.table_name
  FROM unnest(CAST(:tables AS text[]), CAST(:triggers AS text[]), CAST(:calls AS text[])) AS t (table_name, name, calls)
 WHERE NOT EXISTS (SELECT FROM pg_trigger g
                    WHERE g.tgrelid = to_regclass(t.table_name) AND g.tgname = t.name AND g.tgenabled IN ('O', 'A')
                      AND g.tgfoid = to_regprocedure(t.calls))
UNION ALL
SELECT 'function ' || f.name FROM unnest(CAST(:functions AS text[]), CAST(:digests AS text[])) AS f (name, digest)
 WHERE NOT EXISTS (SELECT FROM pg_proc p WHERE p.oid = to_regprocedure(f.name) AND p.proowner = (
                          SELECT c.relowner FROM pg_class c WHERE c.oid = 'maintenance.audit_blocks'::regclass)
                      AND encode(substring(sha256(convert_to(concat_ws(' ', p.prosecdef, p.proconfig::text, p.prosrc), 'UTF8'))
                                           FOR 16), 'hex') = f.digest)
 ORDER BY 1
