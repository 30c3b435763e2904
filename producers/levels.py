"""What other programs call a level, and which of ours it is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .messages.logs import Level

_NAMES: Final[Mapping[Level, str]] = {
    "debug": "trace trc trce debug dbg dbug verbose verb silly fine finer finest",
    "info": "info inf information informational notice note log http config",
    "warn": "warn warning wrn",
    "error": "error err eror severe critical crit fatal ftl alert emerg emergency panic fail dpanic",
}
LEVELS: Final[Mapping[str, Level]] = MappingProxyType(
    {name: level for level, names in _NAMES.items() for name in names.split()}
)
"""Lower-case name to level."""

_SYSLOG: Final[tuple[Level, ...]] = ("error", "error", "error", "error", "warn", "info", "info", "debug")
_TEN: Final = 10
_TENS: Final[tuple[Level, ...]] = ("debug", "debug", "debug", "info", "warn", "error", "error")


def of_name(name: str) -> Level | None:
    """Tell which level a program means by a name; None when it means none."""
    return LEVELS.get(name.strip().lower())


def of_number(number: float) -> Level | None:
    """Tell which level pino and bunyan (10 to 60) or syslog (0 to 7) mean by a number."""
    if 0 <= number < len(_SYSLOG):
        return _SYSLOG[int(number)]
    return _TENS[min(int(number) // _TEN, len(_TENS) - 1)] if 0 <= number < _TEN * _TEN else None
