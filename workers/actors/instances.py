"""Dedicated instances: from the wish for one to its end."""

from collections.abc import Sequence
from dataclasses import asdict
from operator import attrgetter

from db.repositories.audit import OWNER
from db.repositories.instances import NewInstance, Process, Stats
from db.unit_of_work import UnitOfWork
from producers import (
    CreateInstance,
    DeleteInstance,
    InstanceAccessed,
    InstanceDisconnected,
    InstanceFailed,
    InstanceReconnected,
    InstancesExpiryDue,
    InstanceStarted,
    InstanceStatsReported,
    PortsReconcileDue,
    RenewInstance,
    RestoreInstance,
)

from ..actor import Lock, Table, actor, set_actor
from ..requests import act, requester
from ..tick import Done, tick_actor


def _user(message: CreateInstance) -> Lock:
    return Lock(Table.USERS, message.user_id)


def _instance(
    message: InstanceStarted | InstanceFailed | InstanceDisconnected | RenewInstance | DeleteInstance,
) -> Lock:
    return Lock(Table.INSTANCES, message.instance_id)


@set_actor(CreateInstance, locks=_user)
def create(messages: Sequence[CreateInstance], uow: UnitOfWork) -> None:
    """Lease a port and enter the instance as pending; a wish that cannot be met is entered as an error."""
    uow.instances.create_all([_new(message) for message in messages])


@actor(InstanceStarted, locks=_instance)
def record_start(message: InstanceStarted, uow: UnitOfWork) -> None:
    """Move a pending instance to running; a start that lost a race changes nothing."""
    process = Process(message.host_id, message.process_id, message.process_started_at)
    uow.instances.start(message.instance_id, process=process, at=message.occurred_at)


@actor(InstanceFailed, locks=_instance)
def record_failure(message: InstanceFailed, uow: UnitOfWork) -> None:
    """Move a live instance to error and free its port; one whose port was taken gets another and waits on."""
    if message.port_taken:
        uow.instances.move_port(message.instance_id, error=message.error, at=message.occurred_at)
    else:
        uow.instances.fail(message.instance_id, error=message.error, at=message.occurred_at)


@actor(InstanceDisconnected, locks=_instance)
def record_disconnection(message: InstanceDisconnected, uow: UnitOfWork) -> None:
    """Move a live instance to disconnected and free its port."""
    uow.instances.disconnect(message.instance_id, reason=message.reason, at=message.occurred_at)


# Not in groups: it locks the user before the instance, and a message about an instance does not tell the user.
@actor(InstanceReconnected)
def record_reconnection(message: InstanceReconnected, uow: UnitOfWork) -> None:
    """Move a disconnected instance back to running, on the port that it had."""
    uow.instances.reconnect(message.instance_id, at=message.occurred_at)


@set_actor(InstanceAccessed)
def record_accesses(messages: Sequence[InstanceAccessed], uow: UnitOfWork) -> None:
    """Keep the newest access of each instance."""
    newest = sorted(messages, key=attrgetter("occurred_at"))
    uow.instances.access({message.instance_id: message.occurred_at for message in newest})


@set_actor(InstanceStatsReported)
def record_stats(messages: Sequence[InstanceStatsReported], uow: UnitOfWork) -> None:
    """Keep the newest report of each instance."""
    newest = sorted(messages, key=attrgetter("occurred_at"))
    uow.instances.report_stats({each.instance_id: Stats(each.occurred_at, each.stats) for each in newest})


@actor(RenewInstance, locks=_instance)
def renew(message: RenewInstance, uow: UnitOfWork) -> None:
    """Give a running instance more time."""
    minutes = message.duration_minutes
    uow.instances.renew(message.instance_id, minutes=minutes, at=message.occurred_at, by=requester(message))


# Not in groups: it locks the user before the instance, and a message about an instance does not tell the user.
@actor(RestoreInstance)
def restore(message: RestoreInstance, uow: UnitOfWork) -> None:
    """Lease a port for an instance that has ended and let it wait to be started."""
    minutes = message.duration_minutes
    uow.instances.restore(message.instance_id, minutes=minutes, at=message.occurred_at, by=requester(message))


@actor(DeleteInstance, locks=_instance)
def delete(message: DeleteInstance, uow: UnitOfWork) -> None:
    """Delete an instance softly and free its port."""
    act(message, uow, owner=OWNER)
    uow.instances.delete(message.instance_id, reason=message.reason, at=message.occurred_at, by=requester(message))


@tick_actor("expire-instances", InstancesExpiryDue)
def expire(message: InstancesExpiryDue, uow: UnitOfWork) -> None:
    """Expire the instances whose time is over, give up those that never started, and free their ports."""
    del message
    uow.instances.expire_due()
    uow.instances.give_up_due()


@tick_actor("reconcile-ports", PortsReconcileDue)
def reconcile_ports(message: PortsReconcileDue, uow: UnitOfWork) -> Done:
    """Free ports that nobody uses and follow the range in the settings."""
    del message
    found = uow.ports.reconcile()
    return Done(found.total, asdict(found))


def _new(message: CreateInstance) -> NewInstance:
    return NewInstance(
        id=message.instance_id,
        user_id=message.user_id,
        mcp_type=message.mcp_type,
        duration_minutes=message.duration_minutes,
        name=message.name,
        host_id=message.host_id,
        config=message.config,
        access_token_hash=message.access_token_hash,
        access_token_hint=message.access_token_hint,
        requested_at=message.occurred_at,
        by=requester(message),
    )
