"""What narrows a target: checked when it is written, in one form ever after."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db.models import QuerySet

from campaigns.errors import AudienceInvalid
from campaigns.models import Campaign, Target
from core.actors import Actor
from core.arrays import any_id
from crm.models import Contact, Property
from crm.models.stock import PropertyStatus

AT_A_TIME = 5_000
MOST_CHOSEN = 50_000
LONGEST_AGO_IN_DAYS = 365

TEXT_LISTS = {"property_statuses", "clusters", "layouts", "languages", "tags"}
ROWS: dict[str, Any] = {"property_ids": Property, "contact_ids": Contact, "excluded_campaigns": Campaign}
# People of these campaigns are left out of this one, whatever the target.
ALWAYS = frozenset({"excluded_campaigns"})
FILTERS: dict[str, frozenset[str]] = {
    Target.ALL_OWNERS: ALWAYS | {"property_statuses", "clusters", "layouts", "languages"},
    Target.SPECIFIC_PROPERTY: ALWAYS | {"property_ids", "languages"},
    Target.RECENT_LEADS: ALWAYS | {"days", "languages"},
    Target.SEGMENT: ALWAYS,
    Target.LIST: ALWAYS | {"contact_ids", "tags", "languages"},
}


def checked_filter(*, actor: Actor, target: str, given: object, project_id: int | None) -> dict[str, Any]:
    """The filter in its one form. Raises AudienceInvalid for what the target does not know or the actor may not see."""
    if not isinstance(given, Mapping):
        raise AudienceInvalid("The audience filter must be an object of lists.")
    allowed = FILTERS[target]
    checked: dict[str, Any] = {}
    for name, value in given.items():
        if name not in allowed:
            said = f"The target {Target(target).label!r} has no filter {name!r}; it has {', '.join(sorted(allowed))}."
            raise AudienceInvalid(said, filter=str(name))
        if name == "days":
            checked[name] = _days(value)
        elif found := _listed(name, value):
            checked[name] = found
    for name, model in (("property_ids", Property), ("contact_ids", Contact)):
        if name in checked:
            checked[name] = as_they_are_now(model, checked[name])
    _require_meaning(actor, target, checked, project_id)
    return checked


def _days(given: object) -> int:
    if not isinstance(given, int) or isinstance(given, bool) or not 1 <= given <= LONGEST_AGO_IN_DAYS:
        raise AudienceInvalid(f"days must be a whole number from 1 to {LONGEST_AGO_IN_DAYS}.", filter="days")
    return given


def _listed(name: str, given: Any) -> list[Any]:
    kind = int if name in ROWS else str
    fits = isinstance(given, list) and all(isinstance(v, kind) and not isinstance(v, bool) for v in given)
    if not fits or len(given) > MOST_CHOSEN:
        words = "whole numbers" if name in ROWS else "texts"
        raise AudienceInvalid(f"{name} must be a list of at most {MOST_CHOSEN:,} {words}.", filter=name)
    return sorted(set(given))


def _require_meaning(actor: Actor, target: str, checked: Mapping[str, Any], project_id: int | None) -> None:
    unknown = set(checked.get("property_statuses", [])) - set(PropertyStatus.values)
    if unknown:
        said = (
            f"{', '.join(sorted(unknown))}: no such status of a unit; choose from {', '.join(PropertyStatus.values)}."
        )
        raise AudienceInvalid(said, filter="property_statuses")
    if target == Target.SPECIFIC_PROPERTY and "property_ids" not in checked:
        raise AudienceInvalid("Choose at least one unit.", filter="property_ids")
    if target == Target.RECENT_LEADS and "days" not in checked:
        raise AudienceInvalid("Say from how many days the leads are.", filter="days")
    if target == Target.LIST and not {"contact_ids", "tags"} & set(checked):
        raise AudienceInvalid("Choose contacts, or a tag that they carry.", filter="contact_ids")
    for name, model in ROWS.items():
        wanted = checked.get(name, [])
        strangers = sorted(set(wanted) - set(_visible_ids(model.objects.visible_to(actor), wanted))) if wanted else []
        if strangers:
            raise AudienceInvalid(f"{name}: {strangers[0]} is not among those you may choose.", filter=name)
    if (
        actor.membership is not None
        and actor.reach != "organization"
        and target == Target.ALL_OWNERS
        and not project_id
    ):
        raise AudienceInvalid(
            "Choose one of your projects: only managers write to the owners of all.", filter="project"
        )


def as_they_are_now(model: type[Contact | Property], ids: Sequence[int]) -> list[int]:
    """Whoever was merged into another since is that other."""
    return sorted({end for some in in_parts(ids) for end in model.objects.survivors_of(some).values()})


def _visible_ids(queryset: QuerySet[Any], wanted: Sequence[int]) -> Iterator[int]:
    for some in in_parts(wanted):
        yield from queryset.filter(pk__in=any_id(some)).values_list("pk", flat=True)


def in_parts(items: Sequence[Any]) -> Iterator[Any]:
    for start in range(0, len(items), AT_A_TIME):
        yield items[start : start + AT_A_TIME]
