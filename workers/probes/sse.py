"""Server-sent events, read as they arrive."""

from collections.abc import Iterator


class EventReader:
    """Cuts a stream of bytes into the data of its events, however the bytes are cut up."""

    def __init__(self) -> None:
        self._rest = b""
        self._data: list[bytes] = []

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        """Take the next bytes and give the data of each event that they complete."""
        buffer = self._rest + chunk
        # A carriage return at the end may be half of a line end: it waits for what follows.
        whole = buffer[:-1] if buffer.endswith(b"\r") else buffer
        lines = whole.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._rest = lines.pop() + buffer[len(whole) :]
        for line in lines:
            if data := self._line(line):
                yield data

    def _line(self, line: bytes) -> bytes | None:
        if not line:
            data, self._data = b"\n".join(self._data), []
            return data
        field, _, value = line.partition(b":")
        if field == b"data":
            self._data.append(value.removeprefix(b" "))
        return None
