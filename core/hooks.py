"""Telling others what happened (Standard Webhooks): a row for each in the transaction of the event, then signed calls.

At least once: a worker that dies between the call and the note of it leaves a row that is sent again, with the same
`webhook-id`, by which the receiver knows it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import random
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from celery.exceptions import SoftTimeLimitExceeded
from django.db import transaction
from django.db.models import F

from core import audit
from core.actors import Actor, system
from core.errors import Conflict, DomainError, Invalid, NotFound
from core.jobs import enqueue
from core.models import HookDelivery, HookEndpoint, Organization
from core.models.hooks import HookDeliveryQuerySet
from core.outside import checked_url, post
from core.roles import Capability

TEST = "test"
# What there is to be told of. config/announcing.py says which events these are.
KINDS = [
    "agent.archived", "channel.changed", "contact.opted_out", "contacts.merged", "contacts.unmerged", "deal.closed",
    "deal.reopened", "message.received", "template.changed", "unit.owners_changed", "units.merged",
]  # fmt: skip
LEASE = timedelta(seconds=60)  # six times as long as a call may take
# After the first try; together nearly three days.
DELAYS = [timedelta(seconds=s) for s in (5, 30, 120, 600, 1800, 7200, 21_600, 43_200, 86_400, 86_400)]
MOST_FAILURES = 50
MOST_ENDPOINTS = 20
MOST_AT_ONCE = 1_000
KEPT = timedelta(days=30)


class KindUnknown(Invalid):
    code = "hook_kind_unknown"


class TooManyEndpoints(Conflict):
    code = "too_many_hook_endpoints"


class EndpointStopped(Conflict):
    code = "hook_endpoint_stopped"


@transaction.atomic
def add_endpoint(*, actor: Actor, name: str, url: str, kinds: Sequence[str], at: datetime) -> tuple[HookEndpoint, str]:
    """A new endpoint and its secret, shown this once. Raises AddressRefused, KindUnknown, TooManyEndpoints."""
    actor.require(Capability.ORGANIZATION_MANAGE)
    if HookEndpoint.objects.visible_to(actor).count() >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"There are {MOST_ENDPOINTS} already; remove one first.")
    secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
    endpoint = HookEndpoint.objects.create(
        organization=actor.organization, name=name, url=checked_url(url), kinds=_known(kinds), secret=secret
    )
    audit.record(actor=actor, action="core.hook_endpoint_added", target=endpoint, after=_told(endpoint), at=at)
    return endpoint, secret


@transaction.atomic
def change_endpoint(*, actor: Actor, endpoint: HookEndpoint, at: datetime, **changes: Any) -> HookEndpoint:
    """Change name, url, kinds or is_active. Switched on again, what waited for it goes out. Raises as add_endpoint."""
    actor.require(Capability.ORGANIZATION_MANAGE)
    rows = HookEndpoint.objects.visible_to(actor).select_for_update(no_key=True)
    held: HookEndpoint | None = rows.filter(pk=endpoint.pk).first()
    if held is None:
        raise NotFound("There is no such endpoint here.")
    before = _told(held)
    if "url" in changes:
        checked_url(changes["url"])
    if "kinds" in changes:
        changes["kinds"] = _known(changes["kinds"])
    for field, value in changes.items():
        setattr(held, field, value)
    if held.is_active:
        held.failures, held.stopped_reason = 0, ""
    held.save()
    audit.record(actor=actor, action="core.hook_endpoint_changed", target=held, before=before, after=_told(held), at=at)
    return held


@transaction.atomic
def remove_endpoint(*, actor: Actor, endpoint: HookEndpoint, at: datetime) -> None:
    """Tell it nothing more. The log of what it was told stays its 30 days."""
    actor.require(Capability.ORGANIZATION_MANAGE)
    audit.record(actor=actor, action="core.hook_endpoint_removed", target=endpoint, before=_told(endpoint), at=at)
    HookEndpoint.objects.visible_to(actor).filter(pk=endpoint.pk).update(is_active=False, removed_at=at, updated_at=at)


def announce(*, organization_id: int, kind: str, data: Mapping[str, Any], at: datetime) -> None:
    """Write down that everybody who asked is to be told, in the present transaction. `data` holds ids only."""
    endpoints = HookEndpoint.objects.filter(organization_id=organization_id, is_active=True, kinds__contains=[kind])
    for endpoint in endpoints:
        _tell(endpoint, kind, data, at)


@transaction.atomic
def send_test(*, actor: Actor, endpoint: HookEndpoint, at: datetime) -> HookDelivery:
    """Tell the endpoint that this is a test. Raises EndpointStopped."""
    actor.require(Capability.ORGANIZATION_MANAGE)
    if not endpoint.is_active:
        raise EndpointStopped("This endpoint is switched off: switch it on first.")
    return _tell(endpoint, TEST, {"endpoint": endpoint.pk}, at)


@transaction.atomic
def replay(*, actor: Actor, endpoint: HookEndpoint, first: int, last: int, at: datetime) -> int:
    """Send deliveries first..last (ids, both included) again, arrived or not, under the ids they had; returns how many.

    Raises EndpointStopped, and Invalid for more than 1,000.
    """
    actor.require(Capability.ORGANIZATION_MANAGE)
    if not endpoint.is_active:
        raise EndpointStopped("This endpoint is switched off: switch it on first.")
    rows = HookDelivery.objects.visible_to(actor).filter(endpoint=endpoint, pk__range=(first, last))
    count = _again(actor, rows, at)
    after = {"first": first, "last": last, "how_many": count}
    audit.record(actor=actor, action="core.hooks_replayed", target=endpoint, after=after)
    return count


@transaction.atomic
def replay_chosen(*, actor: Actor, deliveries: Sequence[int], at: datetime) -> int:
    """As replay, for deliveries by their ids, of whichever endpoints; returns how many. Raises as replay."""
    actor.require(Capability.ORGANIZATION_MANAGE)
    rows = HookDelivery.objects.visible_to(actor).filter(pk__in=deliveries)
    stopped = rows.filter(endpoint__is_active=False).values_list("endpoint__name", flat=True).first()
    if stopped is not None:
        raise EndpointStopped(f"{stopped} is switched off: switch it on first, or choose without it.", name=stopped)
    endpoints = list(HookEndpoint.objects.filter(deliveries__in=rows).distinct())
    for endpoint in endpoints:
        ids = list(rows.filter(endpoint=endpoint).order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
        audit.record(actor=actor, action="core.hooks_replayed", target=endpoint, after={"deliveries": ids})
    return _again(actor, rows, at)


def deliver(*, organization: Organization, delivery_id: int, at: datetime) -> None:
    """Send one that is due. Safe to call twice: only the call that claims the row sends it."""
    rows = HookDelivery.objects.for_organization(organization)
    if not rows.filter(pk=delivery_id).due(at).update(due_at=at + LEASE, attempts=F("attempts") + 1, updated_at=at):
        return
    delivery = rows.select_related("endpoint").get(pk=delivery_id)
    try:
        answer = post(delivery.endpoint.url, delivery.body.encode(), headers_of(delivery, at))
        status, error = answer.status, "" if 200 <= answer.status < 300 else answer.text[:300]
    except DomainError as refusal:
        status, error = None, refusal.message[:300]
    except SoftTimeLimitExceeded:  # of the task: an answer that drips in for ever
        status, error = None, "It did not answer in time."
    _note(organization, delivery, status, error, at)


def headers_of(delivery: HookDelivery, at: datetime) -> dict[str, str]:
    """Standard Webhooks: the id, the time, and the HMAC-SHA256 of `id.time.body` under the endpoint's secret."""
    moment = int(at.timestamp())
    key = base64.b64decode(delivery.endpoint.secret.removeprefix("whsec_"))
    signed = f"{delivery.event_id}.{moment}.{delivery.body}".encode()
    return {
        "Content-Type": "application/json",
        "User-Agent": "Majlis-Webhooks/1",
        "webhook-id": delivery.event_id,
        "webhook-timestamp": str(moment),
        "webhook-signature": "v1," + base64.b64encode(hmac.digest(key, signed, hashlib.sha256)).decode(),
    }


