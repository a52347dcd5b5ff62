"""The form of a sequence: its rules, and one card for each step. It checks shapes; the rules are the services'."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from campaigns.models import Act, Sequence, SequenceStep
from campaigns.models.sequences import MOST_STEPS
from campaigns.pages.campaign import bubble_with, direction_of
from campaigns.pages.form import CLOCK
from campaigns.pages.variable_fields import SAME_TEXT
from campaigns.rendering import asked_by
from campaigns.sequences import SequenceChanges, StepChanges
from campaigns.variables import SOURCES
from core.actors import Actor
from messaging.models import Channel, MessageTemplate
from messaging.models.channels import TemplateStatus
from messaging.templates import Bubble

CONDITIONS = {
    "if_unseen": gettext_lazy("not delivered yet"),
    "if_delivered": gettext_lazy("delivered, not read"),
    "if_read": gettext_lazy("read, not answered"),
    "if_replied": gettext_lazy("answered"),
    "if_failed": gettext_lazy("failed"),
}


class RulesForm(forms.Form):
    """What holds for all steps."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=150, help_text=gettext_lazy("For you and your colleagues only.")
    )
    channel = forms.ModelChoiceField(Channel.objects.none(), label=gettext_lazy("Number to send from"))
    quiet_from = forms.TimeField(
        label=gettext_lazy("Quiet from"),
        required=False,
        widget=CLOCK,
        help_text=gettext_lazy("By the clock where the person's number lives."),
    )
    quiet_until = forms.TimeField(label=gettext_lazy("Quiet until"), required=False, widget=CLOCK)
    quiet_after_talk_hours = forms.IntegerField(
        label=gettext_lazy("Do not enrol who wrote to us within (hours)"), min_value=0, max_value=8760, initial=24
    )
    working_days_only = forms.BooleanField(label=gettext_lazy("Not at weekends and on holidays"), required=False)
    stop_on_reply = forms.BooleanField(label=gettext_lazy("Ends when they answer"), required=False, initial=True)
    stop_on_sale = forms.BooleanField(
        label=gettext_lazy("Ends when the unit is sold, or is theirs no more"), required=False, initial=True
    )
    may_reenter = forms.BooleanField(
        label=gettext_lazy("Who has left may be enrolled again"), required=False, initial=True
    )

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["channel"]
        field.queryset = Channel.objects.visible_to(actor).order_by("name", "pk")
        field.label_from_instance = lambda channel: f"{channel.name} {channel.display_number}"

    @property
    def switches(self) -> list[Any]:
        return [self[name] for name in ("stop_on_reply", "stop_on_sale", "working_days_only", "may_reenter")]


