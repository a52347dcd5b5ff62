"""The words of the pages of imports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.apps import apps
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from sheets.models import ImportRun, RunStatus

STATUSES = {
    RunStatus.DRAFT: gettext_noop("Waiting for its mapping"),
    RunStatus.PREVIEWING: gettext_noop("Being previewed"),
    RunStatus.PREVIEWED: gettext_noop("Previewed"),
    RunStatus.QUEUED: gettext_noop("Waiting for a worker"),
    RunStatus.RUNNING: gettext_noop("Running"),
    RunStatus.DONE: gettext_noop("Imported"),
    RunStatus.FAILED: gettext_noop("Failed"),
    RunStatus.CANCELLED: gettext_noop("Stopped"),
    RunStatus.REVERTED: gettext_noop("Taken back"),
}
TONES = {
    "done": "good",
    "failed": "bad",
    "previewed": "calm",
    "previewing": "warn",
    "queued": "warn",
    "running": "warn",
}
# Figures of a run, in order; the tone and the rows that each opens.
FIGURES = {
    "read": (gettext_noop("Rows read"), "", ""),
    "new": (gettext_noop("New"), "good", "#new"),
    "changed": (gettext_noop("Changed"), "calm", "#changed"),
    "unchanged": (gettext_noop("Unchanged"), "", ""),
    "errors": (gettext_noop("Refused"), "bad", "rows/?severity=error"),
    "warnings": (gettext_noop("Doubts"), "warn", "rows/?severity=warning"),
    "skipped": (gettext_noop("Skipped"), "", "rows/?severity=skipped"),
}
MADE = {
    "projects_new": gettext_noop("New projects"),
    "properties_new": gettext_noop("New units"),
    "properties_changed": gettext_noop("Changed units"),
    "contacts_new": gettext_noop("New contacts"),
    "contacts_changed": gettext_noop("Changed contacts"),
    "points_new": gettext_noop("New numbers and addresses"),
    "ownerships_new": gettext_noop("New ownerships"),
    "assignments_new": gettext_noop("New assignments"),
    "assignments_changed": gettext_noop("Changed assignments"),
    "opt_outs_new": gettext_noop("New opt-outs"),
    "opt_outs_known": gettext_noop("Opt-outs known already"),
}
SEVERITIES = {
    "error": gettext_noop("Refused"),
    "warning": gettext_noop("Doubt"),
    "skipped": gettext_noop("Skipped"),
}
SEVERITY_TONES = {"error": "bad", "warning": "warn"}
KEPT = {
    "edited": gettext_noop("Changed since the import"),
    "used": gettext_noop("Used since"),
    "part": gettext_noop("Part of something that stays"),
    "listed": gettext_noop("In another sheet too"),
    "named": gettext_noop("Named by rows in the trash"),
    "changed": gettext_noop("Changed again since: keeps its present value"),
    "gone": gettext_noop("Deleted since"),
    "taken": gettext_noop("The old value belongs to another row now"),
}


SYNC_STATUSES = STATUSES | {
    RunStatus.PREVIEWED: gettext_noop("Tried out"),
    RunStatus.RUNNING: gettext_noop("Being synced"),
    RunStatus.DONE: gettext_noop("Synced"),
}
# As FIGURES, for syncs: rows that came in, cells that went out, and what waits for somebody.
SYNC_FIGURES = {
    "read": (gettext_noop("Rows read"), "", "sheet"),
    "new": (gettext_noop("New"), "good", "?side=new"),
    "changed": (gettext_noop("Changed in Majlis"), "calm", "?side=app"),
    "written": (gettext_noop("Cells written"), "calm", "?side=sheet"),
    "appended": (gettext_noop("Rows appended"), "calm", "?side=added"),
    "conflicts": (gettext_noop("In conflict"), "bad", "?side=clash"),
    "gone": (gettext_noop("Rows gone"), "warn", "?side=gone"),
    "errors": (gettext_noop("Refused"), "bad", "rows:error"),
    "warnings": (gettext_noop("Doubts"), "warn", "rows:warning"),
    "skipped": (gettext_noop("Skipped"), "", "rows:skipped"),
    "unchanged": (gettext_noop("Unchanged"), "", ""),
}
WHY_CLOSED = {"unchanged": gettext_noop("the same on both sides: nothing to show")}
SIDES = {
    "app": gettext_noop("In Majlis"),
    "sheet": gettext_noop("In the sheet"),
    "new": gettext_noop("New row"),
    "added": gettext_noop("Appended row"),
    "clash": gettext_noop("In conflict"),
    "gone": gettext_noop("Row gone"),
}


@dataclass(frozen=True, slots=True)
class Figure:
    """One number of a run; `opens` is where its rows are, `why` says why it opens nothing."""

    label: str
    count: int
    tone: str = ""
    opens: str = ""
    why: str = ""


def figures(run: ImportRun) -> list[Figure]:
    """The rows of the sheet; those that are nought are told all the same, but open nothing."""
    found = []
    for name, (label, tone, opens) in FIGURES.items():
        if name in run.counts:
            count = run.counts[name]
            found.append(Figure(_(label), count, tone if count else "", opens if count else ""))
    return found


def sync_figures(counts: dict[str, Any]) -> list[Figure]:
    """What a sync did; figures that are nought are told, but open nothing."""
    return [
        Figure(
            _(label),
            counts[name],
            tone if counts[name] else "",
            opens if counts[name] else "",
            _(WHY_CLOSED[name]) if counts[name] and name in WHY_CLOSED else "",
        )
        for name, (label, tone, opens) in SYNC_FIGURES.items()
        if name in counts
    ]


def made(counts: dict[str, Any]) -> list[Figure]:
    """What the rows became."""
    return [Figure(_(label), counts[name]) for name, label in MADE.items() if counts.get(name)]


def reverted(counts: dict[str, dict[str, int]]) -> dict[str, list[Figure]]:
    """A reversal's figures in words: by kind of row, and by reason."""

    def kinds(name: str) -> list[Figure]:
        return [Figure(plural(kind), count) for kind, count in counts.get(name, {}).items()]

    kept = [Figure(_(KEPT.get(code, code)), count) for code, count in counts.get("kept", {}).items()]
    return {"removed": kinds("removed"), "restored": kinds("restored"), "kept": kept}


def plural(kind: str) -> str:
    """`crm.property` as people call several of them."""
    name = str(apps.get_model(kind)._meta.verbose_name_plural)
    return _(name[:1].upper() + name[1:])
