"""From one master key to another: every table with secrets, in steps, while others write, and through any provider."""

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from uuid import UUID, uuid4

import pytest

from db import rewrapping, rotating
from db.__main__ import main
from db.encryption import KeyRing, active_key
from db.engine import Database
from db.errors import KeyInUse, KeyRefused, SecretUnreadable
from db.keeping import Vault
from db.secret import Secret, decrypt, encrypt, place_of_share
from tests.databases import TestDatabase

from .given import Given
from .vaults import BOTH, NEW, OLD, PEPPER, SECRET, VAULT, Keeper, a_key


@pytest.fixture
def keeper(test_database: TestDatabase, database: Database) -> Keeper:
    return Keeper(database, test_database, Given(test_database).a_user)


def a_share(keeper: Keeper, user_id: UUID) -> str:
    """Have a share with a key and a further credential."""
    instance_id = f"figma_{uuid4().hex}"
    key, more = (
        encrypt(text, place_of_share(instance_id, user_id, "figma"), OLD, "2026-11").token()
        for text in (SECRET, "more")
    )
    keeper.admin.ask(
        "INSERT INTO user_service_instances (instance_id, user_id, service_type, encrypted_api_key, encryption_key_id,"
        " encrypted_additional_credentials) VALUES (%s, %s, 'figma', %s, '2026-11', %s)",
        instance_id,
        user_id,
        key,
        json.dumps({"refresh": more}),
    )
    return instance_id


def under(keeper: Keeper) -> dict[str, tuple[int, int, int]]:
    with keeper.database.transaction() as uow:
        return {each.key_id: (each.keys, each.archived_keys, each.shares) for each in uow.rotation.status()}


def test_every_secret_comes_under_the_new_key_and_its_ciphertext_stays(keeper: Keeper, database: Database) -> None:
    user_id, other = keeper.a_user(), keeper.a_user()
    keeper.keeps(user_id)
    keeper.keeps(other)
    instance_id = a_share(keeper, user_id)
    keeper.admin.ask(
        "WITH gone AS (DELETE FROM api_keys WHERE user_id = %s RETURNING *)"
        " INSERT INTO api_keys_archive (id, user_id, mcp_type_id, encrypted_key, key_hint, encryption_iv,"
        " encrypted_dek, encryption_key_id, key_fingerprint, is_active, created_at, updated_at, expires_at,"
        " key_changed_at) SELECT id, user_id, mcp_type_id, encrypted_key, key_hint, encryption_iv, encrypted_dek,"
        " encryption_key_id, key_fingerprint, is_active, created_at, updated_at, expires_at, key_changed_at FROM gone",
        other,
    )
    cipher = "SELECT encrypted_key, encryption_iv, created_at FROM {} ORDER BY id"
    before = [keeper.admin.ask(cipher.format(table)) for table in ("api_keys", "api_keys_archive")]
    rotating.activate(database, BOTH, "2027-01")
    rotated = rotating.rotate(database, BOTH)
    assert rotated.facts() == {"to": "2027-01", "wrapped": 3, "unreadable": 0, "left": {}}
    assert under(keeper) == {"2026-11": (0, 0, 0), "2027-01": (1, 1, 1)}
    assert [keeper.admin.ask(cipher.format(table)) for table in ("api_keys", "api_keys_archive")] == before
    rotating.retire(database, "2026-11")
    assert keeper.reads(user_id, ring=NEW) == SECRET
    ((key, more),) = keeper.admin.ask(
        "SELECT encrypted_api_key, encrypted_additional_credentials ->> 'refresh' FROM user_service_instances"
    )
    place = place_of_share(instance_id, user_id, "figma")
    assert [decrypt(Secret.parse(str(token)), place, NEW) for token in (key, more)] == [SECRET, "more"]
    assert rotating.rotate(database, NEW).wrapped == 0


def test_a_worker_that_started_before_takes_up_the_new_key_without_restart(keeper: Keeper, database: Database) -> None:
    user_id, vault = keeper.a_user(), Vault(BOTH, PEPPER)
    keeper.verifies(BOTH)
    keeper.keeps(user_id, vault=vault)
    rotating.activate(database, BOTH, "2027-01")
    keeper.keeps(user_id, minutes=1, vault=vault)
    assert keeper.admin.ask("SELECT encryption_key_id FROM api_keys") == [("2027-01",)]


def test_a_key_that_is_only_announced_stops_no_worker_that_does_not_have_it_yet(keeper: Keeper) -> None:
    """While a new key is rolled out, the workers that come last go on, and start again after a crash."""
    user_id = keeper.a_user()
    keeper.verifies(OLD)
    keeper.verifies(BOTH)
    keeper.verifies(OLD)
    assert keeper.keeps(user_id)
    assert keeper.admin.ask("SELECT encryption_key_id FROM api_keys") == [("2026-11",)]


