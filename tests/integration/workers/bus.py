"""A transport that keeps what was sent."""

from collections.abc import Sequence

from producers.broker import Sealed


class RecordingTransport:
    """Stands in for Redis where a test is about the database."""

    def __init__(self) -> None:
        self.sealed: list[Sealed] = []

    def enqueue(self, sealed: Sequence[Sealed], *, durable: bool) -> None:
        """Keep what was sent."""
        del durable
        self.sealed.extend(sealed)

    def close(self) -> None:
        """Have nothing to close."""
