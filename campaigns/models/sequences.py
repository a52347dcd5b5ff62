"""Several messages to one person, one after the other, until they answer: who gets which step, and the proof of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from django.db import models
from django.db.models import F, Q

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel, TenantQuerySet
from core.models.base import LIVE, known
from core.roles import Reach
from crm.models import Contact, Property
from messaging.models import Channel, Message, MessageTemplate

if TYPE_CHECKING:
    from typing import Self

    from core.actors import Actor

MOST_STEPS = 10


class SequenceStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    IN_REVIEW = "in_review", "In review"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    ARCHIVED = "archived", "Archived"


_S = SequenceStatus
SEQUENCE_MOVES: dict[str, frozenset[str]] = {
    _S.DRAFT: frozenset({_S.IN_REVIEW, _S.ARCHIVED}),
    _S.IN_REVIEW: frozenset({_S.ACTIVE, _S.DRAFT, _S.ARCHIVED}),
    _S.ACTIVE: frozenset({_S.PAUSED, _S.ARCHIVED}),
    _S.PAUSED: frozenset({_S.ACTIVE, _S.ARCHIVED}),
    _S.ARCHIVED: frozenset(),
}


class SequenceQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Agents and supervisors: what they or their reports wrote."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(created_by__in=actor.membership_ids)


class Sequence(SoftDeleteModel):
    """One to ten steps, when they may go out, and what ends them for a person. Whoever says stop is always let go."""

    hidden_with: ClassVar[tuple[str, ...]] = ()

    name = models.CharField(max_length=150)
    channel = TenantForeignKey(Channel, related_name="sequences", help_text="the number it writes from")
    status = models.CharField(max_length=9, choices=SequenceStatus, default=SequenceStatus.DRAFT)
    status_reason = models.CharField(max_length=300, blank=True, help_text="why it is in this status, in words")
    quiet_from = models.TimeField(null=True, blank=True, help_text="nothing goes out from then, the person's own time")
    quiet_until = models.TimeField(null=True, blank=True)
    working_days_only = models.BooleanField(default=False, help_text="not at weekends and on the house's holidays")
    stop_on_reply = models.BooleanField(default=True)
    stop_on_sale = models.BooleanField(default=True, help_text="ends when the unit is sold, or is theirs no more")
    may_reenter = models.BooleanField(default=True, help_text="who has left may be enrolled again; no step is repeated")
    quiet_after_talk_hours = models.PositiveSmallIntegerField(
        default=24, help_text="who wrote to us within so many hours is not enrolled"
    )
    created_by = TenantForeignKey("core.Membership", related_name="sequences")
    edited_by = TenantForeignKey("core.Membership", related_name="+")

    objects = SequenceQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "name"], condition=LIVE, name="campaigns_sequence_name_once"
            ),
            known("campaigns_sequence_status_known", "status", SequenceStatus),
            models.CheckConstraint(
                name="campaigns_sequence_quiet_hours_both_or_none",
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | (Q(quiet_from__isnull=False, quiet_until__isnull=False) & ~Q(quiet_from=F("quiet_until"))),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"


class Act(models.TextChoices):
    CONTINUE = "continue", "Send this step"
    SKIP = "skip", "Skip this step"
    STOP = "stop", "End the sequence"


class SequenceStep(TenantModel):
    """One message and when it goes out. One that was taken out stays, for those who got it."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    sequence = TenantForeignKey(Sequence, related_name="steps", db_index=False)
    position = models.PositiveSmallIntegerField()
    template = TenantForeignKey(MessageTemplate, related_name="sequence_steps")
    variables = models.JSONField(default=dict, blank=True, help_text="slot of the template -> named source")
    delay_days = models.PositiveSmallIntegerField(default=0)
    delay_minutes = models.PositiveSmallIntegerField(default=0, help_text="on top of the days, up to 1,439")
    at_time = models.TimeField(null=True, blank=True, help_text="then at the first such time, the person's own")
    # What became of the message before decides. Exactly one of these holds; sequences/conditions.py says which.
    if_unseen = models.CharField(max_length=8, choices=Act, default=Act.CONTINUE)
    if_delivered = models.CharField(max_length=8, choices=Act, default=Act.CONTINUE)
    if_read = models.CharField(max_length=8, choices=Act, default=Act.CONTINUE)
    if_replied = models.CharField(max_length=8, choices=Act, default=Act.CONTINUE)
    if_failed = models.CharField(max_length=8, choices=Act, default=Act.STOP)
    removed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sequence", "position"],
                condition=Q(removed_at__isnull=True),
                name="campaigns_step_position_once",
            ),
            models.CheckConstraint(
                name="campaigns_step_at_most_ten", condition=Q(position__gte=1, position__lte=MOST_STEPS)
            ),
            models.CheckConstraint(
                name="campaigns_step_delay_within_a_year", condition=Q(delay_days__lte=365, delay_minutes__lte=1439)
            ),
            *(
                known(f"campaigns_step_if_{name}_known", f"if_{name}", Act)
                for name in ("unseen", "delivered", "read", "replied", "failed")
            ),
        ]

    @property
    def hours(self) -> str:
        """The part of the delay below a day, as 2:30."""
        return f"{self.delay_minutes // 60}:{self.delay_minutes % 60:02d}"

    def __str__(self) -> str:
        return f"step {self.position} of sequence {self.sequence_id} ({self.pk})"


