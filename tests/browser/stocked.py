"""What staff have at hand: pairs, merges, imports, runs of validation, changes of many, a list of the forbidden."""

from __future__ import annotations

from django.utils import timezone

from core.actors import Actor
from crm import services
from crm.models import Contact, Project, Property
from crm.services import bulk, duplicates, merging
from crm.services.validation import Chosen
from tests.crm import factories as crm
from tests.sheets.imports import bring, master, upload, xlsx

LONG = "Abdulrahman Mohammed Al Maktoum Al Qassimi wa-Ibnaihi Real Estate Holding (L.L.C.)"
ADDRESS = "a-very-long-name-of-somebody@mail.an-even-longer-house-of-properties.example"


def stock(actor: Actor, shown: Property) -> list[str]:
    """Fill the house through the services, and name the pages of staff: lists, rows, and every step of what has steps."""
    house, at = actor.organization, timezone.now()
    project = shown.project
    pair = [
        crm.contact(house, name, tags=["investor"], address=f"{LONG}, Marsa Dubai")
        for name in (LONG, "عبد الرحمن محمد آل مكتوم")
    ]
    for number, contact in enumerate(pair, 1204):
        crm.point(contact, "+971501112233")
        crm.point(contact, ADDRESS, kind="email")
        crm.ownership(
            crm.unit(project, building="Jumeirah Bay Residences North Tower", unit_number=str(number)), contact
        )
    duplicates.look_for_duplicates(actor=actor, noun="contact", ids=[pair[0].pk], at=at)
    twins = [
        crm.unit(project, cluster="Cluster 14", unit_number=f"{number} A", p_number=str(number)) for number in (81, 82)
    ]
    joined = [crm.contact(house, "Omar Saeed") for _ in range(2)]
    merging.merge(actor=actor, noun="contact", survivor_id=joined[0].pk, other_id=joined[1].pk, at=at)
    services.disclose_owner_number(actor=actor, contact=pair[0], reason="asked for an offer", at=at)
    services.list_do_not_contact(actor=actor, text=f"+971509998877\n{ADDRESS}", reason="wrote to us", at=at)
    run = services.start_validation(actor=actor, chosen=Chosen(older_than=0), at=at)
    agent = crm.agent_of(house, "Mariam Haddad")
    crm.assignment(agent, project, property=shown)
    return [
        "owners/",
        "owners/?q=nothing-has-this",
        *(f"owners/{contact.pk}/" for contact in (pair[0], joined[0])),
        f"units/{twins[0].pk}/",
        "projects/",
        f"projects/{project.number}/",
        "agents/",
        f"agents/{agent.pk}/",
        f"agents/{agent.pk}/leaving/",
        "search/?q=Jumeirah",
        "duplicates/",
        "duplicates/?state=merged",
        f"merging/with/?noun=contact&survivor={pair[0].pk}&q=omar",
        f"merging/?noun=contact&survivor={pair[0].pk}&other={pair[1].pk}",
        f"merging/?noun=property&survivor={twins[0].pk}&other={twins[1].pk}",
        "merges/",
        "do-not-contact/",
        "disclosures/",
        "validation-runs/",
        f"validation-runs/{run.pk}/",
        "exports/",
        "conflicts/",
        *_imports(actor, project),
        *_changes(actor),
    ]


def _imports(actor: Actor, project: Project) -> list[str]:
    rows = [
        {"P-NUMBER": number, "PROJECT": project.name, "NAME": LONG, "MOBILE": f"05011122{number}", "Status": status}
        for number, status in ((70, "Vacant"), (71, "Rented"), (72, "no such status"))
    ]
    done = bring(actor, *rows)
    waiting = upload(actor, xlsx(master({"P-NUMBER": 70, "PROJECT": project.name, "NAME": LONG, "Status": "Sold"})))
    each = [f"imports/{done.pk}/", f"imports/{done.pk}/rows/", f"imports/{done.pk}/reversal/"]
    return ["imports/", "imports/new/", *each, f"imports/{waiting.pk}/"]


def _changes(actor: Actor) -> list[str]:
    chosen, done = (
        bulk.choose_rows(actor=actor, noun="unit", rows=Property.objects.visible_to(actor), filters={"q": "Jumeirah"})
        for _ in range(2)
    )
    people = bulk.choose_rows(actor=actor, noun="contact", rows=Contact.objects.visible_to(actor), filters={})
    bulk.preview_change(actor=actor, change=done, action="status", given={"status": "sold"})
    bulk.confirm_change(actor=actor, change=done, at=timezone.now())
    return ["changes/", *(f"changes/{change.pk}/" for change in (chosen, done, people))]
