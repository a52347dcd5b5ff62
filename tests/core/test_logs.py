"""Logs say what happened and to which ids, and tell no secret and no person."""

from __future__ import annotations

import json
import urllib.request

import pytest

from core.logs import SCRUBBED, scrub
from tests.live import Live, wait_for


@pytest.mark.parametrize(
    "text",
    [
        "call +971501234567",
        "wa_id 971501234567",
        "mail rana@example.com",
        "IBAN AE070331234567890123456",
        "Bearer majlis_abcdefghijkl",
        "EAAGabcdefghij12345",
    ],
)
def test_what_looks_personal_or_secret_is_scrubbed_from_every_text(text: str) -> None:
    event = scrub(None, "info", {"event": text, "nested": {"note": [text]}})

    secret = text.split()[-1]
    assert secret not in str(event)
    assert SCRUBBED in event["event"]


def test_values_are_scrubbed_by_the_name_of_their_key() -> None:
    event = scrub(
        None, "info", {"event": "sent", "access_token": "short", "message_id": 12, "headers": {"Cookie": "x"}}
    )

    assert event == {
        "event": "sent",
        "access_token": SCRUBBED,
        "message_id": 12,
        "headers": {"Cookie": SCRUBBED},
    }


def test_ids_times_and_prices_stay_readable() -> None:
    event = {"event": "campaign_finished", "campaign_id": 12345, "price": "1,250,000", "at": "2026-11-21T08:00:00Z"}

    assert scrub(None, "info", dict(event)) == event


@pytest.mark.live
def test_a_request_can_be_followed_by_its_id_and_shows_nobodys_name(live: Live) -> None:
    live.programs.env |= {"LOG_JSON": "true", "LOG_LEVEL": "INFO"}
    web = live.start_web()

    urllib.request.urlopen(f"{live.base_url}/sign-in/?next=/o/palm/units/?search=Rana").read()

    wait_for(lambda: "request_finished" in web.output())
    events = [json.loads(line) for line in web.output().splitlines() if "/sign-in/" in line]
    assert [(event["event"], event["request"]) for event in events] == [
        ("request_started", "GET /sign-in/"),
        ("request_finished", "GET /sign-in/"),
    ]
    assert events[0]["request_id"] == events[1]["request_id"]
    assert "Rana" not in web.output()
