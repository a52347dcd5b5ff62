"""The lists of units and owners of a large house: pages by key and by OFFSET, every filter, counts, and what they run."""

from __future__ import annotations

import statistics
import sys
import time
from base64 import b64encode
from collections.abc import Callable
from typing import Any

from benchmarks.search_questions import Office

PAGE = 50
DEEP = 10_000


def measure(office: Office, rounds: int, slow: float) -> dict[str, Any]:
    """By who looks and what is asked: milliseconds of the page and of its count. In the scope of the house."""
    found = {}
    for who, actor in (("manager", office.manager), ("agent", office.agent)):
        found[who] = {name: _filtered(actor, asked, rounds, slow) for name, asked in _filters(office).items()}
        found[who] |= {
            f"owners {name}": _owners(actor, asked, rounds, slow) for name, asked in _of_owners(office).items()
        }
    found["manager"] |= _pages(office, rounds)
    found["door"] = _doors(office, rounds)
    return found


def _filters(office: Office) -> dict[str, dict[str, Any]]:
    """Each filter of the list of units alone, three combined, and the orders."""
    from crm.models import Project, Property

    first, second = Project.objects.order_by("pk").values_list("pk", flat=True)[:2]
    building = Property.objects.exclude(building="").order_by("pk").values_list("building", flat=True)[0]
    alone: dict[str, dict[str, Any]] = {
        "nothing": {},
        "q": {"q": f"{building} 3"},
        "project": {"project": str(first)},
        "two projects": {"project": f"{first},{second}"},
        "building": {"building": building},
        "cluster": {"cluster": "Cluster 7"},
        "layout": {"layout": "Corner"},
        "bedrooms": {"bedrooms_min": "2", "bedrooms_max": "3"},
        "price": {"price_min": "1M", "price_max": "1.2M"},
        "price, none such": {"price_min": "900M"},
        "size": {"sqft_min": "1000", "sqft_max": "1100"},
        "status": {"status": ["available"]},
        "two statuses": {"status": ["available", "vacant"]},
        "status, none such": {"status": ["reserved"]},
        "purpose": {"purpose": "rent"},
        "owner known": {"has_owner": "true"},
        "owner unknown": {"has_owner": "false"},
        "with number": {"has_number": "true"},
        "without number": {"has_number": "false"},
        "agent": {"agent": str(office.agent_id)},
        "sheet": {"sheet": str(office.sheet_id)},
        "changed since": {"since": "2020-01-01"},
        "changed since, none": {"since": "2099-01-01"},
    }
    combined: dict[str, dict[str, Any]] = {
        "project + status + bedrooms": {"project": str(first), "status": ["available"], "bedrooms_min": "2"},
        "building + price + purpose": {"building": building, "price_min": "1M", "price_max": "3M", "purpose": "sale"},
        "price + status + number, by price": {
            "price_min": "1M", "price_max": "2M", "status": ["available"], "has_number": "true", "sort": "price",
        },
        "bedrooms + size + status, by size": {
            "bedrooms_min": "3", "sqft_min": "2000", "status": ["vacant"], "sort": "-size",
        },
        "q + status + number": {"q": building, "status": ["available"], "has_number": "true"},
        "cluster + bedrooms + owner unknown": {"cluster": "Cluster 7", "bedrooms_min": "3", "has_owner": "false"},
        "agent + status, by price": {"agent": str(office.agent_id), "status": ["available"], "sort": "price"},
        "project, by price": {"project": str(first), "sort": "price"},
        "status, by size": {"status": ["available"], "sort": "size"},
    }  # fmt: skip
    orders = {f"by {order}": {"sort": order} for order in ("price", "-price", "size", "-size", "unit")}
    return {**alone, **combined, **orders}


def _of_owners(office: Office) -> dict[str, dict[str, Any]]:
    from crm.models import Project

    first = Project.objects.order_by("pk").values_list("pk", flat=True)[0]
    return {
        "nothing": {},
        "q": {"q": "fatima al zabi"},
        "project": {"project": str(first)},
        "bad contact": {"bad_contact": "true"},
        "with number": {"has_number": "true"},
        "without number": {"has_number": "false"},
        "two units": {"units_min": "2"},
        "by name": {"sort": "name"},
        "project + number, by name": {"project": str(first), "has_number": "true", "sort": "name"},
    }


def _filtered(actor: Any, asked: dict[str, Any], rounds: int, slow: float) -> dict[str, float]:
    from crm import selectors

    query = _query(asked)
    return _listed(
        lambda counted: selectors.unit_list(actor=actor, asked=query, limit=PAGE, counted=counted), rounds, slow
    )


def _owners(actor: Any, asked: dict[str, Any], rounds: int, slow: float) -> dict[str, float]:
    from django.utils import timezone

    from crm import selectors

    query, at = _query(asked), timezone.now()
    return _listed(
        lambda counted: selectors.owner_list(actor=actor, asked=query, limit=PAGE, counted=counted, at=at), rounds, slow
    )


