"""One box: what people type finds what they mean, and nobody finds what is not theirs."""

from __future__ import annotations

from importlib import import_module

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core.actors import Actor
from core.tenancy import organization_scope
from crm import selectors
from crm.models import Contact, Property, SearchWord
from tests.crm import factories


@pytest.fixture
def stock(organization):
    """Two units of Viridis with an owner each, and others around them."""
    project = factories.project(organization, "Damac Hills", number=210)
    viridis = factories.unit(
        project, building="Viridis A", unit_number="1204", registration="XG-1234/B", municipality_number="2047",
        dewa_number="88-1234567", plot_number="P-99", p_number="1000001",
    )  # fmt: skip
    factories.unit(project, building="Viridis A", unit_number="12045")
    sanctnary = factories.unit(project, cluster="Sanctnary", unit_number="7")
    factories.unit(factories.project(organization, "Vardon"), building="Acuna", unit_number="1204")
    fatima = factories.contact(organization, "Fatima Al Zaabi")
    factories.point(fatima, "+971501234567", is_primary=True)
    factories.point(fatima, "fatima@example.com", kind="email", line_type="")
    factories.ownership(viridis, fatima)
    mohamed = factories.contact(organization, "محمد الأحمدي")
    factories.point(mohamed, "+971559876543", is_primary=True)
    factories.ownership(sanctnary, mohamed)
    return viridis


def found(actor, text, kind="units"):
    groups = {group.kind: group for group in selectors.search(actor=actor, text=text, at=timezone.now()).groups}
    hits = groups[kind].hits if kind in groups else []
    return [getattr(hit, "label", None) or hit.name for hit in hits]


@pytest.mark.parametrize(
    ("typed", "first"),
    [
        ("viridis 1204", "Viridis A 1204"),
        ("1204 viridis", "Viridis A 1204"),
        ("VIRIDIS a 1204", "Viridis A 1204"),
        ("xg1234b", "Viridis A 1204"),
        ("xg-1234 b", "Viridis A 1204"),
        ("1000001", "Viridis A 1204"),
        ("P 1000001", "Viridis A 1204"),
        ("p-1000001", "Viridis A 1204"),
        ("١٠٠٠٠٠١", "Viridis A 1204"),
        ("2047", "Viridis A 1204"),
        ("88 1234567", "Viridis A 1204"),
        ("p99", "Viridis A 1204"),
        ("virids", "Viridis A 1204"),
        ("viridis a 12045", "Viridis A 12045"),
        ("sanctuary", "Sanctnary 7"),
        ("sanct 7", "Sanctnary 7"),
        ("vardon 1204", "Acuna 1204"),
        ("acuna", "Acuna 1204"),
        ("34b", "Viridis A 1204"),
    ],
)
def test_units_are_found_by_whatever_they_are_called_by(stock, manager, typed, first):
    assert found(manager, typed)[:1] == [first]


def test_exact_ones_stand_before_beginnings(stock, manager):
    assert found(manager, "viridis 1204") == ["Viridis A 1204", "Viridis A 12045"]
    assert found(manager, "1204")[:2] == ["Viridis A 1204", "Acuna 1204"]


@pytest.mark.parametrize("typed", ["%", "_", "''", "\\", "zz%_'; --", "zzzz", "\x00", "😀😀", "(", "' OR 1=1"])
def test_what_fits_nothing_finds_nothing_and_breaks_nothing(stock, manager, typed):
    findings = selectors.search(actor=manager, text=typed, at=timezone.now())

    assert not findings.groups


