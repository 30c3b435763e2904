from pathlib import Path

from tests import scratch


def test_a_folder_is_in_memory_where_there_is_room_and_gone_afterwards(tmp_path: Path) -> None:
    with scratch.folder(tmp_path, enough=1) as folder:
        assert folder.parent == tmp_path
        (folder / "file").touch()
    assert not list(tmp_path.iterdir())


def test_a_memory_that_is_small_or_missing_is_not_used(tmp_path: Path) -> None:
    for memory, enough in ((tmp_path, 2**63), (tmp_path / "none", 1)):
        with scratch.folder(memory, enough=enough) as folder:
            assert folder.is_dir()
            assert tmp_path not in folder.parents or folder.parent != memory


def test_what_a_killed_run_left_is_removed_and_what_a_running_one_uses_is_not(tmp_path: Path) -> None:
    (tmp_path / "minimcp-tests-999999999-dead").mkdir()
    (tmp_path / "minimcp-tests-1-alive").mkdir()
    (tmp_path / "of-somebody-else").mkdir()
    with scratch.folder(tmp_path, enough=1) as folder:
        names = {each.name for each in tmp_path.iterdir()}
        assert names == {"minimcp-tests-1-alive", "of-somebody-else", folder.name}