def sweep(*, organization: Organization, at: datetime) -> None:
    """Nudge what is due, and forget what was told long ago."""
    rows = HookDelivery.objects.for_organization(organization)
    for pk in rows.due(at).order_by("due_at").values_list("pk", flat=True)[:MOST_AT_ONCE]:
        enqueue("core.deliver_hook", organization_id=organization.pk, delivery_id=pk)
    rows.filter(created_at__lt=at - KEPT).delete()


def _again(actor: Actor, rows: HookDeliveryQuerySet, at: datetime) -> int:
    ids = list(rows.order_by("pk").values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if len(ids) > MOST_AT_ONCE:
        raise Invalid(f"These are more than {MOST_AT_ONCE:,}; replay them in parts.", most=MOST_AT_ONCE)
    HookDelivery.objects.visible_to(actor).filter(pk__in=ids).update(
        delivered_at=None, given_up_at=None, attempts=0, due_at=at, updated_at=at
    )
    for pk in ids:
        enqueue("core.deliver_hook", organization_id=actor.organization.pk, delivery_id=pk)
    return len(ids)


@transaction.atomic
def _note(organization: Organization, delivery: HookDelivery, status: int | None, error: str, at: datetime) -> None:
    arrived = status is not None and 200 <= status < 300
    delivery.answer_status, delivery.error = status, error
    if arrived:
        delivery.delivered_at = at
    elif delivery.attempts > len(DELAYS):
        delivery.given_up_at = at
    else:
        delivery.due_at = at + DELAYS[delivery.attempts - 1] * random.uniform(0.9, 1.1)  # noqa: S311 - spreads calls
    delivery.save(update_fields=["answer_status", "error", "delivered_at", "given_up_at", "due_at", "updated_at"])
    endpoint = HookEndpoint.objects.filter(pk=delivery.endpoint_id)
    if arrived:
        endpoint.filter(failures__gt=0).update(failures=0)
        return
    endpoint.update(failures=F("failures") + 1)
    reason = f"It failed {MOST_FAILURES} times in a row; the last time: {error}"[:200]
    stopped = (
        endpoint.filter(is_active=True).update(is_active=False, stopped_reason="It answered 410 Gone.")
        if status == 410
        else endpoint.filter(is_active=True, failures__gte=MOST_FAILURES).update(is_active=False, stopped_reason=reason)
    )
    if stopped:
        audit.record(actor=system(organization), action="core.hook_endpoint_stopped", target=delivery.endpoint, at=at)


def _tell(endpoint: HookEndpoint, kind: str, data: Mapping[str, Any], at: datetime) -> HookDelivery:
    body = json.dumps({"type": kind, "timestamp": at.isoformat(), "data": dict(data)})
    delivery = HookDelivery.objects.create(
        organization_id=endpoint.organization_id, endpoint=endpoint, event_id=f"msg_{uuid4().hex}", kind=kind, body=body,
        due_at=at,
    )  # fmt: skip
    enqueue("core.deliver_hook", organization_id=endpoint.organization_id, delivery_id=delivery.pk)
    return delivery


def _known(kinds: Sequence[str]) -> list[str]:
    unknown = sorted(set(kinds) - set(KINDS))
    if unknown or not kinds:
        raise KindUnknown(f"Choose one or more of: {', '.join(KINDS)}.", kinds=unknown)
    return sorted(set(kinds))


def _told(endpoint: HookEndpoint) -> dict[str, Any]:
    return {"name": endpoint.name, "url": endpoint.url, "kinds": endpoint.kinds, "is_active": endpoint.is_active}
