"""What exactly was approved of a sequence: its rules once, and each step by itself. Pure.

So a step that is changed waits for a second pair of eyes, while the others go on.
"""

from __future__ import annotations

import hashlib
from typing import Any

import orjson

from campaigns.models import Sequence, SequenceApproval, SequenceStep


def rules_of(sequence: Sequence) -> str:
    """SHA-256 of what holds for all steps."""
    return _hashed(
        {
            "channel": sequence.channel_id,
            "quiet": [_said(sequence.quiet_from), _said(sequence.quiet_until)],
            "working_days_only": sequence.working_days_only,
            "stops": [sequence.stop_on_reply, sequence.stop_on_sale],
            "entry": [sequence.may_reenter, sequence.quiet_after_talk_hours],
        }
    )


def of_step(step: SequenceStep) -> str:
    """SHA-256 of what the step says, when, and on what condition. The template's own text and price are part of it."""
    template = step.template
    return _hashed(
        {
            "template": [template.name, template.language, template.category, template.components],
            "variables": step.variables,
            "when": [step.position, step.delay_days, step.delay_minutes, _said(step.at_time)],
            "if": [step.if_unseen, step.if_delivered, step.if_read, step.if_replied, step.if_failed],
        }
    )


def is_approved(step: SequenceStep, approval: SequenceApproval | None) -> bool:
    """Whether the step is, to the letter, what somebody else let go out."""
    return approval is not None and approval.steps.get(str(step.pk)) == of_step(step)


def _hashed(approved: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(approved, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _said(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()
