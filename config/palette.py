"""What the back office's palette finds beside its own lists: pages of the house by name, and the rows of the stock."""

from __future__ import annotations

from django.http import HttpRequest
from django.utils import timezone
from django.utils.translation import gettext as _
from unfold.dataclasses import SearchResult

from core.actors import Actor
from core.places import page_address, places
from core.roles import Capability
from crm import selectors


def found(request: HttpRequest, words: str) -> list[SearchResult]:
    """Twelve queries at most, whatever is typed (crm.selectors.search)."""
    actor: Actor = request.actor  # type: ignore[attr-defined]
    results = [SearchResult(place.title, _("Page"), place.address, place.office_icon) for place in places(actor, words)]
    if not actor.can(Capability.CRM_READ):
        return results
    house = actor.organization.slug
    findings = selectors.search(actor=actor, text=words, each=6, at=timezone.now())
    for group in findings.groups:
        for hit in group.hits:
            if group.kind == "units":
                address = page_address("unit", house, hit.unit_id)
                results.append(SearchResult(hit.label, f"{_('Unit')} · {hit.project_name}", address, "apartment"))
            elif group.kind == "owners":
                results.append(
                    SearchResult(hit.name, _("Owner"), page_address("owner", house, hit.contact_id), "contacts")
                )
            elif group.kind == "projects":
                address = page_address("project", house, hit.number)
                results.append(SearchResult(hit.name, f"{_('Project')} {hit.number}", address, "domain"))
            else:
                results.append(SearchResult(hit.name, _("Agent"), page_address("agent", house, hit.pk), "badge"))
    return results
