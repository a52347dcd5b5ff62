"""Every route and verb that exists, tried by a role on rows of different people; what came of it is one word."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.test import Client

from core.actors import Actor
from core.roles import Reach
from tests import test_hidden_number as numbers
from tests.permissions.world import OTHERS, OWN, TEAM, World
from tests.test_doors import OPEN

PLACE = re.compile(r"\(\?P<(\w+)>(?:[^()]|\([^)]*\))*\)|<(?:\w+:)?(\w+)>")
REFUSED, PASSED = "-", "yes"
# Who reaches which of the rows of Omar, of his teammate, and of an agent of another team.
REACHES = {(): REFUSED, (OWN,): "own", (OWN, TEAM): "team", (OWN, TEAM, OTHERS): "all"}
ENDLESS = re.compile(r"/stream/$")  # only whether it opens is asked


@dataclass(frozen=True)
class Door:
    """One verb of one route."""

    route: str
    verb: str
    view: Any

    @property
    def places(self) -> list[str]:
        return [first or second for first, second in PLACE.findall(self.route)]

    @property
    def leads_to_a_row(self) -> bool:
        return any(name not in numbers.WORDS for name in self.places)

    def address(self, world: World, whose: str) -> str | None:
        """The route with keys of his rows; None when he has no such row."""
        keys = [self._key(name, world, whose) for name in self.places]
        if None in keys:
            return None
        left = iter(keys)
        path = PLACE.sub(lambda _: str(next(left)), self.route)
        path = path.replace("^", "").replace("$", "").replace("\\Z", "").replace("\\.", ".").replace("/?", "/")
        return "/o/palm/" + path if path.startswith("admin/") else "/" + path

    def _key(self, name: str, world: World, whose: str) -> Any:
        if name in numbers.WORDS:
            return numbers.WORDS[name][0]
        if name == "number":
            return numbers.Project._base_manager.filter(pk=world.one(numbers.Project, whose)).values_list("number", flat=True).first()  # fmt: skip
        own = numbers.model_of(self.view)
        tables = numbers.ROWS[name] if name not in {"pk", "object_id"} else [own] if own is not None else []
        return next((key for table in tables if (key := world.one(table, whose)) is not None), None)


def doors() -> list[Door]:
    """All of them, the verbs of pages being those that a browser has."""
    found = {}
    for route, view in numbers.routes():
        if route in OPEN | {"admin/login/", "admin/logout/"}:  # to everybody; test_doors.py says why
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
        """What he may do there: REFUSED, PASSED, or how far it reaches; None when the route has no such verb."""
        if not door.leads_to_a_row:
            return self._opens(door)
        wide = self.actor.reach is Reach.ORGANIZATION
        reached, asked = [], 0
        for whose in [OTHERS, OWN] if wide else [OWN, TEAM, OTHERS]:
            address = door.address(self.world, whose)
            if address is None:
                continue
            passed = self._ask(door, address)[0]
            if passed is None:
                return None
            asked += 1
            if passed:
                reached.append(whose)
                if wide:
                    return "all"
        if not asked:
            return self._opens(door)
        if asked == 1:
            return PASSED if reached else REFUSED
        return REACHES.get(tuple(reached), "+".join(reached))

    def _opens(self, door: Door) -> str | None:
        address = door.address(self.world, OWN) or PLACE.sub("1", door.route)
        passed, text = self._ask(door, address)
        if not passed:
            return None if passed is None else REFUSED
        if door.verb != "get":
            return PASSED
        seen = tuple(whose for number, whose in enumerate((OWN, TEAM, OTHERS), start=1) if _shows(text, number))
        return REACHES.get(seen, "+".join(seen)) if seen else PASSED

    def _ask(self, door: Door, address: str) -> tuple[bool | None, str]:
        """Whether he was let in, and what he was shown. Nothing of it stays."""
        sent = {"data": "{}", "content_type": "application/json"} if door.route.startswith("api/") else {}
        with transaction.atomic():
            answer = getattr(self.client, door.verb)(address, **({} if door.verb == "get" else sent))
            text = "" if ENDLESS.search(address) else numbers.text_of(answer)
            transaction.set_rollback(True)
        if answer.status_code == 405:
            return None, ""
        assert answer.status_code not in {500, 502}, f"{door.verb} {address}: {answer.status_code}"
        assert answer.status_code != 429, "the limit of calls is not what is asked here"
        away = answer.status_code == 302 and "sign-in" in answer.headers["Location"]
        return answer.status_code not in {401, 403, 404} and not away, text


def _shows(text: str, number: int) -> bool:
    return re.search(rf"(Owner|Vardon|Segment|Silent|Sheet|Type|Acuna) {number}\b", text) is not None


def rows(world: World) -> Iterator[dict[str, str]]:
    """The matrix as it is: a line for each route and verb, a word for each role."""
    visitors = {role: Visitor(world, actor) for role, actor in world.actors.items()}
    for door in doors():
        words = {role: visitor.tries(door) for role, visitor in visitors.items()}
        if any(word is not None for word in words.values()):
            yield {"route": door.route, "verb": door.verb} | {role: word or REFUSED for role, word in words.items()}
