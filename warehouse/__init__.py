"""The relational model of player behaviour: a warehouse that runs load and people ask.

import warehouse

wh = warehouse.connect("sqlite:///playerpath.db", read_only=True)
wh.sql("SELECT activity_date, dau FROM daily_activity WHERE dimension = 'all'")
"""

from warehouse.checks import CheckResult
from warehouse.claims import ClaimedObject, LakeFile
from warehouse.connection import Warehouse, connect
from warehouse.errors import (
    ChecksFailedError,
    LeaseHeldError,
    LeaseLostError,
    LoadError,
    NotAWarehouseError,
    PublishError,
    WarehouseBusyError,
    WarehouseError,
    WarehouseMissingError,
    WarehousePermissionError,
    WarehouseStorageError,
    WarehouseUrlError,
    WarehouseVersionError,
)
from warehouse.lease import Holder, Lease
from warehouse.load import Committed, RunLoad, RunRecord
from warehouse.parquet import Staging
from warehouse.publication import Publication, publish
from warehouse.state import KEY_FINGERPRINT, compare_settings

__all__ = [
    "KEY_FINGERPRINT",
    "CheckResult",
    "ChecksFailedError",
    "ClaimedObject",
    "Committed",
    "Holder",
    "LakeFile",
    "Lease",
    "LeaseHeldError",
    "LeaseLostError",
    "LoadError",
    "NotAWarehouseError",
    "Publication",
    "PublishError",
    "RunLoad",
    "RunRecord",
    "Staging",
    "Warehouse",
    "WarehouseBusyError",
    "WarehouseError",
    "WarehouseMissingError",
    "WarehousePermissionError",
    "WarehouseStorageError",
    "WarehouseUrlError",
    "WarehouseVersionError",
    "compare_settings",
    "connect",
    "publish",
]
