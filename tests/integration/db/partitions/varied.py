"""A partitioned table of values that are hard to keep as they are, and a month of it that has left."""

from typing import Final

from tests.databases import TestDatabase

RELATION: Final = "archive.varied_y2020m01"
ROWS: Final = 5_003

TABLE: Final = """
CREATE TYPE mood AS ENUM ('so so', 'fine');
CREATE TABLE varied (
    id         bigint      NOT NULL,
    at         timestamptz NOT NULL,
    tenant_id  text,
    "Odd name" text,
    words      text[],
    document   jsonb,
    raw        json,
    key        uuid,
    address    inet,
    network    cidr,
    amount     numeric,
    price      numeric(10, 2),
    ratio      double precision,
    small      smallint,
    whole      integer,
    yes        boolean,
    moment     timestamptz,
    day        date,
    span       interval,
    bytes      bytea,
    feeling    mood,
    made       date GENERATED ALWAYS AS ((at AT TIME ZONE 'UTC')::date) STORED,
    PRIMARY KEY (id, at)
) PARTITION BY RANGE (at);
ALTER TABLE varied OWNER TO mcp_owner;
ALTER TYPE mood OWNER TO mcp_owner;
INSERT INTO maintenance.data_retention_policies (table_name, partition_column, retention_days, strategy)
VALUES ('varied', 'at', 365, 'detach_archive');
CREATE TABLE partitions.varied_y2020m01 (LIKE varied INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING GENERATED);
ALTER TABLE partitions.varied_y2020m01 OWNER TO mcp_owner;
ALTER TABLE varied ATTACH PARTITION partitions.varied_y2020m01 FOR VALUES FROM ('2020-01-01Z') TO ('2020-02-01Z');
"""
VALUES: Final = """
INSERT INTO varied (id, at, tenant_id, "Odd name", words, document, raw, key, address, network, amount, price, ratio,
                    small, whole, yes, moment, day, span, bytes, feeling)
VALUES (1, '2020-01-01Z', 'a', '', '{}', '{}', '{"b":1, "a" : 1.10}', gen_random_uuid(), '::1', '10.0.0.0/8',
        'NaN', 0.10, 'NaN', -32768, -2147483648, true, 'infinity', 'infinity', '1 year -3 days 00:00:00.000001',
        '\\x00ff', 'so so'),
       (2, '2020-01-31 23:59:59.999999Z', NULL, E'a\\tb\\nc\\\\d"e''f\\r,', '{NULL,"","NULL","a,b","{"}',
        '{"deep": [1e400, "\\\\u00e9 \\u0001", null]}', 'null', NULL, '192.168.0.1/24', NULL,
        1234567890123456789012345678901234567890.000000000000000000001, NULL, '-Infinity', NULL, 7, false,
        '-infinity', '-infinity', '-178000000 years', '', NULL),
       (3, '2020-01-15Z', '-', '1:-', '{{1,2},{3,4}}', '"null"', '"NULL"', NULL, NULL, NULL, 1e131071, -0.01, '-0',
        0, NULL, NULL, '4713-01-01 00:00:00 BC', '4714-11-24 BC', NULL, NULL, 'fine'),
       (4, '2020-01-15Z', E'\\u2028\\U0001F600', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 5e-324, NULL,
        NULL, NULL, '294276-12-31 23:59:59.999999Z', '5874897-12-31', NULL, NULL, NULL);
INSERT INTO varied (id, at, tenant_id, document)
SELECT n, '2020-01-15Z'::timestamptz + n * interval '1 second', 'tenant-' || n % 7, jsonb_build_object('n', n)
  FROM generate_series(5, 5003) n;
"""


CLEAR: Final = """
DROP TABLE IF EXISTS varied, archive.varied_y2020m01, partitions.varied_y2020m01;
DROP TYPE IF EXISTS mood;
DELETE FROM maintenance.data_retention_policies WHERE table_name = 'varied';
DELETE FROM maintenance.detached_partitions;
DELETE FROM maintenance.runs;
"""


def clear(own: TestDatabase) -> None:
    """Have a database as it was before `detach`."""
    own.ask(CLEAR)


def detach(own: TestDatabase) -> None:
    """Make the table and have its old month leave it."""
    own.ask(TABLE)
    own.ask(VALUES)
    assert own.value("SELECT maintenance.detach_expired()") == RELATION


def end_of_grace(own: TestDatabase) -> None:
    own.ask("UPDATE maintenance.detached_partitions SET drop_after = now()")


def spelled(own: TestDatabase, relation: str) -> list[tuple[object, ...]]:
    """Give every row of a relation as its whole text."""
    return own.ask(f"SELECT t::text FROM {relation} t ORDER BY id")  # noqa: S608  the test's own words
