"""What keeps a process from starting.

ProcessError
├── SettingMissingError     a variable of the environment is not set, or its file cannot be read
└── StateFolderUnusable     nobody could see whether the process lives
"""


class ProcessError(Exception):
    """The process must not start; the message names the remedy."""


class SettingMissingError(ProcessError):
    """A variable of the environment is not set, or the file it names cannot be read."""


class StateFolderUnusable(ProcessError):
    """The folder of the liveness files cannot be written, or belongs to somebody else."""