@pytest.mark.parametrize(
    ("typed", "name"),
    [
        ("fatima", "Fatima Al Zaabi"),
        ("al zaabi fatima", "Fatima Al Zaabi"),
        ("Fátima", "Fatima Al Zaabi"),
        ("fatma zabi", "Fatima Al Zaabi"),
        ("fatima@example.com", "Fatima Al Zaabi"),
        ("FATIMA@EXAMPLE.COM", "Fatima Al Zaabi"),
        ("محمد الاحمدى", "محمد الأحمدي"),
        ("مُحَمَّد", "محمد الأحمدي"),
        ("050 123 4567", "Fatima Al Zaabi"),
        ("00971501234567", "Fatima Al Zaabi"),
        ("+971-50-123 45 67", "Fatima Al Zaabi"),
        ("(050) 1234567", "Fatima Al Zaabi"),
        ("٠٥٠١٢٣٤٥٦٧", "Fatima Al Zaabi"),
        ("1234567", "Fatima Al Zaabi"),
        ("0501234", "Fatima Al Zaabi"),
        ("4567", "Fatima Al Zaabi"),
    ],
)
def test_owners_are_found_by_name_number_and_address(stock, manager, typed, name):
    assert found(manager, typed, "owners") == [name]


def test_who_reads_numbers_masked_cannot_find_the_hidden_digits_one_by_one(stock, agent):
    factories.assignment(factories.agent(agent), stock.project)

    assert found(agent, "0501234567", "owners") == ["Fatima Al Zaabi"]
    assert found(agent, "1234567", "owners") == ["Fatima Al Zaabi"]
    for part in ["4567", "234567", "+9715012", "0501234", "97150123", "fatima@", "fatima@example"]:
        assert found(agent, part, "owners") == [], part


def test_an_agent_finds_only_what_is_assigned_to_him(stock, agent, other_agent, manager):
    factories.assignment(factories.agent(agent), stock.project, property=stock)
    factories.agent(other_agent, "Huda Viridis")

    assert found(agent, "viridis") == ["Viridis A 1204"]
    assert found(agent, "fatima", "owners") == ["Fatima Al Zaabi"]
    assert found(agent, "محمد", "owners") == []
    assert found(agent, "vardon", "projects") == []
    assert found(agent, "huda", "agents") == []
    assert found(other_agent, "viridis") == []
    assert found(manager, "huda", "agents") == ["Huda Viridis"]


def test_an_assigned_contact_is_found_without_any_unit(organization, agent):
    factories.contact(organization, "Rana Mansour", assigned_to=agent.membership)
    factories.contact(organization, "Rana Salem")

    assert found(agent, "rana", "owners") == ["Rana Mansour"]


def test_projects_are_found_by_number_and_name(stock, manager):
    assert found(manager, "210", "projects") == ["Damac Hills"]
    assert found(manager, "damac", "projects") == ["Damac Hills"]
    assert found(manager, "damak hills", "projects") == ["Damac Hills"]


def test_another_house_finds_nothing_of_ours(stock, outsider):
    with organization_scope(outsider.organization.pk):
        findings = selectors.search(actor=outsider, text="viridis 1204", at=timezone.now())
        assert not findings.groups
        assert not selectors.search(actor=outsider, text="0501234567", at=timezone.now()).groups


ASKED = {
    "units": "SELECT id FROM majlis_search_units('viridis', NULL, NULL, 50)",
    "virids": "SELECT id FROM majlis_search_units('virids', NULL, NULL, 50)",
    "owners": "SELECT id FROM majlis_search_contacts('fatima', true, '971', NULL, NULL, NULL, 50)",
    "numbers": "SELECT id FROM majlis_search_contacts('0501234567', true, '971', NULL, NULL, NULL, 50)",
}


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
def test_the_functions_themselves_answer_for_the_organisation_of_the_connection_alone(
    stock, organization, other_organization, asked
):
    def rows():
        with connection.cursor() as cursor:
            cursor.execute(asked)
            return cursor.fetchall()

    assert rows()
    with organization_scope(other_organization.pk):
        assert rows() == []
    with organization_scope(None):
        assert rows() == []


def test_words_are_not_told_to_another_house(stock, organization, other_organization):
    def alike(house):
        with connection.cursor() as cursor:
            cursor.execute("SELECT majlis_alike(%s, 'virids')", [house])
            return cursor.fetchone()[0]

    assert alike(organization.pk) == ["viridis"]
    with organization_scope(other_organization.pk):
        assert alike(organization.pk) == []


