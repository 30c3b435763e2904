"""The sample queries of the specifications, corrected: statements of repositories, or queries that a test runs."""

import re
from dataclasses import dataclass
from inspect import cleandoc
from pathlib import Path
from typing import Final

from db.repositories import statements

from .markdown import paragraphs

ROOT: Final = Path(__file__).parents[2]
QUERIES: Final = Path("docs/database/queries")

_REPOSITORIES: Final = Path("db/repositories")
_NAMED: Final = re.compile(r"^/\* \S+ \*/")
_BOUND: Final = re.compile(r"%\((\w+)\)s")


@dataclass(frozen=True)
class Sample:
    """A question that is asked often, and what is minded in asking it."""

    question: str
    name: str
    minded: str

    @property
    def is_asked(self) -> bool:
        """Tell whether a repository has the statement; then it is not written twice."""
        return self.name in statements()

    @property
    def path(self) -> Path:
        """Where the statement is."""
        if not self.is_asked:
            return QUERIES / f"{self.name}.sql"
        own = _REPOSITORIES / f"{self.name}.sql"
        return own if (ROOT / own).exists() else _REPOSITORIES / f"{self.name.partition('.')[0]}.py"

    @property
    def statement(self) -> str:
        """What is run, with the names of the values that are bound."""
        if not self.is_asked:
            return (ROOT / self.path).read_text(encoding="utf-8").strip()
        sent = _NAMED.sub("", statements()[self.name].sql.decode())
        lines = _BOUND.sub(r":\1", cleandoc(sent)).replace("%%", "%").splitlines()
        return "\n".join(line.rstrip() for line in lines)


SAMPLES: Final = (
    Sample(
        "Active instances of a user",
        "fleet.active_of",
        "The token cannot be given back, for only its hash is stored: its last characters tell tokens apart. There are "
        "never more of them than a user may have.",
    ),
    Sample(
        "An instance with its newest lines",
        "instances.with_logs",
        "At most 100 lines since a moment, so that one partition is read; all lines that were ever printed, gathered "
        "into one value, would fill the memory.",
    ),
    Sample(
        "Ask for instances, and lease their ports",
        "instances.create",
        "For any number of wishes. Looking for a free port and taking it are one statement: `FOR UPDATE SKIP LOCKED` "
        "gives each of many askers another port, where a SELECT followed by an UPDATE gives several the same.",
    ),
    Sample(
        "Delete an instance, and give its port back",
        "instances.delete",
        "The port is free in the moment in which the instance has ended, in the same transaction.",
    ),
    Sample(
        "Expire what is due",
        "instances.expire_due",
        "Pending instances too, which never started; locked rows wait for the next run; ports are given back with it.",
    ),
    Sample(
        "Processes to check",
        "fleet.running",
        "Page by page, each beginning after the last id of the page before; an OFFSET would read all that it skips.",
    ),
    Sample("How a user's keys are used", "keys.of_user", "Counts what is alive, yet sees the last use of what is not."),
    Sample(
        "Shared services of a user", "services.of_user", "Row level security adds the same condition for producers."
    ),
    Sample("Services that were checked lately", "services.checked_lately", "As specified."),
    Sample("Usage by service", "usage.by_service", "The span of time lets the planner read one month or two."),
    Sample(
        "A tenant's servers and their requests",
        "servers.with_requests",
        "With a span of time, which the specification leaves out; a server without requests has no row, as there.",
    ),
    Sample(
        "Servers of users who are signed in",
        "servers.of_active_users",
        "EXISTS, for a user with two sessions is one user; a session that was ended is none.",
    ),
    Sample("A tenant's users of a role", "users.of_tenant", "Page by page, and never without the tenant."),
    Sample("A user with the organizations", "users.with_organizations", "Many to many, through the memberships."),
    Sample(
        "What a tenant used",
        "tenants.usage",
        "Called by a producer, the function counts the rows of its own tenant only, whatever the argument says.",
    ),
)


def written() -> str:
    """Write every sample with its statement as it is run."""
    return paragraphs(*(_written(sample) for sample in SAMPLES))


def _written(sample: Sample) -> str:
    where = f"{sample.minded} ([{sample.name}]({_address(sample.path)}))"
    return paragraphs(f"### {sample.question}", where, f"```sql\n{sample.statement}\n```")


def _address(path: Path) -> str:
    # As seen from docs/schema.md.
    return f"../{path.as_posix()}".removeprefix("../docs/")
