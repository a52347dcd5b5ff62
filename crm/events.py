"""What crm announces, inside the transaction that made it true. Handlers may refuse by raising: the change is undone."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class DealClosed:
    """A sale or a lease was concluded: commissions are earned from it."""

    organization_id: int
    deal_id: int


@dataclass(frozen=True, slots=True)
class DealReopened:
    """A closed deal turned out not to be concluded: what came from it must be undone, or the reopening refused."""

    organization_id: int
    deal_id: int


@dataclass(frozen=True, slots=True)
class OwnershipChanged:
    """A unit has other owners, or other shares, than before."""

    organization_id: int
    property_id: int


@dataclass(frozen=True, slots=True)
class AssignmentTransferred:
    """An agent's work on a project or a unit went to a successor: what hangs on it follows."""

    organization_id: int
    assignment_id: int
    successor_id: int


@dataclass(frozen=True, slots=True)
class AgentArchived:
    """An agent left; `successor_id` is the agent who carries on, None when there was nothing to carry."""

    organization_id: int
    agent_id: int
    successor_id: int | None


@dataclass(frozen=True, slots=True)
class ContactsMerged:
    """Two contacts became one: what points to `merged_id` is to point to `survivor_id`, through services.merging.put.

    Published again for what came late: a handler moves what it finds, and nothing when there is nothing.
    """

    organization_id: int
    merge_id: int
    survivor_id: int
    merged_id: int


@dataclass(frozen=True, slots=True)
class ContactsUnmerged:
    """The merge was undone, and every recorded row is back: what was worked out from them is to be worked out again."""

    organization_id: int
    merge_id: int
    survivor_id: int
    restored_id: int


@dataclass(frozen=True, slots=True)
class PropertiesMerged:
    """Two units became one, as ContactsMerged."""

    organization_id: int
    merge_id: int
    survivor_id: int
    merged_id: int


@dataclass(frozen=True, slots=True)
class PropertiesUnmerged:
    """As ContactsUnmerged."""

    organization_id: int
    merge_id: int
    survivor_id: int
    restored_id: int


@dataclass(frozen=True, slots=True)
class Work:
    """What hangs on an agent in an app above: `moves` says whether a successor takes it over."""

    noun: str
    count: int
    moves: bool = True


@dataclass(frozen=True, slots=True)
class LeavingAsked:
    """Somebody wants to know what hangs on an agent: whoever hears it adds to `found`, and changes nothing."""

    organization_id: int
    membership_id: int
    found: list[Work] = field(default_factory=list)