def test_the_application_stays_bound_where_the_owner_of_the_tables_is_not(stock, other_organization):
    with organization_scope(other_organization.pk):
        assert not Property.objects.exists()
        assert not Contact.objects.exists()
        assert not SearchWord.objects.exists()
    with connection.cursor() as cursor:
        cursor.execute("SELECT DISTINCT roles::text, cmd FROM pg_policies WHERE policyname = 'owner_reads'")
        assert cursor.fetchall() == [("{majlis_owner}", "SELECT")]


def test_the_search_functions_are_the_applications_alone(db):
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT proname FROM pg_proc WHERE prosecdef AND pronamespace = 'public'::regnamespace
                  AND EXISTS (SELECT FROM aclexplode(COALESCE(proacl, acldefault('f', proowner))) WHERE grantee = 0)"""
        )
        assert cursor.fetchall() == []


def test_words_follow_names_as_they_change(stock):
    Property.objects.filter(pk=stock.pk).update(building="Akoya Imagine")
    Contact.objects.filter(display_name="Fatima Al Zaabi").update(display_name="Fatima Bin Sulayem")

    assert {"akoya", "imagine", "sulayem"} <= set(SearchWord.objects.values_list("word", flat=True))


def test_a_deleted_unit_is_not_found(stock, manager):
    Property.objects.filter(pk=stock.pk).update(deleted_at=timezone.now())

    assert found(manager, "xg1234b") == []


@pytest.mark.parametrize(("role", "most"), [("manager", 10), ("agent", 11), ("supervisor", 12)])
def test_a_search_costs_the_same_however_much_is_found(role, most, request, organization, django_assert_num_queries):
    actor: Actor = request.getfixturevalue(role)
    profile = factories.agent(actor, "Marina Agent")

    def grow(count, start):
        for number in range(start, start + count):
            project = factories.project(organization, f"Marina {number}")
            unit = factories.unit(project, building="Marina Gate", unit_number=str(number))
            owner = factories.contact(organization, f"Marina Owner {number}")
            factories.point(owner, f"+97150{number:07}")
            factories.ownership(unit, owner)
            factories.assignment(profile, project)

    grow(3, 0)
    with django_assert_num_queries(most):
        selectors.search(actor=Actor(organization, actor.membership), text="marina", at=timezone.now())
    grow(60, 10)
    with django_assert_num_queries(most):
        findings = selectors.search(actor=Actor(organization, actor.membership), text="marina", at=timezone.now())

    units = next(group for group in findings.groups if group.kind == "units")
    assert (len(units.hits), units.count, units.has_more) == (6, 50, True)


def test_the_page_works_without_script_and_shows_hidden_digits_to_nobody(stock, agent):
    factories.assignment(factories.agent(agent), stock.project)
    client = Client()
    client.force_login(agent.user)

    page = client.get(reverse("search", args=["palm"]), {"q": "fatima"}).content.decode()

    assert "Fatima Al Zaabi" in page
    assert "+97150•••67" in page
    assert "1234567" not in page
    assert "What are you looking for?" in client.get(reverse("search", args=["palm"])).content.decode()
    assert "Nothing fits" in client.get(reverse("search", args=["palm"]), {"q": "<script>"}).content.decode()


def test_the_api_answers_the_same(stock, manager):
    client = Client()
    client.force_login(manager.user)

    answer = client.get("/api/v1/palm/search/", {"q": "viridis 1204", "kinds": "units"})

    assert answer.status_code == 200
    (group,) = answer.json()["groups"]
    assert (group["kind"], group["count"], group["is_guess"]) == ("units", 2, False)
    assert group["hits"][0]["id"] == stock.pk
    assert client.get("/api/v1/palm/search/", {"q": "x", "kinds": "secrets"}).status_code == 400


def test_names_that_were_there_before_the_triggers_get_their_words(superuser_database):
    """The data migration, by the role that runs migrations and that the wall binds too: each house its own, once."""
    words = import_module("crm.migrations.0012_words_of_old_names").WORDS
    with superuser_database.transaction(force_rollback=True):
        superuser_database.execute("SET LOCAL session_replication_role = replica")  # as before there were triggers
        for house, name in [(-2, "Viridis"), (-1, "Akoya Oxygen 12")]:
            superuser_database.execute(OLD_HOUSE, [house, f"old{house}"])
            superuser_database.execute(OLD_CONTACT, [house, name])
        superuser_database.execute("SET LOCAL session_replication_role = origin")
        superuser_database.execute("SET LOCAL ROLE majlis_owner")
        superuser_database.execute(words)
        superuser_database.execute(words)
        superuser_database.execute("RESET ROLE")
        found = superuser_database.execute(
            "SELECT organization_id, word, count(*) FROM crm_searchword WHERE organization_id < 0 GROUP BY 1, 2 ORDER BY 1, 2"
        ).fetchall()

    assert found == [(-2, "viridis", 1), (-1, "akoya", 1), (-1, "oxygen", 1)]


OLD_HOUSE = """INSERT INTO core_organization (id, slug, name, legal_name, email, phone, address, city, country, time_zone, currency,
    languages, weekend_days, business_hours_start, business_hours_end, public_holidays, region, status, second_step,
    created_at, updated_at)
