"""What the policy rows say of partitioned tables."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from tests.databases import TestDatabase

_POLICIES: Final = """
    SELECT CASE schema_name WHEN 'public' THEN table_name ELSE schema_name || '.' || table_name END,
           partition_key, partition_unit, units_ahead, retention_days, strategy, grace_days, description
      FROM maintenance.data_retention_policies"""
_KEYS: Final = {"time": "", "uuid7": ", which carries its time"}
_STRATEGIES: Final = {
    "detach_drop": "is detached and dropped {} days later",
    "detach_archive": "is detached and, once it was archived, dropped {} days later at the earliest",
}


@dataclass(frozen=True)
class Retention:
    """The policy of one partitioned table."""

    key: str
    unit: str
    ahead: int
    days: int
    strategy: str
    grace_days: int
    description: str

    def sentence(self, partitioned_by: str) -> str:
        """Tell what becomes of a row from its first day to its last."""
        return (
            f"`{partitioned_by}`{_KEYS[self.key]}: one partition a {self.unit}, {self.ahead} kept ready ahead. A "
            f"partition of which all rows are older than {self.days} days "
            f"{_STRATEGIES[self.strategy].format(self.grace_days)}. {self.description}."
        )


def read(database: TestDatabase) -> Mapping[str, Retention]:
    """Return the policies by table."""
    return {str(table): Retention(*policy) for table, *policy in database.ask(_POLICIES)}  # type: ignore[arg-type]  # the columns are selected in the order of the fields
