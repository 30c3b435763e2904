"""Shared services: one server for many users, each of whom has a share."""

from typing import Annotated, ClassVar, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BeforeValidator, Field

from ..batch import Batch
from ..message import Part
from ..queues import Queue
from ..request import Request
from ..sealing import Sealable, SealedKey
from ..text import JsonObject, Sentence, Text, cut
from .fields import ShareId

MAX_USES: Final = 1_000
_LONGEST_ERROR: Final = 2_000

ServiceType = Annotated[
    str, Field(max_length=50, pattern=r"^[a-z0-9][a-z0-9_.-]*$", description="What messages and URLs call the service.")
]
# No user, no parameters: what signs somebody in has no place in the registry.
BaseUrl = Annotated[str, Field(max_length=255, pattern=r"^https?://[^\s/?#@{}\x00]+(/[^\s?#{}\x00]*)?$")]
Icon = Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s/?#@{}\x00]+(/[^\s?#{}\x00]*)?$")]
Path = Annotated[str, Field(max_length=255, pattern=r"^/[^\s?#\x00]*$")]
Title = Annotated[Text, Field(min_length=1, max_length=100)]
Auth = Literal["api_key", "oauth2", "basic_auth", "none"]


class RegisterService(Request):
    """A shared service is there, or is no longer as it was; what was said last about a service counts."""

    wire_name: ClassVar[str] = "services.register.v1"
    queue: ClassVar[Queue] = Queue.SERVICES

    service_type: ServiceType
    name: Title | None = Field(
        default=None, description="Whose service it is; another name does not take it over. `service_type` if left out."
    )
    display_name: Title = Field(description="What people are shown.")
    description: Text | None = Field(default=None, max_length=10_000, description="What the service does.")
    icon_url: Icon | None = Field(default=None, description="A picture of it, without parameters.")
    category: Title | None = Field(default=None, description="What it is listed under.")
    port: int | None = Field(
        default=None, ge=1024, le=65_535, description="Where it listens; it keeps the one it has, or gets a free one."
    )
    base_url: BaseUrl | None = Field(
        default=None, description="Where it is reached, without user or parameters; its port on the host if left out."
    )
    health_check_endpoint: Path = Field(default="/health", description="The path that a probe asks for.")
    auth_type: Auth = Field(default="api_key", description="What a user brings along.")
    config: JsonObject = Field(default_factory=dict, description="Whatever else belongs to the service; no secrets.")
    is_available: bool = Field(default=True, description="Whether it takes new users.")


class ProvisionService(Sealable):
    """A user gets a share of a shared service, with a key for it or without.

    Who asks for a share chooses its id; the user who gave one up gets a new one under a new id.
    """

    wire_name: ClassVar[str] = "services.provision.v1"
    queue: ClassVar[Queue] = Queue.SERVICES

    share_id: ShareId
    service_type: ServiceType
    config: JsonObject = Field(default_factory=dict, description="What the user set up; no secrets.")
    sealed_key: SealedKey | None = Field(
        default=None, description="The user's key for the service, sealed for the workers and for this message alone."
    )

    @property
    def subject(self) -> str:
        """Name the service and the share that the key is for."""
        return f"{self.service_type} {self.share_id}"


class DeprovisionService(Request):
    """A user gives up a share of a service; its key is forgotten, its usage stays."""

    wire_name: ClassVar[str] = "services.deprovision.v1"
    queue: ClassVar[Queue] = Queue.SERVICES

    share_id: ShareId
    reason: Sentence | None = Field(default=None, description="A sentence for the share's history.")


class Continuation(Part):
    """Where a worker goes on with what takes longer than one message."""

    first_id: UUID = Field(description="The id of the message that somebody sent.")
    batch: int = Field(gt=0, le=1_000_000, description="The number of the batch, from 1 on.")
    after: UUID = Field(description="The last user of the batch before.")


class MigrateToSharedService(Request):
    """The keys of one user, or of all, shall move from dedicated instances to shares of shared services.

    A worker moves some users and puts a message by for the next ones, until all are done; each batch is a row of the
    maintenance diary, so that `python -m db runs` tells what became of them.
    """

    wire_name: ClassVar[str] = "services.migrate.v1"
    queue: ClassVar[Queue] = Queue.SERVICES

    service_type: ServiceType | None = Field(default=None, description="Only to this service; to each if left out.")
    user_id: UUID | None = Field(default=None, description="Only this user's keys; all users' if left out.")
    dry_run: bool = Field(description="Only find out and write down what would be done: do that first.")
    continuation: Continuation | None = Field(default=None, description="For the worker itself: leave it out.")


class Use(Part):
    """One call of a service."""

    share_id: ShareId
    used_at: AwareDatetime = Field(description="When the call was made.")
    endpoint: Annotated[str, BeforeValidator(cut(255))] | None = Field(
        default=None, description="The path or the tool that was called; at most 255 characters of it are kept."
    )
    method: Text | None = Field(default=None, min_length=1, max_length=10, description="The method of HTTP.")
    status_code: int | None = Field(default=None, ge=100, le=599, description="The status of HTTP.")
    response_time_ms: int | None = Field(default=None, ge=0, lt=2**31, description="How long the answer took.")
    error: Annotated[str, BeforeValidator(cut(_LONGEST_ERROR))] | None = Field(
        default=None, description=f"What went wrong; at most {_LONGEST_ERROR:,} characters of it are kept."
    )


class ServiceUsed(Batch[Use]):
    """Shared services were called; one row for each call, and one count for each share."""

    wire_name: ClassVar[str] = "services.used.v1"
    queue: ClassVar[Queue] = Queue.SERVICES
    part: ClassVar[type[Part]] = Use
    carried_in: ClassVar[str] = "uses"
    called: ClassVar[str] = "the use"
    most: ClassVar[int] = MAX_USES

    uses: list[Use] = Field(min_length=1, max_length=MAX_USES, description="Calls of any shares, in any order.")
