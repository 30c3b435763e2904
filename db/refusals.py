"""What the rules of shared services and of the gateway's servers refuse.

Refusal                       a rule of the domain says no (db.errors)
├── ServiceRefused            a service cannot be registered as it is said
├── ServiceUnavailable        the service takes no new users
├── TooManyShares             the user has as many shares as allowed
├── ShareExists               the user has a share of the service: it may end in a moment
├── ShareEnded                what is asked for was asked before the share ended
├── UnknownShare              no share has that id: its beginning may come in a moment
├── ServerRefused             the server is another tenant's
└── UnknownServer             no server has that id: its registration may come in a moment
"""

from db.errors import Refusal


class ServiceRefused(Refusal):
    """The service cannot be registered as it is said."""

    reason = "service-refused"


class ServiceUnavailable(Refusal):
    """The service takes no new users."""

    reason = "service-unavailable"


class TooManyShares(Refusal):
    """The user has as many shares as the setting allows."""

    reason = "too-many-shares"


class ShareExists(Refusal):
    """The user has a share of the service."""

    reason = "share-exists"
    early = True


class ShareEnded(Refusal):
    """The wish is older than the end of the user's last share of the service."""

    reason = "share-ended"


class UnknownShare(Refusal):
    """No share has that id."""

    reason = "unknown-share"
    early = True


class ServerRefused(Refusal):
    """The server cannot be registered as it is said."""

    reason = "server-refused"


class UnknownServer(Refusal):
    """No server has that id."""

    reason = "unknown-server"
    early = True
