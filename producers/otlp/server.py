"""Runs the receiver until it is asked to stop."""

import signal
from types import FrameType
from typing import Final

import uvicorn
from starlette.applications import Starlette

from ..producer import connect
from .app import application
from .bus import Bus
from .command import Options
from .receiver import Receiver

_CONNECTIONS: Final = 1_000
_END_SECONDS: Final = 30


def serve(options: Options) -> None:
    """Listen until SIGTERM or SIGINT; what has been received by then is sent and answered."""
    bus = Bus(options.url)
    try:
        with connect(options.url, most_waiting=options.most_waiting) as producer:
            receiver = Receiver(producer, most_bytes=options.most_bytes, durable=options.durable)
            app = application(receiver, bus, most_bytes=options.most_bytes, token=options.token)
            # uvicorn raises the signal again when it has finished: without this, finishing would look like dying.
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, _ignore)
            uvicorn.Server(_config(app, options)).run()
    finally:
        bus.close()


def _config(app: Starlette, options: Options) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=options.host,
        port=options.port,
        loop="asyncio",
        http="h11",
        ws="none",
        lifespan="off",
        access_log=False,
        server_header=False,
        limit_concurrency=_CONNECTIONS,
        timeout_graceful_shutdown=_END_SECONDS,
    )


def _ignore(number: int, frame: FrameType | None) -> None:
    del number, frame
