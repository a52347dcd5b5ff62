"""What people of an office type into the box, about a city of benchmarks/search_stock.py; and who types it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

AGENTS = ("Rana Mansour", "Huda Salem", "Tariq Nasser", "Olga Petrova", "Imran Sheikh", "Noor Haddad", "Leo Martin")
WHOLE_PROJECTS, SINGLE_UNITS = 3, 5

_SHEET = """
INSERT INTO sheets_rowlink (organization_id, created_at, updated_at, spreadsheet_id, row_key, fingerprint, object_id, base)
SELECT organization_id, now(), now(), %s, id::text, '', id, '{}' FROM crm_property WHERE organization_id = %s AND id %% 10 = 0
"""


@dataclass(frozen=True, slots=True)
class Office:
    """The measured house: a manager who sees all of it, an agent who sees 3 projects of 100 and 5 units more."""

    organization: Any
    manager: Any
    agent: Any
    agent_id: int
    sheet_id: int


def staff(organization: Any, superuser: Any) -> Office:
    """Members, seven agents with assignments, and a linked sheet of a tenth of the units; in its scope."""
    from core.actors import Actor
    from core.models import Membership, User
    from core.roles import Role
    from crm.models import Agent, Project, ProjectAssignment, Property
    from sheets.models import Spreadsheet

    def actor(role: Role, name: str) -> Actor:
        email = f"{name.split()[0].lower()}@{organization.slug}.example"
        user = User.objects.create(email=email, name=name)
        return Actor(organization, Membership.objects.create(organization=organization, user=user, role=role))

    manager = actor(Role.MANAGER, "Mona")
    projects = list(Project.objects.order_by("pk")[: WHOLE_PROJECTS * len(AGENTS)])
    units = list(Property.objects.order_by("-pk")[: SINGLE_UNITS * len(AGENTS)])
    agents = []
    for number, name in enumerate(AGENTS):
        one = actor(Role.AGENT, name)
        profile = Agent.objects.create(organization=organization, membership=one.membership, name=name)
        work: list[dict[str, Any]] = [{"project": project} for project in projects[number :: len(AGENTS)]]
        work += [{"project": unit.project, "property": unit} for unit in units[number :: len(AGENTS)]]
        for each in work:
            ProjectAssignment.objects.create(organization=organization, agent=profile, **each)
        agents.append((one, profile.pk))
    sheet = Spreadsheet.objects.create(organization=organization, table="crm.units", name="Master", signature="bench")
    superuser.execute(_SHEET, [sheet.pk, organization.pk])
    superuser.execute("VACUUM (ANALYZE) sheets_rowlink")
    superuser.execute("VACUUM (ANALYZE) crm_projectassignment")
    return Office(organization, manager, agents[0][0], agents[0][1], sheet.pk)


def questions(superuser: Any, house: int) -> dict[str, list[str]]:
    """By kind; the same texts at every size of the city, as they are about its first thirty thousand units."""

    def unit(n: int) -> Any:
        found = superuser.execute(
            """SELECT p_number, registration, municipality_number, unit_number, building, cluster FROM crm_property
                WHERE organization_id = %s ORDER BY id OFFSET %s LIMIT 1""",
            [house, n - 1],
        ).fetchone()
        return dict(zip(("p", "registration", "municipality", "unit", "building", "cluster"), found, strict=True))

    def owner(n: int, kind: str) -> tuple[str, str]:
        found: tuple[str, str] = superuser.execute(
            """SELECT c.display_name, k.value FROM crm_contact c JOIN crm_contactpoint k ON k.contact_id = c.id
                WHERE c.organization_id = %s AND k.kind = %s ORDER BY c.id, k.id OFFSET %s LIMIT 1""",
            [house, kind, n],
        ).fetchone()
        return found

    flat, other, far, villa = unit(1_234), unit(15_556), unit(20_002), unit(9_123)
    (name, phone), (other_name, other_phone) = owner(1_000, "phone"), owner(7_777, "phone")
    _name, address = owner(500, "email")
    local = other_phone.removeprefix("+971")
    registration = flat["registration"]
    return {
        "unit number": [flat["unit"], "1204", "305", "77"],
        "building and unit": [
            f"{flat['building']} {flat['unit']}",
            f"{other['unit']} {other['building'].upper()}",
            f"{far['building'].split()[0]} {far['unit']}",
            f"{flat['building'][:4]} {flat['unit']}",
        ],
        "P-number": [flat["p"], f"P-{other['p']}", f"p {far['p']}", flat["p"][:5]],
        "registration": [registration, f"{registration[:2]} {registration[2:].lower()}", other["registration"][2:]],
        "municipality number": [flat["municipality"], far["municipality"]],
        "cluster": ["cluster 7", f"{villa['cluster']} {villa['unit']}", f"{villa['unit']} {villa['cluster'].lower()}"],
        "phone": [
            phone,
            f"00{phone[1:]}",
            f"0{local[:2]} {local[2:5]} {local[5:]}",
            f"(0{local[:2]}) {local[2:]}",
            f"+971-{local[:2]}-{local[2:5]} {local[5:7]} {local[7:]}",
            local[-7:],
            local[-4:],
            f"0{local[:6]}",
        ],
        "e-mail": [address, address[:8], "owner1@"],
        "owner, whole name": [name, other_name.lower(), "Fatima Al Zabi"],
        "owner, one word": ["fatima", "maktoum", "Khalid"],
        "owner, mistyped": ["fatma al zabi", "mohamad maktum", "Ahmd bin Shaktoum", "prya gupta", "khalidd al maktuom"],
        "owner, Arabic": ["محمد", "فاطمه", "عائشة", "احمد العبي", "مُحَمَّد"],
        "agent": ["rana", "Huda Salem", "imran shiekh"],
        "project": ["Project Palm Views 3", "palm views", "17"],
        "building, mistyped": ["virids", "picadily heights", "sanctuary 1204"],
        "common word": ["marina", "al", "gate 2", "project"],
        "while typing": ["ma", "mar", "viri", "12", "10"],
        "nonsense": ["zzqxwv", "qwertz 99999", "12345678901234", "xk-99-zz", "%_"],
    }
