"""Pairs that keys of third parties travel sealed with, for people."""

import json

from ..sealing import SealingKeys, new_private_key


def show_new(name: str, *, as_json: bool) -> str:
    """Make a pair and show both halves; nobody keeps them."""
    entry = f"{name}:{new_private_key()}"
    (public,) = SealingKeys.parse(entry).public()
    if as_json:
        return json.dumps({"name": name, "private": entry, "public": public.text})
    return (
        f"For the workers, secret, in SEALING_KEYS beside those that are there:\n  {entry}\n"
        f"For the producers, who may show it to anybody:\n  {public.text}"
    )


def show_public(keys: SealingKeys, *, as_json: bool) -> str:
    """Show the public halves of the keys that this machine has."""
    texts = [key.text for key in keys.public()]
    if as_json:
        return json.dumps(texts)
    return "\n".join(texts) or "SEALING_KEYS is not set: `python -m workers sealing-keys new NAME` makes a pair."
