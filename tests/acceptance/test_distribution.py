"""`minimcp-producers` as other people get it: a wheel, in an environment that holds nothing else."""

import json
import os
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import redis

from producers import CONTRACTS, CreateInstance, DeleteInstance
from workers.delivery import Delivery

ROOT = Path(__file__).parents[2]

pytestmark = pytest.mark.slow

PROGRAM = """
import json, sys
from uuid import uuid4

from minimcp_producers import BrokerUnavailable, DeleteInstance, InvalidMessage, Queue, SealingUnavailable, connect
from minimcp_producers.testing import RecordingProducer

recording = RecordingProducer()
created = recording.create_instance(user_id=uuid4(), mcp_type="figma")
assert len(recording.sent) == 1

try:
    DeleteInstance(instance_id="nonsense")
except InvalidMessage as error:
    assert "instance_id" in str(error)
else:
    raise AssertionError

try:
    connect("redis://127.0.0.1:1", sealing_key="k:hpke-public:" + "A" * 43 + "=")
except SealingUnavailable as error:
    assert "pip install 'minimcp-producers[sealing]'" in str(error)
else:
    raise AssertionError

try:
    connect("redis://127.0.0.1:1").send(DeleteInstance(instance_id=uuid4()))
except BrokerUnavailable as error:
    assert "127.0.0.1:1" in str(error)
else:
    raise AssertionError

instance_id = uuid4()
with connect(sys.argv[1]) as producer:
    message_id = producer.send(DeleteInstance(instance_id=instance_id), durable=True)
print(json.dumps([str(message_id), str(instance_id), Queue.INSTANCES]))
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel from the root."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (made,) = folder.iterdir()
    return made


@pytest.fixture(scope="module")
def python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the wheel, with what it says it needs, into an empty environment."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    interpreter = folder / "bin" / "python"
    subprocess.run([interpreter, "-m", "pip", "install", "--quiet", str(wheel)], check=True, env=_surroundings())
    return interpreter


def _surroundings() -> dict[str, str]:
    """Keep what a machine says about its network and drop what points back at this checkout."""
    return {name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "VIRTUAL_ENV", "COV"))}


def run(python: Path, *arguments: str) -> str:
    """Run the interpreter of the environment, away from the checkout."""
    done = subprocess.run(
        [python, *arguments], cwd=python.parent, env=_surroundings(), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_wheel_holds_the_client_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        metadata = Parser().parsestr(archive.read(next(n for n in names if n.endswith("/METADATA"))).decode())
    modules = {name for name in names if ".dist-info/" not in name}
    sources = {path.relative_to(ROOT / "producers").as_posix() for path in (ROOT / "producers").rglob("*.py")}
    assert modules == {f"minimcp_producers/{source}" for source in sources | {"py.typed"}}
    assert metadata["Name"] == "minimcp-producers"
    assert metadata["Requires-Python"] == ">=3.11"
    assert {requirement.split(">")[0] for requirement in metadata.get_all("Requires-Dist") or []} == {
        "cryptography",
        "googleapis-common-protos",
        "opentelemetry-proto",
        "pydantic",
        "redis",
        "starlette",
        "uvicorn",
    }
    required = [each for each in metadata.get_all("Requires-Dist") or [] if "extra ==" not in each]
    assert {requirement.split(">")[0] for requirement in required} == {"pydantic", "redis"}
    assert "cryptography>=47; extra == 'sealing'" in (metadata.get_all("Requires-Dist") or [])


def test_it_works_in_an_environment_of_its_own(python: Path, redis_url: str) -> None:
    # One test, so that the environment is made once however the tests are spread over processes.
    assert_it_brings_nothing_of_the_services(python)
    assert_it_sends(python, redis_url)
    assert_its_command_has_its_name(python, redis_url)


def assert_it_sends(python: Path, redis_url: str) -> None:
    message_id, instance_id, queue = json.loads(run(python, "-c", PROGRAM, redis_url))
    raw = redis.Redis.from_url(redis_url).hget(f"dramatiq:{queue}.msgs", message_id)
    assert isinstance(raw, bytes)
    delivery = Delivery.unpack(queue, message_id, raw, 0)
    message = DeleteInstance.received(delivery.payload, message_id=delivery.message_id)
    assert (str(message.message_id), str(message.instance_id)) == (message_id, instance_id)


def assert_its_command_has_its_name(python: Path, redis_url: str) -> None:
    listed = run(python, "-m", "minimcp_producers", "contracts")
    assert [line.split()[0] for line in listed.splitlines()] == list(CONTRACTS)
    schema = json.loads(run(python, "-m", "minimcp_producers", "schema", CreateInstance.wire_name))
    assert schema["title"] == "CreateInstance"
    assert "python -m minimcp_producers" in run(python, "-m", "minimcp_producers", "--help")
    payload = json.dumps({"instance_id": "019aa5c4-1d40-7c58-9b7e-5f0a3c2d1e44"})
    arguments = ("send", "instances.delete.v1", "--json", payload, "--url", redis_url)
    assert "is on queue instances" in run(python, "-m", "minimcp_producers", *arguments)


def assert_it_brings_nothing_of_the_services(python: Path) -> None:
    brought = run(
        python,
        "-c",
        "from importlib.util import find_spec;"
        "print([n for n in ('producers', 'workers', 'db', 'scheduler', 'dramatiq', 'sqlalchemy') if find_spec(n)])",
    )
    assert brought.strip() == "[]"
