"""What is known of a user, line by line, for the user: every row of every table, without secrets."""

import json
from collections import Counter
from collections.abc import Callable
from uuid import UUID

from db.engine import Database
from db.errors import UnknownUser


def export(database: Database, user_id: UUID, write: Callable[[str], object]) -> Counter[str]:
    """Write a line of JSON for each row of a user, all of one moment; return how many there are of each table."""
    counts: Counter[str] = Counter()
    with database.transaction() as uow:
        uow.locks.be_of_one_moment()
        if not uow.moves.knows_user(user_id):
            raise UnknownUser(f"There is no user {user_id}.")
        for table in uow.erasures.tables():
            for row in uow.erasures.rows(user_id, table):
                write(json.dumps({"table": table, "row": row}, ensure_ascii=False))
                counts[table] += 1
    return counts
