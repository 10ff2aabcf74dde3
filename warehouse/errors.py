"""What can go wrong with a warehouse, each as one line that says what was wanted and what was found."""

from __future__ import annotations


class WarehouseError(Exception):
    """Base of all errors of this package; its text is one line and never holds a password."""


class WarehouseUrlError(WarehouseError):
    """The URL names no database that this program can use."""


class WarehouseMissingError(WarehouseError):
    """There is no warehouse there, and none was to be made."""


class NotAWarehouseError(WarehouseError):
    """The file is no database, or a database of something else."""


class WarehouseVersionError(WarehouseError):
    """The warehouse was made by another version of the program."""


class WarehousePermissionError(WarehouseError):
    """The file or its folder must not be read or written."""


class WarehouseBusyError(WarehouseError):
    """Another process kept the database locked for longer than the wait."""


class WarehouseStorageError(WarehouseError):
    """The disk is full, broken or gone; the transaction is rolled back."""


class LeaseHeldError(WarehouseError):
    """Another run works on the warehouse."""


class LeaseLostError(WarehouseError):
    """This run's lease ran out and another run took it; nothing of this run was committed."""


class LoadError(WarehouseError):
    """Rows of a load do not fit the tables; the transaction is rolled back."""


class PublishError(WarehouseError):
    """The tables could not be published; the warehouse itself is committed."""


class ChecksFailedError(WarehouseError):
    """Numbers that must agree do not; the transaction is rolled back.

    `checks` holds the results of all checks, for the record of the failed run.
    """

    def __init__(self, message: str, checks: tuple[object, ...] = ()) -> None:
        super().__init__(message)
        self.checks = checks
