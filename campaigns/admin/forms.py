"""The form of a campaign: one question for each variable of the template that was chosen first."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from unfold.widgets import (
    UnfoldAdminCheckboxSelectMultipleWidget,
    UnfoldAdminIntegerFieldWidget,
    UnfoldAdminSelectWidget,
    UnfoldAdminTextareaWidget,
    UnfoldAdminTextInputWidget,
)

from campaigns import services
from campaigns.models import Campaign, Segment, Target
from campaigns.rendering import asked_by
from campaigns.variables import SOURCES
from core.actors import Actor
from core.errors import DomainError
from core.money import to_decimal, to_minor
from crm.models.stock import PropertyStatus
from messaging.models import Channel, MessageTemplate

LISTS = {
    "property_statuses": "Units with status",
    "clusters": "Clusters",
    "layouts": "Layouts",
    "languages": "Languages of the person",
    "tags": "Tags of the contact",
    "property_ids": "Ids of units",
    "contact_ids": "Ids of contacts",
    "excluded_campaigns": "Not the people of these campaigns (ids)",
}
IDS = ("property_ids", "contact_ids", "excluded_campaigns")
WRITTEN = "text"


class ReasonForm(forms.Form):
    reason = forms.CharField(label=_("Reason"), max_length=300, widget=UnfoldAdminTextareaWidget(attrs={"rows": 3}))


class ConfirmForm(forms.Form):
    """Nothing to say but yes."""


class TemplateForm(forms.Form):
    """The first question of a new campaign."""

    template = forms.ModelChoiceField(MessageTemplate.objects.none(), widget=UnfoldAdminSelectWidget)


class CampaignForm(forms.ModelForm):
    """Saved by the service while it is checked, so that a refusal stands beside the question it is about."""

    actor: ClassVar[Actor]
    template: ClassVar[MessageTemplate]

    channels = forms.ModelMultipleChoiceField(
        Channel.objects.none(),
        label=_("Numbers to send from"),
        help_text=_("Several take turns."),
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
    )

    class Meta:
        model = Campaign
        fields: ClassVar = [
            "name", "project", "target", "segment", "starts_at", "ends_at", "quiet_from", "quiet_until",
            "is_quiet_on_days_off", "messages_per_second", "spacing_min_seconds", "spacing_max_seconds",
            "daily_cap_per_number", "canary_size", "stop_at_failure_percent", "skip_messaged_within_hours",
            "skip_talking_within_hours", "most_messages", "per_days", "budget_currency",
        ]  # fmt: skip

    days = forms.IntegerField(
        label=_("Leads of so many days"),
        required=False,
        min_value=1,
        max_value=365,
        widget=UnfoldAdminIntegerFieldWidget,
    )
    budget = forms.DecimalField(
        label=_("Budget"),
        required=False,
        help_text=_("what it may cost at most, in the currency of the prices"),
        widget=UnfoldAdminTextInputWidget,
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["segment"].queryset = Segment.objects.visible_to(self.actor)  # type: ignore[attr-defined]
        self.initial["days"] = self.instance.audience.get("days")
        if self.instance.budget_minor is not None:
            self.initial["budget"] = to_decimal(self.instance.budget_minor, self.instance.budget_currency)
        self.fields["channels"].queryset = Channel.objects.visible_to(self.actor).filter(  # type: ignore[attr-defined]
            waba_id=self.template.channel.waba_id
        )
        campaign = self.instance
        if campaign.pk:
            self.initial["channels"] = list(campaign.channels.all())
        for name in LISTS:
            kept = campaign.audience.get(name, [])
            self.initial[name] = kept if name == "property_statuses" else ", ".join(str(each) for each in kept)
        for key, wanted in campaign.variables.items():
            self.initial[f"source:{key}"] = wanted.get("source", WRITTEN)
            self.initial[f"text:{key}"] = wanted.get("text", wanted.get("fallback", ""))

    def clean(self) -> dict[str, Any]:
        given: dict[str, Any] = super().clean() or {}
        if self.errors:
            return given
        values = {name: given[name] for name in (*self.Meta.fields, "channels")}
        values |= {"audience": self._audience(given), "variables": self._variables(given), "template": self.template}
        values["channels"] = list(values["channels"])
        try:
            budget = given.get("budget")
            values["budget_minor"] = None if budget is None else to_minor(budget, values["budget_currency"])
            if self.instance.pk:
                campaign = Campaign.objects.get(pk=self.instance.pk)
                self.instance = services.update_campaign(
                    actor=self.actor, campaign=campaign, at=timezone.now(), **values
                )
            else:
                self.instance = services.create_campaign(actor=self.actor, at=timezone.now(), **values)
        except DomainError as error:
            field = error.details.get("field")
            raise forms.ValidationError({field: error.message} if field in self.fields else error.message) from None
        return given

    def _post_clean(self) -> None:
        """The service has checked and saved it."""

    def _audience(self, given: dict[str, Any]) -> dict[str, list[Any]]:
        audience: dict[str, list[Any]] = {}
        for name in LISTS:
            value = given.get(name) or []
            parts = value if isinstance(value, list) else [part.strip() for part in value.split(",") if part.strip()]
            if parts:
                audience[name] = [int(part) if part.isdigit() else part for part in parts] if name in IDS else parts
        return audience | ({"days": given["days"]} if given.get("days") else {})

    def _variables(self, given: dict[str, Any]) -> dict[str, dict[str, str]]:
        mapping: dict[str, dict[str, str]] = {}
        for variable in asked_by(self.template):
            source, text = given[f"source:{variable.key}"], given[f"text:{variable.key}"]
            mapping[variable.key] = {"text": text} if source == WRITTEN else {"source": source, "fallback": text}
        return mapping


def form_for(actor: Actor, template: MessageTemplate) -> type[CampaignForm]:
    """The form of campaigns that send this template."""
    fields: dict[str, Any] = {"actor": actor, "template": template}
    choices = [(name, source.label) for name, source in SOURCES.items()]
    for variable in asked_by(template):
        example = f", as {variable.example}" if variable.example else ""
        fields[f"source:{variable.key}"] = forms.ChoiceField(
            label=f"Variable {{{{{variable.name}}}}} of the {variable.place}",
            choices=[*choices, (WRITTEN, "The same text for all")],
            help_text=f"where its text comes from{example}",
            widget=UnfoldAdminSelectWidget,
        )
        fields[f"text:{variable.key}"] = forms.CharField(
            label=f"{{{{{variable.name}}}}}: text, or instead of what is missing",
            required=False,
            max_length=300,
            help_text=_("With no fallback, people of whom it is not known are skipped."),
            widget=UnfoldAdminTextInputWidget,
        )
    for name, label in LISTS.items():
        if name == "property_statuses":
            fields[name] = forms.MultipleChoiceField(
                label=label,
                choices=PropertyStatus.choices,
                required=False,
                widget=UnfoldAdminCheckboxSelectMultipleWidget,
            )
        else:
            widget = UnfoldAdminTextareaWidget(attrs={"rows": 2}) if name in IDS else UnfoldAdminTextInputWidget
            fields[name] = forms.CharField(
                label=label, required=False, help_text=_("separated by commas"), widget=widget
            )
    return type("CampaignFormOfTemplate", (CampaignForm,), fields)


def fieldsets_for(template: MessageTemplate) -> list[Any]:
    """The order in which a campaign is thought of."""
    variables = [f"{part}:{each.key}" for each in asked_by(template) for part in ("source", "text")]
    narrowing = [name for name in LISTS if name not in IDS]
    said = ", ".join(f"{label.lower()}" for label in Target.labels)
    return [
        ("What", {"fields": ["name", "channels"]}),
        ("To whom", {"fields": ["project", "target", "segment", "days", *IDS, *narrowing], "description": f"One of: {said}."}),
        *([("Variables", {"fields": variables})] if variables else []),
        (
            "When, and how fast",
            {
                "fields": [
                    "starts_at", "ends_at", "quiet_from", "quiet_until", "is_quiet_on_days_off", "messages_per_second",
                    "spacing_min_seconds", "spacing_max_seconds", "daily_cap_per_number",
                ]
            },
        ),
        (
            "Who is left out",
            {"fields": ["skip_messaged_within_hours", "skip_talking_within_hours", "most_messages", "per_days"]},
        ),
        ("What it may cost", {"fields": ["budget", "budget_currency"]}),
        ("When it stops by itself", {"fields": ["canary_size", "stop_at_failure_percent"]}),
    ]  # fmt: skip
