"""People, units, numbers and campaigns for tests; all names and numbers are made up."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.utils import timezone

from campaigns import services
from campaigns.models import Campaign
from core.actors import Actor
from core.models import Organization
from crm.models import Contact, ContactPoint, Ownership, Project, Property
from messaging.models import Channel, MessageTemplate

TOKEN = "sandbox-token"
WABA = "100200300"
BODY = "Dear {{1}}, is your unit {{2}} available?"
COMPONENTS = [
    {"type": "BODY", "text": BODY, "example": {"body_text": [["Amal", "A-1"]]}},
    {"type": "FOOTER", "text": "Reply STOP to hear no more"},
]
VARIABLES = {"1": {"source": "contact.first_name"}, "2": {"source": "property.unit_number"}}


def channel(organization: Organization, number: int = 1, **fields: Any) -> Channel:
    values: dict[str, Any] = {
        "name": f"Sales {number}",
        "phone_number_id": f"90000000{number}",
        "waba_id": WABA,
        "display_number": f"+97140000000{number}",
        "access_token": TOKEN,
        "app_secret": "app-secret",
        "verify_token": "verify",
        "session_status": "connected",
        "messaging_limit": 100_000,
        "messages_per_second": 1000,
    }
    made: Channel = Channel.objects.create(organization=organization, **{**values, **fields})
    return made


def template(of: Channel, **fields: Any) -> MessageTemplate:
    values: dict[str, Any] = {
        "name": "unit_available",
        "language": "en",
        "category": "MARKETING",
        "components": COMPONENTS,
        "status": "APPROVED",
    }
    made: MessageTemplate = MessageTemplate.objects.create(
        organization=of.organization, channel=of, **{**values, **fields}
    )
    return made


def project(organization: Organization, number: int = 1) -> Project:
    made: Project = Project.objects.create(organization=organization, number=number, name=f"Vardon {number}")
    return made


def phone_of(index: int) -> str:
    """A mobile number that nobody has, and that the sandbox does not treat as magic."""
    return f"+97150{1_000_000 + index}"


def owners(of: Project, count: int, start: int = 0) -> list[int]:
    """So many owners of one unit each, with a mobile number each; their contact ids."""
    organization = of.organization
    names = range(start, start + count)
    contacts = Contact.objects.bulk_create(
        Contact(organization=organization, display_name=f"Owner {i}", first_name=f"Owner{i}") for i in names
    )
    units = Property.objects.bulk_create(
        Property(
            organization=organization, project=of, p_number=f"P{of.number}-{i}", unit_number=str(i), cluster="Aster"
        )
        for i in names
    )
    Ownership.objects.bulk_create(
        Ownership(organization=organization, property=unit, contact=contact, is_primary=True)
        for unit, contact in zip(units, contacts, strict=True)
    )
    ContactPoint.objects.bulk_create(
        ContactPoint(
            organization=organization,
            contact=contact,
            kind="phone",
            value=phone_of(i),
            country="AE",
            line_type="mobile",
            status="valid",
            is_primary=True,
        )
        for i, contact in zip(names, contacts, strict=True)
    )
    return [contact.pk for contact in contacts]


def owner(of: Project, name: str, **point: Any) -> Contact:
    """One owner; without a `value` there is no number."""
    organization = of.organization
    contact: Contact = Contact.objects.create(organization=organization, display_name=name, first_name=name)
    unit = Property.objects.create(organization=organization, project=of, p_number=f"P-{name}", unit_number=f"U-{name}")
    Ownership.objects.create(organization=organization, property=unit, contact=contact)
    if "value" in point:
        values = {"kind": "phone", "country": "AE", "line_type": "mobile", "status": "valid", "is_primary": True}
        ContactPoint.objects.create(organization=organization, contact=contact, **{**values, **point})
    return contact


def draft(author: Actor, of: Project, channels: list[Channel], at: datetime | None = None, **fields: Any) -> Campaign:
    """A campaign to all owners of the project."""
    chosen = fields.pop("template", None) or (
        MessageTemplate.objects.filter(channel__in=channels).first() or template(channels[0])
    )
    values: dict[str, Any] = {
        "name": f"Campaign {Campaign.objects.count() + 1}",
        "project": of,
        "template": chosen,
        "variables": VARIABLES,
    }
    return services.create_campaign(actor=author, at=at or timezone.now(), **{"channels": channels, **values, **fields})


def approved(author: Actor, approver: Actor, campaign: Campaign, at: datetime | None = None) -> Campaign:
    at = at or timezone.now()
    services.submit_for_review(actor=author, campaign=campaign, at=at)
    services.approve_campaign(actor=approver, campaign=campaign, at=at)
    campaign.refresh_from_db()
    return campaign


def sandbox_account(count: int = 1, throughput: int | None = None, **fields: Any) -> dict[str, Any]:
    """What to configure the sandbox with, so that it knows the numbers and the template above."""
    return {
        "id": WABA,
        "token": TOKEN,
        "app_secret": "app-secret",
        "verify_token": "verify",
        "numbers": [
            {"id": f"90000000{n}", "display_phone_number": f"+9714000000{n}", "throughput": throughput}
            for n in range(1, count + 1)
        ],
        "templates": [
            {"name": "unit_available", "language": "en", "category": "MARKETING", "components": COMPONENTS},
        ],
        **fields,
    }
