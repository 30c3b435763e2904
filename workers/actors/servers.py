"""Servers that the gateway routes to, and what they offer."""

from db.refusals import ServerRefused, UnknownServer
from db.repositories.servers import NewServer
from db.unit_of_work import UnitOfWork
from producers import OfferedTool, RegisterServer, ServerDiscovered

from ..actor import actor
from ..requests import act, said_at


@actor(RegisterServer)
def register(message: RegisterServer, uow: UnitOfWork) -> None:
    """Add a server or bring it up to date; what was said later counts, whatever comes first."""
    act(message, uow)
    new = NewServer(
        id=message.server_id,
        tenant_id=message.tenant_id,
        name=message.name,
        endpoint_url=message.endpoint_url,
        description=message.description,
        transport_type=message.transport_type,
        status=message.status,
        timeout_ms=message.timeout_ms,
        expires_at=message.expires_at,
        tags=message.tags,
        configuration=message.configuration,
    )
    if uow.servers.register(new, said_at=said_at(message)):
        return
    present = uow.servers.get(message.server_id)
    if present is None or present.tenant_id != message.tenant_id:
        sentence = f"server {message.server_id} is another tenant's: register this one under another id"
        raise ServerRefused(sentence)


@actor(ServerDiscovered)
def discover(message: ServerDiscovered, uow: UnitOfWork) -> None:
    """Let the offers of a server be those that it lists now, unless it said something newer."""
    is_news = uow.servers.describe(
        message.server_id,
        version=message.version,
        capabilities=message.capabilities,
        said_at=said_at(message),
    )
    if not is_news:
        if uow.servers.get(message.server_id) is None:
            sentence = f"there is no server {message.server_id}"
            raise UnknownServer(sentence)
        return
    if message.tools is not None:
        uow.tools.refresh(message.server_id, [_tool(each) for each in message.tools])
    if message.resources is not None:
        uow.tools.refresh_resources(message.server_id, [each.model_dump() for each in message.resources])


def _tool(tool: OfferedTool) -> dict[str, object]:
    return {"name": tool.name, "description": tool.description, "schema": tool.input_schema}
