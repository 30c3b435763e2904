"""What ``python -m workers`` is asked is refused before anything is started, with what it could be."""

import pytest

from workers.__main__ import main

REFUSED = {
    "no thread": (["--threads", "0"], "at least 1"),
    "a negative number of threads": (["--threads=-1"], "at least 1"),
    "no number of threads": (["--threads", "many"], "at least 1"),
    "no process": (["--processes", "0"], "at least 1"),
    "a negative drain": (["--drain=-1"], "between 0 and"),
    "a drain without end": (["--drain", "inf"], "between 0 and"),
    "a drain that is no number": (["--drain", "nan"], "between 0 and"),
    "a word for a drain": (["--drain", "long"], "between 0 and"),
    "an unknown queue": (["--queues", "fax"], "'health', 'instances', 'keys', 'logs', 'maintenance'"),
    "an unknown queue beside a known one": (["--queues", "logs", "--queues", "log"], "'log'"),
    "an empty queue": (["--queues", ""], "'instances'"),
    "no dead letters": (["dead-letters", "list", "--limit", "0"], "at least 1"),
}


@pytest.mark.parametrize("what", REFUSED)
def test_an_option_that_makes_no_sense_is_refused(what: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments, sentence = REFUSED[what]
    with pytest.raises(SystemExit) as refused:
        main(arguments)
    assert refused.value.code == 2
    assert sentence in capsys.readouterr().err
