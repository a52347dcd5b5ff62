"""People and companies we know, and the ways to reach them."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

import pgtrigger
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex, OpClass
from django.db import models
from django.db.models import F, Func, Q
from django.db.models.expressions import RawSQL
from django.db.models.functions import Reverse

from core.encryption import EncryptedTextField
from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey
from core.models.base import LIVE, known
from core.roles import Reach
from crm.models.do_not_contact import LISTED_POINTS_ARE_MARKED
from crm.models.history import kept_fields
from crm.models.mergeable import Mergeable, merged_into_index, merged_is_hidden
from crm.models.narrowing import ContactNarrowing
from crm.models.search import MOST_FOUND, keeps_words

if TYPE_CHECKING:
    from core.actors import Actor


class ContactKind(models.TextChoices):
    PERSON = "person", "Person"
    COMPANY = "company", "Company"


class ContactQuerySet(ContactNarrowing):
    def visible_to(self, actor: Actor) -> Self:
        """Agents: contacts assigned to them or their reports, and owners of the units they are assigned to."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        from crm.models.stock import Ownership, Property

        # EXISTS, not IN: for a handful of contacts the server then looks at their units, not at all units of the agent.
        units = Property.objects.visible_to(actor)
        owns = models.Exists(Ownership.objects.current().filter(contact=models.OuterRef("pk"), property__in=units))
        return visible.filter(Q(assigned_to__in=actor.membership_ids) | owns)

    def search(self, text: str, *, actor: Actor | None = None, most: int = MOST_FOUND) -> Self:
        """By words of the name, a whole e-mail address, or a number from its last seven digits on: the best so many, of those
        that an own-only `actor` sees where one is named, which takes a query.

        Fewer digits would let those who read numbers masked find the hidden ones one by one.
        """
        from crm.models.agents import ProjectAssignment

        text = text.replace("\x00", "").strip()
        if not text:
            return self
        projects, units = ProjectAssignment.objects.reach_of(actor) if actor else (None, None)
        members = None if actor is None or projects is None else list(actor.membership_ids)
        best = RawSQL(
            "SELECT id FROM majlis_search_contacts(%s, false, '', %s::bigint[], %s::bigint[], %s::bigint[], %s)",
            [text, members, projects, units, most],
        )
        return self.filter(pk__in=best)

    def owners(self) -> Self:
        """Contacts that own something now: what the office calls Owner."""
        from crm.models.stock import Ownership

        return self.filter(pk__in=Ownership.objects.current().values("contact"))


