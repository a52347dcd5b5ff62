"""Projects, clusters, agents and campaigns: what a member may list and start."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from core import events
from core.errors import DomainError
from crm.models import Agent, Project, Property
from crm.models.agents import AgentStatus
from crm.models.stock import ProjectStatus
from messaging.assistant.wording import listed, numbered, say
from messaging.assistant.wording import units as units_of
from messaging.events import CampaignsAsked, CampaignStartAsked, Startable
from messaging.models.assistant import Outcome
from messaging.services.assistant.replies import Asked, Reply

MOST_CHOICES = 10
MOST_LISTED = 500


def projects(*, asked: Asked) -> Reply:
    """The projects that the member works on, with how many of their units he sees. Two queries."""
    rows = list(_projects(asked).values_list("pk", "number", "name")[:MOST_LISTED])
    if not rows:
        return Reply(say(asked.language, "no_projects"), Outcome.NOT_FOUND)
    units = Property.objects.visible_to(asked.actor).filter(project__in=[pk for pk, _, _ in rows])
    counts = dict(units.order_by().values_list("project").annotate(Count("pk")))
    lines = [f"{number} {name} ({units_of(asked.language, counts.get(pk, 0))})" for pk, number, name in rows]
    return Reply(listed(asked.language, say(asked.language, "projects"), lines), Outcome.ANSWERED)


def clusters(*, asked: Asked, words: str) -> Reply:
    """The clusters, or where there are none the buildings, of a project or a master project; without one, ask which."""
    rows = _projects(asked)
    if words:
        rows = _named(rows, words)
        if not rows.exists():
            return Reply(say(asked.language, "project_unknown"), Outcome.NOT_FOUND)
        return _clusters_of(asked, rows, words)
    some = list(rows[: MOST_CHOICES + 1])
    if not some:
        return Reply(say(asked.language, "no_projects"), Outcome.NOT_FOUND)
    if len(some) == 1:
        return clusters_of_project(asked=asked, project_id=some[0].pk)
    shown = some[:MOST_CHOICES]
    return Reply(
        numbered(say(asked.language, "which_project"), [project.name for project in shown]),
        Outcome.CHOICES,
        choices=[{"kind": "project", "id": project.pk, "name": project.name} for project in shown],
    )


def clusters_of_project(*, asked: Asked, project_id: int) -> Reply:
    project = _projects(asked).filter(pk=project_id).first()
    if project is None:
        return Reply(say(asked.language, "project_unknown"), Outcome.NOT_FOUND)
    return _clusters_of(asked, _projects(asked).filter(pk=project_id), project.name)


def agents(*, asked: Asked) -> Reply:
    """The agents whom the member sees: himself, his team, or all."""
    rows = Agent.objects.visible_to(asked.actor).filter(status=AgentStatus.ACTIVE).order_by("name")
    names = list(rows.values_list("name", flat=True)[:MOST_LISTED])
    if not names:
        return Reply(say(asked.language, "not_allowed"), Outcome.NOT_ALLOWED)
    return Reply(listed(asked.language, say(asked.language, "agents"), names), Outcome.ANSWERED)


def campaigns(*, asked: Asked, words: str) -> Reply:
    """The approved campaigns that the member may start. One is asked about at once; nothing starts without a yes."""
    found = _startable(asked, words)
    if found is None:
        return Reply(say(asked.language, "not_allowed"), Outcome.NOT_ALLOWED)
    if not found:
        key = "campaign_unknown" if words else "no_campaigns"
        return Reply(say(asked.language, key, words=words), Outcome.NOT_FOUND)
    if len(found) == 1 and words:
        return confirm(asked=asked, campaign_id=found[0].campaign_id, name=found[0].name)
    labels = [" · ".join(filter(None, [each.name, each.project])) for each in found]
    return Reply(
        numbered(say(asked.language, "campaigns"), labels),
        Outcome.CHOICES,
        choices=[{"kind": "campaign", "id": each.campaign_id, "name": each.name} for each in found],
    )


def campaign_named(*, asked: Asked, words: str) -> Reply | None:
    """A message that is the name of a project or a campaign, and no more: the old way to start one. Only asks."""
    found = _startable(asked, words) or []
    same = [each for each in found if words.casefold() in (each.name.casefold(), each.project.casefold())]
    return campaigns(asked=asked, words=words) if same else None


def confirm(*, asked: Asked, campaign_id: int, name: str) -> Reply:
    return Reply(
        say(asked.language, "confirm", name=name),
        Outcome.CHOICES,
        choices=[{"kind": "start", "id": campaign_id, "name": name}],
    )


def start(*, asked: Asked, campaign_id: int, name: str, at: datetime) -> Reply:
    """Start it as this member: his capabilities, and every rule of starting, hold as on its page."""
    if not any(each.campaign_id == campaign_id for each in _startable(asked, "") or []):
        return Reply(say(asked.language, "campaign_unknown", words=name), Outcome.NOT_FOUND)
    event = CampaignStartAsked(asked.actor.organization.pk, _member(asked), campaign_id, at)
    try:
        with transaction.atomic():
            events.publish(event)
    except DomainError as refusal:
        return Reply(say(asked.language, "refused", why=refusal.message), Outcome.NOT_ALLOWED)
    key = "started" if event.answers[0] else "scheduled"
    words = say(asked.language, key, name=name, people=event.answers[0])
    return Reply(words, Outcome.ANSWERED, summary=words[:500])


def _startable(asked: Asked, words: str) -> list[Startable] | None:
    """None when the member may start none at all."""
    event = CampaignsAsked(asked.actor.organization.pk, _member(asked), words)
    events.publish(event)
    return [each for some in event.answers for each in some] if event.answers else None


def _member(asked: Asked) -> int:
    if asked.actor.membership is None:
        raise ValueError("the assistant is asked by members only")
    return int(asked.actor.membership.pk)


def _projects(asked: Asked) -> QuerySet[Any]:
    rows = Project.objects.visible_to(asked.actor).exclude(status=ProjectStatus.ARCHIVED)
    return rows.order_by("number")


def _named(rows: QuerySet[Any], words: str) -> QuerySet[Any]:
    """By number, else by the whole name of project or master project, else by a part of it."""
    if words.isascii() and words.isdigit() and len(words) < 10:
        return rows.filter(number=int(words))
    whole = rows.filter(Q(name__iexact=words) | Q(master_project__iexact=words))
    return whole if whole.exists() else rows.filter(Q(name__icontains=words) | Q(master_project__icontains=words))


def _clusters_of(asked: Asked, projects: QuerySet[Any], title: str) -> Reply:
    units = Property.objects.visible_to(asked.actor).filter(project__in=projects.order_by().values("pk")).order_by()
    for place in ("cluster", "building"):
        rows = list(units.exclude(**{place: ""}).values_list(place).annotate(Count("pk")).order_by(place)[:MOST_LISTED])
        if rows:
            lines = [f"{name} ({units_of(asked.language, count)})" for name, count in rows]
            return Reply(
                listed(asked.language, say(asked.language, "clusters", project=title), lines), Outcome.ANSWERED
            )
    return Reply(say(asked.language, "no_clusters"), Outcome.NOT_FOUND)
