"""The form of a campaign: it checks the shape of what was typed; the rules are the services'."""

from __future__ import annotations

from typing import Any, cast

from django import forms
from django.http import QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, gettext_noop

from campaigns.audience.filters import FILTERS
from campaigns.models import Campaign, Segment, Target
from campaigns.pages.variable_fields import mapping_of, variable_fields, variable_initial, variable_pairs
from campaigns.services import CampaignChanges
from core.actors import Actor
from core.errors import Invalid
from core.money import to_decimal, to_minor
from crm.models import Project, Property
from crm.models.stock import PropertyStatus
from crm.pages.forms import LANGUAGES
from messaging.models import Channel, MessageTemplate

MOST_UNITS = 500
# Lists that people type, parted by commas; and those that they tick.
TYPED = {"clusters": gettext_lazy("Clusters"), "layouts": gettext_lazy("Layouts"), "tags": gettext_lazy("Tags")}
MOST_CAMPAIGNS = 100
TICKED = {"property_statuses": gettext_lazy("Units with status"), "languages": gettext_lazy("Language of the person")}
# What the sources of variables are called: named here so that translators meet them.
SOURCE_LABELS = [
    gettext_noop("Name"), gettext_noop("First name"), gettext_noop("Last name"), gettext_noop("Unit, as people call it"),
    gettext_noop("Unit number"), gettext_noop("Building"), gettext_noop("Cluster"), gettext_noop("Layout"),
    gettext_noop("Floor"), gettext_noop("Bedrooms"), gettext_noop("Area in square metres"),
    gettext_noop("Area in square feet"), gettext_noop("Asking price"), gettext_noop("Project"), gettext_noop("Developer"),
    gettext_noop("Area of the project"), gettext_noop("Agent"), gettext_noop("Agent's WhatsApp number"),
    gettext_noop("Our name"), gettext_noop("Our phone number"), gettext_noop("Our e-mail address"),
    gettext_noop("Our address"), gettext_noop("Our city"), gettext_noop("Nationality"), gettext_noop("View"),
    gettext_noop("City of the project"),
]  # fmt: skip
MOMENT = forms.DateTimeInput({"type": "datetime-local"}, format="%Y-%m-%dT%H:%M")
CLOCK = forms.TimeInput({"type": "time"}, format="%H:%M")


