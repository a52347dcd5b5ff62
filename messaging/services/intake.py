"""Webhooks at the door: whose they are, whether they are believed, and keeping them as they came.

What they say is thought about later (services/processing.py). Nobody is signed in here: the signature over the raw
bytes, with the app secret of one of the organisation's numbers, is what lets a body in.
"""

from __future__ import annotations

import hashlib
import hmac
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from django.db import connection

from core.encryption import decrypt
from core.errors import DomainError
from core.models import Organization
from core.models.organization import OrganizationStatus
from core.tenancy import SETTING, current_organization_id, organization_scope
from messaging import envelopes, incoming
from messaging.errors import ChannelUnknown, HouseUnknown, IntakeBusy, SignatureInvalid
from messaging.models.intake import EventKind

# One row a number, the ones that cannot send now too; one of NULLs where there is no number; none for a closed house.
NUMBERS = f"""
      FROM core_organization o
      LEFT JOIN messaging_channel c ON c.organization_id = o.id AND c.deleted_at IS NULL
     WHERE o.id = %(house)s AND o.status = '{OrganizationStatus.ACTIVE}'
"""
LOOK = f"SELECT c.id, c.phone_number_id, c.waba_id, c.app_secret, c.verify_token {NUMBERS} ORDER BY c.id"
# All of the above in one word: while it is the same, nothing has changed. NULL for a closed house.
SEAL = f"""
    SELECT encode(sha256(convert_to(string_agg(concat_ws(
               ' ', c.id, c.phone_number_id, c.waba_id, c.app_secret, c.verify_token), ' ' ORDER BY c.id), 'UTF8')), 'hex')
    {NUMBERS}
"""
# Under the house's scope, and only while it is sealed as it was when the letters were judged.
STORE = f"""
    SELECT set_config('{SETTING}', %(house)s::text, false);
    INSERT INTO messaging_webhookevent
           (organization_id, body, kind, signature_verified, state, attempts, error, received_at, created_at, updated_at)
    SELECT %(house)s, body, kind, true, 'stored', 0, '', received_at, now(), now()
      FROM unnest(%(bodies)s::bytea[], %(kinds)s::text[], %(times)s::timestamptz[]) AS letter(body, kind, received_at)
     WHERE ({SEAL}) = %(seal)s
    RETURNING id;
    SELECT set_config('{SETTING}', %(before)s::text, false)
"""  # noqa: S608
MOST_ROUNDS = 3


@dataclass(frozen=True, slots=True)
class House:
    """Whose webhooks are taken at one address, as the database said at one moment."""

    organization_id: int
    seal: str  # of what the database holds; when that has another, all below is old
    numbers: frozenset[str]
    accounts: frozenset[str]
    secrets: tuple[tuple[str, frozenset[str], frozenset[str]], ...] = field(repr=False)  # with what each speaks for
    verify_tokens: tuple[str, ...] = field(repr=False)

    @classmethod
    def of(cls, organization_id: int, seal: str, rows: Sequence[tuple[Any, ...]]) -> House:
        """Decrypts the secrets once, for as long as the seal holds."""
        known = [row for row in rows if row[0] is not None]
        speaks: dict[str, tuple[set[str], set[str]]] = defaultdict(lambda: (set(), set()))
        for _, number, account, secret, _ in known:
            numbers, accounts = speaks[decrypt(secret)]
            numbers.add(number)
            accounts.add(account)
        speaks.pop("", None)
        return cls(
            organization_id=organization_id,
            seal=seal,
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
    """Keep all of them in one transaction and one journey to the database, each organisation's under its own scope.

    When a secret was changed, a number given up or the house closed since a letter was judged, its house's letters are
    not kept but judged anew: nothing is stored on the word of old secrets.
    """
    answers: list[int | DomainError] = [IntakeBusy("The numbers keep changing; send it again.")] * len(letters)
    changed: dict[str, House | None] = {}
    waiting = dict(enumerate(letters))
    for _ in range(MOST_ROUNDS):
        for index, event_id in _insert(waiting).items():
            answers[index] = event_id
            del waiting[index]
        if not waiting:
            break
        fresh = find_houses({letter.slug for letter in waiting.values()})
        for index, letter in list(waiting.items()):
            house = changed[letter.slug] = fresh.get(letter.slug)
            try:
                if house is None:
                    raise HouseUnknown("There is no such organisation.")
                judge(house, letter.body, letter.signature)
                waiting[index] = replace(letter, house=house)
            except DomainError as error:
                answers[index] = error
                del waiting[index]
    return Stored(answers, changed)


def _look(organization_id: int) -> House | None:
    """The house as it is now; None when it is closed. The seal first: if it changes in between, it will not fit."""
    with connection.cursor() as cursor:
        cursor.execute(SEAL, {"house": organization_id})
        (seal,) = cursor.fetchone()
        cursor.execute(LOOK, {"house": organization_id})
        rows = cursor.fetchall()
    return None if seal is None else House.of(organization_id, seal, rows)


def _insert(letters: Mapping[int, Letter]) -> dict[int, int]:
    """The events of those letters whose house is as it was.

    Several statements in one string are one transaction to PostgreSQL: all of it is kept, or nothing.
    """
    by_house: dict[tuple[int, str], list[int]] = defaultdict(list)
    for index, letter in letters.items():
        by_house[letter.house.organization_id, letter.house.seal].append(index)
    before = current_organization_id()
    statements = []
    with connection.cursor() as cursor:
        for (organization_id, seal), indexes in sorted(by_house.items()):
            given = {
                "house": organization_id,
                "seal": seal,
                "before": "" if before is None else before,
                "bodies": [letters[index].body for index in indexes],
                "kinds": [letters[index].kind.value for index in indexes],
                "times": [letters[index].received_at for index in indexes],
            }
            statements.append(cursor.mogrify(STORE, given))
        cursor.execute(";".join(statements))
        stored: dict[int, int] = {}
        for _, indexes in sorted(by_house.items()):
            cursor.nextset()
            # A sequence hands out ids upwards, row after row.
            stored |= zip(indexes, sorted(event_id for (event_id,) in cursor.fetchall()), strict=False)
            cursor.nextset()
            cursor.nextset()
    return stored
