"""Who said stop, as every page shows it beside the people who could be written to."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from django.utils import formats, timezone
from django.utils.translation import gettext as _

from core.actors import Actor
from core.roles import Capability
from crm.models import Contact
from crm.panels import Mark
from messaging.models import OptOut
from messaging.models.intake import OptOutScope, OptOutSource


@dataclass(frozen=True, slots=True)
class Stop:
    """The strictest opt-out that holds for somebody, said by themselves or by a number that they share."""

    scope: str
    source: str
    at: datetime

    @property
    def is_of_all(self) -> bool:
        return self.scope == OptOutScope.ALL


@dataclass(frozen=True, slots=True)
class StopPanel:
    contact: Contact
    opt_outs: list[OptOut]
    may_record: bool


def stops_of(*, organization_id: int, contacts: Collection[int]) -> dict[int, Stop]:
    """The stop that holds for each of these contacts, if one does. One query.

    The same as refusals.opted_out decides for marketing: it is asked again when a message is queued and when it is sent.
    """
    with connection.cursor() as cursor:
        cursor.execute(STOPS, {"org": organization_id, "contacts": list(contacts)})
        return {contact_id: Stop(*stop) for contact_id, *stop in cursor.fetchall()}


def stop_marks(actor: Actor, contacts: Collection[int]) -> dict[int, Mark]:
    """A mark beside everybody who said stop. For all who see the contact: nobody may write by mistake."""
    found = stops_of(organization_id=actor.organization.pk, contacts=contacts)
    return {contact_id: mark_of(stop) for contact_id, stop in found.items()}


def mark_of(stop: Stop) -> Mark:
    text = _("Said stop: everything") if stop.is_of_all else _("Said stop: offers")
    title = _("%(how)s, %(day)s. Only they can undo it, by writing START.")
    day = formats.date_format(timezone.localtime(stop.at), "j M Y")
    how = _(OptOutSource(stop.source).label)
    return Mark(text, title % {"how": how, "day": day}, "bad" if stop.is_of_all else "warn")


def stop_panel(actor: Actor, shown: Contact) -> StopPanel | None:
    """What this person said, when and how; and where an agent writes down that they said it to him. One query."""
    if not actor.can(Capability.CONVERSATIONS_READ):
        return None
    opt_outs = list(OptOut.objects.visible_to(actor).filter(contact=shown).order_by("-at", "-pk")[:20])
    return StopPanel(shown, opt_outs, actor.can(Capability.CONVERSATIONS_REPLY))


STOPS = """
    SELECT DISTINCT ON (said.contact_id) said.contact_id, said.scope, said.source, said.at
      FROM (SELECT o.contact_id, o.scope, o.source, o.at
              FROM messaging_optout o
             WHERE o.organization_id = %(org)s AND o.deleted_at IS NULL AND o.contact_id = ANY(%(contacts)s)
             UNION ALL
            SELECT theirs.contact_id, o.scope, o.source, o.at
              FROM crm_contactpoint theirs
              JOIN crm_contactpoint said ON said.organization_id = %(org)s AND said.value = theirs.value
              JOIN messaging_optout o ON o.organization_id = %(org)s AND o.point_id = said.id AND o.deleted_at IS NULL
             WHERE theirs.organization_id = %(org)s AND theirs.contact_id = ANY(%(contacts)s)
               AND theirs.deleted_at IS NULL) said
     ORDER BY said.contact_id, (said.scope = 'all') DESC, said.at
"""
