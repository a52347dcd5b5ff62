"""The tree guards itself: what every model, name and setting of Majlis must have."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from celery import current_app
from django.apps import apps
from django.conf import settings
from django.db import models

from core.models import Heartbeat, Letter, Membership, Organization, TenantForeignKey, TenantModel, User

ROOT = Path(__file__).resolve().parent.parent
APPS = ["core", "ledger", "sheets", "crm", "messaging", "campaigns", "commissions"]
# Read before an organisation is chosen, or belonging to none.
NOT_BEHIND_THE_WALL = {Organization, User, Membership, Heartbeat, Letter}


def our_models() -> list[type[models.Model]]:
    return [model for model in apps.get_models() if model._meta.app_label in APPS]


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_every_table_belongs_to_an_organisation(model: type[models.Model]) -> None:
    assert issubclass(model, TenantModel) or model in NOT_BEHIND_THE_WALL


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_keys_between_tables_of_an_organisation_cannot_leave_it(model: type[models.Model]) -> None:
    for field in model._meta.local_concrete_fields:
        target = field.related_model if isinstance(field, models.ForeignKey) else None
        if isinstance(target, type) and issubclass(target, TenantModel):
            assert isinstance(field, TenantForeignKey), f"{field} must be a TenantForeignKey"


@pytest.mark.parametrize("model", our_models(), ids=lambda model: model._meta.label)
def test_unique_means_unique_within_the_organisation(model: type[models.Model]) -> None:
    if not issubclass(model, TenantModel):
        return
    for constraint in model._meta.constraints:
        if isinstance(constraint, models.UniqueConstraint):
            assert constraint.fields[:1] == ("organization",), constraint.name
        assert constraint.name.startswith(f"{model._meta.app_label}_"), constraint.name


def test_every_scheduled_and_enqueued_task_exists() -> None:
    wanted = {entry["task"] for entry in settings.CELERY_BEAT_SCHEDULE.values()}
    for app in APPS:
        for file in (ROOT / app).rglob("*.py"):
            wanted |= set(re.findall(r'enqueue\(\s*"([\w.]+)"', file.read_text()))

    assert wanted
    assert wanted <= set(current_app.tasks)


def test_every_setting_from_outside_is_in_the_example() -> None:
    read = set(re.findall(r'env\.\w+\(\s*"(\w+)"', (ROOT / "config" / "env.py").read_text()))
    shown = set(re.findall(r"^(\w+)=", (ROOT / ".env.example").read_text(), re.MULTILINE))

    assert read == shown


def test_no_file_is_longer_than_a_person_reads() -> None:
    long = {
        str(file.relative_to(ROOT)): count
        for folder in [*APPS, "config", "sandbox", "tests", "bin", "benchmarks"]
        for file in (ROOT / folder).rglob("*.py")
        if "migrations" not in file.parts and (count := len(file.read_text().splitlines())) > 400
    }

    assert long == {}


def test_nothing_names_a_machine_or_a_package_index() -> None:
    texts = [file for pattern in ("*.txt", "*.in", "*.toml", "*.yaml", "bin/*", ".ci/*") for file in ROOT.glob(pattern)]
    for file in texts:
        if file.is_file():
            assert not re.search(r"--(extra-)?index-url|--find-links|/root/|/home/\w+/|/work/", file.read_text()), file


def test_what_the_page_on_security_points_to_is_there() -> None:
    named = re.findall(r"`((?:tests|core|docs)/[\w/.]+)`", (ROOT / "docs" / "security.md").read_text())
    assert len(named) > 30
    assert [path for path in named if not (ROOT / path).exists()] == []
