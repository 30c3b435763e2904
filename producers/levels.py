"""What other programs call a level, and which of ours it is."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from .messages.logs import Level

_NAMES: Final[Mapping[Level, str]] = {
    "debug": "trace debug dbg verbose silly fine finer finest d t",
    "info": "info information informational notice note log http config i n",
    "warn": "warn warning wrn w",
    "error": "error err eror severe critical crit fatal alert emerg emergency panic failure dpanic e f c",
}
LEVELS: Final[Mapping[str, Level]] = MappingProxyType(
    {name: level for level, names in _NAMES.items() for name in names.split()}
)
"""Lower-case name to level."""


def of_name(name: str) -> Level | None:
    """Tell which level a program means by a name; None when it means none."""
    return LEVELS.get(name.strip().lower())
