"""Pin every dependency group of pyproject.toml with hashes; `make lock` runs it."""

import subprocess
import sys
from typing import Final

COMPILE: Final = (
    sys.executable,
    "-m",
    "uv",
    "pip",
    "compile",
    "--quiet",
    "--upgrade",
    "--universal",  # one lock for every platform and Python, through markers
    "--python-version=3.11",
    "--generate-hashes",
    "--no-annotate",
    "--no-emit-index-url",  # where packages come from is the machine's business
    "--no-emit-find-links",
    "--custom-compile-command=make lock",
)
LOCKS: Final = {
    "requirements.lock": ("pyproject.toml", "--group=services", "--group=dev"),
    # The image installs this one: the same versions, without the tools.
    "services.lock": ("pyproject.toml", "--group=services", "--constraint=requirements.lock"),
    "demo/legacy_era.lock": ("--group=legacy-era",),
}

if __name__ == "__main__":
    for lock, sources in LOCKS.items():
        print(f"Pinning {lock}", file=sys.stderr)
        subprocess.run([*COMPILE, *sources, f"--output-file={lock}"], check=True)
