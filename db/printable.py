"""Text of others as a terminal and a program can take it."""


def printable(text: str) -> str:
    """Escape control characters, lone surrogates and what else cannot be seen."""
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)
