"""What a database's catalog says of our schemas: rows to make documents from, and text that can be compared.

Read with an empty search_path, so that every name comes with its schema.  What belongs to one day or one server is
left out: the bounds of partitions, the owner's own rights, the names of NOT NULL constraints.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final, TypeAlias

import psycopg
from psycopg.rows import dict_row

OURS: Final = ["archive", "gateway", "maintenance", "partitions", "public"]

Row: TypeAlias = Mapping[str, Any]
"""Attributes of an object by name; `name` is what the object is called, with its schema and its table."""


# Who else has which rights; without an ACL those that PostgreSQL gives by itself.
_GRANTS: Final = """
    CREATE FUNCTION pg_temp.grants(acl aclitem[], kind "char", owner oid) RETURNS text[] LANGUAGE sql AS $$
        SELECT coalesce(array_agg(given.rights || ' to ' || given.role ORDER BY given.role COLLATE "C"), '{}') FROM (
            SELECT CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE x.grantee::regrole::text END AS role,
                   string_agg(x.privilege_type || CASE WHEN x.is_grantable THEN '*' ELSE '' END, ', '
                              ORDER BY x.privilege_type COLLATE "C") AS rights
              FROM aclexplode(coalesce(acl, acldefault(kind, owner))) x WHERE x.grantee <> owner GROUP BY x.grantee
        ) given
    $$"""

QUERIES: Final = {
    "schema": """
        SELECT n.nspname AS name, pg_temp.grants(n.nspacl, 'n', n.nspowner) AS grants, obj_description(n.oid) AS comment
          FROM pg_namespace n WHERE n.nspname = ANY (%s)""",
    "relation": """
        SELECT n.nspname || '.' || c.relname AS name, n.nspname AS schema, c.relname AS bare_name, c.relkind AS kind,
               c.relowner::regrole::text AS owner, c.relrowsecurity AS row_security,
               c.relforcerowsecurity AS forced, c.reloptions AS options,
               (SELECT i.inhparent::regclass::text FROM pg_inherits i WHERE i.inhrelid = c.oid) AS partition_of,
               pg_get_partkeydef(c.oid) AS partitioned_by, pg_temp.grants(c.relacl, 'r', c.relowner) AS grants,
               obj_description(c.oid) AS comment,
               CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END AS definition
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY (%s) AND c.relkind NOT IN ('i', 'I')""",
    "column": """
        SELECT n.nspname || '.' || c.relname || '.' || a.attname AS name, n.nspname || '.' || c.relname AS relation,
               a.attname AS bare_name, a.attnum AS position, format_type(a.atttypid, a.atttypmod) AS type,
               a.attnotnull AS not_null, pg_get_expr(d.adbin, d.adrelid) AS default, a.attidentity AS identity,
               a.attgenerated AS generated, pg_temp.grants(a.attacl, 'c', c.relowner) AS grants,
               col_description(c.oid, a.attnum) AS comment
          FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
          LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
         WHERE n.nspname = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped AND NOT c.relispartition
           AND c.relkind IN ('r', 'p', 'v', 'm')""",
    "constraint": """
        SELECT c.conrelid::regclass::text || '.' || c.conname AS name, c.conrelid::regclass::text AS relation,
               c.conname AS bare_name, c.contype AS kind, pg_get_constraintdef(c.oid) AS definition,
               NOT c.convalidated AS not_validated, nullif(c.confrelid, 0)::regclass::text AS refers_to,
               ARRAY(SELECT a.attname::text FROM unnest(c.conkey) WITH ORDINALITY k (attnum, place)
                       JOIN pg_attribute a ON a.attrelid = c.conrelid AND a.attnum = k.attnum ORDER BY place)
                   AS columns,
               obj_description(c.oid) AS comment
          FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_namespace n ON n.oid = c.connamespace
         WHERE n.nspname = ANY (%s) AND NOT r.relispartition AND c.contype <> 'n' AND c.conparentid = 0""",
    "index": """
        SELECT n.nspname || '.' || c.relname AS name, c.relname AS bare_name, i.indrelid::regclass::text AS relation,
               pg_get_indexdef(c.oid) AS definition, i.indisunique AS is_unique, NOT i.indisvalid AS invalid,
               EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid AND k.contype IN ('p', 'u', 'x'))
                   AS of_constraint,
               obj_description(c.oid) AS comment
          FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indexrelid = c.oid
         WHERE n.nspname = ANY (%s) AND NOT c.relispartition
           AND NOT (SELECT r.relispartition FROM pg_class r WHERE r.oid = i.indrelid)""",
    "policy": """
        SELECT schemaname || '.' || tablename || '.' || policyname AS name, schemaname || '.' || tablename AS relation,
               policyname AS bare_name, permissive, array_to_string(roles, ', ') AS roles, cmd AS command,
               qual AS using, with_check AS check
          FROM pg_policies WHERE schemaname = ANY (%s)""",
    "trigger": """
        SELECT t.tgrelid::regclass::text || '.' || t.tgname AS name, t.tgrelid::regclass::text AS relation,
               pg_get_triggerdef(t.oid) AS definition, t.tgenabled AS enabled, obj_description(t.oid) AS comment
          FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
         WHERE n.nspname = ANY (%s) AND NOT t.tgisinternal""",
    "function": """
        SELECT p.oid::regprocedure::text AS name, n.nspname AS schema, p.proname AS bare_name,
               p.proowner::regrole::text AS owner, pg_get_function_arguments(p.oid) AS arguments,
               pg_get_function_result(p.oid) AS result, p.prosecdef AS security_definer,
               pg_temp.grants(p.proacl, 'f', p.proowner) AS grants, obj_description(p.oid) AS comment,
               pg_get_functiondef(p.oid) AS definition
          FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname = ANY (%s)""",
    "type": """
        SELECT n.nspname || '.' || t.typname AS name, pg_temp.grants(t.typacl, 'T', t.typowner) AS grants,
               ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
                   AS labels,
               obj_description(t.oid) AS comment
          FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
         WHERE n.nspname = ANY (%s) AND t.typtype IN ('d', 'e')""",
}

# Said by the name already, or by the definition.
_IMPLIED: Final = frozenset(
    {"name", "schema", "bare_name", "relation", "position", "refers_to", "columns", "is_unique", "arguments", "result"}
)
_DAY: Final = re.compile(r"_y\d{4}(?:m\d{2}(?:d\d{2})?|w\d{2})\b")
_ALIAS: Final = re.compile(r"\b[a-z]\.(?=\w)")


def read(url: str) -> dict[str, list[Row]]:
    """Return the objects of each kind, sorted by name; the columns of a table in their order."""
    with psycopg.connect(url, options="-c search_path= -c timezone=UTC", row_factory=dict_row) as connection:
        connection.execute(_GRANTS)
        found = {kind: connection.execute(query.encode(), [OURS]).fetchall() for kind, query in QUERIES.items()}
        connection.rollback()
    for view in found["relation"]:
        view["definition"] = view["definition"] and _plain(view["definition"])
    return {kind: sorted(rows, key=_place) for kind, rows in found.items()}


def _plain(definition: str) -> str:
    # Since 16, a view of one table is printed without the alias of the table.
    return _ALIAS.sub("", definition) if len(set(_ALIAS.findall(definition))) == 1 else definition


def _place(row: Row) -> tuple[object, ...]:
    return (row["relation"], row["position"]) if "position" in row else (row["name"],)


def snapshot(url: str) -> list[str]:
    """Return a line per object, and one per line of a view or function; each names the object that it tells of."""
    objects = {
        _DAY.sub("_<time>", "\n".join(_lines(kind, row))): None for kind, rows in read(url).items() for row in rows
    }
    return "\n".join(objects).splitlines()


def _lines(kind: str, row: Row) -> Iterator[str]:
    told = {name: value for name, value in row.items() if name not in _IMPLIED and value not in (None, False, "", [])}
    long = {name: value for name, value in told.items() if "\n" in str(value)}
    yield " | ".join([f"{kind} {row['name']}", *(_said(name, told[name]) for name in told if name not in long)])
    for name, value in long.items():
        for line in str(value).strip().splitlines():
            yield f"{kind} {row['name']} {name}> {line.rstrip()}".rstrip()


def _said(name: str, value: object) -> str:
    if value is True:
        return name
    return f"{name} {', '.join(map(str, value)) if isinstance(value, list) else value}"
