"""The pace of a number and of a pair: together, exact, and never in the way when Redis is away."""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import count

import pytest

from messaging import pacing
from messaging.pacing import AsyncPacer, Pace, rest, take_turn

_ids = count(10**12)


@pytest.fixture
def pace() -> Pace:
    return Pace(next(_ids), per_second=20)


def test_a_burst_then_one_at_a_time(pace: Pace) -> None:
    turns = [take_turn(pace, f"9715000000{index:02}") for index in range(6)]

    assert [turn.is_granted for turn in turns] == [True] * 4 + [False] * 2
    assert 0 < turns[-1].wait <= 1 / 20
    time.sleep(turns[-1].wait)
    assert take_turn(pace, "971500000099").is_granted


def test_never_more_than_the_pace_however_many_ask(pace: Pace) -> None:
    until = time.monotonic() + 1.5

    def ask(worker: int) -> int:
        granted = 0
        while time.monotonic() < until:
            granted += take_turn(pace, f"worker{worker}-{granted}").is_granted
        return granted

    with ThreadPoolExecutor(4) as pool:
        total = sum(pool.map(ask, range(4)))

    assert 25 <= total <= 20 * 1.5 + 4 + 1


def test_a_person_is_not_hurried_and_the_number_loses_nothing_by_it() -> None:
    fast = Pace(next(_ids), per_second=1000)
    granted = sum(take_turn(fast, "971501234567", patience=0).is_granted for _ in range(46))
    refused = take_turn(fast, "971501234567")

    assert granted == pacing.PAIR_BURST
    assert not refused.is_granted
    assert 5 < refused.wait <= 6
    assert take_turn(fast, "971507654321").is_granted


def test_whoever_is_patient_gets_a_slot_to_wait_for(pace: Pace) -> None:
    async def ask() -> list[pacing.Turn]:
        pacer = AsyncPacer()
        try:
            return await pacer.take_turns(pace, [f"9715000001{index:02}" for index in range(24)], patience=0.75)
        finally:
            await pacer.aclose()

    turns = asyncio.run(ask())

    granted = [turn.wait for turn in turns if turn.is_granted]
    assert granted == sorted(granted)
    assert len(granted) in (19, 20)
    assert max(granted) <= 0.75


def test_after_too_fast_the_number_rests(pace: Pace) -> None:
    rest(pace, seconds=2)

    turn = take_turn(pace, "971501234567")

    assert not turn.is_granted
    assert 1.5 < turn.wait <= 2


def test_without_redis_nobody_is_held_back(pace: Pace, settings) -> None:
    settings.REDIS_URL = "redis://127.0.0.1:1/0"

    assert take_turn(pace, "971501234567") == pacing.Turn(is_granted=True, wait=0.0)
    rest(pace, seconds=1)