class SequenceApproval(TenantModel):
    """Somebody else than the author let these rules and these steps go out. A step that was changed since waits."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    sequence = TenantForeignKey(Sequence, related_name="approvals")
    rules = models.CharField(max_length=64, help_text="SHA-256 of channel, hours and what ends it")
    steps = models.JSONField(help_text="id of the step -> SHA-256 of what it says, to whom and when")
    approved_by = TenantForeignKey("core.Membership", related_name="+")
    approved_at = models.DateTimeField()
    voided_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sequence"],
                condition=Q(voided_at__isnull=True),
                name="campaigns_sequence_approval_one_standing",
            ),
        ]

    def __str__(self) -> str:
        return f"approval {self.pk} of sequence {self.sequence_id}"


class EnrollmentState(models.TextChoices):
    ACTIVE = "active", "Under way"
    PAUSED = "paused", "Paused"
    COMPLETED = "completed", "Completed"
    STOPPED = "stopped", "Stopped"


LIVE_STATES = (EnrollmentState.ACTIVE, EnrollmentState.PAUSED)


class StopReason(models.TextChoices):
    NONE = "", "-"
    REPLIED = "replied", "They replied"
    OPTED_OUT = "opted_out", "Said stop"
    SOLD = "sold", "The unit was sold"
    NOT_OWNER = "not_owner", "The unit is theirs no more"
    BAD_CONTACT = "bad_contact", "Marked as a bad contact"
    DO_NOT_CONTACT = "do_not_contact", "Do not contact"
    NO_NUMBER = "no_number", "No number known"
    LANDLINE = "landline", "Only a fixed line"
    INVALID_NUMBER = "invalid_number", "Number is not valid"
    US_MARKETING = "us_marketing", "WhatsApp delivers no marketing to the United States"
    CONDITION = "condition", "A condition of the next step"
    BY_HAND = "by_hand", "Taken out by a colleague"
    MERGED = "merged", "Goes on under another name of the same person"
    ARCHIVED = "archived", "The sequence was archived"


class EnrollmentQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """The people in the sequences that this person may see."""
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(sequence__created_by__in=actor.membership_ids)


class Enrollment(TenantModel):
    """One person in a sequence: the queue (`next_step`, `due_at`) and its end with the reason."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    sequence = TenantForeignKey(Sequence, related_name="enrollments", db_index=False)
    contact = TenantForeignKey(Contact, related_name="enrollments", db_index=False)
    property = TenantForeignKey(Property, null=True, blank=True, related_name="enrollments")
    enrolled_by = TenantForeignKey("core.Membership", related_name="+")
    enrolled_at = models.DateTimeField()
    state = models.CharField(max_length=9, choices=EnrollmentState, default=EnrollmentState.ACTIVE)
    stop_reason = models.CharField(max_length=14, choices=StopReason, default=StopReason.NONE, blank=True)
    note = models.CharField(max_length=300, blank=True, help_text="what it waits for, or more of why it ended")
    next_step = TenantForeignKey(SequenceStep, null=True, blank=True, related_name="+", db_index=False)
    counted_from = models.DateTimeField(help_text="when the step before was done with: the delay begins there")
    due_at = models.DateTimeField(null=True, blank=True, help_text="not looked at before")
    ended_at = models.DateTimeField(null=True, blank=True)

    objects = EnrollmentQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sequence", "contact"],
                condition=Q(state__in=["active", "paused"]),
                name="campaigns_enrollment_once_at_a_time",
            ),
            models.CheckConstraint(
                name="campaigns_enrollment_stopped_has_a_reason",
                condition=Q(state="stopped") & ~Q(stop_reason="") | ~Q(state="stopped") & Q(stop_reason=""),
            ),
            models.CheckConstraint(
                name="campaigns_enrollment_live_has_a_next_step",
                condition=Q(
                    state__in=["active", "paused"],
                    next_step__isnull=False,
                    due_at__isnull=False,
                    ended_at__isnull=True,
                )
                | Q(state__in=["completed", "stopped"], due_at__isnull=True, ended_at__isnull=False),
            ),
        ]
        indexes = [
            # the claim: due people of the steps that may go out
            models.Index(
                fields=["organization", "next_step", "due_at"],
                condition=Q(state="active"),
                name="campaigns_enrolled_due",
            ),
            # a person writes, says stop, is merged: which sequences end
            models.Index(fields=["organization", "contact"], name="campaigns_enrolled_contact"),
            # the page of a sequence: people of one state, newest first
            models.Index(fields=["organization", "sequence", "state", "-id"], name="campaigns_enrolled_state"),
        ]

    def __str__(self) -> str:
        return f"enrollment {self.pk}"


