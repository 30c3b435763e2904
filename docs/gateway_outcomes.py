"""What becomes of messages about the gateway that are well-formed, and late, doubled or about something unknown."""

from collections.abc import Mapping
from typing import Final

from producers import (
    ActionAudited,
    CallAudited,
    Message,
    MetricsSampled,
    RegisterServer,
    RequestsServed,
    ServerDiscovered,
)

_MENDED: Final = (
    "NUL, broken Unicode, numbers that JSON does not have, a text that is too long",
    "replaced or cut, and the record is stored",
)
_MISFIT: Final = (
    "a record does not fit (no time, an unknown field, a status of 42)",
    "refused by the client; from others it goes into `gateway.record_quarantine`, numbered and with the problem",
)
_WILD_TIME: Final = (
    "a record's time is over 30 days before or 10 minutes after the moment of the message id",
    "stored under that moment; its own time is kept as `original_timestamp` with the record",
)
_SECRETS: Final = (
    "headers, parameters or details that are secret by their names",
    "hidden before they are sent, and again before they are stored, with whatever else looks like a secret",
)
_ENDLESS: Final = (
    "something took longer than a year, by its milliseconds",
    "stored as a year, for sums and means are made of it",
)
_RECORDS: Final = (_MISFIT, _WILD_TIME, _MENDED, _SECRETS)

GATEWAY: Final[Mapping[type[Message], tuple[tuple[str, str], ...]]] = {
    RegisterServer: (
        ("something newer was said of the server", "changes nothing"),
        ("`occurred_at` is over 10 minutes after the moment of the message id", "taken for that moment"),
        ("another tenant's server has the id", "dead letter `server-refused`; that server stays"),
        (
            "the tenant does not exist, its server has the name or the URL, or the URL does not fit the transport",
            "dead letter `data-refused`; nothing changes",
        ),
    ),
    ServerDiscovered: (
        (
            "the server does not exist",
            "tried again after 2 s and 10 s: it may have overtaken its registration; then dead letter `unknown-server`",
        ),
        ("the server said something newer", "changes nothing"),
        ("tools or resources are left out", "those that are known stay"),
    ),
    RequestsServed: (
        *_RECORDS,
        ("a tenant, user or server does not exist", "stored all the same: records outlive what they are about"),
        _ENDLESS,
        ("a `tool` that the server does not list", "the request is stored, and counted with no tool"),
    ),
    MetricsSampled: (
        ("one of the servers does not exist", "its samples go into `gateway.record_quarantine`; the others are stored"),
        _MISFIT,
        _WILD_TIME,
        _ENDLESS,
    ),
    ActionAudited: _RECORDS,
    CallAudited: _RECORDS,
}
"""Contract to pairs of what happened and what comes of it."""
