"""How many people a campaign's numbers may still begin to write to: WhatsApp's limit, and the campaign's own daily cap.

WhatsApp counts the people of the last 24 hours over all numbers of a portfolio, and so does this, from the messages
themselves, whoever sent them; somebody written to twice counts once, a failure not at all. An engine takes its share ahead,
under a lock, and keeps it on its row: two campaigns never spend the same allowance.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction

from campaigns.engine.rows import HERE
from campaigns.models import Campaign
from messaging.models import Channel
from messaging.verdicts import UNLIMITED

DAY = timedelta(hours=24)
# Room that somebody else holds may come back soon; room that grows older one by one is not worth a wake-up each.
LOOK_AGAIN = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Grant:
    """Messages by channel. With none, `frees_at` and a sentence say when there are some again, and why not now."""

    left: dict[int, int]
    frees_at: datetime | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Used:
    count: int = 0
    oldest_at: datetime | None = None


def reserve(campaign: Campaign, token: int, channels: Sequence[Channel], wanted: int) -> Grant:
    """Take up to so many messages, shared out among these channels; what was taken before is given back with it."""
    portfolio = list(Channel.objects.of_portfolio(channels[0]))
    limit = max(channel.messaging_limit for channel in [*portfolio, *channels])
    cap = campaign.daily_cap_per_number
    if limit >= UNLIMITED and cap is None:
        return Grant({channel.pk: wanted for channel in channels})
    ids = sorted({channel.pk for channel in [*portfolio, *channels]})
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtext('campaigns.allowance'), %s)", [ids[0]])
        cursor.execute("SELECT clock_timestamp()")
        (now,) = cursor.fetchone()
        cursor.execute(USED, {"channels": ids, "since": now - DAY})
        used = {channel_id: _Used(count, oldest) for channel_id, count, oldest in cursor.fetchall()}
        cursor.execute(HELD_BY_OTHERS, {"campaign": campaign.pk, "channels": [str(each) for each in ids]})
        held = dict(cursor.fetchall())
        room = limit - used.get(None, _Used()).count - sum(held.values())
        left = {
            channel.pk: wanted if cap is None else cap - used.get(channel.pk, _Used()).count - held.get(channel.pk, 0)
            for channel in channels
        }
        shares = _shared_out(left, min(room, wanted))
        cursor.execute(KEEP, {"campaign": campaign.pk, "token": token, "shares": _json(shares)})
    if shares:
        return Grant(shares)
    people = used.get(None, _Used())
    if people.count >= limit:
        return _wait(now, people.oldest_at, f"WhatsApp lets these numbers begin to write to {limit:,} people a day.")
    if room <= 0:
        return _wait(now, None, "Other campaigns hold the rest of what WhatsApp lets these numbers send today.")
    oldest = min((each.oldest_at for key, each in used.items() if key and each.oldest_at), default=None)
    return _wait(now, oldest, f"Each number may send {cap:,} a day for this campaign.")


def _shared_out(left: dict[int, int], total: int) -> dict[int, int]:
    """As evenly as it goes: who has little leaves more to the others."""
    shares: dict[int, int] = {}
    for number, (channel_id, most) in enumerate(sorted(left.items(), key=lambda item: item[1])):
        share = min(most, -(-total // (len(left) - number)))
        if share > 0:
            shares[channel_id] = share
            total -= share
    return shares


def _wait(now: datetime, oldest_at: datetime | None, why: str) -> Grant:
    frees_at = max(now if oldest_at is None else oldest_at + DAY, now + LOOK_AGAIN)
    return Grant({}, frees_at, f"{why} The rest goes on at {frees_at:%H:%M} UTC.")


def _json(shares: dict[int, int]) -> str:
    return "{" + ", ".join(f'"{channel_id}": {share}' for channel_id, share in shares.items()) + "}"


# By channel, and under NULL for all of them together, each person once, at the last time.
USED = f"""
    WITH begun AS (
        SELECT channel_id, recipient, max(at) AS at FROM messaging_message
         WHERE {HERE} AND template_id IS NOT NULL AND at > %(since)s AND failed_at IS NULL
           AND channel_id = ANY(%(channels)s)
         GROUP BY channel_id, recipient
    )
    SELECT channel_id, count(*), min(at) FROM begun GROUP BY channel_id
     UNION ALL
    SELECT NULL, count(*), min(at) FROM (SELECT max(at) AS at FROM begun GROUP BY recipient) AS people
"""  # noqa: S608 - only our own constants are pasted in

HELD_BY_OTHERS = f"""
    SELECT r.key::bigint, sum(r.value::int)::int
      FROM campaigns_campaignengine e, jsonb_each_text(e.reserved) AS r
     WHERE e.{HERE} AND e.campaign_id <> %(campaign)s AND e.lease_until > clock_timestamp()
       AND r.key = ANY(%(channels)s)
     GROUP BY r.key
"""  # noqa: S608 - only our own constants are pasted in

KEEP = f"""
    UPDATE campaigns_campaignengine SET reserved = %(shares)s::jsonb
     WHERE {HERE} AND campaign_id = %(campaign)s AND token = %(token)s
"""  # noqa: S608 - only our own constants are pasted in
