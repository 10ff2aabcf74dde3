"""Conditions that end a command: one line that says what was wanted and what was found."""


class PlayerpathError(Exception):
    """A command cannot go on; the warehouse is as it was (exit code 1)."""


class WrongUsage(PlayerpathError):
    """What was asked for makes no sense (exit code 2)."""
