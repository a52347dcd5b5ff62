"""How long it takes to find the possible duplicates of a whole organisation, and of one contact at the door.

    python -m benchmarks.duplicates [--owners 10000]

Owners with Gulf names, a tenth of them twice (the second time in Arabic script, with the same number), a number of forty of
them that is their agent's, and a unit each. Prints JSON: seconds of the search, seconds of a second search of the same rows,
milliseconds at the door (median of 20), pairs found, and how many of the planted ones are among the obvious.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import time
from contextlib import ExitStack
from typing import Any

from benchmarks.ground import own_servers, set_up

FIRST = [("Mohammed", "محمد"), ("Omar", "عمر"), ("Khalid", "خالد"), ("Fatima", "فاطمة"), ("Noura", "نورة"), ("Saeed", "سعيد"), ("Ahmed", "أحمد"), ("Maryam", "مريم"), ("Hamad", "حمد"), ("Sultan", "سلطان")]  # fmt: skip
LAST = [("Al Hashimi", "الهاشمي"), ("Al Mansoori", "المنصوري"), ("Al Suwaidi", "السويدي"), ("Al Marri", "المري"), ("Al Falasi", "الفلاسي"), ("Al Nuaimi", "النعيمي"), ("Al Zaabi", "الزعابي"), ("Al Kaabi", "الكعبي")]  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--owners", type=int, default=10_000)
    options = parser.parse_args()
    with ExitStack() as stack:
        home = stack.enter_context(own_servers(durable=True))
        os.environ["MEDIA_ROOT"] = str(home / "media")
        print(json.dumps(measure(options.owners), indent=1))


def measure(owners: int) -> dict[str, Any]:
    set_up()
    from django.utils import timezone

    from core.actors import system
    from core.models import Organization
    from core.tenancy import organization_scope
    from crm.models import Contact, DuplicateCandidate, DuplicateSearch
    from crm.services import duplicates

    house = Organization.objects.create(slug="palm", name="Palm Brokers")
    took: dict[str, Any] = {}

    def search(name: str) -> None:
        started = time.monotonic()
        made = DuplicateSearch.objects.create(organization=house, started_at=timezone.now())
        duplicates.go_on(organization=house, search_id=made.pk, at=timezone.now())
        took[name] = round(time.monotonic() - started, 2)

    with organization_scope(house.pk):
        furnish(house, owners)
        search("search_seconds")
        search("again_seconds")
        at_the_door = []
        for pk in Contact.objects.order_by("-pk").values_list("pk", flat=True)[:20]:
            started = time.monotonic()
            duplicates.look_for_duplicates(actor=system(house), noun="contact", ids=[pk], at=timezone.now())
            at_the_door.append((time.monotonic() - started) * 1000)
        pairs = DuplicateCandidate.objects.filter(noun="contact")
        return took | {
            "door_ms": round(statistics.median(at_the_door), 1),
            "owners": Contact.objects.count(),
            "pairs": pairs.count(),
            "planted": owners // 10,
            "obvious": pairs.filter(is_obvious=True).count(),
        }


def furnish(house: Any, owners: int) -> None:
    from crm.models import Contact, ContactPoint, Ownership, Project, Property
    from crm.names import normalize_name

    chance = random.Random(7)
    project = Project.objects.create(organization=house, number=1, name="Vardon")

    def named(name: str) -> Contact:
        return Contact(organization=house, display_name=name, normalized_name=normalize_name(name))

    people, twins = [], []
    for number in range(owners):
        parts = [chance.choice(FIRST), chance.choice(FIRST), chance.choice(LAST)]
        people.append(named(" ".join(latin for latin, _ in parts)))
        if number % 10 == 0:
            twins.append(named(" ".join(arabic for _, arabic in parts)))
    Contact.objects.bulk_create([*people, *twins], batch_size=2_000)

    def point(contact: Contact, number: int) -> ContactPoint:
        return ContactPoint(organization=house, contact=contact, kind="phone", value=f"+9715{number:08}", raw="")

    points = [point(contact, number) for number, contact in enumerate(people)]
    points += [point(twin, nth * 10) for nth, twin in enumerate(twins)]
    points += [point(contact, 99_999_999) for contact in people[1:400:10]]
    ContactPoint.objects.bulk_create(points, batch_size=2_000)
    units = [Property(organization=house, project=project, p_number=f"P{number}") for number in range(owners)]
    Property.objects.bulk_create(units, batch_size=2_000)
    held = [Ownership(organization=house, property=unit, contact=contact) for unit, contact in zip(units, people, strict=True)]  # fmt: skip
    Ownership.objects.bulk_create(held, batch_size=2_000)


if __name__ == "__main__":
    main()
