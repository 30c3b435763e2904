"""Every actor; a contract that is not here is parked until a worker knows it."""

from ..actor import AnyActor
from . import health, instances, keys, logs, maintenance, services, users

ACTORS: tuple[AnyActor, ...] = (
    instances.create,
    instances.record_start,
    instances.record_accesses,
    instances.record_stats,
    instances.renew,
    instances.record_disconnection,
    instances.record_reconnection,
    instances.record_failure,
    instances.restore,
    instances.delete,
    instances.expire,
    instances.reconcile_ports,
    keys.store,
    keys.revoke,
    keys.record_validation,
    keys.rotate,
    services.register,
    services.provision,
    services.deprovision,
    services.migrate,
    services.record_uses,
    health.check,
    health.record,
    health.follow,
    logs.ingest,
    maintenance.create_partitions,
    maintenance.apply_retention,
    maintenance.expire_caches,
    maintenance.gather_statistics,
    maintenance.raise_alerts,
    users.begin_to_erase,
    users.erase_more,
)