# Whoever writes a name need not know the key: it is worked out anew by the next search for duplicates.
NAME_KEY_FOLLOWS = pgtrigger.Trigger(
    name="name_key_follows",
    when=pgtrigger.Before,
    operation=pgtrigger.UpdateOf("normalized_name"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(old__normalized_name__df=pgtrigger.F("new__normalized_name")),
    func="""
        IF NEW.name_key = OLD.name_key THEN
            NEW.name_key := '';
        END IF;
        RETURN NEW;
    """,
)


# FOR SHARE: whoever suspends the member at this moment waits, or is waited for.
SUSPENDED_MEMBERS_GET_NONE = pgtrigger.Trigger(
    name="suspended_members_get_none",
    when=pgtrigger.Before,
    operation=pgtrigger.Insert | pgtrigger.UpdateOf("assigned_to_id"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(new__assigned_to__isnull=False),
    declare=[("since", "timestamptz")],
    func="""
        SELECT suspended_at INTO since FROM core_membership WHERE id = NEW.assigned_to_id FOR SHARE;
        IF since IS NOT NULL THEN
            RAISE EXCEPTION 'Membership % is suspended and is given no contact.', NEW.assigned_to_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'crm_contact_assignee_not_suspended',
                      TABLE = 'crm_contact';
        END IF;
        RETURN NEW;
    """,
)


class Contact(Mergeable):
    """A person or a company. Owner, client, prospect are roles that a contact plays, not other tables."""

    hidden_with: ClassVar[tuple[str, ...]] = ("points", "ownerships")
    read_by_owner: ClassVar[bool] = True

    kind = models.CharField(max_length=8, choices=ContactKind, default=ContactKind.PERSON)
    display_name = models.CharField(max_length=200)
    first_name = models.CharField(max_length=100, blank=True)
    last_name = models.CharField(max_length=100, blank=True)
    normalized_name = models.CharField(max_length=200, blank=True, help_text="for matching; crm/names.py")
    name_key = models.CharField(
        max_length=200,
        blank=True,
        editable=False,
        db_default="",
        help_text="alike in Arabic and Latin letters; empty until worked out (crm/transliteration.py)",
    )
    language = models.CharField(max_length=5, blank=True)
    nationality = models.CharField(max_length=60, blank=True)
    national_id = EncryptedTextField(blank=True, default="")
    national_id_index = models.CharField(max_length=64, blank=True, editable=False)
    address = models.TextField(blank=True)
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    is_bad_contact = models.BooleanField(default=False)
    source = models.CharField(max_length=40, blank=True)
    assigned_to = TenantForeignKey("core.Membership", null=True, blank=True, related_name="contacts")
    # What the search box reads, kept as that of units is; the function stands in migration 0005.
    search_text = models.GeneratedField(
        expression=Func(F("organization"), F("display_name"), function="majlis_contact_words", output_field=models.TextField()),
        output_field=models.TextField(), db_persist=True,
    )  # fmt: skip

    objects = ContactQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(name="crm_contact_has_a_name", condition=~Q(display_name="")),
            models.UniqueConstraint(
                fields=["organization", "national_id_index"],
                condition=LIVE & ~Q(national_id_index=""),
                name="crm_contact_national_id_once",
            ),
            merged_is_hidden("crm_contact"),
            known("crm_contact_kind_known", "kind", ContactKind),
        ]
        indexes = [
            # matching an imported owner: by normalised name within an organisation; the list by name
            models.Index(fields=["organization", "normalized_name", "id"], name="crm_contact_by_name"),
            # the search box
            GinIndex(OpClass(F("search_text"), "gin_trgm_ops"), condition=LIVE, name="crm_contact_words"),
            # the search box again: names that begin with what was typed, however many there are
            models.Index(
                F("organization"),
                OpClass(Func(F("display_name"), function="majlis_spaced", output_field=models.TextField()), "text_pattern_ops"),
                condition=LIVE, name="crm_contact_by_words",
            ),
            # who may be the same person, written in other letters
            models.Index(fields=["organization", "name_key"], name="crm_contact_by_name_key"),
            merged_into_index("crm_contact"),
        ]  # fmt: skip
        triggers = [
            SUSPENDED_MEMBERS_GET_NONE,
            *keeps_words("n.display_name"),
            kept_fields(
                "contact",
                {
                    "name": "r.display_name",
                    "bad_contact": "r.is_bad_contact",
                    "assigned_to": "r.assigned_to_id",
                    "deleted": "r.deleted_at IS NOT NULL",
                },
            ),
            NAME_KEY_FOLLOWS,
        ]

    def __str__(self) -> str:
        return f"{self.display_name} ({self.pk})"


class PointKind(models.TextChoices):
    PHONE = "phone", "Phone"
    EMAIL = "email", "E-mail"
    WHATSAPP = "whatsapp", "WhatsApp"
    BSUID = "bsuid", "WhatsApp user id"


class PointStatus(models.TextChoices):
    UNVERIFIED = "unverified", "Unverified"
    VALID = "valid", "Valid"
    INVALID = "invalid", "Invalid"
    REVIEW = "review", "To review"
    DO_NOT_CONTACT = "do_not_contact", "Do not contact"


class LineType(models.TextChoices):
    MOBILE = "mobile", "Mobile"
    FIXED = "fixed", "Fixed line"
    UNKNOWN = "", "Unknown"


class ContactPointQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(contact__in=Contact.objects.visible_to(actor))

    def whatsapp_able(self) -> Self:
        """Numbers and ids that WhatsApp can reach: no fixed lines, nothing invalid or under review."""
        return self.live().filter(
            Q(kind__in=[PointKind.PHONE, PointKind.WHATSAPP], line_type__in=[LineType.MOBILE, LineType.UNKNOWN])
            | Q(kind=PointKind.BSUID),
            status__in=[PointStatus.UNVERIFIED, PointStatus.VALID],
        )


class ContactPoint(SoftDeleteModel):
    """One way to reach a contact. A number may be shared by several contacts; a contact has it once."""

    read_by_owner: ClassVar[bool] = True

    contact = TenantForeignKey(Contact, related_name="points")
    kind = models.CharField(max_length=8, choices=PointKind)
    value = models.CharField(max_length=254, help_text="E.164, lower-case e-mail, or the id")
    raw = models.CharField(max_length=254, blank=True, help_text="as it was typed")
    country = models.CharField(max_length=2, blank=True)
    line_type = models.CharField(max_length=6, choices=LineType, default=LineType.UNKNOWN, blank=True)
    status = models.CharField(max_length=14, choices=PointStatus, default=PointStatus.UNVERIFIED)
    is_primary = models.BooleanField(default=False)
    validated_at = models.DateTimeField(null=True, blank=True)
    # Whoever tried it knows more than any run of validation: such a point is left alone by them.
    verified_by = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+", db_index=False)
    notes = models.CharField(max_length=200, blank=True)

    objects = ContactPointQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "contact", "kind", "value"], condition=LIVE, name="crm_contact_point_once"
            ),
            models.UniqueConstraint(
                fields=["organization", "contact", "kind"],
                condition=LIVE & Q(is_primary=True),
                name="crm_contact_point_one_primary_per_kind",
            ),
            known("crm_contact_point_kind_known", "kind", PointKind),
            known("crm_contact_point_status_known", "status", PointStatus),
            known("crm_contact_point_line_type_known", "line_type", LineType),
            # E.164: what is no number of it leads nowhere. What a sheet had and nobody could read is kept as it was typed,
            # invalid or to review, and may not be used before it is a number.
            models.CheckConstraint(
                name="crm_contact_point_number_is_e164",
                condition=~Q(kind__in=[PointKind.PHONE, PointKind.WHATSAPP])
                | Q(value__regex=r"^\+[1-9][0-9]{6,14}$")
                | ~Q(status__in=[PointStatus.UNVERIFIED, PointStatus.VALID])
                | ~LIVE,
            ),
        ]
        indexes = [
            # who has this number: webhooks, imports, the search box by its beginning
            models.Index(F("organization"), OpClass(F("value"), "text_pattern_ops"), name="crm_contact_point_by_value"),
            # the search box, by its end
            models.Index(F("organization"), OpClass(Reverse("value"), "text_pattern_ops"), name="crm_contact_point_by_end"),
        ]  # fmt: skip
        triggers = [
            LISTED_POINTS_ARE_MARKED,
            # Whether they may be written to there; that a number was found valid is no news of the contact.
            kept_fields(
                "point",
                {"consent": "jsonb_build_object(''point'', r.id, ''refused'', r.status = ''do_not_contact'')"},
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} of contact {self.contact_id} ({self.pk})"
