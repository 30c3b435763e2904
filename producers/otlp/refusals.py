"""Why a request is refused, with the statuses of HTTP and of google.rpc.

RefusalError
├── UndecodableRequest    400  the sender must not send it again
├── TokenRefused          401
├── SlowRequest           408
├── RequestTooLarge       413  smaller batches, please
├── UnsupportedMedia      415
├── BacklogFull           429  the sender tries again later
└── BusAway               503  the sender tries again later
"""

from collections.abc import Mapping
from typing import ClassVar


class RefusalError(Exception):
    """A request is refused; the sentence goes to its sender."""

    status: ClassVar[int] = 500
    code: ClassVar[int] = 13
    headers: ClassVar[Mapping[str, str]] = {}


class UndecodableRequest(RefusalError):
    """The body is not what its headers say."""

    status = 400
    code = 3


class TokenRefused(RefusalError):
    """The request does not carry the token."""

    status = 401
    code = 16
    headers: ClassVar[Mapping[str, str]] = {"www-authenticate": "Bearer"}


class SlowRequest(RefusalError):
    """The body did not arrive in time."""

    status = 408
    code = 4
    headers: ClassVar[Mapping[str, str]] = {"connection": "close"}


class RequestTooLarge(RefusalError):
    """The body has more bytes than are taken, as it came or decompressed."""

    status = 413
    code = 8
    headers: ClassVar[Mapping[str, str]] = {"connection": "close"}


class UnsupportedMedia(RefusalError):
    """Nobody here reads this type or encoding."""

    status = 415
    code = 3
    headers: ClassVar[Mapping[str, str]] = {"accept-encoding": "gzip, deflate"}


class BacklogFull(RefusalError):
    """The workers are behind."""

    status = 429
    code = 8
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "5"}


class BusAway(RefusalError):
    """Redis does not take messages."""

    status = 503
    code = 14
    headers: ClassVar[Mapping[str, str]] = {"retry-after": "2"}
