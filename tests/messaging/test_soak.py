"""A quarter of a minute in which worker, broker and database connections die: nothing lost, nothing twice."""

from __future__ import annotations

import pytest

from core.tenancy import organization_scope
from tests.live import Live
from tests.messaging.soak import Plan, Soak


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(400)
def test_nothing_is_lost_or_sent_twice_while_things_die(live: Live) -> None:
    soak = Soak(live, Plan())
    soak.prepare()
    with organization_scope(soak.organization.pk):
        soak.run()
        soak.settle()
        figures = soak.verify()

    assert figures["inbound_kept_exactly_once"] == 150
    assert figures["sends_asked"] == 60
    assert set(figures["deaths"]) == {"kill_worker", "kill_broker", "cut_connections"}
