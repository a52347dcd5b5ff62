"""Webhooks at the door: whose they are, whether they are believed, and keeping them as they came.

What they say is thought about later (services/processing.py). Nobody is signed in here: the signature over the raw
bytes, with the app secret of one of the organisation's numbers, is what lets a body in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import structlog
from django.db import connection, transaction

from core.encryption import decrypt
from core.errors import DomainError
from core.models import Organization
from core.models.organization import OrganizationStatus
from core.tenancy import organization_scope
from messaging import envelopes, incoming
from messaging.errors import ChannelUnknown, HouseUnknown, SignatureInvalid
from messaging.models.intake import EventKind

log = structlog.get_logger(__name__)

# One row a number, the ones that cannot send now too; one of NULLs where there is no number; none for a closed house.
LOOK = """
    SELECT c.id, c.phone_number_id, c.waba_id, c.app_secret, c.verify_token
      FROM core_organization o
      LEFT JOIN messaging_channel c ON c.organization_id = o.id AND c.deleted_at IS NULL
     WHERE o.id = %s AND o.status = %s
     ORDER BY c.id
"""
STORE = """
    INSERT INTO messaging_webhookevent
           (organization_id, body, kind, signature_verified, state, attempts, error, received_at, created_at, updated_at)
    SELECT %s, body, kind, true, 'stored', 0, '', received_at, now(), now()
      FROM unnest(%s::bytea[], %s::text[], %s::timestamptz[]) AS letter(body, kind, received_at)
    RETURNING id
"""


@dataclass(frozen=True, slots=True)
class House:
    """Whose webhooks are taken at one address, as the database said at one moment."""

    organization_id: int
    rows: tuple[tuple[Any, ...], ...] = field(repr=False)  # as stored; when they differ, what is below is old
    numbers: frozenset[str]
    accounts: frozenset[str]
    secrets: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = field(repr=False)  # with what each speaks for
    verify_tokens: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, organization_id: int, rows: Sequence[tuple[Any, ...]]) -> House:
        """Decrypts the secrets once, for as long as the rows stay what they are."""
        known = [row for row in rows if row[0] is not None]
        speaks: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        for _, number, account, secret, _ in known:
            numbers, accounts = speaks[decrypt(secret)]
            numbers.add(number)
            accounts.add(account)
        speaks.pop("", None)
        return cls(
            organization_id=organization_id,
            rows=tuple(rows),
            numbers=frozenset(row[1] for row in known),
            accounts=frozenset(row[2] for row in known),
            secrets=tuple((secret, frozenset(about[0]), frozenset(about[1])) for secret, about in speaks.items()),
            verify_tokens=tuple(filter(None, (decrypt(row[4]) for row in known))),
        )

    def is_verify_token(self, given: str) -> bool:
        """Whether one of the numbers has this verify token. Every one is compared, in constant time."""
        matches = [hmac.compare_digest(each.encode(), given.encode(errors="replace")) for each in self.verify_tokens]
        return any(matches)


@dataclass(frozen=True, slots=True)
class Letter:
    """A body that was believed, on its way into the database."""

    slug: str
    house: House
    body: bytes = field(repr=False)
    signature: str = field(repr=False)
    kind: EventKind
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Stored:
    """For each letter, in order, the id of its event or why it was refused after all; and houses that had changed."""

    answers: list[int | DomainError]
    changed: dict[str, House | None]


def find_houses(slugs: Collection[str]) -> dict[str, House]:
    """The active organisations of these addresses. One query for all, and one more for each that is there."""
    found = {}
    rows = Organization.objects.filter(slug__in=list(slugs), status=OrganizationStatus.ACTIVE)
    for organization_id, slug in rows.values_list("pk", "slug"):
        with organization_scope(organization_id):
            house = _look(organization_id)
        if house is not None:
            found[slug] = house
    return found


def judge(house: House, body: bytes, signature: str) -> EventKind:
    """What kind of webhook this is, if it is to be believed.

    In this order: the signature over the raw bytes (SignatureInvalid), that it is a whole webhook (WebhookMalformed),
    and that it is about a number or an account that signed it (ChannelUnknown).
    """
    given = signature.encode(errors="replace")
    signed = [
        (numbers, accounts)
        for secret, numbers, accounts in house.secrets
        if hmac.compare_digest(b"sha256=" + hmac.digest(secret.encode(), body, hashlib.sha256).hex().encode(), given)
    ]
    if not signed:
        raise SignatureInvalid("The signature does not fit: sign the raw body with the app secret of this number.")
    changes = incoming.parse(body)
    if not any(envelopes.is_about(change, *known) for change in changes for known in signed):
        raise ChannelUnknown("No number of this organisation is named in this webhook.")
    return envelopes.kind_of(changes)


def store_webhooks(letters: Sequence[Letter]) -> Stored:
    """Keep all of them in one transaction, each organisation's under its own scope.

    In that same transaction the organisation's numbers are read again: when a secret was changed, a number given up or
    the house closed since the letter was judged, it is judged anew, so nothing is kept on the word of old secrets.
    """
    answers: list[int | DomainError] = [HouseUnknown("There is no such organisation.")] * len(letters)
    changed: dict[str, House | None] = {}
    by_house: dict[int, list[int]] = defaultdict(list)
    for index, letter in enumerate(letters):
        by_house[letter.house.organization_id].append(index)
    with transaction.atomic():
        for organization_id, indexes in sorted(by_house.items()):
            with organization_scope(organization_id):
                house = _look(organization_id, known=letters[indexes[-1]].house)
                believed = []
                for index in indexes:
                    letter = letters[index]
                    if letter.house is house:
                        believed.append((index, letter.kind))
                        continue
                    changed[letter.slug] = house
                    try:
                        if house is not None:
                            believed.append((index, judge(house, letter.body, letter.signature)))
                    except DomainError as error:
                        answers[index] = error
                for (index, _), event_id in zip(believed, _insert(organization_id, letters, believed), strict=True):
                    answers[index] = event_id
    return Stored(answers, changed)


def _look(organization_id: int, known: House | None = None) -> House | None:
    """The house as it is now; the very object that is known when nothing changed; None when it is closed."""
    with connection.cursor() as cursor:
        cursor.execute(LOOK, [organization_id, OrganizationStatus.ACTIVE])
        rows = tuple(cursor.fetchall())
    if not rows:
        return None
    return known if known is not None and known.rows == rows else House.of(organization_id, rows)


def _insert(organization_id: int, letters: Sequence[Letter], believed: list[tuple[int, EventKind]]) -> list[int]:
    """The ids, in the order given: a sequence hands them out upwards, row after row."""
    if not believed:
        return []
    with connection.cursor() as cursor:
        cursor.execute(
            STORE,
            [
                organization_id,
                [letters[index].body for index, _ in believed],
                [kind.value for _, kind in believed],
                [letters[index].received_at for index, _ in believed],
            ],
        )
        return sorted(event_id for (event_id,) in cursor.fetchall())
