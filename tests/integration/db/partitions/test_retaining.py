"""What is to go is told beforehand, with why something does not; policies change only to what can be kept."""

import json
from typing import Any

import psycopg
import pytest

from db.__main__ import main
from db.engine import Database
from db.repositories.partitions import RetentionStep
from db.retaining import LATEST_DAYS
from producers import RetentionDue
from tests.databases import TestDatabase
from workers.applier import HORIZON

from .retention import end_of_grace, step


def run(own: TestDatabase, *arguments: str) -> int:
    return main(["retention", *arguments], {"DATABASE_ADMIN_URL": own.admin_url})


def plan(own: TestDatabase, capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, dict[str, Any]]:
    capsys.readouterr()
    assert run(own, "plan", "--json", *arguments) == 0
    return {each["relation"]: each for each in json.loads(capsys.readouterr().out)["plan"]}


def test_a_plan_follows_a_partition_to_its_end(
    own: TestDatabase, db: Database, old_partition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = plan(own, capsys)["partitions.mcp_logs_old"]
    assert (before["step"], before["why_not"], before["parent"]) == ("detach", None, "public.mcp_logs")
    assert before["total_bytes"] > 0
    step(db)
    assert plan(own, capsys)[old_partition]["why_not"] == "its grace is not over"
    end_of_grace(own)
    assert plan(own, capsys)[old_partition]["why_not"] is None
    own.ask("UPDATE maintenance.data_retention_policies SET strategy = 'detach_archive'")
    assert plan(own, capsys)[old_partition]["why_not"] == "it waits for its archive"
    own.ask("UPDATE maintenance.data_retention_policies SET strategy = 'detach_drop'")
    own.ask(
        "INSERT INTO maintenance.legal_holds (instance_id, reason, asked_by) SELECT id, 'x', 'y' FROM mcp_instances"
    )
    assert "legal hold" in plan(own, capsys)[old_partition]["why_not"]
    own.ask("UPDATE maintenance.legal_holds SET released_at = now(), released_by = 'y'")
    assert step(db) == RetentionStep("freed", old_partition)
    assert step(db) == RetentionStep("dropped", old_partition)
    assert plan(own, capsys) == {}
    assert run(own, "plan") == 0
    assert capsys.readouterr().out == "Nothing is to go.\n"


def test_a_plan_changes_nothing(own: TestDatabase, old_partition: str) -> None:
    assert run(own, "plan") == 0
    assert own.value("SELECT count(*) FROM maintenance.detached_partitions") == 0
    assert own.value("SELECT to_regclass(%s) IS NULL", old_partition) is True


def test_what_goes_later_is_told_on_request(shared: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    assert plan(shared, capsys) == {}
    later = plan(shared, capsys, "--ahead", "200")
    assert {each["why_not"] for each in later.values()} == {"its time has not come"}
    assert any(name.startswith("partitions.mcp_logs") for name in later)


def test_a_partition_that_somebody_detached_by_hand_is_told_and_never_dropped(
    own: TestDatabase, db: Database, old_partition: str, capsys: pytest.CaptureFixture[str]
) -> None:
    own.ask("ALTER TABLE mcp_logs DETACH PARTITION partitions.mcp_logs_old")
    told = plan(own, capsys)["partitions.mcp_logs_old"]
    assert told["step"] == "none"
    assert told["why_not"].startswith("somebody detached it by hand: it is never dropped here")
    assert step(db) is None
    assert own.value("SELECT count(*) FROM partitions.mcp_logs_old") == 1
    del old_partition


@pytest.mark.usefixtures("old_partition")
def test_a_detachment_that_was_left_pending_is_told(
    own: TestDatabase, db: Database, capsys: pytest.CaptureFixture[str]
) -> None:
    with psycopg.connect(own.admin_url) as reader:
        reader.execute("SELECT count(*) FROM mcp_logs")
        hand = psycopg.connect(own.admin_url, autocommit=True, options="-c lock_timeout=300ms")
        with hand, pytest.raises(psycopg.errors.LockNotAvailable):
            hand.execute("ALTER TABLE mcp_logs DETACH PARTITION partitions.mcp_logs_old CONCURRENTLY")
    told = plan(own, capsys)["partitions.mcp_logs_old"]
    assert told["why_not"] == "detaching it was interrupted: ALTER TABLE … DETACH PARTITION … FINALIZE ends it"
    assert step(db) is None


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["nothing", "--days", "40"], "No table nothing has a policy: choose one of gateway.audit_logs"),
        (["users", "--days", "40"], "No table users has a policy"),
        (["mcp_logs", "--days", "29"], "must keep 30 days at least: a message may come 30 days late"),
        (["inbox", "--days", "30"], "must keep 31 days at least: the inbox must know every message"),
        (["mcp_logs", "--days", "40000"], "more than 36500, a century"),
        (["mcp_logs"], "Say what is to change"),
        (["log_quarantine", "--days", "0"], "must keep 1 days at least"),
        (["log_quarantine", "--strategy", "detach_archive"], "is not partitioned: its rows are deleted"),
        (["log_quarantine", "--days", "9", "--grace", "3"], "so only --days can change"),
    ],
)
def test_a_policy_that_cannot_be_kept_is_refused(
    shared: TestDatabase, arguments: list[str], sentence: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(shared, "set", *arguments) == 1
    assert sentence in capsys.readouterr().err


@pytest.mark.parametrize("days", ["6m", "1.5", "-3", "", "²"])
def test_days_are_whole_days(shared: TestDatabase, days: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        run(shared, "set", "mcp_logs", f"--days={days}")
    assert "is not a number of whole days, such as 183 for half a year" in capsys.readouterr().err


def test_a_policy_is_changed_and_that_is_on_record(own: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    wishes = ["mcp_logs", "--days", "60", "--strategy", "detach_archive", "--grace", "14"]
    assert run(own, "set", *wishes, "--json") == 0
    policy = json.loads(capsys.readouterr().out)["policy"]
    assert (policy["table"], policy["days"], policy["strategy"], policy["grace_days"]) == (
        "public.mcp_logs",
        60,
        "detach_archive",
        14,
    )
    assert run(own, "set", "public.log_quarantine", "--days", "9") == 0
    assert own.value("SELECT keep_days FROM maintenance.row_policies WHERE table_name = 'public.log_quarantine'") == 9
    changed = "SELECT table_name FROM audit_log WHERE action = 'UPDATE' ORDER BY table_name"
    assert own.ask(changed) == [("maintenance.data_retention_policies",), ("maintenance.row_policies",)]


def test_the_policies_are_those_of_the_specifications(shared: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(shared, "list", "--json") == 0
    days = {each["table"]: each["days"] for each in json.loads(capsys.readouterr().out)["policies"]}
    assert (days["public.mcp_logs"], days["public.service_usage_analytics"]) == (30, 183)
    assert run(shared, "list") == 0
    assert "A month of log lines" in capsys.readouterr().out


def test_a_worker_cannot_change_a_policy(shared: TestDatabase, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["retention", "set", "mcp_logs", "--days", "90"], {"DATABASE_URL": shared.worker_url}) == 1
    assert "Set DATABASE_ADMIN_URL to a login that may." in capsys.readouterr().err


def test_what_a_message_may_be_late_is_what_the_workers_take() -> None:
    assert HORIZON.days == LATEST_DAYS
    assert RetentionDue.wire_name == "maintenance.retention_due.v1"
