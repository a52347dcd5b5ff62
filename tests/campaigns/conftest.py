"""A running Majlis with one campaign ready to start, over a database and a sandbox of the test's own."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from django.conf import settings
from django.utils import timezone

from campaigns import services
from campaigns.engine import run_slice, sweep_organization
from campaigns.engine.verdict import Verdict
from campaigns.models import Campaign, CampaignEngine, CampaignMessage
from core.actors import Actor
from core.models import Organization
from core.roles import Role
from core.tenancy import organization_scope
from messaging.models import Channel, MessageTemplate
from tests.campaigns import factories
from tests.live import Live, house


class Stage:
    """Everything of one campaign story, with the sandbox's record as the judge."""

    def __init__(self, live: Live, organization: Organization, author: Actor, approver: Actor) -> None:
        self.live = live
        self.organization = organization
        self.author = author
        self.approver = approver
        self.channels: list[Channel] = []
        self.template: MessageTemplate
        self.campaign: Campaign

    def prepare(self, people: int, *, numbers: int = 1, throughput: int | None = None, **fields: Any) -> Campaign:
        """So many owners, so many numbers, an approved campaign to them, and a sandbox that knows all of it."""
        self.live.sandbox(
            "POST",
            "/_sandbox/configure",
            {"reset": True, "magic_numbers": True, "accounts": [factories.sandbox_account(numbers, throughput)]},
        )
        pace = min(throughput or 1000, 1000)
        self.channels = [
            factories.channel(self.organization, n, messages_per_second=pace) for n in range(1, numbers + 1)
        ]
        self.template = factories.template(self.channels[0])
        self.project = factories.project(self.organization)
        factories.owners(self.project, people)
        campaign = factories.draft(self.author, self.project, self.channels, **fields)
        self.campaign = factories.approved(self.author, self.approver, campaign)
        return self.campaign

    def start(self) -> None:
        services.start_campaign(actor=self.author, campaign=self.campaign, at=timezone.now())

    def slice(self, seconds: float = 20.0) -> Verdict:
        """One slice of the engine, in this process."""
        return asyncio.run(run_slice(self.organization.pk, self.campaign.pk, seconds=seconds))

    def send_all(self, slices: int = 20) -> Verdict:
        for _ in range(slices):
            verdict = self.slice()
            if verdict not in (Verdict.MORE, Verdict.WAITING):
                return verdict
        return verdict

    def sweep(self) -> int:
        return sweep_organization(self.organization, timezone.now())

    def let_leases_run_out(self, *of: type[CampaignEngine] | type[CampaignMessage]) -> None:
        """As if the time of a lease had passed since their holders died."""
        past = timezone.now() - timezone.timedelta(seconds=1)
        for model in of or (CampaignEngine, CampaignMessage):
            model._default_manager.filter(lease_until__isnull=False).update(lease_until=past)

    def counts(self) -> Counter[str]:
        return Counter(CampaignMessage.objects.filter(campaign=self.campaign).values_list("status", flat=True))

    def status(self) -> str:
        self.campaign.refresh_from_db()
        return self.campaign.status

    def summary(self) -> dict[str, Any]:
        found: dict[str, Any] = self.live.sandbox("GET", "/_sandbox/summary")
        return found

    def accepted(self) -> int:
        """How many messages the sandbox took; fails when anybody got two."""
        summary = self.summary()
        assert summary["to"]["accepted_more_than_once"]["count"] == 0, summary["to"]
        return int(summary["messages"]["accepted"])

    def fault(self, **fault: Any) -> None:
        self.live.sandbox("POST", "/_sandbox/faults", fault)

    def no_faults(self) -> None:
        self.live.sandbox("DELETE", "/_sandbox/faults")


@pytest.fixture
def stage(live: Live, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    live.start_sandbox()
    monkeypatch.setattr(settings, "WHATSAPP_API_URL", live.sandbox_url)
    monkeypatch.setattr(settings, "REDIS_URL", live.redis_url)
    organization, members = house()
    with organization_scope(organization.pk):
        yield Stage(
            live, organization, Actor(organization, members[Role.MANAGER]), Actor(organization, members[Role.ADMIN])
        )