VALUES (%s, %s, '', '', '', '', '', '', 'AE', 'Asia/Dubai', 'AED', '{}', '{}', '09:00', '18:00', '{}', 'me', 'active', 'off', now(), now())"""
OLD_CONTACT = """INSERT INTO crm_contact (organization_id, created_at, updated_at, kind, display_name, first_name, last_name,
    normalized_name, language, nationality, national_id, national_id_index, address, tags, is_bad_contact, source)
VALUES (%s, now(), now(), 'person', %s, '', '', '', '', '', '', '', '', '{}', false, '')"""


def test_a_list_narrowed_by_words_holds_what_is_ones_own_and_not_the_best_of_the_house(organization, agent, manager):
    """His one unit is not among the best few of a word that the whole house has."""
    others = factories.project(organization, "Others")
    for number in range(5):
        factories.unit(others, building="Marina Gate", unit_number=str(number))
    own = factories.unit(factories.project(organization), building="Marina Gate Annex", unit_number="77")
    factories.assignment(factories.agent(agent), own.project)

    assert list(Property.objects.visible_to(agent).search("marina", actor=agent, most=2)) == [own]
    assert Property.objects.visible_to(manager).search("marina", actor=manager, most=2).count() == 2
    assert [row.unit_id for row in selectors.unit_list(actor=agent, asked={"q": "marina"}).rows] == [own.pk]


@pytest.mark.parametrize(
    ("typed", "labels"),
    [
        ("gate 7", ["Marina Gate 7", "Marina Gate 70"]),
        ("marina gate 70", ["Marina Gate 70"]),
        ("xg 77 b", ["Marina Gate 7"]),
        ("palm 70", ["Marina Gate 70"]),
        ("marena gate", ["Marina Gate 7", "Marina Gate 70"]),
        ("arina", ["Marina Gate 7", "Marina Gate 70"]),
        ("harbour", []),
    ],
)
def test_an_agents_few_units_are_ranked_as_those_of_the_house(organization, agent, typed, labels):
    """They are looked through once; a manager's by steps."""
    palm = factories.project(organization, "Palm Views")
    factories.unit(palm, building="Marina Gate", unit_number="70")
    factories.unit(palm, building="Marina Gate", unit_number="7", registration="XG-77/B")
    factories.unit(factories.project(organization), building="Harbour", unit_number="7")
    factories.assignment(factories.agent(agent), palm)

    assert found(agent, typed) == labels
