"""PostgreSQL and Valkey for development, until Ctrl-C: `python -m embedded`, or `make dev`."""

import argparse
import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from . import PostgresServer, ServerNotStarted, ValkeyServer

LOGIN: Final = "minimcp_worker"
LOOK_SECONDS: Final = 0.5

GUIDE: Final = """
PostgreSQL 18 and Valkey 9 run with their data in {folder} until Ctrl-C.  To use them:

{exports}

or, in short:  . {file}

  {python} -m workers --processes 2                 the worker pool
  {python} -m scheduler                             the ticks
  {python} -m producers send --help                 a message from a shell
"""


def main(arguments: list[str] | None = None) -> int:
    """Run both servers, migrated, until a signal comes or one of them ends."""
    parser = argparse.ArgumentParser(prog="python -m embedded", description=__doc__)
    parser.add_argument("--data", type=Path, default=Path(".dev"), metavar="DIR", help="default: .dev")
    folder: Path = parser.parse_args(arguments).data
    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell starts what runs in its background deaf to SIGINT.
        signal.signal(number, signal.default_int_handler)
    try:
        with PostgresServer(folder / "postgres") as postgres, ValkeyServer(folder / "valkey") as valkey:
            urls = prepare(postgres, valkey)
            print(guide(folder, urls), flush=True)
            while postgres.running and valkey.running:
                time.sleep(LOOK_SECONDS)
    except KeyboardInterrupt:
        print("\nPostgreSQL and Valkey are stopped; the data stay.")
        return 0
    except (ServerNotStarted, subprocess.CalledProcessError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    print(f"error: a server ended by itself; see the server.log files in {folder}", file=sys.stderr)
    return 1


def prepare(postgres: PostgresServer, valkey: ValkeyServer) -> dict[str, str]:
    """Bring the schema to head, make the login of the workers, and return the URLs."""
    urls = {
        "DATABASE_URL": postgres.url.replace("postgres@", f"{LOGIN}@"),
        "DATABASE_ADMIN_URL": postgres.url,
        "REDIS_URL": valkey.url,
    }
    db("upgrade", urls=urls)
    # The server trusts whoever can reach it, so the password is nobody's secret.
    db("login", LOGIN, "--role=worker", urls=urls, answer="development\n")
    return urls


def db(*command: str, urls: Mapping[str, str], answer: str = "") -> None:
    """Run `python -m db` as an operator would: this package imports nothing of the product."""
    program = (sys.executable, "-m", "db", *command)
    subprocess.run(program, env={**os.environ, **urls}, input=answer, text=True, check=True)


def guide(folder: Path, urls: dict[str, str]) -> str:
    """Write the exports to a file to source, and say what to do next."""
    exports = [f"export {name}={shlex.quote(url)}" for name, url in urls.items()]
    file = folder / "env"
    file.write_text("\n".join(exports) + "\n", encoding="utf-8")
    return GUIDE.format(
        folder=folder,
        file=file if file.is_absolute() else f"./{file}",
        exports="\n".join(f"  {line}" for line in exports),
        python=os.path.relpath(sys.executable),
    )


if __name__ == "__main__":
    sys.exit(main())
