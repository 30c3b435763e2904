"""A pair to seal with, and a key to seal."""

import base64
from typing import Any, Final

from producers import StoreApiKey
from producers.testing import RecordingProducer
from tests.unit.producers.samples import USER
from workers.sealing import SealingKeys

SECRET: Final = "figd_canary-7c1e-4f2c"
SEALING: Final = SealingKeys.parse(f"2026-11:{base64.b64encode(bytes(range(32))).decode()}")
OTHERS: Final = SealingKeys.parse(f"2026-11:{base64.b64encode(bytes(range(1, 33))).decode()}")


def public(keys: SealingKeys = SEALING) -> str:
    """Give what a producer may have of a pair."""
    return keys.public()[0].text


def stored(api_key: str = SECRET, *, keys: SealingKeys = SEALING, **fields: Any) -> StoreApiKey:  # noqa: ANN401  wrong types are what most callers pass
    """Have a producer send a key and give the message."""
    producer = RecordingProducer(sealing_key=public(keys))
    producer.store_api_key(**{"user_id": USER, "mcp_type": "figma", "api_key": api_key, **fields})
    return producer.of(StoreApiKey)[0]
