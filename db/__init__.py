"""PostgreSQL: the schema, its migrations, and the repositories that alone speak SQL."""

from db.engine import Database
from db.settings import DatabaseSettings
from db.unit_of_work import UnitOfWork

__all__ = ["Database", "DatabaseSettings", "UnitOfWork"]
