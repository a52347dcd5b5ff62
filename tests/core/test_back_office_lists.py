"""Lists of the back office: how far they count, and whose answers its search gives."""

from __future__ import annotations

from django.core.cache import cache
from django.test import Client
from django.utils import timezone

from core.admin import AtLeast, CappedPaginator
from core.models import AuditEntry, Membership
from core.roles import Role


def test_a_list_is_counted_as_far_as_anybody_turns_pages(organization, monkeypatch):
    AuditEntry.objects.bulk_create(
        AuditEntry(
            organization=organization, action="core.tested", target_type="core.user", target_id=1, at=timezone.now()
        )
        for _ in range(12)
    )
    rows = AuditEntry.objects.filter(action="core.tested").order_by("pk")
    assert (CappedPaginator(rows, 5).count, CappedPaginator(rows, 5).num_pages) == (12, 3)

    monkeypatch.setattr(CappedPaginator, "COUNTED_TO", 10)
    cut = CappedPaginator(rows, 5)

    assert (cut.count, cut.num_pages, str(cut.count)) == (10, 2, "10+")
    assert str(AtLeast(10_000)) == "10,000+"


def test_whoever_works_in_two_houses_is_led_into_neither_by_the_other(admin, other_organization, client: Client):
    from core.tenancy import organization_scope

    with organization_scope(other_organization.pk):
        Membership.objects.create(organization=other_organization, user=admin.user, role=Role.ADMIN)
    client.force_login(admin.user)
    cache.clear()

    first = client.get("/o/palm/admin/search/", {"s": "project"}).content.decode()
    second = client.get("/o/cedar/admin/search/", {"s": "project"}).content.decode()

    assert "/o/palm/" in first
    assert "/o/cedar/" in second
    assert "/o/palm/" not in second
