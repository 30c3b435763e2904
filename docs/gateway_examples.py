"""One realistic message of each contract about the gateway."""

from datetime import datetime, timedelta
from ipaddress import IPv4Address
from uuid import UUID

from producers import (
    ActionAudited,
    AuditedAction,
    AuditedCall,
    CallAudited,
    Message,
    MetricSample,
    MetricsSampled,
    OfferedResource,
    OfferedTool,
    RegisterServer,
    RequestsServed,
    ServedRequest,
    ServerDiscovered,
)


def gateway(moment: datetime, user: UUID) -> tuple[tuple[float, Message], ...]:
    """Give the messages, and how many seconds after the moment each is made."""
    return (
        (
            30,
            RegisterServer(
                server_id="tickets",
                tenant_id="acme",
                name="Tickets",
                endpoint_url="https://tickets.example/mcp",
                transport_type="streamable_http",
                tags=["support"],
            ),
        ),
        (
            31,
            ServerDiscovered(
                server_id="tickets",
                version="2.1.0",
                capabilities={"tools": {}},
                tools=[OfferedTool(name="search", description="Finds tickets.", input_schema={"type": "object"})],
                resources=[OfferedResource(uri="ticket://{id}", name="A ticket", mime_type="application/json")],
            ),
        ),
        (
            40,
            RequestsServed(
                requests=[
                    ServedRequest(
                        request_id="r-1",
                        requested_at=moment + timedelta(seconds=39),
                        method="POST",
                        path="/mcp",
                        tenant_id="acme",
                        user_id=user,
                        server_id="tickets",
                        ip_address=IPv4Address("192.0.2.7"),
                        headers={"authorization": "Bearer …"},
                        duration_ms=84.5,
                        status_code=200,
                        tool="search",
                    )
                ]
            ),
        ),
        (
            60,
            MetricsSampled(
                samples=[
                    MetricSample(
                        server_id="tickets",
                        sampled_at=moment + timedelta(seconds=59),
                        response_time_ms=84.5,
                        requests_per_second=12,
                        error_rate=0.5,
                    )
                ]
            ),
        ),
        (
            61,
            ActionAudited(
                actions=[
                    AuditedAction(
                        acted_at=moment + timedelta(seconds=60),
                        action="grant",
                        resource_type="server",
                        resource_id="tickets",
                        tenant_id="acme",
                        user_id=user,
                    )
                ]
            ),
        ),
        (
            62,
            CallAudited(
                calls=[
                    AuditedCall(
                        called_at=moment + timedelta(seconds=61),
                        user_id="ada@example.org",
                        method="tools/call",
                        success=True,
                        duration_ms=81,
                        tenant_id="acme",
                        params={"name": "search"},
                    )
                ]
            ),
        ),
    )