class StepOutcome(models.TextChoices):
    SENT = "sent", "Sent"
    SKIPPED = "skipped", "Skipped"


class EnrollmentStepQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        if actor.reach is Reach.ORGANIZATION:
            return visible
        return visible.filter(sequence__created_by__in=actor.membership_ids)


class EnrollmentStep(TenantModel):
    """A step that is done with for a person. Of the sent ones there is one for ever: no step is repeated."""

    database_privileges: ClassVar[str] = "SELECT, INSERT, UPDATE"

    enrollment = TenantForeignKey(Enrollment, related_name="done", db_index=False)
    sequence = TenantForeignKey(Sequence, related_name="+", db_index=False)
    contact = TenantForeignKey(Contact, related_name="+", db_index=False)
    step = TenantForeignKey(SequenceStep, related_name="done", db_index=False)
    outcome = models.CharField(max_length=7, choices=StepOutcome)
    note = models.CharField(max_length=300, blank=True, help_text="why it was skipped")
    message = TenantForeignKey(Message, null=True, blank=True, related_name="+")
    at = models.DateTimeField()
    replied_at = models.DateTimeField(null=True, blank=True)

    objects = EnrollmentStepQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "sequence", "contact", "step"],
                condition=Q(outcome="sent"),
                name="campaigns_step_sent_once",
            ),
            models.UniqueConstraint(fields=["organization", "enrollment", "step"], name="campaigns_step_done_once"),
            models.CheckConstraint(
                name="campaigns_step_sent_has_a_message",
                condition=Q(outcome="sent", message__isnull=False) | Q(outcome="skipped", message__isnull=True),
            ),
        ]
        indexes = [
            # they answer: which step was it, and what is still queued
            models.Index(fields=["organization", "contact", "at"], name="campaigns_step_of_contact"),
            # the funnel: what became of each step
            models.Index(fields=["organization", "step", "outcome"], name="campaigns_step_funnel"),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} step {self.step_id} of enrollment {self.enrollment_id} ({self.pk})"
