"""The campaign to the owners of one project."""

from __future__ import annotations

import time
from typing import Any

from django.db.models import Count

from campaigns.models import CampaignMessage
from config.demo.doors import until
from config.demo.stage import Stage, holds, same
from crm.models import Project

PACE = 40  # messages a second


def choose_owners(stage: Stage) -> str:
    """A campaign is written, looked at before anything is sent, and approved by somebody else"""
    mona, marwan = stage.api("mona"), stage.api("marwan")
    project = _project()
    campaign = mona.post(
        "campaigns/",
        {
            "name": f"Who is available in {project.name}?",
            "project": project.pk,
            "template": stage.made["template"],
            "channels": [stage.made["channel"]],
            "messages_per_second": PACE,
            "variables": {
                "1": {"source": "contact.first_name", "fallback": "there"},
                "2": "project.name",
                "3": "organization.name",
            },
        },
    )
    path = f"campaigns/{campaign['id']}/"
    stage.made["campaign"], stage.made["project"] = campaign["id"], project.pk
    before = mona.get(f"{path}preflight/")
    same(before["problems"], [], "problems")
    same(before["people"], before["to_send"] + sum(before["skipped"].values()), "people by reason")
    same(stage.sandbox.get("summary")["messages"]["received"], 0, "sent before anybody approved")
    mona.post(f"{path}review/")
    refused = mona.post(f"{path}approval/", status=(403, 409, 422))
    marwan.post(f"{path}approval/")
    stage.made["to_send"] = before["to_send"]
    skipped = ", ".join(f"{count} {reason.replace('_', ' ')}" for reason, count in before["skipped"].items())
    return (
        f"{project.name}: {before['people']} owners, {before['to_send']} to be written to ({skipped}); "
        f"its author's own approval: {refused['code']}"
    )


def send(stage: Stage) -> str:
    """It goes out at its pace, stands still while paused, and reaches nobody twice"""
    marwan = stage.api("marwan")
    path = f"campaigns/{stage.made['campaign']}/"
    began = time.monotonic()
    marwan.post(f"{path}launch/")
    until(lambda: _received(stage) >= stage.made["to_send"] // 3, "a third to be sent")
    marwan.post(f"{path}pause/", {"reason": "somebody wants to look"})
    time.sleep(1.5)
    paused_at = _received(stage)
    time.sleep(1.5)
    same(_received(stage), paused_at, "received while paused")
    holds(paused_at < stage.made["to_send"], "the pause came before the end")
    marwan.delete(f"{path}pause/")
    until(lambda: marwan.get(path)["status"] == "completed", "the campaign to be completed", seconds=120)
    took = time.monotonic() - began
    people = [each["to"] for each in _messages(stage) if each["accepted"] and each["body"]["type"] == "template"]
    same(len(people), len(set(people)), "people, and messages to them")
    same(len(people), stage.made["to_send"], "accepted by WhatsApp")
    same(stage.sandbox.get("summary")["biz_opaque_callback_data"]["accepted_more_than_once"]["count"], 0, "sent twice")
    rows = CampaignMessage.objects.filter(campaign=stage.made["campaign"])
    outcomes = rows.exclude(status="skipped").exclude(status__in=["pending", "claimed", "submitting"]).count()
    same(outcomes, stage.made["to_send"], "outcomes")
    return f"{len(people)} messages in {took:.0f} s, paused at {paused_at}, nobody twice"


def respect_stop(stage: Stage) -> str:
    """Whoever said stop is left out of the next campaign, and the screen says so before it is sent"""
    mona = stage.api("mona")
    campaign = mona.get(f"campaigns/{stage.made['campaign']}/")
    again = mona.post(
        "campaigns/",
        {key: campaign[key] for key in ("project", "template", "channels", "variables")}
        | {"name": "A second look", "skip_messaged_within_hours": 0},
    )
    before = mona.get(f"campaigns/{again['id']}/preflight/")
    holds(before["skipped"].get("opted_out", 0) > 0, "those who opted out are counted")
    return f"{before['skipped']['opted_out']} opted out, {before['to_send']} would be written to"


def _received(stage: Stage) -> int:
    """Of the campaign; those who said stop also get a confirmation."""
    return sum(each["body"]["type"] == "template" for each in _messages(stage))


def _messages(stage: Stage) -> list[dict[str, Any]]:
    return list(stage.sandbox.get("received", kind="messages", limit=1000)["received"])


def _project() -> Project:
    """One with a few hundred owners: enough to see, quick enough to watch."""
    owners = Count("properties__ownerships__contact", distinct=True)
    sizes: dict[Project, int] = {project: project.owners for project in Project.objects.live().annotate(owners=owners)}
    return min(sizes, key=lambda project: abs(sizes[project] - 250))
