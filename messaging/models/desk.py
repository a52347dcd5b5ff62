"""What an office keeps at hand for answering: replies it gives again and again, and when somebody is there."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self

from django.core.validators import RegexValidator
from django.db import models
from django.db.models import Q

from core.models import TenantForeignKey, TenantModel, TenantQuerySet
from core.models.organization import validate_time_zone
from messaging.models.channels import Channel

if TYPE_CHECKING:
    from core.actors import Actor


class CannedReplyQuerySet(TenantQuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """One's own, and those that everybody shares."""
        return super().visible_to(actor).filter(Q(owner__isnull=True) | Q(owner=actor.membership))


class CannedReply(TenantModel):
    """A text that is given again and again, called by /shortcut in the composer: one's own, or shared by all."""

    owner = TenantForeignKey("core.Membership", null=True, blank=True, related_name="+", help_text="nobody: shared")
    shortcut = models.CharField(
        max_length=30,
        validators=[RegexValidator(r"^[^\s/]{1,30}$", "A shortcut is one word without a slash.")],
    )
    body = models.TextField(help_text="{name}: the person's first name; {me}: the name of who sends it")

    objects = CannedReplyQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "canned replies"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "owner", "shortcut"],
                nulls_distinct=False,
                name="messaging_canned_reply_shortcut_once",
            ),
            models.CheckConstraint(name="messaging_canned_reply_says_something", condition=~Q(body="")),
        ]

    @property
    def has_no_owner(self) -> bool:
        """Whether everybody shares it."""
        return self.owner_id is None

    def __str__(self) -> str:
        return f"/{self.shortcut} ({self.pk})"


class OfficeHours(TenantModel):
    """When somebody is there, for one number or for all that have no hours of their own; and what is said meanwhile.

    The week is one of messaging/hours.py. Holidays are the organisation's. Without a row its own hours and weekend count, and nothing is said.
    """

    channel = TenantForeignKey(Channel, null=True, blank=True, related_name="office_hours", help_text="nothing: all")
    time_zone = models.CharField(
        max_length=50, blank=True, validators=[validate_time_zone], help_text="empty: the organisation's"
    )
    week = models.JSONField(
        default=list,
        blank=True,
        help_text='Monday first, e.g. [[["09:00", "13:00"], ["16:00", "20:00"]], ...]; empty: the organisation\'s hours',
    )
    says_away = models.BooleanField(default=False)
    away_text = models.TextField(blank=True)
    away_text_arabic = models.TextField(blank=True)

    class Meta:
        verbose_name_plural = "office hours"
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "channel"], nulls_distinct=False, name="messaging_office_hours_once"
            ),
            models.CheckConstraint(
                name="messaging_office_hours_away_has_words", condition=Q(says_away=False) | ~Q(away_text="")
            ),
        ]

    def __str__(self) -> str:
        return f"office hours {self.pk}"
