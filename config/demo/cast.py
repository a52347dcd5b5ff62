"""Who plays: one brokerage with its people, and a second house that must never notice."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

from core.actors import Actor
from core.models import Membership, Organization, User
from core.roles import Role
from core.services import add_member, found_organization
from core.tenancy import organization_scope

SLUG, NEIGHBOUR = "palm", "cedar"
PEOPLE = {
    "aisha": ("Aisha Noor", Role.ADMIN),
    "mona": ("Mona Haddad", Role.MANAGER),
    "marwan": ("Marwan Saleh", Role.MANAGER),
    "salim": ("Salim Darwish", Role.SUPERVISOR),
    "omar": ("Omar Faris", Role.AGENT),
    "huda": ("Huda Karim", Role.AGENT),
    "asma": ("Asma Rahman", Role.ACCOUNTANT),
    "vera": ("Vera Lind", Role.VIEWER),
}


@dataclass
class Cast:
    """The people of the demo. One password for all of them, made up anew every time."""

    organization: Organization
    password: str = field(default_factory=lambda: "majlis-" + secrets.token_hex(4))

    def email(self, name: str, house: str = SLUG) -> str:
        return f"{name}@{house}.example"

    def member(self, name: str) -> Membership:
        return Membership.objects.select_related("user", "organization").get(
            organization=self.organization, user__email=self.email(name)
        )

    def actor(self, name: str) -> Actor:
        return Actor(self.organization, self.member(name))


def gather() -> Cast:
    """Found both houses and hire everybody."""
    password = "majlis-" + secrets.token_hex(4)
    founder = _user("aisha", PEOPLE["aisha"][0], SLUG, password)
    first = found_organization(slug=SLUG, name="Palm Gate Realty", admin=founder, city="Dubai")
    cast = Cast(first.organization, password)
    with organization_scope(first.organization.pk):
        actor = Actor(first.organization, first)
        supervisor: Membership | None = None
        for name, (full_name, role) in PEOPLE.items():
            if role is not Role.ADMIN:
                reports_to = supervisor if role is Role.AGENT else None
                made = add_member(
                    actor=actor, user=_user(name, full_name, SLUG, password), role=role, reports_to=reports_to
                )
                supervisor = made if role is Role.SUPERVISOR else supervisor
    stranger = _user("zayd", "Zayd Amin", NEIGHBOUR, password)
    found_organization(slug=NEIGHBOUR, name="Cedar Homes", admin=stranger, city="Sharjah")
    return cast


def _user(name: str, full_name: str, house: str, password: str) -> User:
    return User.objects.create_user(f"{name}@{house}.example", password, name=full_name)
