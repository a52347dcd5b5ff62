"""The importer of contacts: one row is one person or company, with the ways to reach them.

Who is who is worked out as for owners of units: by a number or address AND the name, never by either alone; a national id
with the name says it too.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from django.db import connection

from core.encryption import blind_index, encrypt
from core.models import Membership
from core.phones import read_cell
from crm.importing import contact_merging, merging
from crm.importing.owners import PHONE_FIELDS, Owners
from crm.importing.values import listed
from crm.models import Agent, Contact
from crm.names import is_company, normalize_name, tidy
from sheets.tables import WARNING, Issue, Link, Row, RowRefused, Run

FLUSH = 4000
LANGUAGES = {
    "en": "en", "english": "en", "ar": "ar", "arabic": "ar", "عربي": "ar", "العربية": "ar", "fr": "fr", "french": "fr",
    "français": "fr", "ru": "ru", "russian": "ru", "hi": "hi", "hindi": "hi", "ur": "ur", "urdu": "ur", "zh": "zh",
    "chinese": "zh", "fa": "fa", "farsi": "fa", "persian": "fa", "de": "de", "german": "de", "es": "es", "spanish": "es",
    "انجليزي": "en", "الإنجليزية": "en",
}  # fmt: skip
KINDS = {
    "person": "person", "individual": "person", "p": "person", "شخص": "person", "company": "company", "corporate": "company",
    "organisation": "company", "organization": "company", "c": "company", "شركة": "company",
}  # fmt: skip
LONGEST = {"nationality": 60, "address": 2000, "source": 40}


class ContactImporter:
    """Takes rows into temporary tables; see sheets.tables.Importer. `tags` are given to every contact of the sheet."""

    def __init__(self, run: Run, tags: tuple[str, ...] = ()) -> None:
        self.run, self.tags = run, list(tags)
        self.owners = Owners(run)
        self.cursor = connection.cursor()
        self.cursor.execute(merging.TEMPORARY)
        self.cursor.execute(contact_merging.TEMPORARY)
        self.details: list[tuple[Any, ...]] = []
        self.unnamed: dict[str, int] = {}
        self._members: dict[str, int] | None = None

    def key(self, given: Mapping[str, str]) -> str:
        """The national id, else the name with the first number or address. Raises RowRefused."""
        if "national_id" in given:
            return f"n:{blind_index(national_id_of(given['national_id']))}"
        name = normalize_name(given.get("name", ""))
        for field in (*PHONE_FIELDS, "email"):
            if field in given:
                numbers = read_cell(given[field], self.run.region).values if field != "email" else ()
                return f"{name}|{numbers[0] if numbers else given[field].casefold()}"[:400]
        if not name:
            raise RowRefused(
                "contact_is_nobody", "Nothing says who this is: fill in a name, a number or an e-mail address.", "name"
            )
        return f"{name}|"

    def alive(self, object_ids: list[int]) -> set[int]:
        contacts = Contact.objects.filter(organization_id=self.run.organization_id, pk__in=object_ids).live()
        return set(contacts.values_list("pk", flat=True))

    def add(self, row: Row) -> None:
        given = row.values
        name = tidy(given.get("name", ""))
        reached = [given[field] for field in (*PHONE_FIELDS, "email") if field in given]
        if not normalize_name(name) and row.link is None:
            self._refuse_repeated(row)
        # As the owner of nothing in particular: no unit makes two rows of one name the same person.
        as_owner = {field: text for field, text in given.items() if field not in {"name", "address"}}
        as_owner |= {"owner_name": name} if name else {}
        link = Link(row.link.object_id, row.link.object_id, row.link.base) if row.link else None
        slot = self.owners.slot_of(
            replace(row, values=as_owner, link=link), f"row:{row.number}", " ".join(reached)[:200]
        )
        if slot is not None:
            self.details.append(self._detail(row, slot, name))
        if len(self.details) >= FLUSH:
            self._flush()

    def finish(self) -> dict[str, int]:
        self._flush()
        with self.cursor.copy(merging.COPY_ALIASES) as copy:
            for alias in self.owners.final_aliases():
                copy.write_row(alias)
        return contact_merging.merge(self.cursor, self.run)

    def _refuse_repeated(self, row: Row) -> None:
        """A number without a name twice in one sheet: nothing says whether they are two people."""
        for field in PHONE_FIELDS:
            for number in read_cell(row.values.get(field, ""), self.run.region).values:
                first = self.unnamed.setdefault(number, row.number)
                if first != row.number:
                    message = f"Row {first} has this number too, and neither has a name: taken once."
                    raise RowRefused("number_repeated", message, field)

    def _detail(self, row: Row, slot: int, name: str) -> tuple[Any, ...]:
        """The columns of contact_merging.DETAILS. None keeps what is known; of a row seen before only what changed counts."""
        given: Mapping[str, str] = row.values
        if row.changed is not None:
            given = {field: text for field, text in given.items() if field in row.changed}
        plain = national_id_of(given["national_id"]) if "national_id" in given else ""
        company = "company" if name and is_company(name) and "name" in given else None
        tags = [*self.tags] if row.link is None else []
        for field, text in given.items():
            if field.partition(":")[0] in {"tags", "interest"}:
                tags += listed(text, 40)
        return (
            row.number,
            slot,
            self._word(row, given, "kind", KINDS) or company,
            self._word(row, given, "language", LANGUAGES),
            *(given[field][:longest] if field in given else None for field, longest in LONGEST.items()),
            encrypt(plain) if plain else None,
            blind_index(plain) if plain else None,
            list(dict.fromkeys(tags)) or None,
            self._member(row, given),
        )

    def _word(self, row: Row, given: Mapping[str, str], field: str, known: Mapping[str, str]) -> str | None:
        text = given.get(field)
        meant = known.get(text.casefold()) if text else None
        if text and meant is None:
            self._doubt(row, f"{field}_unknown", "We do not know this word: left out.", field, text)
        return meant

    def _member(self, row: Row, given: Mapping[str, str]) -> int | None:
        text = given.get("assigned_to")
        if text is None:
            return None
        if self._members is None:
            self._members = members_by_address(self.run.organization_id)
        number = read_cell(text, self.run.region).values[:1]
        found = self._members.get(number[0] if number else text.casefold())
        if found is None:
            message = "No active member has this e-mail address, and no agent this WhatsApp number: assigned to nobody."
            self._doubt(row, "assignee_unknown", message, "assigned_to", text)
        return found

    def _doubt(self, row: Row, code: str, message: str, field: str, text: str) -> None:
        self.run.report(Issue(row.number, WARNING, code, message, field, text))

    def _flush(self) -> None:
        for statement, lines in (
            (merging.COPY_SLOTS, self.owners.slots),
            (merging.COPY_POINTS, self.owners.points),
            (contact_merging.COPY_DETAILS, self.details),
        ):
            with self.cursor.copy(statement) as copy:
                for line in lines:
                    copy.write_row(line)
            lines.clear()


def national_id_of(text: str) -> str:
    """As it is compared: 784-1980-1234567-1 with or without its dashes."""
    return "".join(filter(str.isalnum, text)).upper()[:50]


def members_by_address(organization_id: int) -> dict[str, int]:
    """Active members by e-mail address, and by the WhatsApp number of their agent. Two queries."""
    members = Membership.objects.active().filter(organization_id=organization_id)
    found = {email.casefold(): pk for email, pk in members.values_list("user__email", "pk")}
    agents = Agent.objects.filter(organization_id=organization_id, membership__in=members).live()
    return found | dict(agents.exclude(whatsapp_number="").values_list("whatsapp_number", "membership"))
