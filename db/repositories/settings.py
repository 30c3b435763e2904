"""System settings."""

from typing import Final

from sqlalchemy import bindparam, select

from db.models import SystemSetting
from db.statement import Driver, Statement

_GET: Final = Statement("settings.get", select(SystemSetting.value).where(SystemSetting.key == bindparam("key")))
_ALL: Final = Statement("settings.all", select(SystemSetting.key, SystemSetting.value).order_by(SystemSetting.key))


class Settings:
    """Settings that operators change while the system runs."""

    def __init__(self, driver: Driver) -> None:
        """Work in the transaction of this connection."""
        self._driver = driver

    def get(self, key: str) -> object:
        """Return a setting, None when there is none of that name."""
        row = _GET.run(self._driver, key=key).fetchone()
        return row[0] if row else None

    def all(self) -> dict[str, object]:
        """Return every setting."""
        return dict(iter(_ALL.run(self._driver)))
