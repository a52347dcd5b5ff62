"""What an answer of WhatsApp means for one recipient, and for the campaign as a whole. Pure."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum

from campaigns.engine.rows import Outcome, Row
from campaigns.models import Status
from messaging.error_codes import Treatment, explain
from messaging.gateway import Accepted, InDoubt, NotSent, Refused
from messaging.gateway import Outcome as Answer

# Put off so often, something else is wrong with this one.
MOST_DEFERRALS = 100
LONGEST_PAIR_WAIT = 4.0**6


class Effect(StrEnum):
    """What an answer says beyond its own recipient."""

    GOOD = "good"
    IN_DOUBT = "in_doubt"
    UNREACHABLE = "unreachable"
    THROTTLED = "throttled"
    STOP_CHANNEL = "stop_channel"
    PAUSE = "pause"
    OPT_OUT = "opt_out"
    SUSPECT = "suspect"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Judgement:
    """What to write, and what else follows. `reason` is for people."""

    outcome: Outcome
    effect: Effect
    reason: str = ""
    code: int | None = None


def judge(row: Row, answer: Answer) -> Judgement:
    """Nothing is retried that may have gone out; what waits, waits with jitter; what stops all burns nobody."""
    if isinstance(answer, Accepted):
        return Judgement(Outcome(row, Status.ACCEPTED, provider_id=answer.provider_id), Effect.GOOD)
    if isinstance(answer, InDoubt):
        error = f"WhatsApp's answer did not come through ({answer.reason}): it may have been sent."
        return Judgement(Outcome(row, Status.UNKNOWN, error=error), Effect.IN_DOUBT, answer.reason)
    if isinstance(answer, NotSent):
        wait = _jittered(1.0 * 2 ** min(row.deferrals, 5))
        return Judgement(_later(row, wait, None, "WhatsApp could not be reached."), Effect.UNREACHABLE, answer.reason)
    return _refused(row, answer)


def _refused(row: Row, answer: Refused) -> Judgement:
    said = explain(answer.code, answer.status)
    treatment = said.treatment
    if treatment is Treatment.RETRY_LATER:
        wait = _jittered(0.5 * 2 ** min(row.deferrals, 6))
        return Judgement(_later(row, wait, answer.code, said.meaning), Effect.THROTTLED, said.meaning, answer.code)
    if treatment is Treatment.DEFER_PAIR:
        wait = _jittered(min(4.0 ** (row.deferrals + 1), LONGEST_PAIR_WAIT))
        return Judgement(_later(row, wait, answer.code, said.meaning), Effect.NONE)
    if treatment in (Treatment.STOP_CHANNEL, Treatment.STOP_BILLABLE):
        back = Outcome(row, Status.PENDING, error_code=answer.code, error=said.meaning)
        return Judgement(back, Effect.STOP_CHANNEL, said.meaning, answer.code)
    if treatment is Treatment.PAUSE_CAMPAIGN:
        back = Outcome(row, Status.PENDING, error_code=answer.code, error=said.meaning)
        return Judgement(back, Effect.PAUSE, f"{said.meaning} {said.next_step}", answer.code)
    failed = Outcome(row, Status.FAILED, error_code=answer.code, error=said.meaning, details=answer.details)
    if treatment is Treatment.OPT_OUT:
        return Judgement(failed, Effect.OPT_OUT)
    return Judgement(failed, Effect.SUSPECT if treatment is Treatment.SUSPECT_NUMBER else Effect.NONE)


def _later(row: Row, seconds: float, code: int | None, error: str) -> Outcome:
    """Back to the queue without an attempt; given up only after very many."""
    if row.deferrals >= MOST_DEFERRALS:
        return Outcome(row, Status.FAILED, error_code=code, error=f"Given up after {MOST_DEFERRALS} tries. {error}")
    return Outcome(row, Status.PENDING, error_code=code, error=error, wait_seconds=seconds, is_deferral=True)


def _jittered(seconds: float) -> float:
    return seconds * random.uniform(0.7, 1.3)  # noqa: S311 - so that retries do not come all at once
