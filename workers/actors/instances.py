"""Dedicated instances: from the wish for one to its end."""

from db.repositories.instances import NewInstance, Process
from db.unit_of_work import UnitOfWork
from producers import CreateInstance, DeleteInstance, InstanceFailed, InstancesExpiryDue, InstanceStarted

from ..actor import Lock, Table, actor


def _user(message: CreateInstance) -> Lock:
    return Lock(Table.USERS, message.user_id)


def _instance(message: InstanceStarted | InstanceFailed | DeleteInstance) -> Lock:
    return Lock(Table.INSTANCES, message.instance_id)


@actor(CreateInstance, locks=_user)
def create(message: CreateInstance, uow: UnitOfWork) -> None:
    """Lease a port and enter the instance as pending; a wish that cannot be met is entered as an error."""
    uow.instances.create(
        NewInstance(
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
        )
    )


@actor(InstanceStarted, locks=_instance)
def record_start(message: InstanceStarted, uow: UnitOfWork) -> None:
    """Move a pending instance to running; a start that lost a race changes nothing."""
    process = Process(message.host_id, message.process_id, message.process_started_at)
    uow.instances.start(message.instance_id, process=process, at=message.occurred_at)


@actor(InstanceFailed, locks=_instance)
def record_failure(message: InstanceFailed, uow: UnitOfWork) -> None:
    """Move a live instance to error and free its port."""
    uow.instances.fail(message.instance_id, error=message.error, at=message.occurred_at)


@actor(DeleteInstance, locks=_instance)
def delete(message: DeleteInstance, uow: UnitOfWork) -> None:
    """Delete an instance softly and free its port."""
    uow.instances.delete(message.instance_id, reason=message.reason, at=message.occurred_at)


@actor(InstancesExpiryDue)
def expire(message: InstancesExpiryDue, uow: UnitOfWork) -> None:
    """Expire the instances whose time is over and free their ports."""
    del message
    uow.instances.expire_due()
