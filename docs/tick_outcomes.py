"""What becomes of ticks that are doubled, late, or that something is in the way of."""

from collections.abc import Mapping
from typing import Final

from producers import (
    AlertsDue,
    ArchiveDue,
    AuditSealDue,
    CacheExpiryDue,
    DeadLettersDue,
    HealthChecksDue,
    InstancesExpiryDue,
    KeyRotationDue,
    Message,
    OutboxDue,
    PartitionsDue,
    PortsReconcileDue,
    PruningDue,
    RetentionDue,
    RollupsDue,
    StatisticsDue,
    ViewsDue,
)

_SAME_TICK: Final = (
    "the same tick from several schedulers",
    "one effect: its id is computed from the wire name and the fire time",
)
_WAITS: Final = (
    "a table is in use for longer than two seconds, by pg_dump for instance",
    "it is left for the next tick, and the run says what is in the way",
)

TICKS: Final[Mapping[type[Message], tuple[tuple[str, str], ...]]] = {
    InstancesExpiryDue: (
        _SAME_TICK,
        (
            "an instance waits to be started for longer than `mcp.start_deadline_minutes`",
            "it ends with status `error` and a sentence",
        ),
    ),
    PortsReconcileDue: (
        _SAME_TICK,
        ("a port of an instance that does not live", "free again"),
        ("a port that was set aside `port.set_aside_minutes` ago", "free again"),
        ("the range in the settings was changed", "new ports are added; free ones outside of it are removed"),
    ),
    KeyRotationDue: (
        _SAME_TICK,
        ("a key is in use by another transaction", "left for the next tick"),
        ("a key cannot be unwrapped", "left as it is and counted in the maintenance run"),
        ("the worker lacks a master key", "nothing is wrapped; the maintenance run says which key it lacks"),
    ),
    HealthChecksDue: (
        _SAME_TICK,
        ("an instance, a service or a server lives and is no target yet", "it is checked within its interval"),
        ("one has ended, or is no longer available", "it is checked no more, and its alert is resolved"),
    ),
    PartitionsDue: (
        _SAME_TICK,
        ("a table is in use, or cannot have its partition", "the others get theirs; the run says which and why"),
        (
            "somebody detached a partition by hand",
            "it is let be and told as a stray; another takes the rows of its time",
        ),
    ),
    RetentionDue: (
        _SAME_TICK,
        _WAITS,
        ("a partition has rows of a tenant or an instance that is held", "it is detached, and dropped after the hold"),
        ("a partition that must be archived was not yet", "it stays, whatever its age"),
    ),
    ArchiveDue: (
        _SAME_TICK,
        ("`ARCHIVE_URL` is not set and partitions wait", "the run is `failed` and says so; nothing is dropped"),
        (
            "the folder is full, read-only or not there, or the bucket refuses",
            "the run is `failed` with a sentence; the partition stays, and the next run begins its archive anew",
        ),
        (
            "the worker dies in the middle",
            "a draft is left, which the next run removes; nothing is marked before the archive was read back",
        ),
        (
            "rows change while they are archived, as those of an erased user",
            "the run `waits`: archive and partition are compared, and the next run archives it again",
        ),
    ),
    DeadLettersDue: (
        _SAME_TICK,
        ("`ARCHIVE_URL` is not set", "nothing is written, and nothing is wrong"),
        ("the folder is full or the bucket refuses", "the run is `failed`; the next one makes up for up to a week"),
    ),
    PruningDue: (
        _SAME_TICK,
        ("there are more old rows than a few thousand", "the rest follows at once, in steps"),
        ("a row is of a tenant or an instance that is held", "it stays until the hold ends"),
        ("a row is in use by another transaction", "left for the next tick"),
    ),
    AuditSealDue: (
        _SAME_TICK,
        ("more rows wait than ten thousand", "the rest follows at once, in steps"),
        ("a row was entered before and is committed later", "it is sealed in a later block"),
    ),
    RollupsDue: (
        _SAME_TICK,
        ("rows come late", "their hour and its day are counted anew; until then the summaries read its rows"),
        ("rows come into an hour that retention has taken", "what was counted stays as it is"),
        ("there are more hours than a few", "the rest follows at once, in steps"),
    ),
    CacheExpiryDue: (_SAME_TICK, ("there is more than a few thousand rows", "the rest follows at once, in steps")),
    StatisticsDue: (_SAME_TICK, ("a table is in use", "it keeps its old statistics; the run says which")),
    OutboxDue: (_SAME_TICK, ("a message has been due for over a minute", "the maintenance diary says for how long")),
    ViewsDue: (_SAME_TICK, _WAITS, ("several views are due", "one is computed, the others follow at once")),
    AlertsDue: (
        _SAME_TICK,
        ("what is wrong is known", "its alert stays as it is, acknowledged or not"),
        (
            "a server that breaks a limit sends no samples any more",
            "its alert stays open until a sample holds the limit",
        ),
        ("a rule is about a metric that no sample has", "it is never broken"),
    ),
}
"""Contract to pairs of what happened and what comes of it."""
