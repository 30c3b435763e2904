"""What is wrong with a timetable.

ProcessError
└── TimetableRefused        an override, or the name of a tick, makes no sense
"""

from process.errors import ProcessError


class TimetableRefused(ProcessError):
    """An override of the timetable, or the name of a tick, makes no sense."""
