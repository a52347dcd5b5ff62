"""The filters of the pages in the back office: each means what crm/filtering.py says, and is asked there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest
from django_filters import ChoiceFilter
from unfold.contrib.filters.admin import DropdownFilter, TextFilter

from core.actors import Actor
from crm.filtering import IdFilter, IdsFilter, OwnerFilter, UnitFilter
from crm.models import Agent, Project
from sheets.models import Spreadsheet

MOST_CHOICES = 500
Choices = list[tuple[Any, str]]


def _projects(actor: Actor) -> Choices:
    rows = Project.objects.visible_to(actor).order_by("number").values_list("pk", "number", "name")
    return [(pk, f"{number} {name}") for pk, number, name in rows[:MOST_CHOICES]]


def _agents(actor: Actor) -> Choices:
    return list(Agent.objects.visible_to(actor).order_by("name").values_list("pk", "name")[:MOST_CHOICES])


def _sheets(actor: Actor) -> Choices:
    rows = Spreadsheet.objects.visible_to(actor).filter(table="crm.units").order_by("name", "pk")
    return list(rows.values_list("pk", "name")[:MOST_CHOICES])


# What the keys of other rows are called. One query each.
NAMES: Mapping[str, Callable[[Actor], Choices]] = {"project": _projects, "agent": _agents, "sheet": _sheets}


def of_page(filters: type[UnitFilter | OwnerFilter], *names: str) -> list[type[Any]]:
    """These filters of a page as filters of a back-office list."""
    return [_filter(filters, name) for name in names]


def _filter(filters: type[UnitFilter | OwnerFilter], name: str) -> type[Any]:
    asked = filters.base_filters[name]
    chosen = isinstance(asked, ChoiceFilter | IdFilter | IdsFilter)

    class Narrowing(DropdownFilter if chosen else TextFilter):  # type: ignore[misc]
        title = asked.label
        parameter_name = name

        def lookups(self, request: HttpRequest, model_admin: Any) -> Choices:
            if name in NAMES:
                return NAMES[name](request.actor)  # type: ignore[attr-defined]
            return list(asked.extra.get("choices", ())) if chosen else []

        def has_output(self) -> bool:
            return True

        def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
            """What makes no sense is passed over, and said."""
            value = (self.value() or "").strip()
            if not value:
                return queryset
            narrowed = filters({name: value}, queryset=queryset, actor=request.actor)  # type: ignore[attr-defined]
            if not narrowed.is_valid():
                messages.warning(request, f"{asked.label} {value[:50]}: {' '.join(narrowed.errors[name])}")
                return queryset
            return narrowed.qs

    return Narrowing
