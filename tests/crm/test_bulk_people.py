"""Many owners at once: from the ticks in their list to the way back."""

from __future__ import annotations

import pytest
from django.urls import reverse

from core.models import AuditEntry
from crm.errors import ValueInvalid
from crm.models import BulkChange, BulkItem, Contact
from crm.services import bulk, list_do_not_contact
from tests.crm import factories
from tests.crm.test_bulk import NOON, chosen
from tests.crm.test_pages import signed_in


class TestContacts:
    """From the list of owners: ticked, previewed, done and set back."""

    def owner(self, organization, project, name, **fields):
        contact = factories.contact(organization, name, **fields)
        factories.ownership(factories.unit(project), contact)
        return contact

    def test_ticked_owners_get_a_language_and_all_is_said(self, organization, manager):
        project = factories.project(organization)
        owners = [self.owner(organization, project, name) for name in ("Noura", "Zaid", "Rami")]
        client, place = signed_in(manager), reverse("list-changes", args=["palm", "owners"])
        page = client.get("/o/palm/owners/").content.decode()
        assert f'form="many" name="row" value="{owners[0].pk}"' in page

        nothing = client.post(place, {"which": "ticked", "asked": "q=Noura"}, follow=True).content.decode()
        assert "Tick the rows first" in nothing
        assert not BulkChange.objects.exists()
        ticked = {"which": "ticked", "row": [owners[0].pk, owners[1].pk, "x", 10**17], "asked": ""}
        asking = client.post(place, ticked, follow=True).content.decode()
        change = BulkChange.objects.get()
        assert sorted(change.ids) == [owners[0].pk, owners[1].pk]
        assert 'name="no_contact_reason"' in asking
        assert 'href="/o/palm/owners/"' in asking
        given = {"action": "language", "language": "AR", "ticked": "1", "row": [owners[0].pk]}
        assert "Change 1 row" in client.post(reverse("bulk-preview", args=["palm", change.pk]), given).content.decode()
        client.post(reverse("bulk-confirmation", args=["palm", change.pk]))
        assert [Contact.objects.get(pk=each.pk).language for each in owners] == ["ar", "", ""]
        client.post(reverse("bulk-undoing", args=["palm", change.pk]))
        assert not Contact.objects.filter(language="ar").exists()

        everything = {"which": "all", "asked": f"project={project.pk}&bad_contact=false"}
        told = client.post(place, everything, follow=True).content.decode()
        assert len(BulkChange.objects.latest("pk").ids) == 3
        assert "Owns in project" in told
        assert "Vardon" in told

    def test_nobody_writes_to_them_any_more_and_each_number_returns_as_it_was(self, organization, manager):
        noura, silent, unknown = (factories.contact(organization, name) for name in ("Noura", "Silent", "Unknown"))
        points = [
            factories.point(noura, "+971501111111", status="valid"),
            factories.point(noura, "+971502222222", status="invalid"),
            factories.point(noura, "+971503333333", status="do_not_contact"),
        ]
        factories.point(silent, "+971504444444", status="do_not_contact")
        change = chosen(manager, Contact.objects.all(), "contact")

        foreseen = bulk.preview_change(
            actor=manager, change=change, action="no_contact", given={"reason": "Asked at the event"}
        )
        done = bulk.confirm_change(actor=manager, change=change, at=NOON)

        assert (foreseen.changed, foreseen.same, foreseen.refused) == (1, 1, 1)
        outcomes = dict(done.items.values_list("target_id", "outcome"))
        assert outcomes == {noura.pk: "changed", silent.pk: "same", unknown.pk: "refused"}
        assert set(noura.points.values_list("status", flat=True)) == {"do_not_contact"}
        told = AuditEntry.objects.filter(action="crm.contact_point_do_not_contact")
        assert {entry.after["reason"] for entry in told} == {"Asked at the event"}
        bulk.undo_change(actor=manager, change=change, at=NOON)
        kept = dict(noura.points.values_list("pk", "status"))
        assert [kept[point.pk] for point in points] == ["valid", "invalid", "do_not_contact"]

    def test_who_is_on_the_list_of_the_house_since_is_not_written_to_again(self, organization, manager):
        contact = factories.contact(organization)
        factories.point(contact, "+971501111111")
        change = chosen(manager, Contact.objects.all(), "contact")
        bulk.preview_change(actor=manager, change=change, action="no_contact", given={"reason": "Asked"})
        bulk.confirm_change(actor=manager, change=change, at=NOON)
        list_do_not_contact(actor=manager, text="+971501111111", reason="Wrote a letter", at=NOON)

        bulk.undo_change(actor=manager, change=change, at=NOON)

        assert contact.points.get().status == "do_not_contact"
        assert change.items.get().is_restored is False

    def test_what_is_refused_is_told_in_the_words_people_see(self, organization, manager):
        unit = factories.unit(factories.project(organization), status="archived")
        change = chosen(manager)
        bulk.preview_change(actor=manager, change=change, action="status", given={"status": "sold"})
        bulk.confirm_change(actor=manager, change=change, at=NOON)

        assert BulkItem.objects.get(target_id=unit.pk).why == "It is Archived; from there it can become: Off market."

    @pytest.mark.parametrize("language", ["", "a", "english", "a1", "<b>"])
    def test_what_is_no_language_is_told(self, organization, manager, language):
        factories.contact(organization)
        change = chosen(manager, Contact.objects.all(), "contact")

        with pytest.raises(ValueInvalid):
            bulk.preview_change(actor=manager, change=change, action="language", given={"language": language})
