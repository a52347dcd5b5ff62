"""Who is acting: a person, a person's token, or Majlis itself. Every service takes one, and asks it first."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from core.errors import CapabilityMissing
from core.models import ApiToken, Membership, Organization, User
from core.roles import CAPABILITIES, REACH, Capability, Reach, Role


@dataclass(frozen=True)
class Actor:
    """One who acts within one organisation. Made at a door, passed down, never stored."""

    organization: Organization
    membership: Membership | None = None
    token: ApiToken | None = None
    address: str | None = None
    # Who sees through this one's eyes, to help (core/accounts/looking.py); then nothing can be changed.
    looker: Membership | None = None

    @property
    def user(self) -> User | None:
        """The person behind it; None when Majlis acts by itself."""
        return self.membership.user if self.membership else None

    @cached_property
    def capabilities(self) -> frozenset[Capability]:
        """What the role allows, narrowed by the token's scopes."""
        if self.membership is None:
            return frozenset(Capability)
        allowed = CAPABILITIES[Role(self.membership.role)]
        if self.token is not None and self.token.scopes:
            allowed &= {Capability(scope) for scope in self.token.scopes if scope in set(Capability)}
        return allowed

    @property
    def reach(self) -> Reach:
        """How far this one sees."""
        return Reach.ORGANIZATION if self.membership is None else REACH[Role(self.membership.role)]

    @cached_property
    def membership_ids(self) -> list[int]:
        """The memberships whose rows count as own: oneself, and a supervisor's direct reports. One query at most."""
        if self.membership is None:
            return []
        own = [self.membership.pk]
        if self.reach is Reach.TEAM:
            own += Membership.objects.filter(reports_to=self.membership).values_list("pk", flat=True)
        return own

    def can(self, capability: Capability) -> bool:
        return capability in self.capabilities

    def require(self, capability: Capability) -> None:
        """The first line of every service. Raises CapabilityMissing."""
        if capability not in self.capabilities:
            raise CapabilityMissing(
                f"Your role does not allow this ({capability.value}); ask an admin of {self.organization.name}.",
                capability=capability.value,
            )


def system(organization: Organization) -> Actor:
    """Majlis itself, at work for one organisation: sweepers, webhooks, schedules."""
    return Actor(organization=organization)
