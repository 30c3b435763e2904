"""The sample queries of the specifications, corrected: statements of the repositories, or queries that a test runs."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from .markdown import paragraphs

ROOT: Final = Path(__file__).parents[2]
REPOSITORIES: Final = Path("db/repositories")
QUERIES: Final = Path("docs/database/queries")


@dataclass(frozen=True)
class Sample:
    """A question that is asked often, and what is minded in asking it."""

    question: str
    name: str
    minded: str

    @property
    def path(self) -> Path:
        """Where the statement is: what a repository asks is not written twice."""
        own = REPOSITORIES / f"{self.name}.sql"
        return own if (ROOT / own).exists() else QUERIES / f"{self.name}.sql"


SAMPLES: Final = (
    Sample(
        "Active instances of a user",
        "instances.active_of_user",
        "A page goes on after the last row of the page before, and the first one before `infinity`; an OFFSET would "
        "read all that it skips. The token "
        "cannot be given back, for only its hash is stored: its last characters tell tokens apart.",
    ),
    Sample(
        "An instance with its newest lines",
        "instances.with_logs",
        "At most 100 lines since a moment, so that one partition is read; all lines that were ever printed, gathered "
        "into one value, would fill the memory.",
    ),
    Sample(
        "Ask for an instance, and lease a port",
        "instances.create",
        "Looking for a free port and taking it are one statement: `FOR UPDATE SKIP LOCKED` gives each of many askers "
        "another port, where a SELECT followed by an UPDATE gives several the same.",
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
        "instances.to_check",
        "Page by page, and with the time at which the process began: ids of processes are used again.",
    ),
    Sample("How a user's keys are used", "keys.usage", "Counts what is alive, yet sees the last use of what is not."),
    Sample(
        "Shared services of a user", "services.of_user", "Row level security adds the same condition for producers."
    ),
    Sample("Services that were checked lately", "services.checked_lately", "As specified."),
    Sample("Usage of a day, by service", "services.usage", "The span of time lets the planner read one month or two."),
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
    Sample("A tenant's users of a role", "users.of_role", "Page by page, and never without the tenant."),
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
    statement = (ROOT / sample.path).read_text(encoding="utf-8").rstrip()
    title = f"### {sample.question}"
    where = f"{sample.minded} ([{sample.name}]({_address(sample.path)}))"
    return paragraphs(title, where, f"```sql\n{statement}\n```")


def _address(path: Path) -> str:
    # As seen from docs/schema.md.
    return f"../{path.as_posix()}".removeprefix("../docs/")
