"""The statements of the transitions that a message asks for, made from the table of transitions."""

from typing import Final

from db.lifecycle import DELETE, DISCONNECT, FAIL, RENEW, START, State, Transition
from db.statement import Statement, from_file

# A fact of an earlier life says nothing about this one.
_OF_THIS_LIFE: Final = (
    "(i.process_started_at IS NULL OR i.process_started_at <= CAST(:at AS timestamptz))"
    " AND (i.restored_at IS NULL OR i.restored_at <= CAST(:at AS timestamptz))"
)
_EARLIER: Final = "What is told happened before its present life."


def _statement(transition: Transition, *, changes: str = "", guard: str = "true", objection: str = "") -> Statement:
    """Make the compare-and-set of a transition; ``guard`` refuses with the objection what the states allow."""
    return from_file(
        "instances.transition",
        name=f"instances.{transition.name}",
        parts={
            **parts_of(transition),
            "ends_lease": str(transition.ends_lease).lower(),
            "changes": ", ".join(filter(None, (_target(transition), changes))),
            "guard": f"({guard})",
            "objection": objection,
        },
    )


def parts_of(transition: Transition) -> dict[str, str]:
    """Give what a statement says of its transition."""
    return {
        "name": transition.name,
        "event": transition.event,
        "origins": ", ".join(f"'{state}'" for state in transition.origins),
        "target": transition.target,
    }


def _target(transition: Transition) -> str:
    if transition.target is State.DELETED:
        return "deleted_at = now()"
    return f"status = '{transition.target}'"


STATEMENTS: Final = {
    START: _statement(
        START,
        changes="process_id = CAST(:process_id AS integer),"
        " process_started_at = CAST(:process_started_at AS timestamptz)",
        guard="i.host_id = CAST(:host_id AS text) AND"
        " (i.restored_at IS NULL OR i.restored_at <= CAST(:process_started_at AS timestamptz))",
        objection="It belongs to another host, or was restored since.",
    ),
    RENEW: _statement(
        RENEW,
        changes="expires_at = greatest(i.expires_at, least(now(), CAST(:at AS timestamptz)) + make_interval(mins =>"
        " least(coalesce(CAST(:duration_minutes AS integer), (SELECT (value #>> '{}')::integer FROM system_settings"
        " WHERE key = 'mcp.default_duration_minutes')),"
        " (SELECT max_duration_minutes FROM mcp_types t WHERE t.id = i.mcp_type_id))))",
    ),
    FAIL: _statement(FAIL, changes="error_message = CAST(:error AS text)", guard=_OF_THIS_LIFE, objection=_EARLIER),
    DISCONNECT: _statement(DISCONNECT, guard=_OF_THIS_LIFE, objection=_EARLIER),
    DELETE: _statement(
        DELETE,
        changes="status = CASE WHEN i.status IN ('pending', 'running') THEN 'disconnected' ELSE i.status END",
    ),
}
"""Transition to statement; ticks and restoring have statements of their own."""