class CampaignForm(forms.Form):
    """One question for each variable of the template, which was chosen first."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=150, help_text=gettext_lazy("For you and your colleagues only.")
    )
    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(),
        label=gettext_lazy("Numbers to send from"),
        help_text=gettext_lazy("Several take turns."),
        widget=forms.CheckboxSelectMultiple,
    )
    target = forms.ChoiceField(label=gettext_lazy("To whom"))
    project = forms.ModelChoiceField(
        Project.objects.none(), label=gettext_lazy("Project"), required=False, empty_label=gettext_lazy("All projects")
    )
    segment = forms.ModelChoiceField(Segment.objects.none(), label=gettext_lazy("Segment"), required=False)
    days = forms.IntegerField(
        label=gettext_lazy("Leads of the last (days)"), required=False, min_value=1, max_value=365, initial=30
    )
    units = forms.CharField(
        label=gettext_lazy("P-numbers of the units"),
        required=False,
        max_length=20_000,
        help_text=gettext_lazy("Several are parted by commas or lines."),
        widget=forms.Textarea({"rows": 3, "dir": "ltr"}),
    )
    starts_at = forms.DateTimeField(
        label=gettext_lazy("Starts"),
        required=False,
        widget=MOMENT,
        help_text=gettext_lazy("Empty: when somebody presses Start."),
    )
    ends_at = forms.DateTimeField(label=gettext_lazy("Ends at the latest"), required=False, widget=MOMENT)
    quiet_from = forms.TimeField(label=gettext_lazy("Quiet from"), required=False, widget=CLOCK)
    quiet_until = forms.TimeField(label=gettext_lazy("Quiet until"), required=False, widget=CLOCK)
    messages_per_second = forms.IntegerField(
        label=gettext_lazy("Messages a second"),
        required=False,
        min_value=1,
        max_value=1000,
        help_text=gettext_lazy("Empty: as fast as the numbers may."),
    )
    skip_messaged_within_hours = forms.IntegerField(
        label=gettext_lazy("Leave out whom another campaign wrote to within (hours)"),
        min_value=0,
        max_value=8760,
        initial=24,
    )
    skip_talking_within_hours = forms.IntegerField(
        label=gettext_lazy("Leave out who wrote to us within (hours)"), min_value=0, max_value=8760, initial=24
    )
    most_messages = forms.IntegerField(
        label=gettext_lazy("Messages to one person at most"), required=False, min_value=1, max_value=1000
    )
    per_days = forms.IntegerField(label=gettext_lazy("... within (days)"), required=False, min_value=1, max_value=365)
    is_quiet_on_days_off = forms.BooleanField(
        label=gettext_lazy("Quiet at the weekend and on public holidays"), required=False
    )
    canary_size = forms.IntegerField(
        label=gettext_lazy("First to so many people"),
        required=False,
        min_value=1,
        help_text=gettext_lazy("Then it pauses, for somebody to look. Empty: to all at once."),
    )
    daily_cap_per_number = forms.IntegerField(
        label=gettext_lazy("A day from each number at most"), required=False, min_value=1
    )
    stop_at_failure_percent = forms.IntegerField(
        label=gettext_lazy("Pause when so many of a hundred fail"),
        required=False,
        min_value=1,
        max_value=100,
        initial=30,
    )
    spacing_min_seconds = forms.IntegerField(
        label=gettext_lazy("Seconds between two messages, at least"), required=False, min_value=0, max_value=3600
    )
    spacing_max_seconds = forms.IntegerField(
        label=gettext_lazy("... and at most"), required=False, min_value=1, max_value=3600
    )
    excluded_campaigns = forms.TypedMultipleChoiceField(
        label=gettext_lazy("Leave out the people of these campaigns"), required=False, coerce=int
    )
    budget = forms.CharField(
        label=gettext_lazy("It may cost at most"),
        required=False,
        max_length=30,
        widget=forms.TextInput({"inputmode": "decimal", "dir": "ltr"}),
    )

    def __init__(
        self, actor: Actor, template: MessageTemplate, campaign: Campaign | None, data: QueryDict | None = None
    ) -> None:
        self.actor, self.template, self.campaign = actor, template, campaign
        super().__init__(data, initial=_initial(template, campaign))
        fields: dict[str, Any] = self.fields
        channels = Channel.objects.visible_to(actor).filter(waba_id=template.channel.waba_id)
        fields["channels"].queryset = channels.order_by("name", "pk")
        fields["channels"].label_from_instance = lambda channel: f"{channel.name} {channel.display_number}"
        fields["project"].label_from_instance = lambda project: f"{project.number} {project.name}"
        fields["project"].queryset = Project.objects.visible_to(actor).order_by("number")
        fields["segment"].queryset = Segment.objects.visible_to(actor).order_by("name")
        fields["segment"].label_from_instance = lambda segment: segment.name
        others = Campaign.objects.visible_to(actor).exclude(pk=campaign.pk if campaign else None)
        fields["excluded_campaigns"].choices = others.order_by("-pk").values_list("pk", "name")[:MOST_CAMPAIGNS]
        self.currency = campaign.budget_currency if campaign else Campaign._meta.get_field("budget_currency").default
        fields["budget"].help_text = _("In %(currency)s; empty: no limit.") % {"currency": self.currency}
        # A list of contacts is chosen elsewhere; here it is kept as it is.
        chosen = campaign.target if campaign else ""
        fields["target"].choices = [
            (value, _(str(label))) for value, label in Target.choices if value != Target.LIST or value == chosen
        ]
        for name, label in TYPED.items():
            fields[name] = forms.CharField(label=label, required=False, max_length=2_000)
            fields[name].help_text = _("Several are parted by commas.")
        choices = {"property_statuses": PropertyStatus.choices, "languages": LANGUAGES}
        for name, label in TICKED.items():
            shown = [(value, _(str(words))) for value, words in choices[name]]
            fields[name] = forms.MultipleChoiceField(
                label=label, required=False, choices=shown, widget=forms.CheckboxSelectMultiple
            )
        fields |= variable_fields(template)

    @property
    def variables(self) -> list[tuple[Any, Any]]:
        """The two questions of each variable."""
        return variable_pairs(self, self.template)

    @property
    def narrowing(self) -> list[tuple[Any, str, bool]]:
        """The questions that narrow a target, the targets that have them, and whether they are ticked."""
        columns = [("days", "days"), ("units", "property_ids"), *((name, name) for name in (*TYPED, *TICKED))]
        return [
            (self["segment"], Target.SEGMENT.value, False),
            *(
                (self[field], " ".join(each for each in Target.values if column in FILTERS[each]), field in TICKED)
                for field, column in columns
            ),
        ]

    def clean_units(self) -> list[int]:
        """Property ids of the P-numbers that were typed; each must be a unit that this member sees."""
        wanted = dict.fromkeys(part.strip() for part in self.cleaned_data["units"].replace("\n", ",").split(","))
        wanted.pop("", None)
        if len(wanted) > MOST_UNITS:
            raise forms.ValidationError(_("At most %(count)d units at once.") % {"count": MOST_UNITS})
        units = Property.objects.visible_to(self.actor)
        rows = units.filter(p_number__in=list(wanted)).values_list("p_number", "pk")
        found: dict[str, int] = dict(rows)
        strangers = [each for each in wanted if each not in found]
        if strangers:
            raise forms.ValidationError(
                _("There is no unit %(number)s among yours.") % {"number": ", ".join(strangers[:5])}
            )
        return list(found.values())

    def clean_budget(self) -> int | None:
        """Minor units of the budget's currency."""
        text = self.cleaned_data["budget"]
        try:
            return to_minor(text, self.currency) if text else None
        except Invalid as refusal:
            raise forms.ValidationError(refusal.message) from None

    def changes(self) -> CampaignChanges:
        """What was typed, as the service takes it. Only of a form that is valid."""
        given = self.cleaned_data
        values: Any = {name: given[name] for name in CampaignChanges.__annotations__ if name in given}
        values |= {"channels": list(given["channels"]), "template": self.template}
        values |= {
            "budget_minor": given["budget"],
            "segment": given["segment"] if given["target"] == Target.SEGMENT else None,
        }
        values |= {"audience": self._audience(given), "variables": mapping_of(self.template, given)}
        return cast(CampaignChanges, values)

    def _audience(self, given: dict[str, Any]) -> dict[str, Any]:
        target = given["target"]
        kept = self.campaign.audience if self.campaign and self.campaign.target == target else {}
        asked = {name: _parts(given[name]) for name in TYPED} | {name: given[name] for name in TICKED}
        asked |= {name: given[name] for name in ("days", "excluded_campaigns")} | {"property_ids": given["units"]}
        # What this form does not ask (a list of contacts) stays as it was.
        audience = {name: value for name, value in kept.items() if name not in asked}
        return audience | {name: value for name, value in asked.items() if value and name in FILTERS[target]}


