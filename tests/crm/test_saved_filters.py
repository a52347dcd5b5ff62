"""Views that members keep: whose they are, who shares with whom, and what the database holds."""

from __future__ import annotations

from importlib import import_module
from typing import Any
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, connection, connections, transaction
from django.test import Client

from core.actors import Actor
from core.errors import DomainError
from core.models import AuditEntry, Membership, Organization, User
from core.roles import Role
from core.tenancy import SETTING
from crm import services
from crm.models import SavedFilter
from tests.conftest import member
from tests.crm import factories
from tests.crm.doors import Caller

ASKED = {"status": ["available"], "sort": ["price"]}


def keep(actor: Actor, name: str = "Free", **fields: Any) -> SavedFilter:
    return services.save_filter(actor=actor, name=name, list="units", **{"parameters": ASKED, **fields})


def seen_by(actor: Actor) -> set[str]:
    return set(SavedFilter.objects.visible_to(actor).values_list("name", flat=True))


def test_a_view_is_for_oneself_the_team_or_everybody(manager, supervisor, agent, other_agent, organization):
    keep(manager, "Mine")
    keep(manager, "House", shared_with="organization")
    keep(supervisor, "Team", shared_with="team")

    assert seen_by(manager) == {"Mine", "House"}
    assert seen_by(supervisor) == {"Team", "House"}
    assert seen_by(agent) == {"Team", "House"}  # reports to the supervisor
    assert seen_by(other_agent) == {"House"}


def test_another_house_sees_none(manager, outsider):
    keep(manager, shared_with="organization")

    assert seen_by(outsider) == set()


@pytest.mark.parametrize(
    ("role", "shared_with", "may"),
    [
        (Role.AGENT, "nobody", True), (Role.AGENT, "team", False), (Role.AGENT, "organization", False),
        (Role.SUPERVISOR, "team", True), (Role.SUPERVISOR, "organization", False), (Role.MANAGER, "organization", True),
    ],
)  # fmt: skip
def test_who_may_share(role, shared_with, may, organization):
    actor = Actor(organization, member(organization, role, "Sharer"))

    if may:
        assert keep(actor, shared_with=shared_with).shared_with == shared_with
        return
    with pytest.raises(DomainError) as refusal:
        keep(actor, shared_with=shared_with)
    assert refusal.value.code == "capability_missing"
    assert not SavedFilter.objects.exists()
    mine = keep(actor)
    with pytest.raises(DomainError):
        services.update_filter(actor=actor, saved=mine, shared_with=shared_with)


def test_nobody_changes_or_deletes_a_view_of_a_colleague(manager, second_manager):
    saved = keep(manager, shared_with="organization")

    with pytest.raises(DomainError):
        services.update_filter(actor=second_manager, saved=saved, name="Stolen")
    with pytest.raises(DomainError):
        services.delete_filter(actor=second_manager, saved=saved)

    saved.refresh_from_db()
    assert saved.name == "Free"


def test_names_are_once_a_member_and_list(manager, second_manager):
    keep(manager, "Free")
    keep(second_manager, "Free")

    with pytest.raises(DomainError) as refusal:
        keep(manager, " Free ")
    assert refusal.value.message == "You have a view of this name already."
    with pytest.raises(DomainError):
        keep(manager, "  ")
    with pytest.raises(DomainError):
        keep(manager, "Nothing", parameters={})


def test_the_default_is_one_and_leads_the_bare_address_there(manager, client: Client):
    keep(manager, "First", is_default=True)
    second = keep(manager, "Second", is_default=True)
    client.force_login(manager.user)

    answer = client.get("/o/palm/units/")

    assert SavedFilter.objects.filter(is_default=True).count() == 1
    assert answer["Location"] == f"/o/palm/units/?sort=price&status=available&view={second.pk}"
    assert client.get("/o/palm/units/?all=1").status_code == 200


def test_deleting_is_kept_in_the_trail(manager):
    services.delete_filter(actor=manager, saved=keep(manager))

    assert not SavedFilter.objects.exists()
    assert AuditEntry.objects.get(action="crm.filter_deleted").before["parameters"] == ASKED


