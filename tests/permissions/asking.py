"""Every route and verb that exists, tried by a role on rows of different people; what came of it is one word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.contrib.messages import get_messages
from django.db import transaction
from django.db.models import Model
from django.test import Client

from core.actors import Actor
from core.roles import Reach
from crm.models import DepartureExport, Project, ValidationRun
from ledger.models import Account
from tests.hidden_number import text_of
from tests.permissions.world import OTHERS, OWN, TEAM, World
from tests.routes import OPEN, WORDS, filled, places, routes, tables_of

REFUSED, PASSED, UNPROVEN = "-", "yes", "?"
# Who reaches which of the rows of Omar, of his teammate, and of an agent of another team.
REACHES = {(): REFUSED, (OWN,): "own", (OWN, TEAM): "team", (OWN, TEAM, OTHERS): "all"}
# Where one name stands for keys of two tables: which it is under that address.
MEANT = {"commissions/accounts/": Account, "validation-runs/": ValidationRun, "departures/exports/": DepartureExport}
NOT_YOURS = "Your role does not allow this"  # core.actors.Actor.require
ENDLESS = re.compile(r"/stream/$")  # only whether it opens is asked


@dataclass(frozen=True)
class Door:
    """One verb of one route."""

    route: str
    verb: str
    view: Any

    @property
    def leads_to_a_row(self) -> bool:
        return any(name not in WORDS for name in places(self.route))

    def address(self, world: World, whose: str) -> str | None:
        """The route with keys of his rows; None when he has no such row."""
        keys = {name: self._key(name, world, whose) for name in places(self.route)}
        return None if None in keys.values() else filled(self.route, lambda name: str(keys[name]))

    def _key(self, name: str, world: World, whose: str) -> Any:
        if name in WORDS:
            return WORDS[name][0]
        if name == "number":
            return Project.objects.values_list("number", flat=True).get(pk=world.one(Project, whose))
        table = self.table(name)
        return None if table is None else world.one(table, whose)

    def table(self, name: str) -> type[Model] | None:
        """Whose keys stand in the place of that name."""
        tables = tables_of(name, self.view)
        meant = [table for part, table in MEANT.items() if part in self.route and table in tables]
        return next(iter(meant or tables), None)


def doors() -> list[Door]:
    """All of them, the verbs of pages being those that a browser has."""
    found = {}
    for route, view in routes():
        if route in OPEN | {"admin/login/", "admin/logout/"}:  # to everybody; tests/routes.py says why
            continue
        if route.startswith(
            "me/"
        ):  # one's own account, the same for every role; tests/test_doors.py, tests/core/accounts
            continue
        verbs = getattr(view, "actions", None) or {"get": "", "post": ""}
        for verb in verbs:
            if verb in {"get", "post", "put", "patch", "delete"}:
                found[route, verb] = Door(route, verb, view)
    return [found[key] for key in sorted(found)]


class Visitor:
    """Somebody of one role, signed in."""

    def __init__(self, world: World, actor: Actor) -> None:
        self.world, self.actor = world, actor
        self.client = Client(raise_request_exception=False)
        self.client.force_login(actor.user)  # type: ignore[arg-type]

    def tries(self, door: Door) -> str | None:
        """What he may do there: REFUSED, PASSED, how far it reaches, or UNPROVEN; None when the route has no such verb."""
        return self._reaches(door) if door.leads_to_a_row else self._opens(door)

    def _reaches(self, door: Door) -> str | None:
        """Whose rows he comes to. Whoever sees the whole house is asked for one that is far from him, to save time."""
        wide = self.actor.reach is Reach.ORGANIZATION
        found = {whose: door.address(self.world, whose) for whose in ([OTHERS, OWN] if wide else [OWN, TEAM, OTHERS])}
        asked = {whose: address for whose, address in found.items() if address is not None}
        if not asked:  # nobody has such a row: only whether there is such a verb can be told
            known, _ = self._ask(door, filled(door.route, lambda name: WORDS.get(name, ["1"])[0]))
            return None if known is None else UNPROVEN
        reached = []
        for whose, address in asked.items():
            passed, _ = self._ask(door, address)
            if passed is None:
                return None
            if passed and wide:
                return "all"
            if passed:
                reached.append(whose)
        if len(asked) == 1:
            return PASSED if reached else REFUSED
        return _word(reached)

    def _opens(self, door: Door) -> str | None:
        """Whether he comes in, and whose rows he is shown there."""
        passed, text = self._ask(door, filled(door.route, lambda name: WORDS[name][0]))
        if not passed:
            return None if passed is None else REFUSED
        seen = [whose for number, whose in enumerate((OWN, TEAM, OTHERS), start=1) if _shows(text, number)]
        return _word(seen) if seen and door.verb == "get" else PASSED

    def _ask(self, door: Door, address: str) -> tuple[bool | None, str]:
        """Whether he was let in, and what he was shown. Nothing of it stays."""
        sent = {"data": "{}", "content_type": "application/json"} if door.route.startswith("api/") else {}
        self.client.cookies.pop("messages", None)
        with transaction.atomic():
            answer = getattr(self.client, door.verb)(address, **({} if door.verb == "get" else sent))
            text = "" if ENDLESS.search(address) else text_of(answer)
            transaction.set_rollback(True)
        if answer.status_code == 405:
            return None, ""
        assert answer.status_code not in {500, 502}, f"{door.verb} {address}: {answer.status_code}"
        assert answer.status_code != 429, "the limit of calls is not what is asked here"
        away = answer.status_code == 302 and "sign-in" in answer.headers["Location"]
        told = [text, *map(str, get_messages(answer.wsgi_request))]  # on this page, or on the next one
        refused = away or answer.status_code in {401, 403, 404} or any(NOT_YOURS in each for each in told)
        return not refused, text


def _word(reached: list[str]) -> str:
    return REACHES.get(tuple(reached), "+".join(reached))


def _shows(text: str, number: int) -> bool:
    return re.search(rf"(Owner|Vardon|Segment|Silent|Sheet|Type|Acuna) {number}\b", text) is not None


def rows(world: World) -> Iterator[dict[str, str]]:
    """The matrix as it is: a line for each route and verb, a word for each role."""
    visitors = {role: Visitor(world, actor) for role, actor in world.actors.items()}
    for door in doors():
        words = {role: visitor.tries(door) for role, visitor in visitors.items()}
        if any(word is not None for word in words.values()):
            yield {"route": door.route, "verb": door.verb} | {role: word or REFUSED for role, word in words.items()}
