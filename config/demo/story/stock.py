"""The office's workbook becomes projects, units, owners and valid numbers."""

from __future__ import annotations

import requests
from django.db.models import Count

from config.demo.cast import PEOPLE
from config.demo.doors import until
from config.demo.stage import Stage, holds, same
from core.models import Heartbeat
from crm.models import Contact, ContactPoint, Ownership, Project, Property
from crm.models.contacts import PointStatus

ROWS, SEED = 10_654, 7


def everything_is_up(stage: Stage) -> str:
    """Web, worker, scheduler and sandbox are up, on servers of our own"""
    ready = f"{stage.base_url}/readyz"
    until(lambda: requests.get(ready, timeout=10).status_code == 200, f"{ready} to be ready", seconds=60)
    parts = requests.get(ready, timeout=10).json()["parts"]
    holds(Heartbeat.objects.exists(), "the scheduler has a heartbeat")
    return ", ".join(f"{name} {answer}" for name, answer in parts.items())


def refuse_bad_files(stage: Stage) -> str:
    """What is not a usable sheet is refused, with a sentence that says what to do"""
    files = {
        "not-a-sheet.xlsx": b"\x89PNG\r\n\x1a\n" + b"\x00" * 64,
        "empty.csv": b"",
        "no-header.csv": b"1,2,3\n4,5,6\n",
        "too-large.csv": b"P-NUMBER,PROJECT\n" + b"1,Vardon\n" * (60 * 1024 * 1024 // 9),
    }
    codes = []
    for name, content in files.items():
        file = stage.folder / name
        file.write_bytes(content)
        codes.append(stage.api("mona").upload("imports/", file, status=(413, 422))["code"])
        file.unlink()
    same(Property.objects.count(), 0, "units")
    same(stage.api("mona").get("imports/")["results"], [], "imports")
    return ", ".join(codes)


def import_the_workbook(stage: Stage) -> str:
    """A dirty workbook of 10,654 rows is mapped, previewed and imported"""
    mona = stage.api("mona")
    book = stage.sandbox.download("workbook.xlsx", stage.folder / "Inventory.xlsx", rows=ROWS, seed=SEED)
    truth = stage.sandbox.get("workbook.json", rows=ROWS, seed=SEED)
    run = mona.upload("imports/", book)
    same(run["mapping"]["columns"]["NAME"], "owner_name", "what the guess made of 'NAME '")
    mona.post(f"imports/{run['id']}/preview/")
    preview = until(lambda: _in_state(stage, run["id"], "previewed"), "the preview", seconds=120)
    same(Property.objects.count(), 0, "units after the preview")
    mona.post(f"imports/{run['id']}/commit/")
    done = until(lambda: _in_state(stage, run["id"], "done"), "the import", seconds=180)
    same(done["counts"], preview["counts"], "the preview's figures and the import's")
    by_number = Property.objects.exclude(p_number="").count()
    same(by_number, truth["properties"]["by_p_number"], "units with a P-number")
    several = Ownership.objects.current().values("property").annotate(owners=Count("id")).filter(owners__gt=1).count()
    holds(several >= truth["properties"]["co_owned"], f"{truth['properties']['co_owned']} units have several owners")
    numbers = ContactPoint.objects.filter(kind="phone", status__in=[PointStatus.UNVERIFIED, PointStatus.VALID])
    same(numbers.exclude(value__regex=r"^\+[1-9]\d{6,14}$").count(), 0, "numbers that are not E.164")
    stage.made["spreadsheet"] = book
    counts = " ".join(f"{name}={count}" for name, count in done["counts"].items() if isinstance(count, int) and count)
    return (
        f"{Project.objects.count()} projects, {Property.objects.count()} units, {Contact.objects.count()} owners, "
        f"{numbers.count()} usable numbers, {several} units with co-owners\n           {counts}"
    )


def import_it_again(stage: Stage) -> str:
    """The same file again changes nothing"""
    before = [model.objects.count() for model in (Project, Property, Contact, ContactPoint, Ownership)]
    mona = stage.api("mona")
    run = mona.upload("imports/", stage.made["spreadsheet"])
    mona.post(f"imports/{run['id']}/commit/")
    done = until(lambda: _in_state(stage, run["id"], "done"), "the second import", seconds=120)
    same((done["counts"]["new"], done["counts"]["changed"]), (0, 0), "new and changed rows")
    after = [model.objects.count() for model in (Project, Property, Contact, ContactPoint, Ownership)]
    same(after, before, "rows of every table")
    return f"{done['counts']['unchanged']} rows unchanged"


def hire_agents(stage: Stage) -> str:
    """Agents get their profiles and the projects they work on, and see only those"""
    mona = stage.api("mona")
    biggest = Project.objects.annotate(units=Count("properties")).order_by("-units", "pk")
    for name, project in zip(("omar", "huda"), biggest[:2], strict=True):
        member = stage.cast.member(name)
        agent = stage.api("aisha").post("agents/", {"membership": member.pk, "name": PEOPLE[name][0]})
        mona.post("assignments/", {"agent": agent["id"], "project": project.pk})
        stage.made[f"agent:{name}"] = agent["id"]
        same([row["id"] for row in stage.api(name).all("projects/")], [project.pk], f"projects that {name} sees")
    mine = stage.api("omar").get("properties/", page_size=1)["results"][0]
    theirs = stage.api("huda").get("properties/", page_size=1)["results"][0]
    stage.api("omar").get(f"properties/{theirs['id']}/", status=404)
    stage.made["unit"] = mine["id"]
    return f"Omar works on {biggest[0].name}, Huda on {biggest[1].name}; neither finds the other's units"


def _in_state(stage: Stage, run: int, state: str) -> dict[str, object] | None:
    shown: dict[str, object] = stage.api("mona").get(f"imports/{run}/")
    if shown["status"] == "failed" or (shown["status"] == "draft" and shown.get("error")):
        raise RuntimeError(f"the import failed: {shown.get('error')}")
    return shown if shown["status"] == state else None
