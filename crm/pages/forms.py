"""The forms of crm's pages: they check the shape of what was typed; the rules are the services'."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from django import forms
from django.db.models import Q
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from core.actors import Actor
from core.models import Membership
from core.money import to_decimal
from core.roles import Reach
from crm.importing.values import price_of
from crm.models import Agent, Contact, Property
from crm.models.agents import AgentStatus
from crm.models.stock import PropertyStatus, Purpose
from crm.services import PROPERTY_MOVES

# What owners in Dubai speak; others are kept as they came.
LANGUAGES = [
    ("en", gettext_noop("English")),
    ("ar", gettext_noop("Arabic")),
    ("fr", gettext_noop("French")),
    ("hi", gettext_noop("Hindi")),
    ("ru", gettext_noop("Russian")),
    ("ur", gettext_noop("Urdu")),
    ("zh", gettext_noop("Chinese")),
]


class UnitForm(forms.Form):
    """What an agent hears from an owner: crm.services.FROM_OWNERS. Of the statuses only those it can move to."""

    status = forms.ChoiceField(label=gettext_lazy("Status"))
    asking_price = forms.CharField(
        label=gettext_lazy("Asking price"),
        required=False,
        max_length=40,
        help_text=gettext_lazy("As you would say it: 1,250,000 or 1.2M. Empty when there is none."),
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off", "dir": "ltr"}),
    )
    price_note = forms.CharField(
        label=gettext_lazy("Note on the price"), required=False, max_length=200, widget=forms.TextInput({"dir": "auto"})
    )
    purpose = forms.ChoiceField(label=gettext_lazy("Purpose"), required=False)
    view = forms.CharField(
        label=gettext_lazy("View"), required=False, max_length=60, widget=forms.TextInput({"dir": "auto"})
    )
    amenities = forms.CharField(
        label=gettext_lazy("Amenities"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy("Several are parted by commas."),
        widget=forms.TextInput({"dir": "auto"}),
    )
    description = forms.CharField(
        label=gettext_lazy("Description"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea({"rows": 4, "dir": "auto"}),
    )
    seen = forms.DateTimeField(widget=forms.HiddenInput, required=False)

    def __init__(self, unit: Property, *args: Any, **kwargs: Any) -> None:
        self.currency = unit.currency
        self.present = {
            "status": unit.status,
            "asking_price": _amount(unit),
            "price_note": unit.price_note,
            "purpose": unit.purpose,
            "view": unit.view,
            "amenities": ", ".join(unit.amenities),
            "description": unit.description,
        }
        kwargs["initial"] = {**self.present, "seen": unit.updated_at.isoformat()}
        super().__init__(*args, **kwargs)
        reachable = PROPERTY_MOVES[unit.status] | {unit.status}
        statuses: Any = self.fields["status"]
        statuses.choices = [(value, _(label)) for value, label in PropertyStatus.choices if value in reachable]
        purposes: Any = self.fields["purpose"]
        purposes.choices = [("", _("Not said")), *((value, _(label)) for value, label in Purpose.choices)]

    def clean_asking_price(self) -> str | None:
        """As people say it; what is no amount is told, never guessed."""
        text: str = self.cleaned_data["asking_price"].strip()
        if not text:
            return None
        minor, rest = price_of(text, self.currency)
        if minor is None or rest:
            raise forms.ValidationError(_("Write an amount such as 1,250,000 or 1.2M; words go into the note."))
        return to_decimal(minor, self.currency)

    def clean_amenities(self) -> list[str]:
        return [word for word in (" ".join(each.split()) for each in self.cleaned_data["amenities"].split(",")) if word]

    def changes(self) -> dict[str, Any]:
        """What differs from the unit that was on the screen, for services.update_property."""
        return {name: self.cleaned_data[name] for name in self.changed_data if name != "seen"}


def _amount(unit: Property) -> str:
    """The price as somebody would type it: 1,250,000."""
    if unit.asking_price_minor is None:
        return ""
    amount = f"{Decimal(to_decimal(unit.asking_price_minor, unit.currency)):,}"
    whole, _point, rest = amount.partition(".")
    return amount if rest.strip("0") else whole


class DueForm(forms.Form):
    due_on = forms.DateField(
        label=gettext_lazy("Due"), required=False, widget=forms.DateInput({"type": "date"}, format="%Y-%m-%d")
    )


class AssignmentForm(DueForm):
    """Who is to work on a project, or on one unit of it, until when."""

    field_order = ("agent", "due_on", "notes")

    agent = forms.ModelChoiceField(label=gettext_lazy("Agent"), queryset=Agent.objects.none())
    notes = forms.CharField(
        label=gettext_lazy("Notes"), required=False, max_length=2000, widget=forms.TextInput({"dir": "auto"})
    )

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["agent"] = AgentChoice(label=_("Agent"), queryset=ready_agents(actor))


class AgentChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, agent: Agent) -> str:
        return str(agent.name)


def ready_agents(actor: Actor) -> Any:
    """The agents to whom this actor may give work."""
    return Agent.objects.visible_to(actor).filter(status=AgentStatus.ACTIVE).order_by("name", "pk")


class ContactForm(forms.Form):
    """What is known of a person or a company, except the ways to reach them."""

    display_name = forms.CharField(label=gettext_lazy("Name"), max_length=200, widget=forms.TextInput({"dir": "auto"}))
    language = forms.ChoiceField(label=gettext_lazy("Language"), required=False)
    nationality = forms.CharField(
        label=gettext_lazy("Nationality"), required=False, max_length=60, widget=forms.TextInput({"dir": "auto"})
    )
    tags = forms.CharField(
        label=gettext_lazy("Tags"),
        required=False,
        max_length=1000,
        help_text=gettext_lazy("Several are parted by commas."),
        widget=forms.TextInput({"dir": "auto"}),
    )
    address = forms.CharField(
        label=gettext_lazy("Address"),
        required=False,
        max_length=2000,
        widget=forms.Textarea({"rows": 2, "dir": "auto"}),
    )
    assigned_to = forms.ModelChoiceField(
        label=gettext_lazy("Assigned to"), queryset=Membership.objects.none(), required=False
    )

    def __init__(self, actor: Actor, contact: Contact, *args: Any, **kwargs: Any) -> None:
        kwargs["initial"] = {
            "display_name": contact.display_name,
            "language": contact.language,
            "nationality": contact.nationality,
            "tags": ", ".join(contact.tags),
            "address": contact.address,
            "assigned_to": contact.assigned_to_id,
        }
        super().__init__(*args, **kwargs)
        languages: Any = self.fields["language"]
        known = dict(LANGUAGES)
        if contact.language:
            known.setdefault(contact.language, contact.language)
        languages.choices = [("", _("Not known")), *((code, _(name)) for code, name in known.items())]
        self.fields["assigned_to"] = MemberChoice(
            label=_("Assigned to"), queryset=_members(actor, contact), required=False, empty_label=_("Nobody")
        )

    def clean_tags(self) -> list[str]:
        tags = dict.fromkeys(
            word for word in (" ".join(each.split()) for each in self.cleaned_data["tags"].split(",")) if word
        )
        if any(len(tag) > 40 for tag in tags):
            raise forms.ValidationError(_("A tag has 40 letters at most."))
        return list(tags)

    def changes(self) -> dict[str, Any]:
        """What differs from the contact that was on the screen, for services.update_contact."""
        return {name: self.cleaned_data[name] for name in self.changed_data}


class MemberChoice(forms.ModelChoiceField):  # type: ignore[type-arg]
    def label_from_instance(self, member: Membership) -> str:
        return str(member.user.name)


def _members(actor: Actor, contact: Contact) -> Any:
    """Those to whom this actor may give a contact, and whoever has it now."""
    members = Membership.objects.filter(organization=actor.organization).select_related("user")
    if actor.reach is not Reach.ORGANIZATION:
        return members.filter(pk__in=[*actor.membership_ids, contact.assigned_to_id or 0]).order_by("user__name")
    return members.filter(Q(suspended_at__isnull=True) | Q(pk=contact.assigned_to_id)).order_by("user__name")
