"""The assistant: which numbers answer to members, whose phones those are, what was asked, and who is told of it."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Self

from django.db import models
from django.db.models import Q

from core.models import SoftDeleteModel, SoftDeleteQuerySet, TenantForeignKey, TenantModel, TenantQuerySet
from core.models.base import LIVE
from core.roles import Reach
from messaging.models.channels import Channel, MessageTemplate
from messaging.models.conversations import Message

if TYPE_CHECKING:
    from core.actors import Actor


class AssistantLine(SoftDeleteModel):
    """A number on which members may ask. Customers may write to the same number: they are talked with as ever."""

    hidden_with: ClassVar[tuple[str, ...]] = ()

    channel = TenantForeignKey(Channel, related_name="assistant_lines")
    copy_template = TenantForeignKey(
        MessageTemplate,
        null=True,
        blank=True,
        related_name="+",
        help_text="a utility template with one variable, for copies to who has not written for a day",
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel"], condition=LIVE, name="messaging_assistant_line_once_per_number"
            ),
        ]

    def __str__(self) -> str:
        return f"assistant on channel {self.channel_id} ({self.pk})"


class AssistantWatcher(TenantModel):
    """A member who is told of every number given out and every campaign started by the assistant."""

    line = TenantForeignKey(AssistantLine, related_name="watchers")
    membership = TenantForeignKey("core.Membership", related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "line", "membership"], name="messaging_assistant_watcher_once"
            ),
        ]

    def __str__(self) -> str:
        return f"member {self.membership_id} watches line {self.line_id} ({self.pk})"


class MemberNumberQuerySet(SoftDeleteQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """One's own and one's reports'; managers see all."""
        visible = super().visible_to(actor)
        return visible if actor.reach is Reach.ORGANIZATION else visible.filter(membership__in=actor.membership_ids)

    def verified(self) -> Self:
        return self.live().filter(verified_at__isnull=False)


class MemberNumber(SoftDeleteModel):
    """A phone that a member has proved to be his, by sending from it a code that only he could read in Majlis.

    Until then it is a code that waits. What somebody typed into a profile is no proof.
    """

    hidden_with: ClassVar[tuple[str, ...]] = ()

    membership = TenantForeignKey("core.Membership", related_name="member_numbers")
    code_digest = models.CharField(max_length=64, blank=True, editable=False)
    code_until = models.DateTimeField(null=True, blank=True)
    number = models.CharField(max_length=20, blank=True, help_text="E.164")
    user_id = models.CharField(max_length=150, blank=True, help_text="WhatsApp's business-scoped user id")
    verified_at = models.DateTimeField(null=True, blank=True)

    objects = MemberNumberQuerySet.as_manager()

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="messaging_member_number_waits_or_is_verified",
                condition=(
                    Q(verified_at__isnull=True, number="", user_id="", code_until__isnull=False) & ~Q(code_digest="")
                )
                | (Q(verified_at__isnull=False, code_digest="") & (~Q(number="") | ~Q(user_id=""))),
            ),
            models.UniqueConstraint(
                fields=["organization", "number"],
                condition=LIVE & ~Q(number=""),
                name="messaging_member_number_of_one_member",
            ),
            models.UniqueConstraint(
                fields=["organization", "user_id"],
                condition=LIVE & ~Q(user_id=""),
                name="messaging_member_user_id_of_one_member",
            ),
            models.UniqueConstraint(
                fields=["organization", "code_digest"],
                condition=LIVE & ~Q(code_digest=""),
                name="messaging_member_number_code_once",
            ),
            models.UniqueConstraint(
                fields=["organization", "membership"],
                condition=LIVE & Q(verified_at__isnull=True),
                name="messaging_member_number_one_waits",
            ),
        ]

    def __str__(self) -> str:
        return f"phone of member {self.membership_id} ({self.pk})"


class Outcome(models.TextChoices):
    WAITING = "waiting", "Waiting"
    ANSWERED = "answered", "Answered"
    CHOICES = "choices", "Choices offered"
    PROMPTED = "prompted", "Asked for more"
    NOT_FOUND = "not_found", "Nothing found"
    NOT_ALLOWED = "not_allowed", "Not allowed"
    LIMITED = "limited", "Limit reached"
    NOT_UNDERSTOOD = "not_understood", "Not understood"
    FAILED = "failed", "Could not be answered"


class AssistantTurnQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        visible = super().visible_to(actor)
        return visible if actor.reach is Reach.ORGANIZATION else visible.filter(membership__in=actor.membership_ids)


class AssistantTurn(TenantModel):
    """One message of a member and what became of it. The row is the queue: one turn for a message, one answer for a turn."""

    message = TenantForeignKey(Message, related_name="assistant_turns", db_index=False)
    membership = TenantForeignKey("core.Membership", related_name="+", db_index=False)
    line = TenantForeignKey(AssistantLine, related_name="+", db_index=False)
    request = models.CharField(max_length=12, blank=True, help_text="what was understood")
    language = models.CharField(max_length=2, blank=True)
    outcome = models.CharField(max_length=14, choices=Outcome, default=Outcome.WAITING)
    choices = models.JSONField(default=list, blank=True, help_text="what the next message may choose from by number")
    summary = models.CharField(max_length=500, blank=True, help_text="what was given, numbers masked")
    answer = TenantForeignKey(Message, null=True, blank=True, related_name="+", db_index=False)
    at = models.DateTimeField(help_text="when it was asked")
    handled_at = models.DateTimeField(null=True, blank=True)

    objects = AssistantTurnQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "message"], name="messaging_assistant_turn_once"),
            models.CheckConstraint(
                name="messaging_assistant_turn_handled_or_waiting",
                condition=Q(outcome="waiting", handled_at__isnull=True)
                | (~Q(outcome="waiting") & Q(handled_at__isnull=False)),
            ),
        ]
        indexes = [
            # what waits to be answered
            models.Index(fields=["organization", "id"], condition=Q(outcome="waiting"), name="messaging_turns_waiting"),
            # what did this member ask last
            models.Index(fields=["organization", "membership", "-id"], name="messaging_turns_of_member"),
        ]

    def __str__(self) -> str:
        return f"turn {self.pk} of member {self.membership_id}"


class AssistantCopy(TenantModel):
    """A watcher is told of a turn: by the message that tells him, or why none could be sent."""

    turn = TenantForeignKey(AssistantTurn, related_name="copies")
    membership = TenantForeignKey("core.Membership", related_name="+", db_index=False)
    message = TenantForeignKey(Message, null=True, blank=True, related_name="+", db_index=False)
    reason = models.CharField(max_length=300, blank=True)

    class Meta:
        verbose_name_plural = "assistant copies"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "turn", "membership"], name="messaging_assistant_copy_once"
            ),
            models.CheckConstraint(
                name="messaging_assistant_copy_sent_or_why_not",
                condition=Q(message__isnull=False, reason="") | (Q(message__isnull=True) & ~Q(reason="")),
            ),
        ]

    def __str__(self) -> str:
        return f"copy of turn {self.turn_id} to member {self.membership_id}"
