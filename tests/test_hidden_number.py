"""Through every route that there is: nobody reads a number that he was not given, and what is given is kept."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import product
from typing import Any

import pytest
from django.db import transaction
from django.test import Client

from core.actors import Actor
from core.models import Organization
from core.roles import Capability, Role
from crm.models import Contact, ListDisclosure, OwnerDisclosure, Project
from tests.conftest import member
from tests.hidden_number import HIDDEN, MASKED, as_json, body_of, plant, text_of, traces
from tests.routes import WORDS, filled, places, routes, tables_of

# Not tried, each for a reason.
SKIPPED = {
    "readyz": "says what runs, to machines",
    "api/docs/": "repeats its own address, and shows no row",
    "o/<slug:organization>/inbox/stream/": "never ends; it says that something is new, and not what",
    "o/<slug:organization>/campaigns/<int:campaign_id>/stream/": "never ends; it says that something is new, and not what",
    "sign-out/": "ends the session of the one who tries",
}
MOST = 2  # rows of one table that are tried
QUERIES = ["?q=Noura&search=Noura"]
AUTOCOMPLETED = [("deal", "seller"), ("contactpoint", "contact"), ("ownership", "contact")]


def keys(name: str, view: Any) -> list[str]:
    if name in WORDS:
        return WORDS[name]
    if name == "number":
        return [str(number) for number in Project.objects.values_list("number", flat=True)[:MOST]]
    tables = tables_of(name, view) or [Contact]
    found = [pk for model in tables for pk in model._base_manager.order_by("pk").values_list("pk", flat=True)[:MOST]]
    return [str(pk) for pk in found] or ["1"]


def addresses(route: str, view: Any) -> Iterator[str]:
    """The route with the keys of rows that are there in every place."""
    names = places(route)
    for values in product(*(keys(name, view) for name in names)):
        yield filled(route, dict(zip(names, values, strict=True)).__getitem__)


class Visit:
    """One reader at all doors; `leaks` says where a number was read that was not given, and kept as given."""

    def __init__(self, reader: Actor, contacts: tuple[Contact, Contact]) -> None:
        self.reader, self.body = reader, body_of(*contacts)
        self.client = Client(raise_request_exception=False)
        self.client.force_login(reader.user)  # type: ignore[arg-type]
        self.leaks: set[str] = set()
        self.count = 0

    def every_way(self, route: str, view: Any, address: str) -> None:
        """Looked at, searched, taken along, and pressed with everything a form may ask for."""
        if self.ask(route, "get", address) == 200 and not re.search(r"\d+/", address.replace("/v1/", "/")):
            for query in QUERIES:
                self.ask(route, "get", address + query)
        if route == "admin/autocomplete/":
            for model, field in AUTOCOMPLETED:
                asked = f"app_label=crm&model_name={model}&field_name={field}&term=Noura"
                self.ask(route, "get", f"{address}?{asked}")
        sent = as_json(self.body) if route.startswith("api/") else {"data": _form(self.body)}
        self.ask(route, "post", address, sent)
        if route.startswith("api/") and re.search(r"\d+/$", address):
            self.ask(route, "patch", address, as_json(self.body))
        desk = getattr(view, "model_admin", None)
        if desk is not None and address.endswith(f"/{desk.model._meta.model_name}/"):
            chosen = list(desk.model._base_manager.order_by("pk").values_list("pk", flat=True)[:MOST])
            for action in [
                *(each for each in desk.actions or () if isinstance(each, str)),
                "export_csv",
                "export_xlsx",
            ]:
                self.ask(route, "post", address, {"data": {"action": action, "_selected_action": chosen}})

    def ask(self, route: str, verb: str, address: str, sent: dict[str, Any] | None = None) -> int:
        """One request, of which nothing stays. Whoever reads a number has it kept beside his name by this request."""
        with transaction.atomic():
            before = self._given()
            answer = getattr(self.client, verb)(address, **(sent or {}))
            text = text_of(answer)
            given = self._given() > before
            transaction.set_rollback(True)
        self.count += 1
        for number in (HIDDEN, MASKED):
            if not given and traces(text, number):
                self.leaks.add(f"{verb} {route} ({answer.status_code}): {number}")
        if answer.status_code >= 500:
            self.leaks.add(f"{verb} {route}: {answer.status_code}")
        return int(answer.status_code)

    def _given(self) -> int:
        given = OwnerDisclosure.objects.filter(membership=self.reader.membership).count()
        return given + ListDisclosure.objects.filter(membership=self.reader.membership).count()


def _form(body: dict[str, Any]) -> dict[str, Any]:
    return {name: "" if value is None else value for name, value in body.items() if not isinstance(value, dict)}


@pytest.fixture
def contacts(manager: Actor, agent: Actor, settings: Any, tmp_path: Any) -> tuple[Contact, Contact]:
    settings.MEDIA_ROOT = tmp_path / "media"
    return plant(manager, agent)


@pytest.fixture
def readers(
    organization: Organization, agent: Actor, supervisor: Actor, manager: Actor, outsider: Actor
) -> dict[str, Actor]:
    viewer = Actor(organization, member(organization, Role.VIEWER, "Vera"))
    return {"agent": agent, "supervisor": supervisor, "manager": manager, "outsider": outsider, "viewer": viewer}


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("who", ["agent"])
def test_no_route_shows_a_number_that_was_not_given(
    who: str, readers: dict[str, Actor], contacts: tuple[Contact, Contact]
) -> None:
    visit = Visit(readers[who], contacts)
    enters = readers[who].can(Capability.BACK_OFFICE) and who != "outsider"
    for route, view in routes():
        if route in SKIPPED:
            continue
        for address in addresses(route, view):
            if route.startswith("admin/") and not enters:
                visit.ask(route, "get", address)  # all of it is closed: tests/test_doors.py
                break
            visit.every_way(route, view, address)

    assert visit.count > 500
    assert visit.leaks == set(), "\n".join(sorted(visit.leaks))


def test_every_notation_is_recognised() -> None:
    for text in (
        "+971509876543", "0509876543", "050 987 6543", "050-987-65-43", "971|509876543", "%2B971509876543",
        "<b>050</b> <i>987</i>-6543", "٠٥٠٩٨٧٦٥٤٣", "０５０９８７６５４３", "&#48;50&nbsp;987&nbsp;6543", "\\u0030509876543",
        "data-number='9876543'",
    ):  # fmt: skip
        assert traces(text, HIDDEN), text
    assert not traces("+97150•••43 and 2026-11-25 09:08:07", HIDDEN)
