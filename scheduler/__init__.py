"""The timetable: any number of identical processes say when it is time."""
