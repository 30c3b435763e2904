"""What a database's catalog says of our schemas, as text that can be compared."""

from typing import Final

from tests.databases import TestDatabase

OURS: Final = ["archive", "gateway", "maintenance", "partitions", "public"]

QUERIES: Final = {
    "schemas": """
        SELECT n.nspname, n.nspacl::text, obj_description(n.oid) FROM pg_namespace n
         WHERE n.nspname = ANY (%s) AND n.nspname <> 'public'""",
    "relations": """
        SELECT n.nspname, c.relname, c.relkind, c.relowner::regrole::text, c.relacl::text, c.relrowsecurity,
               c.reloptions::text, pg_get_expr(c.relpartbound, c.oid), pg_get_partkeydef(c.oid), obj_description(c.oid),
               CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY (%s) AND c.relkind <> 'i'""",
    "columns": """
        SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, a.attacl::text,
               a.attidentity, a.attgenerated, pg_get_expr(d.adbin, d.adrelid), col_description(c.oid, a.attnum)
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE n.nspname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm')""",
    "constraints": """
        SELECT n.nspname, c.conrelid::regclass::text, c.conname, pg_get_constraintdef(c.oid), c.convalidated
          FROM pg_constraint c JOIN pg_namespace n ON n.oid = c.connamespace
         WHERE n.nspname = ANY (%s) AND NOT (c.contype = 'f' AND c.conparentid <> 0)""",
    "indexes": """
        SELECT n.nspname, pg_get_indexdef(c.oid), obj_description(c.oid)
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY (%s) AND c.relkind IN ('i', 'I')""",
    "policies": """
        SELECT schemaname, tablename, policyname, permissive, roles::text, cmd, qual, with_check
          FROM pg_policies WHERE schemaname = ANY (%s)""",
    "triggers": """
        SELECT c.oid::regclass::text, pg_get_triggerdef(t.oid) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
          JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY (%s) AND NOT t.tgisinternal""",
    "functions": """
        SELECT p.oid::regprocedure::text, p.proowner::regrole::text, p.proacl::text, pg_get_functiondef(p.oid),
               obj_description(p.oid)
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (%s)""",
    "types": """
        SELECT n.nspname, t.typname, t.typacl::text, obj_description(t.oid),
               (SELECT array_agg(e.enumlabel ORDER BY e.enumsortorder)::text FROM pg_enum e WHERE e.enumtypid = t.oid)
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE n.nspname = ANY (%s) AND t.typtype IN ('d', 'e')""",
}


def snapshot(database: TestDatabase, *kinds: str) -> list[str]:
    """Return one line per object, of these kinds or all, sorted, so that a difference names the object."""
    return sorted(f"{kind}: {row}" for kind in kinds or QUERIES for row in database.ask(QUERIES[kind], OURS))
