"""What becomes of messages that are well-formed, and late, doubled or about something unknown."""

from collections.abc import Mapping
from typing import Final

from producers import (
    CheckHealth,
    ContinueErasure,
    CreateInstance,
    DeleteInstance,
    DeprovisionService,
    EraseUser,
    HealthReported,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstanceReconnected,
    InstanceStarted,
    InstanceStatsReported,
    KeyValidated,
    LogsEmitted,
    Message,
    MigrateToSharedService,
    ProvisionService,
    RegisterService,
    RenewInstance,
    RestoreInstance,
    RevokeApiKey,
    ServiceUsed,
    StoreApiKey,
)

from .gateway_outcomes import GATEWAY
from .tick_outcomes import TICKS

_UNKNOWN_INSTANCE: Final = (
    "the instance does not exist",
    "tried again after 2 s and 10 s, since it may have overtaken its creation; then dead letter `unknown-instance`",
)
_UNKNOWN_USER: Final = ("the user does not exist or is not active", "dead letter `unknown-user`")
_UNKNOWN_TYPE: Final = ("no type has that name", "dead letter `unknown-type`")
_UNKNOWN_KEY: Final = (
    "the user has no such key",
    "tried again after 2 s and 10 s, since it may have overtaken its storing; then dead letter `unknown-key`",
)
_SEALED: Final = (
    (
        "the key is sealed for a pair that the worker does not have, a former one for instance",
        (
            "tried again after 2 s and 10 s, since a new pair may still be rolled out; then dead letter"
            " `sealed-for-another`, which names the pairs that are known"
        ),
    ),
    (
        "the sealed key was changed, or copied from another message, user, type or purpose",
        "dead letter `sealed-key-refused`; whatever key was there stays",
    ),
    ("what is sealed is empty, too long or no text", "dead letter `sealed-key-refused`"),
    ("the sealed key is too long to hold a key of 8,192 bytes, or no base64", "dead letter `invalid`"),
)
_NO_ACTIVE_KEY: Final = (
    "the worker lacks a master key that the database's secrets are under, the active one for instance",
    (
        "nothing is written; tried again by whichever worker is free, five times in six minutes; then dead letter"
        " `exhausted`"
    ),
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

OUTCOMES: Final[Mapping[type[Message], tuple[tuple[str, str], ...]]] = {
    **TICKS,
    CreateInstance: (
        _UNKNOWN_USER,
        _UNKNOWN_TYPE,
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
    StoreApiKey: (
        _UNKNOWN_USER,
        _UNKNOWN_TYPE,
        *_SEALED,
        _NO_ACTIVE_KEY,
        ("`expires_at` is not after `occurred_at`", "dead letter `invalid`"),
        ("older than the newest store or revocation", "changes nothing"),
        (
            "the user has a key for the type",
            "it is overwritten, and what services said about it is forgotten; instances keep the key's id",
        ),
    ),
    RevokeApiKey: (
        ("the user does not exist", "dead letter `unknown-user`"),
        _UNKNOWN_TYPE,
        _UNKNOWN_KEY,
        ("older than the newest store or revocation", "changes nothing"),
        ("the key is revoked already", "changes nothing"),
        ("the key moved to a share of a shared service", "the share keeps it, until it is deprovisioned"),
    ),
    KeyValidated: (
        _UNKNOWN_KEY,
        ("no shared service has that name", "tried again after 2 s and 10 s; then dead letter `unknown-service`"),
        ("older than the key, or than what is known of it", "changes nothing"),
        ("older than `keys.validation_ttl_minutes`", "changes nothing"),
        ("the key was revoked", "changes nothing"),
    ),
    RegisterService: (
        ("something newer was said of the service", "changes nothing"),
        ("`occurred_at` is over 10 minutes after the moment of the message id", "taken for that moment"),
        ("another service has the port, or no port is free", "dead letter `service-refused`; the registry stays"),
        ("a service of another `name` is called so", "dead letter `service-refused`; that service stays"),
    ),
    ProvisionService: (
        _UNKNOWN_USER,
        ("the service is not registered", "tried again after 2 s and 10 s; then dead letter `unknown-service`"),
        ("the service is not available", "dead letter `service-unavailable`"),
        ("the service is not healthy", "the share is given: health changes by the minute, a share does not"),
        (
            "the user has a share of the service",
            "tried again after 2 s and 10 s, since that one may be about to end; then dead letter `share-exists`",
        ),
        ("the user gave up the service after this was asked for", "dead letter `share-ended`; nothing is revived"),
        ("the user gave up the service before", "a new life: new id, key and configuration, no use counted"),
        ("the user has as many shares as `service.max_shares_per_user`", "dead letter `too-many-shares`"),
        ("a share of another user or service has the id", "dead letter `data-refused`; that share stays"),
        *_SEALED,
        _NO_ACTIVE_KEY,
    ),
    DeprovisionService: (
        (
            "the share does not exist",
            "tried again after 2 s and 10 s: it may have overtaken its beginning; then dead letter `unknown-share`",
        ),
        ("the share has ended", "changes nothing; the first reason stays"),
    ),
    MigrateToSharedService: (
        ("the user does not exist", "dead letter `unknown-user`"),
        ("the service is not registered", "tried again after 2 s and 10 s; then dead letter `unknown-service`"),
        (
            "a key cannot move: its user or it is not active, it has expired or cannot be decrypted, …",
            "counted in the row of the diary with the reason; the others move",
        ),
        ("the worker dies in the middle", "the batch in hand is done again, and from there on"),
        ("the workers have no `MASTER_KEYS`", "dead letter `exhausted` with a sentence, after five attempts"),
    ),
    ServiceUsed: (
        ("one of the shares does not exist", "its uses go into `service_usage_quarantine`; the others are counted"),
        ("a share has ended", "counted all the same; it stays ended"),
        (
            "a use is over 30 days before or 10 minutes after the moment of the message id",
            "it goes into `service_usage_quarantine`; the others are counted",
        ),
        ("NUL or broken Unicode in an endpoint or error, or one that is too long", "replaced or cut, and stored"),
        (
            "a use does not fit (no time, an unknown field, a status of 42)",
            "refused by the client; from others it goes into `service_usage_quarantine`, numbered and with the problem",
        ),
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
    LogsEmitted: (
        ("one of the instances does not exist", "its lines go into `log_quarantine`; the others are stored"),
        ("NUL, broken Unicode, numbers that JSON does not have", "replaced, and the line is stored"),
        ("a line over 65,536 characters", "cut, and its end says so"),
        (
            "a line's time is over 30 days before or 10 minutes after the moment of the message id",
            "stored under that moment; its own time is kept in the metadata",
        ),
        (
            "a line does not fit (no time, an unknown level, metadata that is no object)",
            "refused by the client; from others it goes into quarantine, numbered and with the problem",
        ),
    ),
    **GATEWAY,
    EraseUser: (
        ("the user does not exist, or was erased before", "whatever still names that id is erased; else nothing"),
        ("the user is being erased already", "that erasure goes on; it is one"),
        ("a legal hold keeps what is the user's", "dead letter `user-held`, which names the hold; nothing changes"),
        ("the worker dies in the middle", "what was committed stays erased, and the rest follows"),
        (
            "messages about the user or the user's instances come later",
            "refused as of unknown ones: they create nothing anew; erase the user again for what they left",
        ),
        ("a message in hand or a dead letter names others too", "the user's part is taken out, theirs stays"),
    ),
    ContinueErasure: (("there is no such erasure, or it is finished", "changes nothing"),),
}
"""Contract to pairs of what happened and what comes of it."""
