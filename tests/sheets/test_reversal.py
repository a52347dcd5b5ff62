"""An import is taken back: exactly what it did, except what somebody has used or changed since."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction
from django.test import Client
from django.utils import timezone

from core import services as core_services
from core.actors import Actor
from core.models import AuditEntry, Deletion
from core.tenancy import organization_scope
from crm import services as crm_services
from crm.models import Contact, ContactPoint, Ownership, Project, Property, PropertyType
from sheets import services, tasks
from sheets.errors import ImportNotRevertible
from sheets.models import ImportReversal, ImportRun, ReversalKept, RowLink, RunStatus
from tests.crm import factories
from tests.sheets.imports import bring

IMPORTS = "/api/v1/palm/imports/"
FIRST = {"P-NUMBER": 1, "PROJECT": "Vardon", "NAME": "Tareema Wadar", "MOBILE": "0500000001", "View": "Sea"}
SECOND = {"P-NUMBER": 2, "PROJECT": "Viridis", "NAME": "Ledaan Dahari", "MOBILE": "0500000002"}


def take_back(actor: Actor, run: ImportRun) -> ImportReversal:
    services.request_reversal(actor=actor, run=run, at=timezone.now())
    services.revert(organization=actor.organization, run_id=run.pk, at=timezone.now())
    return ImportReversal.objects.get(run=run)


def live() -> dict[str, int]:
    return {
        model.__name__: model.objects.live().count() for model in (Project, Property, Contact, ContactPoint, Ownership)
    }


def kept() -> list[tuple[str, str, str, str]]:
    rows = ReversalKept.objects.order_by("target_type", "id")
    return list(rows.values_list("target_type", "code", "field", "value"))


NOTHING = dict.fromkeys(["Project", "Property", "Contact", "ContactPoint", "Ownership"], 0)


def test_all_that_an_import_made_is_gone_and_the_same_file_gives_it_again(manager: Actor) -> None:
    run = bring(manager, FIRST, SECOND)
    made = live()

    reversal = take_back(manager, run)

    assert live() == NOTHING
    assert reversal.counts == {
        "removed": {
            "crm.contact": 2, "crm.contactpoint": 2, "crm.ownership": 2, "crm.project": 2, "crm.property": 2,
        },
        "restored": {},
        "kept": {},
    }  # fmt: skip
    run.refresh_from_db()
    assert (run.status, RowLink.objects.count()) == (RunStatus.REVERTED, 0)
    assert AuditEntry.objects.get(action="sheets.import_reverted").user == manager.user

    again = bring(manager, FIRST, SECOND)
    assert (again.counts, live()) == (run.counts, made)


def test_what_an_import_changed_is_set_back(manager: Actor) -> None:
    first = bring(manager, FIRST)
    link = RowLink.objects.values().get()
    second = bring(manager, FIRST | {"View": "Park", "Asking Price": "1.2M CASH", "PHONE": "0550000003"})
    assert Property.objects.get().view == "Park"
    assert ContactPoint.objects.count() == 2

    reversal = take_back(manager, second)

    unit = Property.objects.get()
    assert (unit.view, unit.asking_price_minor, unit.price_note) == ("Sea", None, "")
    assert ContactPoint.objects.live().get().value == "+971500000001"
    assert reversal.counts["restored"] == {"crm.property": 1}
    assert RowLink.objects.values().get() == link

    take_back(manager, first)
    assert live() == NOTHING


def test_a_primary_number_that_an_import_made_is_none_again(manager: Actor) -> None:
    bring(manager, FIRST)
    ContactPoint.objects.update(is_primary=False)
    run = bring(manager, FIRST | {"PHONE": "0550000003"})
    assert ContactPoint.objects.get(value="+971500000001").is_primary

    take_back(manager, run)

    assert not ContactPoint.objects.live().get().is_primary


def test_what_a_person_changed_since_stays_and_is_named(manager: Actor) -> None:
    bring(manager, FIRST)
    run = bring(manager, FIRST | {"View": "Park", "Layout": "RR"}, SECOND)
    crm_services.update_property(actor=manager, property=Property.objects.get(p_number="1"), view="Marina")
    crm_services.update_property(actor=manager, property=Property.objects.get(p_number="2"), floor="3")

    reversal = take_back(manager, run)

    first, second = Property.objects.live().order_by("p_number")
    assert (first.view, first.layout) == ("Marina", "")
    assert second.floor == "3"
    assert live() == {"Project": 2, "Property": 2, "Contact": 2, "ContactPoint": 2, "Ownership": 2}
    assert kept() == [
        ("crm.contact", "used", "", ""),
        ("crm.contactpoint", "part", "", ""),
        ("crm.ownership", "part", "", ""),
        ("crm.project", "used", "", ""),
        ("crm.property", "changed", "view", "Marina"),
        ("crm.property", "edited", "floor", "3"),
    ]
    named = ReversalKept.objects.get(code="changed")
    assert (named.label, named.by, named.reversal) == ("1", "Mona", reversal)
    assert RowLink.objects.count() == 2


def test_a_unit_that_was_sold_keeps_its_owner_and_his_number(manager: Actor, agent: Actor) -> None:
    run = bring(manager, FIRST, SECOND)
    factories.deal(Property.objects.get(p_number="1"), factories.agent(agent))

    take_back(manager, run)

    assert [unit.p_number for unit in Property.objects.live()] == ["1"]
    assert live() == {"Project": 1, "Property": 1, "Contact": 1, "ContactPoint": 1, "Ownership": 1}
    assert ReversalKept.objects.get(target_type="crm.property").message == "Used since, by deal."


def test_a_contact_who_is_somebody_s_by_now_keeps_his_numbers_but_not_the_unit(manager: Actor) -> None:
    run = bring(manager, FIRST)
    other = factories.unit(factories.project(manager.organization, "Other"))
    factories.ownership(other, Contact.objects.get())

    take_back(manager, run)

    assert list(Property.objects.live()) == [other]
    assert live() == {"Project": 1, "Property": 1, "Contact": 1, "ContactPoint": 1, "Ownership": 1}


def test_of_two_imports_the_later_one_s_cells_stay(manager: Actor) -> None:
    bring(manager, FIRST)
    first = bring(manager, FIRST | {"View": "Park", "Layout": "RR"})
    second = bring(manager, FIRST | {"View": "Marina", "Layout": "RR"})

    take_back(manager, first)

    unit = Property.objects.get()
    assert (unit.view, unit.layout) == ("Marina", "")
    assert kept() == [("crm.property", "changed", "view", "Marina")]
    assert ReversalKept.objects.get().by == second.file_name


def test_a_unit_that_another_sheet_lists_too_stays(manager: Actor) -> None:
    from tests.sheets.imports import comma_separated, commit, upload

    run = bring(manager, FIRST)
    commit(manager, upload(manager, comma_separated([["Property ID", "Community"], ["1", "Vardon"]]), "list.csv"))

    take_back(manager, run)

    assert Property.objects.live().get().p_number == "1"
    assert ReversalKept.objects.get(target_type="crm.property").code == "listed"


def test_an_old_value_that_another_unit_has_now_is_left_and_the_rest_goes_back(manager: Actor) -> None:
    bring(manager, FIRST, SECOND)
    run = bring(manager, FIRST | {"View": "Park"}, SECOND | {"View": "Park"})
    unit = Property.objects.get(p_number="1")
    renamed = {"target_type": "crm.property", "target_id": unit.pk, "before": {"p_number": "9"}}
    run.changes.create(organization=manager.organization, after={"p_number": "1"}, **renamed)
    factories.unit(unit.project, p_number="9")

    reversal = take_back(manager, run)

    assert reversal.counts["kept"] == {"taken": 1}
    assert kept() == [("crm.property", "taken", "view", "Park"), ("crm.property", "taken", "p_number", "1")]
    assert dict(Property.objects.values_list("p_number", "view")) == {"1": "Park", "2": "", "9": ""}


def test_a_type_that_the_trash_still_names_stays(manager: Actor) -> None:
    from tests.sheets.imports import comma_separated, commit, upload

    lines = [["P-NUMBER", "PROJECT", "Type"], ["1", "Vardon", "Villa"]]
    run = commit(manager, upload(manager, comma_separated(lines), "a.csv"))

    take_back(manager, run)

    assert not Property.objects.live().exists()
    assert PropertyType.objects.get().name == "Villa"
    assert kept() == [("crm.propertytype", "named", "", "")]


def test_a_reversal_made_by_mistake_comes_back_from_the_trash(manager: Actor) -> None:
    run = bring(manager, FIRST)
    made = live()
    reversal = take_back(manager, run)

    deletion = Deletion.objects.get()
    assert (deletion.label, deletion.hidden_count, reversal.deletion) == ("Import of units.xlsx", 5, deletion)
    core_services.restore_deletion(actor=manager, deletion=deletion, at=timezone.now())

    assert live() == made


def test_only_what_was_imported_is_taken_back_and_only_once(manager: Actor) -> None:
    run = bring(manager, FIRST)
    take_back(manager, run)

    with pytest.raises(ImportNotRevertible, match="taken back already"):
        services.request_reversal(actor=manager, run=run, at=timezone.now())
    assert services.revert(organization=manager.organization, run_id=run.pk, at=timezone.now()) is None
    with pytest.raises(IntegrityError, match="sheets_reversal_once_per_run"), transaction.atomic():
        ImportReversal.objects.create(organization=manager.organization, run=run)


def test_a_lost_reversal_is_found_again(manager: Actor) -> None:
    run = bring(manager, FIRST)
    services.request_reversal(actor=manager, run=run, at=timezone.now())
    later = timezone.now() + services.LEASE * 2
    ImportReversal.objects.update(status="running", leased_until=timezone.now(), attempts=1)

    assert services.sweep_reversals(organization=manager.organization, at=later) == 1
    tasks.revert_import(organization_id=manager.organization.pk, run_id=run.pk)

    assert (ImportReversal.objects.get().status, live()) == ("done", NOTHING)


def test_over_the_api_it_is_looked_at_first(client: Client, manager: Actor, agent: Actor, outsider: Actor) -> None:
    run = bring(manager, FIRST, SECOND)
    factories.deal(Property.objects.get(p_number="1"), factories.agent(agent))
    address = f"{IMPORTS}{run.pk}/reversal/"

    client.force_login(outsider.user)  # type: ignore[arg-type]
    assert (client.get(address).status_code, client.post(address).status_code) == (404, 404)
    client.force_login(agent.user)  # type: ignore[arg-type]
    assert (client.get(address).status_code, client.post(address).status_code) == (403, 403)
    client.force_login(manager.user)  # type: ignore[arg-type]

    preview: Any = client.get(address).json()
    assert (preview["status"], preview["counts"]["removed"]["crm.property"]) == ("preview", 1)
    assert ("crm.property", "used") in [(each["target_type"], each["code"]) for each in preview["kept"]]
    with organization_scope(manager.organization.pk):
        assert live()["Property"] == 2
        assert not ImportReversal.objects.exists()

    asked = client.post(address)
    assert (asked.status_code, asked.json()["status"]) == (202, "queued")
    tasks.revert_import(organization_id=manager.organization.pk, run_id=run.pk)
    done = client.get(address).json()
    assert (done["status"], done["counts"]) == ("done", preview["counts"])
    assert client.get(f"{IMPORTS}{run.pk}/").json()["status"] == "reverted"
    assert client.post(address).json()["code"] == "import_not_revertible"


def test_the_command_says_what_it_would_do_and_does_it(manager: Actor, capsys: Any) -> None:
    run = bring(manager, FIRST)

    call_command("revert_import", str(run.pk), "--organization", "palm", "--dry-run")
    assert "1  unit taken away" in capsys.readouterr().out
    assert live()["Property"] == 1
    call_command("revert_import", str(run.pk), "--organization", "palm")

    assert live() == NOTHING
    with pytest.raises(CommandError, match="taken back already"):
        call_command("revert_import", str(run.pk), "--organization", "palm")
    with pytest.raises(CommandError, match="no import 999999 of palm"):
        call_command("revert_import", "999999", "--organization", "palm")
