"""What higher apps add to the pages of crm: conversations, campaigns, commissions, duplicates; and marks beside people.

An app registers its panels and marks in its `apps.py`; crm knows their templates and nothing of what is in them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from core.actors import Actor

# What the panel's template gets as `panel.data`; None when this actor sees no such panel.
Filling = Callable[[Actor, Any], Any | None]

UNIT, PROJECT, CONTACT = "unit", "project", "contact"
TODAY = "today"  # messaging's first page of an agent; it is about no row


@dataclass(frozen=True, slots=True)
class Panel:
    """One section of a page. `fill` promises its query count, whatever the object has."""

    key: str
    title: str
    template: str
    fill: Filling
    is_aside: bool = False


@dataclass(frozen=True, slots=True)
class Filled:
    key: str
    title: str
    template: str
    data: Any
    is_aside: bool


@dataclass(frozen=True, slots=True)
class Mark:
    """A word beside somebody's name, wherever people are listed; `title` says more."""

    text: str
    title: str
    tone: str = ""


# Who of these contacts has which mark. One query, however many they are.
Marking = Callable[[Actor, Collection[int]], Mapping[int, Mark]]

_markings: dict[str, Marking] = {}
_panels: dict[str, dict[str, Panel]] = defaultdict(dict)


def register(panel: Panel, *, on: Iterable[str]) -> None:
    """Show this panel on these pages (UNIT, PROJECT, CONTACT). The same key again replaces it."""
    for page in on:
        _panels[page][panel.key] = panel


def filled(page: str, actor: Actor, shown: Any) -> list[Filled]:
    """The panels of one page, in the order of their registration, without those that have nothing for this actor."""
    panels = []
    for panel in _panels[page].values():
        data = panel.fill(actor, shown)
        if data is not None:
            panels.append(Filled(panel.key, panel.title, panel.template, data, panel.is_aside))
    return panels


def register_marks(key: str, marking: Marking) -> None:
    """Mark people on every page that lists them. The same key again replaces it."""
    _markings[key] = marking


def marks_of(actor: Actor, contacts: Iterable[int]) -> dict[int, list[Mark]]:
    """The marks of each of these contacts that has any, in the order of their registration. A query for each marking."""
    found: dict[int, list[Mark]] = defaultdict(list)
    ids = set(contacts)
    for marking in _markings.values() if ids else ():
        for contact_id, mark in marking(actor, ids).items():
            found[contact_id].append(mark)
    return dict(found)
