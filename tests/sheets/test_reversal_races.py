"""Somebody else is at the same rows while an import is taken back."""

from __future__ import annotations

import threading
from typing import Any

from django.core.files.base import ContentFile
from django.db import connection, transaction
from django.utils import timezone

from core.actors import system
from core.models import Organization
from core.tenancy import organization_scope
from crm.models import Property
from crm.services import update_property
from sheets import services
from sheets.models import ImportReversal
from tests.sheets.imports import comma_separated

LINES = [["P-NUMBER", "PROJECT"], ["1", "Vardon"], ["2", "Vardon"]]


def test_who_was_just_editing_is_waited_for_and_two_workers_take_back_once(
    committed: str, tmp_path: Any, settings: Any
) -> None:
    settings.MEDIA_ROOT = tmp_path / "media"
    house = Organization.objects.create(slug="palm", name="Palm Brokers")
    actor = system(house)
    answers: list[Any] = []
    with organization_scope(house.pk):
        file = ContentFile(comma_separated(LINES))
        run = services.create_import(actor=actor, file=file, name="a.csv", at=timezone.now())
        services.request_commit(actor=actor, run=run, at=timezone.now())
        services.commit(organization=house, run_id=run.pk, at=timezone.now())
        services.request_reversal(actor=actor, run=run, at=timezone.now())

    def work() -> None:
        with organization_scope(house.pk):
            answers.append(services.revert(organization=house, run_id=run.pk, at=timezone.now()))
        connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    with organization_scope(house.pk):
        with transaction.atomic():
            update_property(actor=actor, property=Property.objects.get(p_number="1"), view="Sea")
            for worker in workers:
                worker.start()
            workers[0].join(1.5)
        for worker in workers:
            worker.join(30)

        assert [unit.p_number for unit in Property.objects.live()] == ["1"]
        assert ImportReversal.objects.get().status == "done"
        assert answers.count(None) == 1
