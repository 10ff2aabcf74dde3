"""One run at a time: a lease on the warehouse with a fencing token, renewed while its holder lives.

The lease is a row of the database, so it works alike for processes on one machine and on many. Whoever
takes it counts the fencing token up; a commit first checks that its token is still the row's. A run that
was paused past its lease and woken up late can therefore do no harm. A holder that was killed is found out
at once on its own machine (its process is gone), elsewhere when the lease runs out.
"""

from __future__ import annotations

import contextlib
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import Connection, Engine, Row, insert, select, update

from warehouse.engine import reading, writing
from warehouse.errors import LeaseHeldError, LeaseLostError, WarehouseBusyError, WarehouseError
from warehouse.schema import warehouse_lease

LEASE_SECONDS = 60.0
POLL_SECONDS = 1.0
_NAME = "warehouse"
_TABLE = warehouse_lease

Clock = Callable[[], datetime]


@dataclass(frozen=True)
class Holder:
    """Who holds the lease, as the row says."""

    run_id: str
    host: str
    pid: int
    process: str | None
    renewed_at: datetime
    expires_at: datetime

    def __str__(self) -> str:
        heard = f"{self.renewed_at:%H:%M:%S} UTC"
        return f"run {self.run_id} (host {self.host}, process {self.pid}, last heard of at {heard})"


class Lease:
    """The right to change the warehouse, held by one run. Made by :func:`hold`."""

    def __init__(self, engine: Engine, run_id: str, token: int, clock: Clock, seconds: float) -> None:
        self.run_id = run_id
        self.token = token
        self.is_lost = False
        self._engine = engine
        self._clock = clock
        self._seconds = seconds
        self._stop = threading.Event()
        self._writing = threading.Lock()  # held while this run's own transaction has the write lock
        self._thread = threading.Thread(target=self._keep_renewing, name=f"lease {run_id}", daemon=True)

    def renew(self) -> None:
        """Say that the holder lives.

        Raises:
            LeaseLostError: another run has taken the lease.
        """
        with self._writing, writing(self._engine) as connection:
            self._extend(connection)

    @contextlib.contextmanager
    def fenced(self) -> Iterator[Connection]:
        """One write transaction that only the holder of the lease can begin.

        Raises:
            LeaseLostError: another run has taken the lease; nothing was written.
        """
        with self._writing, writing(self._engine) as connection:
            self._extend(connection)
            yield connection

    def _extend(self, connection: Connection) -> None:
        now = self._clock()
        renewed = connection.execute(
            update(_TABLE)
            .where(
                _TABLE.c.name == _NAME, _TABLE.c.fencing_token == self.token, _TABLE.c.run_id == self.run_id
            )
            .values(renewed_at=now, expires_at=now + timedelta(seconds=self._seconds))
        )
        if renewed.rowcount != 1:
            self.is_lost = True
            found = _holder(_row(connection))
            raise LeaseLostError(
                f"run {self.run_id} lost its lease on the warehouse, nothing of it was committed;"
                f" found {'it free' if found is None else f'it held by {found}'}"
            )

    def _keep_renewing(self) -> None:
        while not self._stop.wait(self._seconds / 4):
            # Busy or a full disk: the next turn tries again, and the commit checks the token in any case.
            with contextlib.suppress(WarehouseError):
                self.renew()
            if self.is_lost:
                return

    def _release(self) -> None:
        self._stop.set()
        self._thread.join()
        # If it cannot be given back now, it runs out by itself.
        with contextlib.suppress(WarehouseError), writing(self._engine) as connection:
            connection.execute(
                update(_TABLE)
                .where(_TABLE.c.fencing_token == self.token)
                .values(run_id=None, expires_at=None)
            )


@contextlib.contextmanager
def hold(
    engine: Engine,
    run_id: str,
    *,
    wait_s: float = 600.0,
    on_wait: Callable[[str], None] = lambda _message: None,
    clock: Clock,
    sleep: Callable[[float], None] = time.sleep,
    seconds: float = LEASE_SECONDS,
) -> Iterator[Lease]:
    """Take the lease, waiting for other runs, and renew it until the block ends.

    Args:
        wait_s: how long to wait for others, by the clock.
        on_wait: told in one line whom the run waits for, once for each holder.
        clock: naive UTC now.
        sleep: waits between two looks.
        seconds: how long the lease lasts without renewal.

    Raises:
        LeaseHeldError: another run still held it after `wait_s`.
    """
    lease = _take(engine, run_id, wait_s, on_wait, clock, sleep, seconds)
    lease._thread.start()
    try:
        yield lease
    finally:
        lease._release()


