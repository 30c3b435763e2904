"""How far a check has come, so that a timeout can say where it ended."""

from dataclasses import dataclass
from types import SimpleNamespace

from aiohttp import ClientSession, TraceConfig


@dataclass(slots=True)
class Progress:
    """The step that one check is at, in the words of its report."""

    step: str = "before connecting"


async def _resolving(_: ClientSession, context: SimpleNamespace, __: object) -> None:
    _set(context, "while looking up the name")


async def _connecting(_: ClientSession, context: SimpleNamespace, __: object) -> None:
    _set(context, "while connecting")


async def _connected(_: ClientSession, context: SimpleNamespace, __: object) -> None:
    _set(context, "while waiting for the answer")


def _set(context: SimpleNamespace, step: str) -> None:
    progress = context.trace_request_ctx
    if isinstance(progress, Progress):
        progress.step = step


def trace() -> TraceConfig:
    """Give what makes an aiohttp session keep the ``Progress`` of its requests current."""
    config = TraceConfig()
    config.on_dns_resolvehost_start.append(_resolving)
    config.on_connection_create_start.append(_connecting)
    config.on_connection_create_end.append(_connected)
    config.on_connection_reuseconn.append(_connected)
    config.freeze()
    return config
