"""Who may not be written to, and why: the one place that knows, for one person and for a whole audience alike.

`outbound_refusals` is for audiences; messaging/services/outbound.py asks the same question for one conversation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.arrays import any_id, any_text
from core.models import Organization
from crm.models import Contact, ContactPoint, DoNotContact
from crm.models.contacts import LineType, PointKind, PointStatus
from messaging.models import Channel, OptOut
from messaging.models.channels import SessionStatus, TemplateCategory
from messaging.models.intake import OptOutScope


class Refusal(StrEnum):
    """Why somebody is not written to. The values are also the skip reasons of campaigns."""

    OPTED_OUT = "opted_out"
    NO_NUMBER = "no_number"
    LANDLINE = "landline"
    INVALID_NUMBER = "invalid_number"
    DO_NOT_CONTACT = "do_not_contact"
    BAD_CONTACT = "bad_contact"
    US_MARKETING = "us_marketing"
    CHANNEL_UNABLE = "channel_unable"


SENTENCES: dict[Refusal, str] = {
    Refusal.OPTED_OUT: "This person asked us to stop; only they can undo it, by writing START.",
    Refusal.NO_NUMBER: "We know neither a number nor a WhatsApp id of this person.",
    Refusal.LANDLINE: "The only number we know is a landline.",
    Refusal.INVALID_NUMBER: "The number is not valid; correct it on the contact.",
    Refusal.DO_NOT_CONTACT: "This number is marked: do not contact.",
    Refusal.BAD_CONTACT: "This contact is marked as a bad contact.",
    Refusal.US_MARKETING: "WhatsApp delivers no marketing to numbers of the United States.",
    Refusal.CHANNEL_UNABLE: "The WhatsApp number cannot send now; ask an admin to check the channel.",
}


@dataclass(frozen=True, slots=True)
class Address:
    """Where somebody is reached: digits without +, or a business-scoped user id."""

    value: str
    point_id: int


def outbound_refusals(
    *, organization: Organization, channel: Channel, contact_ids: Sequence[int], category: str
) -> dict[int, str]:
    """Of these contacts, those who may not get a template of that category, each with a Refusal.

    Whoever is not in the answer may be written to, at the address that `addresses_of` gives. Four queries, however
    many contacts. The window is not asked: templates need none.
    """
    if not is_able(channel):
        return dict.fromkeys(contact_ids, Refusal.CHANNEL_UNABLE.value)
    standings = standings_of(organization=organization, contact_ids=contact_ids, category=category)
    return {contact_id: found.value for contact_id, found in standings.items() if isinstance(found, Refusal)}


def standings_of(
    *, organization: Organization, contact_ids: Sequence[int], category: str
) -> dict[int, Address | Refusal]:
    """For each of these contacts, where a template of that category goes, or why it may not. Four queries, however
    many contacts. Whether a number is able to send is not asked here."""
    points = _points_of(organization, contact_ids)
    stopped = opted_out(organization=organization, contact_ids=contact_ids, points=points, category=category)
    bad = set(
        Contact.objects.for_organization(organization)
        .filter(pk__in=any_id(contact_ids), is_bad_contact=True)
        .values_list("pk", flat=True)
    )
    found: dict[int, Address | Refusal] = {}
    for contact_id in contact_ids:
        if contact_id in stopped:
            found[contact_id] = Refusal.OPTED_OUT
        elif contact_id in bad:
            found[contact_id] = Refusal.BAD_CONTACT
        else:
            found[contact_id] = _standing(points[contact_id], category)
    return found


def _standing(points: Sequence[ContactPoint], category: str) -> Address | Refusal:
    refusal, best = refusal_of_points(points, category=category), best_point(points)
    return refusal or (_address(best) if best else Refusal.NO_NUMBER)


def addresses_of(*, organization: Organization, contact_ids: Iterable[int]) -> dict[int, Address]:
    """The best address of each contact that has one. Two queries."""
    points = _points_of(organization, list(contact_ids))
    found = {contact_id: best_point(theirs) for contact_id, theirs in points.items()}
    return {contact_id: _address(point) for contact_id, point in found.items() if point is not None}


def _address(point: ContactPoint) -> Address:
    return Address(point.value.removeprefix("+"), point.pk)


def opted_out(
    *, organization: Organization, contact_ids: Sequence[int], points: dict[int, list[ContactPoint]], category: str
) -> set[int]:
    """Contacts who said stop, by themselves or by a number that they share with somebody who did. One query.

    `category` is a template category, or "" for a free reply, which only an opt-out of everything forbids.
    """
    scopes = [OptOutScope.ALL]
    if category == TemplateCategory.MARKETING:
        scopes.append(OptOutScope.MARKETING)
    values = {point.value for theirs in points.values() for point in theirs}
    rows = OptOut.objects.for_organization(organization).live().filter(scope__in=scopes)
    by_contact = rows.filter(contact__in=any_id(contact_ids)).values_list("contact", "point__value")
    by_number = rows.filter(point__value__in=any_text(values)).values_list("contact", "point__value")
    said = list(by_contact.union(by_number))
    stopped_contacts = {contact_id for contact_id, _ in said}
    stopped_values = {value for _, value in said if value}
    return {
        contact_id
        for contact_id in contact_ids
        if contact_id in stopped_contacts or any(point.value in stopped_values for point in points[contact_id])
    }


def is_able(channel: Channel) -> bool:
    """Whether the number can send templates now, and all else."""
    return may_answer(channel) and channel.answers_only_since is None


def may_answer(channel: Channel) -> bool:
    """Whether the number can send at all now: what answers a person within the window is free and often still allowed."""
    return (
        channel.deleted_at is None and channel.blocked_at is None and channel.session_status == SessionStatus.CONNECTED
    )


def is_listed(organization: Organization, address: str) -> bool:
    """Whether nobody of the organisation may write to this address (digits without +, or an id)."""
    return bool(DoNotContact.objects.forbidden(organization, [address, f"+{address}"]))


def refusal_of_points(points: Sequence[ContactPoint], *, category: str) -> Refusal | None:
    """Why none of these addresses will do, or None when one does."""
    best = best_point(points)
    if best is not None:
        to_the_states = best.country == "US" and best.kind != PointKind.BSUID
        return Refusal.US_MARKETING if category == TemplateCategory.MARKETING and to_the_states else None
    numbers = [point for point in points if point.kind in (PointKind.PHONE, PointKind.WHATSAPP)]
    if not numbers:
        return Refusal.NO_NUMBER
    if any(point.status == PointStatus.DO_NOT_CONTACT for point in numbers):
        return Refusal.DO_NOT_CONTACT
    if any(point.line_type == LineType.FIXED for point in numbers):
        return Refusal.LANDLINE
    return Refusal.INVALID_NUMBER


def best_point(points: Sequence[ContactPoint]) -> ContactPoint | None:
    """The address to write to: a WhatsApp number, then a mobile, then an unknown line, then an id; primary first."""
    usable = [point for point in points if _is_usable(point)]
    return min(usable, key=_preference, default=None)


def _is_usable(point: ContactPoint) -> bool:
    if point.status not in (PointStatus.UNVERIFIED, PointStatus.VALID):
        return False
    if point.kind == PointKind.BSUID:
        return True
    return point.kind in (PointKind.PHONE, PointKind.WHATSAPP) and point.line_type != LineType.FIXED


def _preference(point: ContactPoint) -> tuple[int, bool, bool, int]:
    kinds = {PointKind.WHATSAPP: 0, PointKind.PHONE: 1, PointKind.BSUID: 2}
    return (
        kinds[PointKind(point.kind)],
        not point.is_primary,
        point.line_type != LineType.MOBILE,
        point.pk,
    )


def points_of(contact: Contact) -> list[ContactPoint]:
    """The live addresses of one contact."""
    return _points_of(contact.organization, [contact.pk])[contact.pk]


def _points_of(organization: Organization, contact_ids: Sequence[int]) -> dict[int, list[ContactPoint]]:
    points: dict[int, list[ContactPoint]] = defaultdict(list)
    for point in ContactPoint.objects.for_organization(organization).live().filter(contact__in=any_id(contact_ids)):
        points[point.contact_id].append(point)
    _stop_listed(organization, [point for theirs in points.values() for point in theirs])
    return points


def _stop_listed(organization: Organization, points: Sequence[ContactPoint]) -> None:
    """What is on the organisation's list is not written to, whatever the point itself says. One query."""
    listed = DoNotContact.objects.forbidden(organization, (point.value for point in points))
    for point in points:
        if point.value in listed:
            point.status = PointStatus.DO_NOT_CONTACT
