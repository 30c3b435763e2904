"""The statements whose plan need not be looked at, and why."""

from typing import Final

_ADDS: Final = "adds a row; what it meets is found by a unique index"
_OWNERS: Final = "calls a function of the owner, which reads the catalog"
_FEW: Final = "reads a table that has few rows"
_COUNTS: Final = "counts all there is, for people"
_COMMAND: Final = "asked by an operator's command, a batch at a time"
EXEMPT: Final[dict[str, str]] = {
    "archives.hold_instances": _COMMAND,
    "archives.hold_keys": _COMMAND,
    "archives.move_instances": _COMMAND,
    "archives.move_keys": _COMMAND,
    "archives.users": _COMMAND,
    "archives.waiting": _COMMAND,
    "moves.users": _COMMAND,
    "moves.hold_keys": _COMMAND,
    "moves.knows_user": _COMMAND,
    "moves.knows_service": _COMMAND,
    "moves.found": _COMMAND,
    "moves.share": _COMMAND,
    "moves.record": _COMMAND,
    "partitions.mark_archived": _OWNERS,
    "partitions.unarchived": _FEW,
    "audit.append": _ADDS,
    "dead_letters.add": _ADDS,
    "dead_letters.count_by_reason": _COUNTS,
    "gateway.refresh_due": _FEW,
    "inbox.claim": _ADDS,
    "inbox.claim_all": _ADDS,
    "inbox.horizon": _FEW,
    "keys.register": _FEW,
    "keys.registered": _FEW,
    "locks.hurry": "reads no table",
    "logs.ingest": _ADDS,
    "logs.quarantine": _ADDS,
    "outbox.enqueue": _ADDS,
    "partitions.detach": _OWNERS,
    "partitions.drop": _OWNERS,
    "partitions.ensure": _OWNERS,
    "partitions.ensure_for": _OWNERS,
    "partitions.horizon": _OWNERS,
    "partitions.strip": _OWNERS,
    "ports.open": _ADDS,
    "ports.reconcile": "looks at every port of every host, by a tick: there are a hundred for a machine",
    "redeliveries.begin": _ADDS,
    "redeliveries.counts": _COUNTS,
    "redeliveries.postpone": _ADDS,
    "runs.record": _ADDS,
    "servers.add": _ADDS,
    "services.dashboard": "reads all services, for people",
    "services.hold_ports": "reads no table",
    "services.register": "reads all ports for a free one, once per service of an import",
    "services.watch": _ADDS,
    "settings.all": _FEW,
    "tenants.add": _ADDS,
    "users.add": _ADDS,
}
