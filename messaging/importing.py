"""The importer of opt-outs: one row is one number that must get no more marketing, or nothing at all.

The list that an office brings from its old tool is kept as what people said then: whoever wrote START since stays
started, and a number that nobody here has yet becomes a contact, so that it is still stopped when it comes up.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time

from django.db import connection
from django.utils import timezone

from core.phones import Number, read_cell
from crm.importing.looks import PHONES, is_name
from crm.importing.values import day_of
from crm.models import Contact, ContactPoint
from crm.models.contacts import PointKind
from crm.names import divide, normalize_name, tidy
from messaging.letters import folded
from messaging.models import OptOut
from messaging.models.intake import OptOutScope, OptOutSource
from sheets.tables import CREATED, OBJECTS, WARNING, Constant, Field, Issue, Look, Row, RowRefused, Run, Table

FIELDS = (
    Field("mobile", "Number", ("mobile", "phone", "phone number", "whatsapp", "mobile number", "contact number", "cell")),
    Field("name", "Name", ("full name", "contact name", "owner name", "client name", "customer")),
    Field("scope", "Stops", ("scope", "type", "opt out type", "from what"), "marketing or everything; empty is marketing"),
    Field("said", "What they said", ("reason", "said", "comment", "comments", "notes", "remarks", "message")),
    Field("said_on", "On", ("date", "opt out date", "opted out at", "opted out on", "unsubscribed at", "when")),
)  # fmt: skip
_SCOPES = {
    OptOutScope.MARKETING: (
        "marketing",
        "promotions",
        "offers",
        "ads",
        "تسويق",
        "عروض",
        "marketing messages",
        "publicité",
    ),
    OptOutScope.ALL: (
        "all",
        "everything",
        "all messages",
        "any",
        "total",
        "full",
        "الكل",
        "كل شيء",
        "كل الرسائل",
        "tout",
    ),
}
SCOPES = {folded(word): scope for scope, words in _SCOPES.items() for word in words}
NUMBERS = (PointKind.PHONE, PointKind.WHATSAPP)


@dataclass(frozen=True, slots=True)
class _Stop:
    row: int
    number: Number
    raw: str
    name: str
    scope: OptOutScope
    said: str
    at: datetime | None


class OptOutImporter:
    """See sheets.tables.Importer. Numbers by the thousand at most: written through the models."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.cursor = connection.cursor()
        self.stops: list[_Stop] = []
        self.now = timezone.now()

    def key(self, given: Mapping[str, str]) -> str:
        """The first number of the cell, and what stops. Raises RowRefused."""
        return f"{self._numbers(given)[0].value}|{self._scope(given)}"

    def alive(self, object_ids: list[int]) -> set[int]:
        """An opt-out that the person ended by START is there too: the same old row does not stop them again."""
        rows = OptOut.objects.filter(organization_id=self.run.organization_id, pk__in=object_ids)
        return set(rows.values_list("pk", flat=True))

    def add(self, row: Row) -> None:
        given = row.values
        for number in self._numbers(given):
            self.stops.append(
                _Stop(
                    row=row.number,
                    number=number,
                    raw=given["mobile"][:254],
                    name=tidy(given.get("name", ""))[:200],
                    scope=self._scope(given),
                    said=given.get("said", "")[:200],
                    at=self._moment(row),
                )
            )

    def finish(self) -> dict[str, int]:
        points = self._points()
        rows = OptOut.objects.filter(
            organization_id=self.run.organization_id,
            contact__in={point.contact_id for found in points.values() for point in found},
        )
        standing = {(each.contact_id, each.scope, each.point_id): each.pk for each in rows.live()}
        ended = {
            (each.contact_id, each.scope): each for each in rows.filter(deleted_at__isnull=False).order_by("deleted_at")
        }
        made: dict[str, list[int]] = defaultdict(list)
        objects: dict[int, int] = {}
        known = 0
        for stop in self.stops:
            if stop.number.value not in points:
                points[stop.number.value] = [self._person(stop, made)]
            for point in points[stop.number.value]:
                target = (point.contact_id, stop.scope)
                there = standing.get((*target, point.pk)) or standing.get((*target, None))
                started = None if there else ended.get(target)
                if started is not None and stop.at is not None and stop.at <= started.deleted_at:
                    there = started.pk
                    message = "This person wrote START after that day: not stopped again."
                    self.run.report(Issue(stop.row, WARNING, "started_again", message, "mobile", stop.number.value))
                if there is None:
                    there = standing[*target, point.pk] = self._opt_out(stop, point)
                    made["messaging.optout"].append(there)
                else:
                    known += 1
                objects.setdefault(stop.row, there)
        self._keep(objects, made)
        return {"opt_outs_new": len(made["messaging.optout"]), "opt_outs_known": known}

    def _numbers(self, given: Mapping[str, str]) -> tuple[Number, ...]:
        if not given.get("mobile"):
            raise RowRefused("number_missing", "The row has no number: nothing says who is to be left alone.", "mobile")
        cell = read_cell(given["mobile"], self.run.region)
        if not cell.numbers:
            why = cell.reason or "This is not a number."
            raise RowRefused(
                "number_unread", f"{why} Write it with its country code, such as +971 50 123 4567.", "mobile"
            )
        return cell.numbers

    def _scope(self, given: Mapping[str, str]) -> OptOutScope:
        if not given.get("scope"):
            return OptOutScope.MARKETING
        found = SCOPES.get(folded(given["scope"]))
        if found is None:
            raise RowRefused("scope_unknown", "Write marketing, or everything; empty is marketing.", "scope")
        return found

    def _moment(self, row: Row) -> datetime | None:
        text = row.values.get("said_on")
        day = day_of(text) if text else None
        if text and day is None:
            message = "This is not a date such as 30/11/2026: kept as said today."
            self.run.report(Issue(row.number, WARNING, "date_unread", message, "said_on", text))
        return min(datetime.combine(day, time(), UTC), self.now) if day else None

    def _points(self) -> dict[str, list[ContactPoint]]:
        """Everybody who has one of the numbers, once each."""
        found: dict[str, list[ContactPoint]] = defaultdict(list)
        seen = set()
        rows = ContactPoint.objects.filter(
            organization_id=self.run.organization_id,
            kind__in=NUMBERS,
            value__in={stop.number.value for stop in self.stops},
            contact__deleted_at__isnull=True,
        )
        for point in rows.live().order_by("pk"):
            if (point.contact_id, point.value) not in seen:
                seen.add((point.contact_id, point.value))
                found[point.value].append(point)
        return dict(found)

    def _person(self, stop: _Stop, made: dict[str, list[int]]) -> ContactPoint:
        """Somebody of whom we know no more than what they said."""
        first, last = divide(stop.name)
        contact = Contact.objects.create(
            organization_id=self.run.organization_id,
            display_name=stop.name or stop.number.value,
            first_name=first,
            last_name=last,
            normalized_name=normalize_name(stop.name),
            source="opt-outs",
        )
        point: ContactPoint = ContactPoint.objects.create(
            organization_id=self.run.organization_id,
            contact=contact,
            kind=PointKind.PHONE,
            value=stop.number.value,
            raw=stop.raw,
            country=stop.number.country,
            line_type=stop.number.line,
            is_primary=True,
        )
        made["crm.contact"].append(contact.pk)
        made["crm.contactpoint"].append(point.pk)
        return point

    def _opt_out(self, stop: _Stop, point: ContactPoint) -> int:
        opt_out = OptOut.objects.create(
            organization_id=self.run.organization_id,
            contact_id=point.contact_id,
            point=point,
            scope=stop.scope,
            source=OptOutSource.IMPORT,
            said=stop.said,
            at=stop.at or self.now,
        )
        return int(opt_out.pk)

    def _keep(self, objects: Mapping[int, int], made: Mapping[str, list[int]]) -> None:
        with self.cursor.copy(f"COPY {OBJECTS} FROM STDIN") as copy:
            for number, opt_out in objects.items():
                copy.write_row((number, opt_out, None))
        with self.cursor.copy(f"COPY {CREATED} FROM STDIN") as copy:
            for kind, ids in made.items():
                for pk in ids:
                    copy.write_row((kind, pk))


def lacks(fields: frozenset[str]) -> str:
    return "" if "mobile" in fields else "Say which column has the number: it is what must not be written to."


TABLE = Table(
    name="messaging.opt_outs",
    label="Opt-outs: who said stop",
    fields=FIELDS,
    options=(),
    lacks=lacks,
    importer=OptOutImporter,
    looks=(Look(("mobile",), PHONES.fits), Look(("name",), is_name, telling=False, varied=True)),
    constants=(Constant("scope"), Constant("said"), Constant("said_on")),
    has_titles=False,
    target="messaging.optout",
    parts=(("crm.contactpoint", "contact"), ("messaging.optout", "contact")),
)
