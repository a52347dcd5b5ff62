"""The builder of segments, with the keyboard, in a real browser."""

from __future__ import annotations

from typing import Any

from campaigns.models import Segment
from core.roles import Role
from tests.browser.conftest import DESK


def test_a_segment_is_built_counted_and_kept_without_leaving_the_page(office: Any, visitor: Any) -> None:
    guest = visitor(viewport=DESK)
    page = guest.sign_in(Role.MANAGER)
    page.goto(office.address("admin/campaigns/segment/add/"))
    page.fill("[name=name]", "Owners")
    page.get_by_label("Field").select_option("person.owns")
    page.locator("#segment-count", has_text="0").or_(
        page.locator("#segment-sentence", has_text="own a unit")
    ).first.wait_for()
    page.get_by_role("button", name="Add a condition").press("Enter")
    page.get_by_label("Field").nth(1).select_option("person.first_seen")
    page.get_by_label("Operator").nth(1).select_option("within_days")
    page.get_by_label("Value").fill("30")
    page.locator("#segment-sentence", has_text="own a unit and came to us in the last 30 days").wait_for()
    page.get_by_role("button", name="Save", exact=True).press("Enter")
    page.wait_for_url("**/segment/")

    assert Segment.objects.get().definition == {
        "match": "all",
        "rows": [
            {"field": "person.owns", "is": "yes"},
            {"field": "person.first_seen", "is": "within_days", "value": 30},
        ],
    }
    assert guest.complaints == []
