"""The pages that one may go to by name, from the search of every door."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.urls import NoReverseMatch, get_script_prefix, resolve, reverse
from django.utils import translation
from django.utils.translation import gettext_lazy as _

from core.actors import Actor

# What it is called, its route, and its drawing on the agents' pages and in the back office.
PLACES: list[tuple[Any, str, str, str]] = [
    (_("Today"), "today", "today", "today"),
    (_("Inbox"), "inbox", "inbox", "inbox"),
    (_("Canned replies"), "canned-replies", "inbox", "quickreply"),
    (_("Office hours"), "office-hours", "inbox", "schedule"),
    (_("Assistant"), "assistant", "inbox", "smart_toy"),
    (_("Opt-outs"), "opt-outs", "phone", "do_not_disturb_on"),
    (_("WhatsApp numbers"), "whatsapp-numbers", "template", "call"),
    (_("Message templates"), "whatsapp-templates", "template", "description"),
    (_("New template"), "whatsapp-template-new", "template", "description"),
    (_("Units"), "units", "units", "apartment"),
    (_("Owners"), "owners", "person-card", "contacts"),
    (_("Projects"), "projects", "place", "domain"),
    (_("Agents"), "agents", "assign", "badge"),
    (_("Duplicates"), "duplicates", "person-card", "join_inner"),
    (_("Merges"), "merges", "person-card", "merge"),
    (_("Changes of many rows"), "bulk-changes", "units", "library_add_check"),
    (_("Do not contact"), "do-not-contact-list", "phone", "phone_disabled"),
    (_("Checks of numbers"), "validation-runs", "phone", "fact_check"),
    (_("Numbers shown"), "disclosures", "phone", "visibility"),
    (_("Imports"), "imports", "document", "sync"),
    (_("Upload a sheet"), "import-upload", "document", "upload"),
    (_("Google sheets"), "linked-sheets", "retry", "table_view"),
    (_("Conflicts"), "conflicts", "retry", "call_split"),
    (_("Campaigns"), "campaigns", "campaign", "campaign"),
    (_("New campaign"), "campaign-templates", "campaign", "campaign"),
    (_("Sequences"), "sequences", "sequence", "low_priority"),
    (_("New sequence"), "sequence-new", "sequence", "low_priority"),
    (_("My commissions"), "my-commissions", "commissions", "payments"),
    (_("Statement"), "commission-statement", "commissions", "receipt_long"),
    (_("Commissions to approve"), "commission-approvals", "commissions", "approval"),
    (_("Exceptions of commissions"), "commission-exceptions", "commissions", "report"),
    (_("Commissions of the team"), "commission-team", "commissions", "groups"),
    (_("Payables by age"), "commission-payables", "commissions", "hourglass"),
    (_("Period report"), "commission-period", "commissions", "calendar_month"),
    (_("Trial balance"), "commission-trial-balance", "commissions", "balance"),
    (_("Exports"), "exports", "document", "download"),
    (_("Profile"), "profile", "profile", "person"),
]


@dataclass(frozen=True, slots=True)
class Place:
    title: str
    address: str
    icon: str
    office_icon: str


def places(actor: Actor, text: str = "") -> list[Place]:
    """The pages that this member may open and whose name, in his language or in English, begins a word with `text`."""
    words = f" {text.casefold().strip()}"
    with translation.override("en"):
        english = [str(title) for title, *_rest in PLACES]
    return [
        Place(str(title), address, icon, office_icon)
        for (title, route, icon, office_icon), in_english in zip(PLACES, english, strict=True)
        if any(words in f" {name.casefold()}" for name in (str(title), in_english))
        and (address := _address(actor, route))
    ]


def page_address(route: str, *arguments: Any) -> str:
    """Of an agents' page, also when asked inside the back office, whose prefix is part of the script's name."""
    return "/" + reverse(route, args=arguments).removeprefix(get_script_prefix())


def _address(actor: Actor, route: str) -> str:
    """Empty for a page that this member may not open, and for one that does not say who may."""
    try:
        address = page_address(route, actor.organization.slug)
    except NoReverseMatch:
        return ""
    view = resolve(address).func
    if not hasattr(view, "capability"):
        return ""
    return address if view.capability is None or actor.can(view.capability) else ""
