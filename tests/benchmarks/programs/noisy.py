"""Sends batches of 500 lines of one instance, so many lines a second, until it is ended: ``URL INSTANCE LINES``."""

import sys
import time
from datetime import UTC, datetime
from uuid import UUID

from producers import LogLine, LogsEmitted, connect

BATCH = 500


def main(url: str, instance: str, per_second: str) -> None:
    """Keep the pace; what was missed is not made up for."""
    pause = BATCH / float(per_second)
    with connect(url) as producer:
        print("sending", flush=True)
        while True:
            began = time.monotonic()
            line = LogLine(
                instance_id=UUID(instance), timestamp=datetime.now(UTC), message="GET /mcp 200 in 84 ms " * 6
            )
            producer.send(LogsEmitted(lines=[line] * BATCH))
            time.sleep(max(0.0, pause - (time.monotonic() - began)))


if __name__ == "__main__":
    main(*sys.argv[1:])