def test_a_worker_that_lacks_the_active_key_says_so_and_writes_nothing(keeper: Keeper, database: Database) -> None:
    user_id = keeper.a_user()
    keeper.keeps(user_id)
    rotating.activate(database, BOTH, "2027-01")
    with pytest.raises(KeyRefused, match="under the master key 2027-01, which MASTER_KEYS does not hold: add it"):
        keeper.keeps(user_id, "a key that must not be written", minutes=1)
    assert keeper.reads(user_id) == SECRET


def test_a_tick_takes_a_bounded_step_and_the_next_goes_on(
    keeper: Keeper, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "PAGE", 2)
    monkeypatch.setattr(rotating, "PER_TICK", 4)
    for _ in range(9):
        keeper.keeps(keeper.a_user())
    rotating.activate(database, BOTH, "2027-01")
    left = []
    for _ in range(4):
        with database.transaction() as uow:
            rotating.rotate_some(uow, BOTH, started_at=datetime.now(UTC))
        left.append(under(keeper)["2026-11"][0])
    assert left == [5, 1, 0, 0]
    details = keeper.admin.ask("SELECT affected, detail FROM maintenance.runs WHERE task = 'rotate-keys' ORDER BY id")
    assert [affected for affected, _ in details] == [4, 4, 1]
    assert details[0][1] == {"to": "2027-01", "wrapped": 4, "unreadable": 0, "left": {"2026-11": 5}}


def test_a_tick_that_lacks_a_key_says_so_where_people_look(keeper: Keeper, database: Database) -> None:
    with database.transaction() as uow:
        rotating.rotate_some(uow, KeyRing({}), started_at=datetime.now(UTC))
    keeper.keeps(keeper.a_user())
    with database.transaction() as uow:
        rotating.rotate_some(uow, KeyRing({}), started_at=datetime.now(UTC))
    ((detail,),) = keeper.admin.ask("SELECT detail ->> 'waits' FROM maintenance.runs")
    assert "2026-11, which MASTER_KEYS does not hold" in str(detail)


def test_ticks_get_past_what_cannot_be_unwrapped_and_tell_it_once(
    keeper: Keeper, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rewrapping, "PAGE", 2)
    monkeypatch.setattr(rotating, "PER_TICK", 2)
    users = sorted(keeper.a_user() for _ in range(6))
    for user_id in users:
        keeper.keeps(user_id)
    broken = "UPDATE api_keys SET encrypted_dek = 'AAAA' WHERE id IN (SELECT id FROM api_keys ORDER BY id LIMIT 3)"
    keeper.admin.ask(broken)
    rotating.activate(database, BOTH, "2027-01")
    for _ in range(5):
        with database.transaction() as uow:
            rotating.rotate_some(uow, BOTH, started_at=datetime.now(UTC))
    assert under(keeper) == {"2026-11": (3, 0, 0), "2027-01": (3, 0, 0)}
    runs = keeper.admin.ask("SELECT affected, detail ->> 'unreadable' FROM maintenance.runs ORDER BY id")
    assert sum(int(str(affected)) for affected, _ in runs) == 3
    assert runs[-1] == (0, "3")
    assert [affected for affected, _ in runs].count(0) == 1


def test_a_key_that_is_stored_meanwhile_is_not_given_the_former_data_key(keeper: Keeper, database: Database) -> None:
    user_id = keeper.a_user()
    keeper.keeps(user_id, "the key that is read and replaced")
    rotating.activate(database, BOTH, "2027-01")
    turn, shelf = rewrapping.Turn(BOTH, "2026-11", "2027-01"), rewrapping.KeyShelf("api_keys")
    with database.transaction() as uow:
        read = shelf.read(uow, "2026-11", "")
    keeper.keeps(user_id, minutes=1, vault=Vault(BOTH, PEPPER))
    with database.transaction() as uow:
        assert shelf.put(uow, read, [shelf.rewrapped(row, turn) for row in read], "2027-01") == 0
    assert keeper.reads(user_id) == SECRET


def test_a_row_in_use_is_left_for_later_and_keeps_nobody_waiting(keeper: Keeper, database: Database) -> None:
    busy, idle = keeper.a_user(), keeper.a_user()
    for user_id in (busy, idle):
        keeper.keeps(user_id)
    rotating.activate(database, BOTH, "2027-01")
    with database.transaction() as uow:
        uow.keys.revoke(busy, "figma", at=datetime.now(UTC))
        assert rotating.rotate(database, BOTH).left == {"2026-11": 1}
    assert rotating.rotate(database, BOTH).left == {}


def test_a_secret_that_cannot_be_unwrapped_keeps_no_other_from_it(keeper: Keeper, database: Database) -> None:
    broken, sound = keeper.a_user(), keeper.a_user()
    for user_id in (broken, sound):
        keeper.keeps(user_id)
    a_share(keeper, broken)
    keeper.admin.ask("UPDATE api_keys SET encrypted_dek = 'AAAA' WHERE user_id = %s", broken)
    keeper.admin.ask("UPDATE user_service_instances SET encrypted_api_key = 'nonsense'")
    rotating.activate(database, BOTH, "2027-01")
    rotated = rotating.rotate(database, BOTH)
    assert (rotated.wrapped, rotated.unreadable, rotated.left) == (1, 2, {"2026-11": 2})
    assert "2 cannot be unwrapped" in rotated.sentence()
    assert keeper.reads(sound) == SECRET
    with pytest.raises(KeyInUse, match="1 keys, 0 archived keys and 1 shares are still under 2026-11"):
        rotating.retire(database, "2026-11")


