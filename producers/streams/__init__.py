"""Follows what a process prints, and makes lines of it."""

from .following import Following, Reading, follow, ship
from .joining import Bounds

__all__ = ["Bounds", "Following", "Reading", "follow", "ship"]