def _listed(read: Callable[[bool], Any], rounds: int, slow: float) -> dict[str, float]:
    shown = read(False)
    page, both = (median(lambda counted=counted: read(counted), rounds) for counted in (False, True))
    if both > slow:
        explain(lambda: read(True), slow)
    return {"page_ms": page, "with_count_ms": both, "rows": len(shown.rows)}


def _query(asked: dict[str, Any]) -> Any:
    from django.http import QueryDict

    query = QueryDict(mutable=True)
    for name, value in asked.items():
        query.setlist(name, value if isinstance(value, list) else [value])
    return query


# ── pages far down ────────────────────────────────────────────────────────────


def _pages(office: Office, rounds: int) -> dict[str, Any]:
    """The ten thousandth page (or the one at seven tenths of a smaller house), by its key and by OFFSET."""
    from crm import selectors
    from crm.filtering import UNIT_ORDERS
    from crm.keyset import _write
    from crm.models import Property
    from crm.selectors.units import narrowed_units, unit_rows

    found = {}
    actor = office.manager
    number = min(DEEP, Property.objects.count() * 7 // 10 // PAGE)
    for name in ("newest", "price", "unit"):
        order, asked = UNIT_ORDERS[name], _query({} if name == "newest" else {"sort": name})
        sign = "-" if order.is_descending else ""
        columns = [f"{sign}{column}" for column in (order.column, "pk") if column]
        rows = narrowed_units(actor, {}).select_related("project").order_by(*columns)
        offset = (number - 1) * PAGE
        after = _write(rows[offset - 1], order)

        def by_key(asked: Any = asked, after: str = after) -> Any:
            return selectors.unit_list(actor=actor, asked=asked, after=after, limit=PAGE)

        def by_offset(rows: Any = rows, offset: int = offset) -> Any:
            return unit_rows(list(rows[offset : offset + PAGE]))

        if [row.unit_id for row in by_key().rows] != [row.unit_id for row in by_offset()]:
            raise SystemExit(f"page {number} by {name} is not the same by its key and by OFFSET")
        key, offset_ms = median(by_key, rounds), median(by_offset, rounds)
        first = median(lambda asked=asked: selectors.unit_list(actor=actor, asked=asked, limit=PAGE), rounds)
        found[f"deep page by {name}"] = {
            "page": number,
            "page_ms": key,
            "first_page_ms": first,
            "to_first": round(key / first, 2),
            "offset_ms": offset_ms,
            "offset_to_key": round(offset_ms / key, 1),
        }
    return found


def _doors(office: Office, rounds: int) -> dict[str, Any]:
    """What a person waits for: the page, and the API's first and deep pages."""
    from django.test import Client

    from crm.models import Property

    slug = office.organization.slug
    number = min(DEEP, Property.objects.count() * 7 // 10 // PAGE)
    (pk,) = Property.objects.order_by("-pk").values_list("pk")[(number - 1) * PAGE - 1]
    cursor = b64encode(f"p={pk}".encode()).decode()
    addresses = {
        "page of units": f"/o/{slug}/units/?all=1",
        "page of owners": f"/o/{slug}/owners/?all=1",
        "API": f"/api/v1/{slug}/properties/",
        "API, deep page": f"/api/v1/{slug}/properties/?cursor={cursor}",
    }
    found = {}
    for who, actor in (("manager", office.manager), ("agent", office.agent)):
        client = Client()
        client.force_login(actor.user)
        for name, address in addresses.items():

            def read(client: Client = client, address: str = address) -> None:
                if client.get(address).status_code != 200:
                    raise SystemExit(f"{address} failed")

            read()
            found[f"{name}, {who}"] = {"page_ms": median(read, rounds)}
    return found


# ── with what plan ────────────────────────────────────────────────────────────


def explain(read: Callable[[], Any], slow: float) -> None:
    """Write each statement that took long to stderr, and how it was run."""
    from django.db import connection

    def timed(execute: Any, sql: str, values: Any, many: bool, context: Any) -> Any:
        began = time.perf_counter()
        answer = execute(sql, values, many, context)
        took = (time.perf_counter() - began) * 1000
        if took > slow and sql.startswith(("SELECT", "WITH")):
            statements.append((took, sql, values))
        return answer

    statements: list[tuple[float, str, Any]] = []
    with connection.execute_wrapper(timed):
        read()
    for took, sql, values in statements:
        print(f"\n── {took:.0f} ms\n{sql}\n{values}", file=sys.stderr)
        with connection.cursor() as cursor:
            cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {sql}", values)
            print("\n".join(line for (line,) in cursor.fetchall()), file=sys.stderr)


def median(work: Callable[[], Any], rounds: int) -> float:
    """Milliseconds."""
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append((time.perf_counter() - began) * 1000)
    return round(statistics.median(took), 2)
