"""The loop that peers use, with our probes: ten targets at a time, and the next ten when all of them are done.

``PORT COUNT SHARE SECONDS`` prints, in JSON, how long after the begin of the round each target was asked that does not
hang; one that was not asked within the time has waited for all of it.
"""

import json
import sys
import time
from typing import Final
from uuid import uuid4

from workers.probes.prober import Prober
from workers.probes.target import Target

from .fleet import url

CHUNK: Final = 10


def main(port: int, count: int, hanging: float, seconds: float) -> None:
    """Make one round over the fleet, for as long as there is time."""
    targets = [Target(uuid4(), url(number, port, hanging=hanging), is_ours=True) for number in range(count)]
    prober = Prober()
    begun = time.monotonic()
    waits: list[float] = []
    for start in range(0, count, CHUNK):
        chunk = targets[start : start + CHUNK]
        waited = time.monotonic() - begun
        waits += [min(waited, seconds) for target in chunk if "/hang/" not in target.url]
        if waited < seconds:
            prober.check(chunk)
    print(json.dumps(waits))


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]), float(sys.argv[4]))