def test_a_view_is_kept_renamed_changed_and_deleted_on_the_page(manager, client: Client):
    client.force_login(manager.user)
    kept = client.post(
        "/o/palm/views/units/", {"asked": "status=sold&sort=-price&after=7&all=1&junk=x", "name": "Sold, dear first"}
    )
    saved = SavedFilter.objects.get()
    assert saved.parameters == {"status": ["sold"], "sort": ["-price"]}
    assert f"view={saved.pk}" in kept["Location"]
    page = client.get(kept["Location"]).content.decode()
    assert "Sold, dear first" in page

    changed = client.get(f"/o/palm/units/?status=rented&view={saved.pk}").content.decode()
    assert "Keep the changes in this view" in changed
    client.post("/o/palm/views/units/", {"asked": "status=rented", "view": saved.pk})
    client.post(f"/o/palm/views/{saved.pk}/change/", {"name": "مؤجرة", "shared_with": "organization"})
    saved.refresh_from_db()
    assert (saved.name, saved.shared_with, saved.parameters) == ("مؤجرة", "organization", {"status": ["rented"]})

    client.post(f"/o/palm/views/{saved.pk}/change/", {"delete": "1"})
    assert not SavedFilter.objects.exists()


def test_pages_refuse_lists_and_views_that_are_not_there(manager, second_manager, client: Client):
    saved = keep(manager)
    client.force_login(second_manager.user)

    assert client.post("/o/palm/views/nothing/", {"asked": "status=sold", "name": "x"}).status_code == 404
    assert client.post(f"/o/palm/views/{saved.pk}/change/", {"delete": "1"}).status_code == 404
    assert client.post("/o/palm/views/units/", {"asked": "status=sold", "view": saved.pk}).status_code == 404
    assert SavedFilter.objects.filter(pk=saved.pk).exists()


def test_a_view_that_names_a_deleted_project_says_so(manager, client: Client):
    project = factories.project(manager.organization)
    factories.unit(project)
    saved = keep(manager, parameters={"project": [str(project.pk)]})
    from django.utils import timezone

    type(project).objects.filter(pk=project.pk).update(deleted_at=timezone.now())
    client.force_login(manager.user)

    answer = client.get(f"/o/palm/units/?project={project.pk}&view={saved.pk}")

    assert answer.status_code == 200
    assert "It is not there any more" in answer.content.decode()


NUMBERS = [
    "0501234567", "+971 50 123 4567", "971|501234567", "123456", "٠٥٠١٢٣٤٥٦٧", "noura@example.com", "Noura 050-123-4567",
]  # fmt: skip


@pytest.mark.parametrize("typed", NUMBERS)
def test_a_view_with_a_number_in_it_is_not_shared(typed, manager, agent, client: Client):
    mine = keep(manager, "Mine", parameters={"q": [typed]})
    for refused in (
        lambda: keep(manager, "House", parameters={**ASKED, "q": [typed]}, shared_with="organization"),
        lambda: keep(manager, "Team", parameters={"building": ["Aster", typed]}, shared_with="team"),
        lambda: keep(manager, typed, shared_with="organization"),
        lambda: services.update_filter(actor=manager, saved=mine, shared_with="organization"),
    ):
        with pytest.raises(DomainError) as refusal:
            refused()
        assert refusal.value.code == "number_shared"
        assert typed not in refusal.value.message

    shared = keep(manager, "House", shared_with="organization")
    client.force_login(manager.user)
    client.post("/o/palm/views/units/", {"asked": urlencode({"q": typed}), "view": shared.pk})
    shared.refresh_from_db()
    assert shared.parameters == ASKED
    assert seen_by(agent) == {"House"}


def test_prices_keys_dates_and_unit_numbers_are_no_numbers_of_people(manager):
    kept = {
        "q": ["1203, 1204 Aster Tower 12"], "price_min": ["1250000"], "project": ["1234567,7654321"], "since": ["2026-01-01"],
    }  # fmt: skip

    assert keep(manager, "Units 12-15", parameters=kept, shared_with="organization").parameters == kept


@pytest.mark.parametrize(
    ("column", "value", "constraint"),
    [
        ("name", "''", "crm_saved_filter_has_a_name"),
        ("list", "'deals'", "crm_saved_filter_list_known"),
        ("shared_with", "'world'", "crm_saved_filter_shared_with_known"),
        ("parameters", "'[]'", "crm_saved_filter_parameters_are_named"),
        ("name", "'Other'", "crm_saved_filter_name_once"),
        ("is_default", "true", "crm_saved_filter_one_default"),
        ("shared_with", "'team', name = '050 123 4567'", "crm_saved_filter_shared_without_numbers"),
        ("shared_with", "'team', parameters = '{\"q\": [\"0501234567\"]}'", "crm_saved_filter_shared_without_numbers"),
    ],
)
def test_the_database_holds_it(column, value, constraint, manager):
    keep(manager, "Other", is_default=True)
    saved = keep(manager)

    with pytest.raises(IntegrityError, match=constraint), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"UPDATE crm_savedfilter SET {column} = {value} WHERE id = %s", [saved.pk])