class StepForm(forms.Form):
    """One step. Its questions about variables are those of the template that is chosen so far."""

    id = forms.IntegerField(required=False, widget=forms.HiddenInput)
    template = forms.ModelChoiceField(MessageTemplate.objects.none(), label=gettext_lazy("Template"))
    delay_days = forms.IntegerField(label=gettext_lazy("Days"), min_value=0, max_value=365, initial=0)
    delay_hours = forms.IntegerField(label=gettext_lazy("Hours"), min_value=0, max_value=23, initial=0)
    delay_minutes = forms.IntegerField(label=gettext_lazy("Minutes"), min_value=0, max_value=59, initial=0)
    at_time = forms.TimeField(label=gettext_lazy("Then at"), required=False, widget=CLOCK)

    def __init__(self, actor: Actor, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field: Any = self.fields["template"]
        usable = MessageTemplate.objects.visible_to(actor).filter(status=TemplateStatus.APPROVED)
        field.queryset = usable.select_related("channel").order_by("name", "language", "pk")
        field.label_from_instance = lambda template: f"{template.name} ({template.language})"
        for name, label in CONDITIONS.items():
            acts = [(value, _(str(words))) for value, words in Act.choices]
            self.fields[name] = forms.ChoiceField(
                label=label, choices=acts, initial=Act.STOP if name == "if_failed" else Act.CONTINUE
            )
        self.chosen = self._chosen(field.queryset)
        for variable in asked_by(self.chosen) if self.chosen else []:
            self.fields[f"source.{variable.key}"] = forms.ChoiceField(
                label=f"{{{{{variable.name}}}}}",
                choices=[
                    *((name, _(source.label)) for name, source in SOURCES.items()),
                    (SAME_TEXT, _("The same text for all")),
                ],
            )
            self.fields[f"text.{variable.key}"] = forms.CharField(
                label=_("Text, or instead of what is missing"), required=False, max_length=300
            )

    def _chosen(self, templates: Any) -> MessageTemplate | None:
        wanted = self.data.get(self.add_prefix("template")) if self.is_bound else self.initial.get("template")
        text = str(wanted or "")
        found: MessageTemplate | None = (
            templates.filter(pk=int(text)).first() if text.isdecimal() and len(text) < 19 else None
        )
        return found

    @property
    def conditions(self) -> list[Any]:
        return [self[name] for name in CONDITIONS]

    @property
    def variables(self) -> list[tuple[Any, Any]]:
        keys = [each.key for each in asked_by(self.chosen)] if self.chosen else []
        return [(self[f"source.{key}"], self[f"text.{key}"]) for key in keys]

    @property
    def bubble(self) -> Bubble | None:
        return bubble_with(self.chosen, self.mapping()) if self.chosen else None

    @property
    def direction(self) -> str:
        return direction_of(self.chosen) if self.chosen else "ltr"

    def mapping(self) -> dict[str, dict[str, str]]:
        """Where the text of each variable comes from, of what is there so far."""
        found: dict[str, dict[str, str]] = {}
        for variable in asked_by(self.chosen) if self.chosen else []:
            names = f"source.{variable.key}", f"text.{variable.key}"
            source, text = (self[name].value() or "" for name in names)
            if not source:
                source = next(iter(SOURCES))
            found[variable.key] = {"text": text} if source == SAME_TEXT else {"source": source, "fallback": text}
        return found

    def changes(self) -> StepChanges:
        """As the service takes it. Only of a form that is valid."""
        given = self.cleaned_data
        values: Any = {name: given[name] for name in ("id", "template", "delay_days", "at_time", *CONDITIONS)}
        minutes = 60 * given["delay_hours"] + given["delay_minutes"]
        return cast(StepChanges, {**values, "delay_minutes": minutes, "variables": self.mapping()})


@dataclass(slots=True)
class SequenceForm:
    """The rules and the steps together, of a request or of a sequence that is there."""

    rules: RulesForm
    steps: list[StepForm]

    def is_valid(self) -> bool:
        return all([self.rules.is_valid(), *(step.is_valid() for step in self.steps)])

    def changes(self) -> SequenceChanges:
        steps = [step.changes() for step in self.steps]
        return cast(SequenceChanges, {**self.rules.cleaned_data, "steps": steps})

    @property
    def may_grow(self) -> bool:
        return len(self.steps) < MOST_STEPS


def form_of(actor: Actor, sequence: Sequence | None, steps: list[SequenceStep]) -> SequenceForm:
    """What is there already, or the first questions of a new one."""
    rules = RulesForm(actor, initial=_rules(sequence) if sequence else {"quiet_from": "21:00", "quiet_until": "09:00"})
    shown = [_initial(step) for step in steps] or [{}]
    return SequenceForm(
        rules, [StepForm(actor, prefix=f"step{number}", initial=given) for number, given in enumerate(shown)]
    )


def form_in(actor: Actor, data: Mapping[str, Any]) -> SequenceForm:
    """What was typed, after what a button of the form asked for: `add`, `remove.2`, `up.2`."""
    count = str(data.get("steps", "1"))
    total = min(max(int(count) if count.isdecimal() and len(count) < 4 else 1, 1), MOST_STEPS)
    order: list[int | None] = list(range(total))
    asked, _dot, which = str(data.get("do", "")).partition(".")
    at = int(which) if which.isdecimal() and len(which) < 4 and int(which) < total else None
    if asked == "add" and total < MOST_STEPS:
        order.append(None)
    elif asked == "remove" and at is not None and total > 1:
        order.pop(at)
    elif asked == "up" and at:
        order[at - 1], order[at] = order[at], order[at - 1]
    given: dict[str, Any] = {name: data[name] for name in data if not name.startswith("step")}
    for now, before in enumerate(order):
        start = f"step{before}-"
        given |= {f"step{now}-{name.removeprefix(start)}": data[name] for name in data if name.startswith(start)}
    forms_of_steps = [
        StepForm(actor, prefix=f"step{now}", initial={})
        if before is None
        else StepForm(actor, given, prefix=f"step{now}")
        for now, before in enumerate(order)
    ]
    return SequenceForm(RulesForm(actor, given), forms_of_steps)


def _rules(sequence: Sequence) -> dict[str, Any]:
    return {name: getattr(sequence, name) for name in RulesForm.base_fields if name != "channel"} | {
        "channel": sequence.channel_id
    }


def _initial(step: SequenceStep) -> dict[str, Any]:
    names = ("delay_days", "at_time", *CONDITIONS)
    initial: dict[str, Any] = {name: getattr(step, name) for name in names}
    initial |= {"id": step.pk, "template": step.template_id}
    initial |= {"delay_hours": step.delay_minutes // 60, "delay_minutes": step.delay_minutes % 60}
    for key, wanted in step.variables.items():
        initial[f"source.{key}"] = wanted.get("source", SAME_TEXT if "text" in wanted else "")
        initial[f"text.{key}"] = wanted.get("text", wanted.get("fallback", ""))
    return initial
