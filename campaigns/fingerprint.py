"""What exactly was approved: a hash of audience, template and parameters. Any edit gives another one. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import orjson

from campaigns.models import Campaign


def fingerprint_of(campaign: Campaign, channel_ids: Sequence[int]) -> str:
    """SHA-256 over everything that decides who gets what, when. The template's own text is part of it."""
    template = campaign.template
    approved: dict[str, Any] = {
        "audience": [campaign.project_id, campaign.target, campaign.audience],
        "segment": campaign.segment.definition if campaign.segment else None,
        "left out": [
            campaign.skip_messaged_within_hours,
            campaign.skip_talking_within_hours,
            campaign.most_messages,
            campaign.per_days,
        ],
        "budget": [campaign.budget_minor, campaign.budget_currency],
        "template": [template.name, template.language, template.category, template.components],
        "variables": campaign.variables,
        "channels": sorted(channel_ids),
        "when": [
            _said(campaign.starts_at),
            _said(campaign.ends_at),
            _said(campaign.quiet_from),
            _said(campaign.quiet_until),
            campaign.is_quiet_on_days_off,
        ],
        "pace": [
            campaign.messages_per_second,
            campaign.spacing_min_seconds,
            campaign.spacing_max_seconds,
            campaign.daily_cap_per_number,
        ],
        "stops": [campaign.canary_size, campaign.stop_at_failure_percent],
    }
    if campaign.second_template is not None:
        second = campaign.second_template
        approved["second"] = [
            [second.name, second.language, second.category, second.components],
            campaign.second_variables,
            campaign.second_percent,
        ]
    return hashlib.sha256(orjson.dumps(approved, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _said(moment: Any) -> str | None:
    return None if moment is None else moment.isoformat()