def _take(
    engine: Engine,
    run_id: str,
    wait_s: float,
    on_wait: Callable[[str], None],
    clock: Clock,
    sleep: Callable[[float], None],
    seconds: float,
) -> Lease:
    until = clock() + timedelta(seconds=wait_s)
    told = ""
    while True:
        try:
            with reading(engine, busy_s=POLL_SECONDS) as connection:
                holder = _holder(_row(connection))
            if holder is None or is_over(holder, clock()):
                with writing(engine, busy_s=POLL_SECONDS) as connection:
                    token = _try_to_take(connection, run_id, clock(), seconds)
                if token is not None:
                    return Lease(engine, run_id, token, clock, seconds)
            found = str(holder)
        except WarehouseBusyError:
            found = "a run that is writing"
        if clock() >= until:
            raise LeaseHeldError(
                f"wanted the warehouse for run {run_id} within {wait_s:g} s, found it held by {found}"
            )
        if told != found.partition(",")[0]:
            told = found.partition(",")[0]
            on_wait(f"waiting for {found}")
        sleep(POLL_SECONDS)


def _try_to_take(connection: Connection, run_id: str, now: datetime, seconds: float) -> int | None:
    row = _row(connection)
    holder = _holder(row)
    if holder is not None and not is_over(holder, now):
        return None
    token = 1 if row is None else int(row.fencing_token) + 1
    values = {
        "fencing_token": token,
        "run_id": run_id,
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "process": process_identity(os.getpid()),
        "acquired_at": now,
        "renewed_at": now,
        "expires_at": now + timedelta(seconds=seconds),
    }
    if row is None:
        connection.execute(insert(_TABLE).values(name=_NAME, **values))
    else:
        connection.execute(update(_TABLE).where(_TABLE.c.name == _NAME).values(**values))
    return token


def current_holder(engine: Engine) -> Holder | None:
    """Say who holds the lease; None if it is free."""
    with reading(engine) as connection:
        return _holder(_row(connection))


def release_dead(engine: Engine, now: datetime, *, force: bool = False) -> Holder | None:
    """Free a lease whose holder is gone; give that holder, or None if the lease was free.

    Args:
        force: free it even if its holder may be alive. That run cannot commit any more.

    Raises:
        LeaseHeldError: the holder seems to be alive, and `force` was not given.
    """
    with writing(engine) as connection:
        row = _row(connection)
        holder = _holder(row)
        if holder is None or row is None:
            return None
        if not force and not is_over(holder, now):
            raise LeaseHeldError(
                f"wanted a dead lease, found it held by {holder}, until {holder.expires_at:%H:%M:%S} UTC"
            )
        connection.execute(
            update(_TABLE)
            .where(_TABLE.c.name == _NAME)
            .values(fencing_token=int(row.fencing_token) + 1, run_id=None, expires_at=None)
        )
        return holder


def _row(connection: Connection) -> Row[tuple[object, ...]] | None:
    # FOR UPDATE means nothing to SQLite, where a write transaction is alone anyway.
    return connection.execute(select(_TABLE).where(_TABLE.c.name == _NAME).with_for_update()).one_or_none()


def _holder(row: Row[tuple[object, ...]] | None) -> Holder | None:
    if row is None or row.run_id is None:
        return None
    return Holder(row.run_id, row.host, row.pid, row.process, row.renewed_at, row.expires_at)


def is_over(holder: Holder, now: datetime) -> bool:
    """Say whether a lease can be taken: it ran out, or its process is known to be gone."""
    return now >= holder.expires_at or (
        holder.host == socket.gethostname() and is_gone(holder.pid, holder.process)
    )


def process_identity(pid: int) -> str | None:
    """Name a running process beyond its id, which is used again: boot, namespace, start time (Linux only)."""
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        namespace = Path("/proc/self/ns/pid").readlink()
        state, start = _state_and_start(pid)
    except (OSError, IndexError):
        return None
    # A killed child that nobody has waited for yet is gone all the same.
    return None if state in "ZX" else f"{boot} {namespace} {start}"


def _state_and_start(pid: int) -> tuple[str, str]:
    # The second field is the program's name in parentheses, and may itself hold spaces and parentheses.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return fields[0], fields[19]


def is_gone(pid: int, process: str | None) -> bool:
    """Say whether a process of this machine has certainly ended; where that can't be known, False."""
    own = process_identity(os.getpid())
    if process is None or own is None:
        return False
    same_view = own.rpartition(" ")[0] == process.rpartition(" ")[0]
    return same_view and process_identity(pid) != process
