import socket
from pathlib import Path

from embedded import ports


def test_a_port_is_kept_with_the_data(tmp_path: Path) -> None:
    file = tmp_path / "data" / "port"
    port = ports.kept_port(file)
    assert port in ports.SERVER_PORTS
    assert ports.kept_port(file) == port


def test_a_port_that_was_taken_meanwhile_is_given_up(tmp_path: Path) -> None:
    port = ports.kept_port(tmp_path / "port")
    with socket.create_server(("127.0.0.1", port)):
        assert not ports.is_free(port)
        other = ports.kept_port(tmp_path / "port")
    assert other != port
    assert ports.kept_port(tmp_path / "port") == other


def test_a_file_that_holds_no_port_is_written_anew(tmp_path: Path) -> None:
    (tmp_path / "port").write_text("none", encoding="utf-8")
    assert ports.kept_port(tmp_path / "port") in ports.SERVER_PORTS
