"""What a program logs with OpenTelemetry's own SDK is found in PostgreSQL, once."""

from collections.abc import Iterator
from contextlib import contextmanager
from uuid import UUID, uuid4

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
from opentelemetry.sdk._logs import Logger, LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from producers import connect
from tests.acceptance.processes import started, wait_until
from tests.acceptance.traffic import create
from tests.databases import TestDatabase
from tests.integration.bus.network import FaultyNetwork
from tests.integration.producers.receivers import receiving

LINES = 1_500
SEVERITIES = {"debug": SeverityNumber.DEBUG, "info": SeverityNumber.INFO, "error": SeverityNumber.ERROR}


@contextmanager
def logger(port: int, instance_id: UUID, compression: Compression) -> Iterator[Logger]:
    """Set the SDK up as its documentation does; in the end it has sent everything."""
    provider = LoggerProvider(Resource.create({"service.name": "figma", "mcp.instance_id": str(instance_id)}))
    exporter = OTLPLogExporter(f"http://127.0.0.1:{port}/v1/logs", compression=compression)
    provider.add_log_record_processor(BatchLogRecordProcessor(exporter, schedule_delay_millis=200))
    made = provider.get_logger("app")
    assert isinstance(made, Logger)
    yield made
    assert provider.force_flush(30_000)
    provider.shutdown()


def test_lines_of_the_sdk_are_stored_once_though_an_answer_of_redis_is_lost(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    wanted = create()
    connect(environment["REDIS_URL"]).send(wanted)
    with (
        FaultyNetwork(int(environment["REDIS_URL"].rpartition(":")[2].split("/")[0])) as network,
        receiving(network.url) as receiver,
        started("-m", "workers", "--threads", "2", **environment) as worker,
    ):
        # A line that overtakes its instance is one of nobody's.
        wait_until(lambda: test_database.value("SELECT count(*) FROM mcp_instances") == 1, 30, lambda: worker.log)
        for compression in (Compression.NoCompression, Compression.Gzip):
            with logger(receiver.port, wanted.instance_id, compression) as log:
                network.lose_reply_to(b"dramatiq:logs.msgs")
                emit(log)
        wait_until(lambda: stored(test_database) >= 2 * LINES, 60, lambda: worker.log + receiver.process.log)
        assert (receiver.process.end(), worker.end()) == (0, 0)
    assert network.lost_replies == 2
    assert stored(test_database) == 2 * LINES
    assert_as_emitted(test_database, wanted.instance_id)


def emit(log: Logger) -> None:
    for number in range(LINES):
        level = list(SEVERITIES)[number % 3]
        record = LogRecord(
            severity_number=SEVERITIES[level], body=f"line {number}\0", attributes={"tool": "get_file", "n": number}
        )
        log.emit(record)


def stored(database: TestDatabase) -> int:
    return int(str(database.value("SELECT count(*) FROM mcp_logs")))


def assert_as_emitted(database: TestDatabase, instance_id: UUID) -> None:
    rows = database.ask(
        "SELECT level, message, (metadata #>> '{attributes,n}')::int, metadata #>> '{resource,service.name}',"
        " metadata #>> '{scope,name}', count(*) FROM mcp_logs WHERE mcp_instance_id = %s GROUP BY 1, 2, 3, 4, 5"
        " ORDER BY 3",
        instance_id,
    )
    levels = list(SEVERITIES)
    assert rows == [(levels[n % 3], f"line {n}\ufffd", n, "figma", "app", 2) for n in range(LINES)]
    assert database.value("SELECT count(*) FROM log_quarantine") == 0


def test_lines_of_an_instance_that_is_not_known_are_in_quarantine(
    test_database: TestDatabase, environment: dict[str, str]
) -> None:
    with (
        receiving(environment["REDIS_URL"]) as receiver,
        started("-m", "workers", "--threads", "2", **environment) as worker,
    ):
        with logger(receiver.port, uuid4(), Compression.NoCompression) as log:
            log.emit(LogRecord(body="whose is this?"))
        quarantined = "SELECT count(*) FROM log_quarantine WHERE reason = 'unknown-instance'"
        wait_until(lambda: test_database.value(quarantined) == 1, 30, lambda: worker.log)
