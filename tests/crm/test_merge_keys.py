"""Nothing that points to a contact or a unit is forgotten when two of them become one."""

from __future__ import annotations

import pytest

from campaigns import subscribers as campaigns
from commissions import subscribers as commissions
from crm.models import Contact, Property
from crm.services import merging
from crm.services.merging.elsewhere import RULED
from messaging import subscribers as messaging

MOVED = RULED | messaging.MOVES | campaigns.MOVES
STAYS = {**merging.STAYS, **commissions.STAYS}


@pytest.mark.parametrize("model", [Contact, Property])
def test_every_key_to_it_has_a_mover_or_a_reason_to_stay(model: type[Contact] | type[Property]) -> None:
    plainly = {merging.name_of(key) for key in merging.moved_plainly(model)}
    keys = {merging.name_of(key) for key in merging.keys_to(model)}

    written_once = {
        merging.name_of(key)
        for key in merging.keys_to(model)
        if key.model._meta.app_label == "crm" and key.model.database_privileges == "SELECT, INSERT"
    }
    assert keys - MOVED - set(STAYS) - plainly - written_once == set()
    assert len(keys) > 5


def test_no_mover_or_reason_outlives_its_key() -> None:
    keys = {merging.name_of(key) for model in (Contact, Property) for key in merging.keys_to(model)}

    assert MOVED | set(STAYS) <= keys
    assert not MOVED & set(STAYS)
