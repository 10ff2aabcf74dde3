"""One run at a time; whoever lost the lease cannot commit."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

import warehouse
from warehouse.engine import writing
from warehouse.lease import Holder, is_gone, is_over, process_identity

ROOT = Path(__file__).parents[2]


def hold_by_another(wh, **changes) -> None:
    """Write a lease as another machine's run would."""
    values = {
        "name": "warehouse",
        "fencing_token": 7,
        "run_id": "other",
        "host": "elsewhere",
        "pid": 4711,
        "process": None,
        "acquired_at": wh.clock(),
        "renewed_at": wh.clock(),
        "expires_at": wh.clock() + timedelta(seconds=60),
    } | changes
    from warehouse.schema import warehouse_lease

    with writing(wh.engine) as connection:
        connection.execute(warehouse_lease.delete())
        connection.execute(warehouse_lease.insert().values(**values))


def test_a_lease_is_free_again_after_the_run(wh) -> None:
    with wh.lease("r1") as first:
        assert wh.holder().run_id == "r1"
    assert wh.holder() is None
    with wh.lease("r2") as second:
        assert second.token == first.token + 1


def test_a_lease_is_given_back_by_a_run_that_fails(wh) -> None:
    with pytest.raises(ZeroDivisionError), wh.lease("r1"):
        _ = 1 / 0
    assert wh.holder() is None


def test_a_run_waits_says_for_whom_and_takes_the_lease_when_it_runs_out(wh, clock) -> None:
    hold_by_another(wh)
    said = []
    begun = clock.now
    with wh.lease("r1", wait_s=600, on_wait=said.append, sleep=clock.sleep) as lease:
        assert lease.token == 8
    assert clock.now - begun == timedelta(seconds=60)
    assert said == ["waiting for run other (host elsewhere, process 4711, last heard of at 03:00:00 UTC)"]


def test_a_run_that_waited_long_enough_stops_with_one_line(wh, clock) -> None:
    hold_by_another(wh, expires_at=clock.now + timedelta(days=1))
    with pytest.raises(warehouse.LeaseHeldError) as error, wh.lease("r1", wait_s=5, sleep=clock.sleep):
        pass
    assert str(error.value) == (
        "wanted the warehouse for run r1 within 5 s, found it held by run other"
        " (host elsewhere, process 4711, last heard of at 03:00:00 UTC)"
    )
    assert wh.holder().run_id == "other"


def test_a_run_that_lost_its_lease_commits_nothing(wh, clock, kit, small) -> None:
    with wh.lease("slow") as slow:
        clock.sleep(61)  # paused past its lease
        kit.load(wh, "quick")
        with pytest.raises(warehouse.LeaseLostError) as error:
            wh.commit(
                warehouse.RunLoad(
                    kit.record("slow"),
                    slow,
                    tables=small.tables(),
                    receipts=[kit.receipt("a", small.requests)],
                )
            )
        assert slow.is_lost
    assert "run slow lost its lease" in str(error.value)
    assert [run["run_id"] for run in wh.runs()] == ["quick"]
    assert wh.sql("SELECT * FROM sessions").empty
    assert wh.claims() == []


def test_a_run_that_lost_its_lease_to_its_own_repetition_commits_nothing(wh, clock, kit) -> None:
    with wh.lease("r1") as slow:
        clock.sleep(61)
        with wh.lease("r1"), pytest.raises(warehouse.LeaseLostError):
            wh.commit(warehouse.RunLoad(kit.record("r1"), slow))


def test_a_lease_is_of_no_use_after_it_was_given_back(wh, kit) -> None:
    with wh.lease("r1") as lease:
        pass
    with pytest.raises(warehouse.LeaseLostError, match="found it free"):
        wh.commit(warehouse.RunLoad(kit.record("r1"), lease))


def test_a_lease_that_ran_out_but_that_nobody_took_still_commits(wh, clock, kit) -> None:
    with wh.lease("slow") as slow:
        clock.sleep(3_600)
        wh.commit(warehouse.RunLoad(kit.record("slow"), slow))
    assert wh.run_ids() == {"slow"}


def test_the_loser_does_not_give_back_the_winners_lease(wh, clock) -> None:
    with wh.lease("slow"):
        clock.sleep(61)
        winner = wh.lease("quick")
        winner.__enter__()
    assert wh.holder().run_id == "quick"
    winner.__exit__(None, None, None)


def test_the_holder_is_renewed_by_its_own_thread(wh, clock) -> None:
    with wh.lease("r1", seconds=0.04) as lease:
        before = wh.holder().expires_at
        clock.sleep(100)
        until = time.monotonic() + 5
        while wh.holder().expires_at == before and time.monotonic() < until:
            time.sleep(0.005)  # the thread's turn comes by real time
        assert wh.holder().expires_at > before
        assert not lease.is_lost


def test_release_frees_a_dead_lease_only(wh, clock) -> None:
    hold_by_another(wh)
    with pytest.raises(warehouse.LeaseHeldError, match="wanted a dead lease, found it held by run other"):
        wh.release()
    assert wh.release(force=True).run_id == "other"
    assert wh.release() is None
    hold_by_another(wh, expires_at=clock.now)
    assert wh.release().run_id == "other"


def test_a_released_run_cannot_commit(wh, kit) -> None:
    with wh.lease("r1") as lease:
        wh.release(force=True)
        with pytest.raises(warehouse.LeaseLostError, match="found it free"):
            wh.commit(warehouse.RunLoad(kit.record("r1"), lease))


def test_a_killed_holder_on_this_machine_is_found_out_at_once(url, wh) -> None:
    program = (
        "import sys, time, warehouse\n"
        "with warehouse.connect(sys.argv[1]).lease('victim'):\n"
        "    print('held', flush=True); time.sleep(60)\n"
    )
    victim = subprocess.Popen([sys.executable, "-c", program, url], stdout=subprocess.PIPE, cwd=ROOT)
    assert victim.stdout is not None
    assert victim.stdout.readline() == b"held\n"
    live = warehouse.connect(url)  # with the real clock: the lease has not run out
    with pytest.raises(warehouse.LeaseHeldError), live.lease("r1", wait_s=0):
        pass
    victim.kill()
    # Not yet waited for: a zombie is gone as well.
    until = time.monotonic() + 10
    while not is_over(live.holder(), live.clock()) and time.monotonic() < until:
        time.sleep(0.01)
    with live.lease("r2", wait_s=0) as lease:
        assert lease.token == 2
    victim.wait()
    victim.stdout.close()


def test_a_process_is_gone_only_where_that_is_certain() -> None:
    own = process_identity(os.getpid())
    assert own is not None
    assert not is_gone(os.getpid(), own)
    assert is_gone(os.getpid(), own + "0")  # the id was used again
    assert not is_gone(os.getpid(), "another boot and 17")
    assert not is_gone(2**22 + 1, None)
    boot_and_namespace = own.rpartition(" ")[0]
    assert is_gone(2**22 + 1, f"{boot_and_namespace} 17")


def test_a_lease_of_another_machine_is_over_by_time_only(wh, clock) -> None:
    own = process_identity(os.getpid()) or ""
    holder = Holder("r", "elsewhere", 2**22 + 1, own, clock.now, clock.now + timedelta(seconds=1))
    assert not is_over(holder, clock.now)
    assert is_over(holder, clock.now + timedelta(seconds=1))
    assert is_over(replace(holder, expires_at=clock.now), clock.now)
