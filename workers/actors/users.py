"""People, who may be forgotten."""

from db import erasing
from db.unit_of_work import UnitOfWork
from producers import ContinueErasure, EraseUser
from producers import message_id as ids

from ..actor import actor
from ..continuing import go_on
from ..requests import act


@actor(EraseUser)
def begin_to_erase(message: EraseUser, uow: UnitOfWork) -> None:
    """Switch the user off and have the erasure go on in messages that name nobody."""
    act(message, uow, owner=message.user_id)
    erasure_id = uow.erasures.begin(message.message_id, message.user_id)
    following = ContinueErasure(message_id=ids.derived(message.message_id, 1), erasure_id=erasure_id, step=1)
    go_on(following, uow)


@actor(ContinueErasure)
def erase_more(message: ContinueErasure, uow: UnitOfWork) -> None:
    """Erase some rows more, until nothing is left."""
    if not erasing.go_on(uow, message.erasure_id):
        step = message.step + 1
        following = ContinueErasure(
            message_id=ids.derived(message.message_id, step), erasure_id=message.erasure_id, step=step
        )
        go_on(following, uow)
