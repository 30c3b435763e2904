"""What becomes of messages that are well-formed, and late, doubled or about something unknown."""

from collections.abc import Mapping
from typing import Final

from producers import (
    CacheExpiryDue,
    CheckHealth,
    CreateInstance,
    DeleteInstance,
    HealthChecksDue,
    HealthReported,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstanceReconnected,
    InstancesExpiryDue,
    InstanceStarted,
    InstanceStatsReported,
    LogsEmitted,
    Message,
    PartitionsDue,
    PortsReconcileDue,
    RenewInstance,
    RestoreInstance,
    RetentionDue,
)

_UNKNOWN_INSTANCE: Final = (
    "the instance does not exist",
    "tried again after 2 s and 10 s, since it may have overtaken its creation; then dead letter `unknown-instance`",
)
_FUTURE_SLOT: Final = ("a slot is over 10 minutes after the moment of the message id", "dead letter `invalid`")
_SAME_SLOT: Final = ("a slot that was reported before", "changes nothing")
_OLD_SLOT: Final = ("a slot older than the newest one", "kept in the history; the verdict stays the newer one")
_UNKNOWN_IN_BATCH: Final = (
    "one of the instances, services or servers does not exist",
    "left out; the others are recorded",
)
_TURNS: Final = (
    "a target has failed as often in a row as its threshold says, or is back",
    "its alert is opened or resolved, and an instance is disconnected or comes back by a message of its own",
)
_SAME_TICK: Final = (
    "the same tick from several schedulers",
    "one effect: its id is computed from the wire name and the fire time",
)

OUTCOMES: Final[Mapping[type[Message], tuple[tuple[str, str], ...]]] = {
    CreateInstance: (
        ("the user does not exist or is not active", "dead letter `unknown-user`"),
        ("no type has that name", "dead letter `unknown-type`"),
        ("the type is not active", "the instance is stored with status `error` and a sentence"),
        ("the user has as many instances as allowed", "the instance is stored with status `error` and a sentence"),
        ("no port is free on the host", "the instance is stored with status `error` and a sentence"),
        ("the host is new", "it gets the ports of the range in the settings"),
        ("another message with the same instance id", "dead letter `data-refused`; the first instance stays"),
    ),
    InstanceStarted: (
        _UNKNOWN_INSTANCE,
        (
            "the instance is no longer pending, belongs to another host, or was restored after the process began",
            "recorded as the event `refused_start`; nothing else changes",
        ),
    ),
    InstanceAccessed: (
        _UNKNOWN_INSTANCE,
        ("older than the last access", "changes nothing"),
        ("a million of one instance", "one update for each group that is fetched together; no event"),
    ),
    InstanceStatsReported: (_UNKNOWN_INSTANCE, ("older than the last report", "changes nothing")),
    RenewInstance: (
        _UNKNOWN_INSTANCE,
        ("more than the type's maximum", "cut to the maximum"),
        ("the instance lives longer already", "recorded as the event `renewed`; its end stays"),
        ("the instance is not running", "recorded as the event `refused_renew` with the reason; nothing else changes"),
    ),
    InstanceDisconnected: (
        _UNKNOWN_INSTANCE,
        (
            "the instance has ended, or the fact is older than its process or its restoration",
            "recorded as the event `refused_disconnect`; nothing else changes",
        ),
    ),
    InstanceReconnected: (
        _UNKNOWN_INSTANCE,
        (
            "it is not disconnected, its time is over, its user has as many as allowed, or its port is no longer free",
            "recorded as the event `refused_reconnect` with the reason; nothing else changes",
        ),
    ),
    InstanceFailed: (
        _UNKNOWN_INSTANCE,
        (
            "the instance has ended, or the failure is older than its process or its restoration",
            "recorded as the event `refused_fail`; nothing else changes",
        ),
        (
            "`port_taken`, and the instance is pending",
            "the port is set aside and the next one leased (`port_moved`); without one it ends with status `error`",
        ),
        (
            "`port_taken`, and the instance is not pending",
            "recorded as the event `refused_move_port`; nothing else changes",
        ),
    ),
    RestoreInstance: (
        _UNKNOWN_INSTANCE,
        (
            "it lives or was deleted, its user or type is not active, the limit is reached, or no port is free",
            "recorded as the event `refused_restore` with the reason; nothing else changes",
        ),
    ),
    DeleteInstance: (
        _UNKNOWN_INSTANCE,
        ("the instance was deleted before", "recorded as the event `refused_delete`; nothing else changes"),
    ),
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
    CheckHealth: (
        ("a target does not answer, or answers nonsense", "recorded as its verdict, with a sentence"),
        (
            "a URL, or where it redirects to, has a private address that `PROBE_NETWORKS` does not allow",
            "recorded as `unreachable`, with a sentence; nothing is sent there",
        ),
        _TURNS,
        _UNKNOWN_IN_BATCH,
        _SAME_SLOT,
        _OLD_SLOT,
        _FUTURE_SLOT,
    ),
    HealthReported: (_TURNS, _UNKNOWN_IN_BATCH, _SAME_SLOT, _OLD_SLOT, _FUTURE_SLOT),
    HealthChecksDue: (
        _SAME_TICK,
        ("an instance, a service or a server lives and is no target yet", "it is checked within its interval"),
        ("one has ended, or is no longer available", "it is checked no more, and its alert is resolved"),
    ),
    LogsEmitted: (
        ("one of the instances does not exist", "its lines go into quarantine; the others are stored"),
        ("NUL, broken Unicode, numbers that JSON does not have", "replaced, and the line is stored"),
        ("a line over 65,536 characters", "cut, and its end says so"),
        (
            "a line's time is over 30 days before or 10 minutes after `occurred_at`",
            "stored under `occurred_at`; its own time is kept in the metadata",
        ),
    ),
    PartitionsDue: (_SAME_TICK,),
    RetentionDue: (_SAME_TICK,),
    CacheExpiryDue: (_SAME_TICK,),
}
"""Contract to pairs of what happened and what comes of it."""
