"""What must stay secret is ciphertext in the database, under keys that can be changed."""

from __future__ import annotations

import pytest
from cryptography.fernet import Fernet, InvalidToken
from django.core.management import call_command
from django.db import connection
from pytest_django.fixtures import Settings as SettingsWrapper

from core import audit
from core.encryption import blind_index, decrypt, encrypt
from core.models import Organization
from crm.models import Contact

NATIONAL_ID = "784-1990-1234567-1"


def ciphertext() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT national_id FROM crm_contact WHERE national_id <> ''")
        return str(cursor.fetchone()[0])


def test_the_database_holds_only_ciphertext(organization: Organization) -> None:
    contact = Contact.objects.create(organization=organization, display_name="Rana", national_id=NATIONAL_ID)

    contact.refresh_from_db()
    assert contact.national_id == NATIONAL_ID
    assert NATIONAL_ID not in ciphertext()


def test_nobody_can_search_the_ciphertext_by_mistake(organization: Organization) -> None:
    with pytest.raises(TypeError, match="blind index"):
        Contact.objects.filter(national_id=NATIONAL_ID).exists()


def test_keys_are_rotated_and_the_old_one_can_be_dropped(organization: Organization, settings: SettingsWrapper) -> None:
    contact = Contact.objects.create(organization=organization, display_name="Rana", national_id=NATIONAL_ID)
    Contact.objects.create(organization=organization, display_name="Nobody")
    old, new = settings.FIELD_KEYS[0], Fernet.generate_key().decode()

    settings.FIELD_KEYS = [new, old]
    call_command("rotate_field_keys")
    settings.FIELD_KEYS = [new]

    contact.refresh_from_db()
    assert contact.national_id == NATIONAL_ID
    settings.FIELD_KEYS = [old]
    with pytest.raises(InvalidToken):
        decrypt(ciphertext())


def test_empty_stays_empty_and_a_blind_index_finds_without_showing() -> None:
    assert encrypt("") == decrypt("") == blind_index("") == ""
    assert blind_index(NATIONAL_ID) == blind_index(NATIONAL_ID)
    assert blind_index(NATIONAL_ID) != blind_index(NATIONAL_ID + "0")


def test_the_audit_trail_names_secrets_and_shows_none(organization: Organization) -> None:
    contact = Contact.objects.create(organization=organization, display_name="Rana", national_id=NATIONAL_ID)

    assert audit.snapshot(contact)["national_id"] == audit.HIDDEN