class TestApi:
    def test_a_view_is_kept_renamed_shared_and_deleted(self, manager, agent, client):
        office, phone = Caller(client, manager), Caller(client, agent)
        made = office.post("saved-filters/", {"list": "units", "name": "  Free  now ", "parameters": ASKED})
        assert made.status_code == 201
        assert (made.json()["name"], made.json()["is_mine"]) == ("Free now", True)
        place = f"saved-filters/{made.json()['id']}/"
        assert phone.get(place).status_code == 404

        shared = office.patch(place, {"shared_with": "organization", "name": "Free"})
        assert (shared.status_code, shared.json()["shared_with"]) == (200, "organization")
        seen = phone.get("saved-filters/?list=units").json()["results"]
        assert [(each["name"], each["is_mine"], each["parameters"]) for each in seen] == [("Free", False, ASKED)]
        assert phone.patch(place, {"name": "Mine"}).status_code == 404
        assert phone.delete(place).status_code == 404

        assert office.delete(place).status_code == 204
        assert not SavedFilter.objects.exists()

    def test_wrong_views_are_refused(self, manager, agent, outsider, client):
        office, phone = Caller(client, manager), Caller(client, agent)
        wrongs: list[dict[str, object]] = [
            {},
            {"list": "cats", "name": "Free", "parameters": ASKED},
            {"list": "units", "name": "Free", "parameters": {}},
            {"list": "units", "name": "Free", "parameters": {"status": "sold"}},
            {"list": "units", "name": "", "parameters": ASKED},
        ]
        for body in wrongs:
            assert office.post("saved-filters/", body).status_code in {400, 422}, body
        kept = {"list": "owners", "name": "Free", "parameters": ASKED}
        assert phone.post("saved-filters/", {**kept, "shared_with": "organization"}).status_code == 403
        assert office.post("saved-filters/", kept).status_code == 201
        assert office.post("saved-filters/", kept).json()["code"] == "already_there"
        assert Caller(client, outsider).get("saved-filters/").status_code == 404
        assert SavedFilter.objects.count() == 1


@pytest.mark.django_db(databases=["default", "owner"])
def test_views_shared_before_become_their_owners_alone(worker_database: str):
    migration = import_module("crm.migrations.0017_saved_views_without_numbers")
    with transaction.atomic(using="owner"), connections["owner"].cursor() as cursor:
        house = Organization.objects.using("owner").create(slug="elm", name="Elm Estates")
        cursor.execute("SELECT set_config(%s, %s, true)", [SETTING, str(house.pk)])
        user = User.objects.using("owner").create(email="mona@elm.example", name="Mona")
        whose = Membership.objects.using("owner").create(organization=house, user=user, role=Role.MANAGER)
        cursor.execute("ALTER TABLE crm_savedfilter DROP CONSTRAINT crm_saved_filter_shared_without_numbers")
        kept = {"list": "units", "organization": house, "membership": whose, "shared_with": "organization"}
        views = SavedFilter.objects.using("owner")
        leaks = [
            views.create(name=f"View {number}", parameters={"q": [NUMBERS[number]]}, **kept).pk
            for number in range(len(NUMBERS))
        ]
        leaks.append(views.create(name="0501234567", parameters=ASKED, **kept).pk)
        fine = views.create(name="Free", parameters={**ASKED, "price_min": ["1250000"]}, **kept)

        for _ in range(2):  # again changes nothing
            cursor.execute(migration.PRIVATE)

        assert set(views.filter(shared_with="nobody").values_list("pk", flat=True)) == set(leaks)
        assert views.get(pk=fine.pk).shared_with == "organization"
        trail = AuditEntry.objects.using("owner").filter(action="crm.filter_changed", target_type="crm.savedfilter")
        assert sorted(trail.values_list("target_id", flat=True)) == sorted(leaks)
        transaction.set_rollback(True, using="owner")
