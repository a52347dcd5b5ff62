"""What happened to a unit or a contact, as people read it: newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.translation import gettext as _
from django.utils.translation import pgettext

from core.actors import Actor
from core.errors import NotFound
from core.models import Membership
from core.money import format_money
from core.roles import Capability
from crm.models import Contact, HistoryEntry, Project, Property
from crm.models.history import HistoryField
from crm.models.stock import PropertyStatus, Purpose

PER_PAGE = 50


@dataclass(frozen=True, slots=True)
class Happening:
    """One field, before and after, in words. `who` is empty when Majlis acted; `run_id` names the import it came by.

    Of an owner, `contact_id` and `about` say who: he began when `before` is empty, and ceased when `after` is.
    """

    entry_id: int
    at: datetime
    field: str
    field_label: str
    before: str
    after: str
    who: str
    source: str
    source_label: str
    contact_id: int | None
    about: str
    run_id: int | None


@dataclass(frozen=True, slots=True)
class History:
    """`next` is the `before` of the following page, None at the end."""

    rows: list[Happening]
    next: int | None


def unit_history(*, actor: Actor, unit_id: int, before: int | None = None, limit: int = PER_PAGE) -> History:
    """Prices, states, purposes, projects and owners of a unit as they changed, and of units merged into it.

    Five queries at most, and one more for each merge of merges. Raises NotFound.
    """
    actor.require(Capability.CRM_READ)
    if not Property.objects.visible_to(actor).filter(pk=unit_id).exists():
        raise NotFound("There is no such unit here.")
    return _history(actor, before, limit, property_id__in=Property.objects.lineage_of(unit_id))


def contact_history(*, actor: Actor, contact_id: int, before: int | None = None, limit: int = PER_PAGE) -> History:
    """The names and the consent of a contact as they changed, and of contacts merged into it.

    Five queries at most, and one more for each merge of merges. Raises NotFound.
    """
    actor.require(Capability.CRM_READ)
    if not Contact.objects.visible_to(actor).filter(pk=contact_id).exists():
        raise NotFound("There is no such contact here.")
    return _history(actor, before, limit, contact_id__in=Contact.objects.lineage_of(contact_id), property_id=None)


def _history(actor: Actor, before: int | None, limit: int, **of: Any) -> History:
    # Whoever sees the unit or the contact sees all of its history: asked above, once.
    entries = HistoryEntry.objects.for_organization(actor.organization).filter(**of)
    if before is not None:
        entries = entries.filter(pk__lt=before)
    page: list[HistoryEntry] = list(entries.select_related("membership__user").order_by("-pk")[: limit + 1])
    shown = page[:limit]
    return History(happenings(shown), shown[-1].pk if len(page) > limit else None)


def happenings(entries: Sequence[HistoryEntry]) -> list[Happening]:
    """Entries in words. Three queries at most: the contacts, the projects and the members that they speak of."""
    names = _names(entries)
    return [
        Happening(
            entry_id=entry.pk,
            at=entry.at,
            field=entry.field,
            field_label=_(HistoryField(entry.field).label),
            before=_said(entry.field, entry.before, names),
            after=_said(entry.field, entry.after, names),
            who=entry.membership.user.name if entry.membership else "",
            source=entry.source,
            source_label=source_label(entry.source),
            contact_id=entry.contact_id,
            about=names["contact"].get(entry.contact_id, "") if entry.field == HistoryField.OWNER else "",
            run_id=run_of(entry.source),
        )
        for entry in entries
    ]


def source_label(source: str) -> str:
    """Through what a change came, in words."""
    if source.startswith("sheet:"):
        run = run_of(source)
        return _("Sheet, run %(run)s") % {"run": run} if run else _("Sheet")
    if source.startswith("reversal:"):
        return _("Import %(run)s taken back") % {"run": run_of(source) or ""}
    labels = {
        "page": _("A page"),
        "api": _("API"),
        "back_office": _("Back office"),
        "merge": pgettext("noun", "Merge"),
        "whatsapp": _("WhatsApp"),
        "system": _("Majlis"),
    }
    return labels.get(source, source)


def run_of(source: str) -> int | None:
    """The run of sheets that is named in a source, such as 34 in `sheet:12/run:34`."""
    run = source.partition("/run:")[2]
    return int(run) if run.isdecimal() else None


def _names(entries: Sequence[HistoryEntry]) -> dict[str, dict[Any, str]]:
    def told(field: str) -> set[Any]:
        values = {value for entry in entries if entry.field == field for value in (entry.before, entry.after)}
        return values - {None}

    owners = {entry.contact_id for entry in entries if entry.field == HistoryField.OWNER and entry.contact_id}
    projects, members = told(HistoryField.PROJECT), told(HistoryField.ASSIGNED_TO)
    found: dict[str, dict[Any, str]] = {"contact": {}, HistoryField.PROJECT: {}, HistoryField.ASSIGNED_TO: {}}
    if owners:
        found["contact"] = dict(Contact.objects.filter(pk__in=owners).values_list("pk", "display_name"))
    if projects:
        found[HistoryField.PROJECT] = dict(Project.objects.filter(pk__in=projects).values_list("pk", "name"))
    if members:
        rows = Membership.objects.filter(pk__in=members).values_list("pk", "user__name")
        found[HistoryField.ASSIGNED_TO] = dict(rows)
    return found


def _said(field: str, value: Any, names: dict[str, dict[Any, str]]) -> str:
    if value is None or value == "":
        return ""
    match field:
        case HistoryField.STATUS:
            return _(PropertyStatus(value).label) if value in PropertyStatus.values else str(value)
        case HistoryField.PURPOSE:
            return _(Purpose(value).label) if value in Purpose.values else str(value)
        case HistoryField.PRICE:
            return format_money(value["minor"], value["currency"])
        case HistoryField.PROJECT | HistoryField.ASSIGNED_TO:
            return names[field].get(value, f"({value})")
        case HistoryField.OWNER:
            share = "" if value["share"] is None else f"{value['share'] / 100:g} %"
            return ", ".join(part for part in (share or _("owner"), _("primary") if value["primary"] else "") if part)
        case HistoryField.CONSENT:
            return _("do not contact") if value["refused"] else _("may be contacted")
        case HistoryField.BAD_CONTACT | HistoryField.DELETED:
            return _("yes") if value else _("no")
        case _:
            return str(value)