def test_a_retired_key_does_not_come_back(keeper: Keeper, database: Database) -> None:
    keeper.keeps(keeper.a_user())
    with pytest.raises(KeyInUse, match="2026-11 is the active key"):
        rotating.retire(database, "2026-11")
    rotating.activate(database, BOTH, "2027-01")
    with pytest.raises(KeyInUse, match="1 keys"):
        rotating.retire(database, "2026-11")
    rotating.rotate(database, BOTH)
    rotating.retire(database, "2026-11")
    rotating.retire(database, "2026-11")
    # Who still has it in the settings may start; nothing is written under it.
    keeper.verifies(BOTH)
    with database.transaction() as uow:
        assert active_key(BOTH, uow) == "2027-01"
    with pytest.raises(KeyRefused, match="2026-11 was retired"):
        rotating.activate(database, BOTH, "2026-11")
    with pytest.raises(KeyRefused, match="2027-01, which MASTER_KEYS does not hold"):
        keeper.keeps(keeper.a_user(), vault=VAULT)
    with pytest.raises(KeyRefused, match="No master key 1999"):
        rotating.retire(database, "1999")


def test_the_commands_show_rotate_and_retire(keeper: Keeper, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        keeper.keeps(keeper.a_user())
    environment = {
        "DATABASE_URL": keeper.admin.worker_url,
        "MASTER_KEYS": f"2026-11:{a_key(1)},2027-01:{a_key(2)}",
    }
    assert main(["keys", "status"], environment) == 0
    assert "2026-11                 active        yes                3         0         0" in capsys.readouterr().out
    assert main(["keys", "retire", "2026-11"], environment) == 1
    assert "is the active key" in capsys.readouterr().err
    assert main(["keys", "rotate", "--to", "2030"], environment) == 1
    assert "MASTER_KEYS does not hold 2030" in capsys.readouterr().err
    assert main(["keys", "rotate", "--to", "2027-01"], environment) == 0
    assert "3 secrets wrapped under 2027-01, none under another." in capsys.readouterr().out
    assert main(["keys", "rotate", "--json"], environment) == 0
    assert json.loads(capsys.readouterr().out) == {"to": "2027-01", "wrapped": 0, "unreadable": 0, "left": {}}
    assert main(["keys", "retire", "2026-11"], environment) == 0
    assert "take it out of MASTER_KEYS" in capsys.readouterr().out
    assert main(["--json", "keys", "status"], environment | {"MASTER_KEYS": f"2027-01:{a_key(3)}"}) == 0
    told = json.loads(capsys.readouterr().out)
    assert [(key["name"], key["status"], key["here"], key["keys"]) for key in told["master_keys"]] == [
        ("2026-11", "retired", "no", 0),
        ("2027-01", "active", "another", 3),
    ]
    assert told["last_run"]["detail"]["wrapped"] == 3
    assert main(["keys", "status"], environment) == 0
    assert "3 wrapped under 2027-01." in capsys.readouterr().out


class KeysElsewhere:
    """Master keys that a service keeps: it never gives them away and counts what it is asked."""

    def __init__(self, ring: KeyRing) -> None:
        self._inside = ring
        self.asked = {"wrap": 0, "unwrap": 0}

    def check_values(self) -> Mapping[str, str]:
        return self._inside.check_values()

    def wrap(self, key_id: str, data_key: bytes, bound: bytes) -> bytes:
        self.asked["wrap"] += 1
        return b"elsewhere " + self._inside.wrap(key_id, data_key, bound)

    def unwrap(self, key_id: str, wrapped: bytes, bound: bytes) -> bytes:
        self.asked["unwrap"] += 1
        if not wrapped.startswith(b"elsewhere "):
            raise SecretUnreadable("It was wrapped by somebody else.")
        return self._inside.unwrap(key_id, wrapped.removeprefix(b"elsewhere "), bound)


def test_another_provider_keeps_rotates_and_reads_through_the_same_protocol(keeper: Keeper, database: Database) -> None:
    keys = KeysElsewhere(BOTH)
    users = [keeper.a_user() for _ in range(3)]
    for user_id in users:
        keeper.keeps(user_id, vault=Vault(keys, PEPPER))
    rotating.activate(database, keys, "2027-01")
    assert rotating.rotate(database, keys).wrapped == 3
    assert keys.asked == {"wrap": 6, "unwrap": 3}
    with database.transaction() as uow:
        stored = uow.keys.find(users[0], "figma")
    assert stored is not None
    assert stored.encryption_key_id == "2027-01"
    with pytest.raises(SecretUnreadable):
        keeper.reads(users[0])