class SecondForm(forms.Form):
    """The second of two messages: to how many of a hundred, and with what filled in."""

    second_percent = forms.IntegerField(
        label=gettext_lazy("Of a hundred people it goes to"), min_value=1, max_value=99, initial=50
    )

    def __init__(self, template: MessageTemplate, campaign: Campaign, data: QueryDict | None = None) -> None:
        self.template = template
        kept = campaign.second_variables if campaign.second_template_id == template.pk else campaign.variables
        initial = variable_initial(template, kept) | {"second_percent": campaign.second_percent or 50}
        super().__init__(data, initial=initial)
        self.fields |= variable_fields(template)

    @property
    def variables(self) -> list[tuple[Any, Any]]:
        return variable_pairs(self, self.template)

    def changes(self) -> CampaignChanges:
        """What was typed, as the service takes it. Only of a form that is valid."""
        given = self.cleaned_data
        return CampaignChanges(
            second_template=self.template,
            second_percent=given["second_percent"],
            second_variables=mapping_of(self.template, given),
        )


def _parts(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _initial(template: MessageTemplate, campaign: Campaign | None) -> dict[str, Any]:
    if campaign is None:
        return {"target": Target.ALL_OWNERS} | variable_initial(template, {})
    audience = campaign.audience
    names = [name for name in CampaignForm.base_fields if name in CampaignChanges.__annotations__]
    initial: dict[str, Any] = {
        name: getattr(campaign, name) for name in names if name not in ("channels", "project", "segment")
    }
    initial |= {
        "segment": campaign.segment_id,
        "days": audience.get("days"),
        "excluded_campaigns": audience.get("excluded_campaigns", []),
    }
    if campaign.budget_minor is not None:
        initial["budget"] = to_decimal(campaign.budget_minor, campaign.budget_currency)
    initial |= {"project": campaign.project_id, "channels": [channel.pk for channel in campaign.channels.all()]}
    initial |= {name: ", ".join(audience.get(name, [])) for name in TYPED}
    initial |= {name: audience.get(name, []) for name in TICKED}
    units = Property.objects.filter(organization=campaign.organization_id, pk__in=audience.get("property_ids", []))
    initial["units"] = ", ".join(sorted(number for number in units.values_list("p_number", flat=True) if number))
    return initial | variable_initial(template, campaign.variables)
