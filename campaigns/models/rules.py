"""What holds for every campaign of a house: how often one person is written to, and what a message costs."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from core.models import TenantModel
from messaging.models.channels import TemplateCategory


class CampaignRules(TenantModel):
    """How often the house writes to one number at most, whatever the campaign. No row: as often as campaigns ask."""

    most_messages = models.PositiveSmallIntegerField(help_text="of campaigns, to one person ...")
    per_days = models.PositiveSmallIntegerField(help_text="... within so many days")

    class Meta:
        verbose_name = "rules of campaigns"
        verbose_name_plural = "rules of campaigns"
        constraints = [
            models.UniqueConstraint(fields=["organization"], name="campaigns_rules_one_per_organization"),
            models.CheckConstraint(
                name="campaigns_rules_in_range",
                condition=Q(most_messages__range=(1, 1000), per_days__range=(1, 365)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.most_messages} messages in {self.per_days} days ({self.pk})"


class MessagePrice(TenantModel):
    """What one delivered message costs from a day on, by where the number is. WhatsApp changes prices by the quarter.

    In micros, millionths of the currency: prices have four decimals and more, where minor units have two.
    """

    calling_code = models.CharField(
        max_length=7, blank=True, help_text="as 971; the longest that fits; empty: elsewhere"
    )
    category = models.CharField(max_length=20, choices=TemplateCategory)
    currency = models.CharField(max_length=3, default="USD")
    micros = models.PositiveBigIntegerField(help_text="millionths of the currency for one message")
    valid_from = models.DateField()
    source = models.CharField(max_length=200, blank=True, help_text="where the price stands")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organization", "calling_code", "category", "valid_from"], name="campaigns_price_once_a_day"
            ),
            models.CheckConstraint(
                name="campaigns_price_calling_code_is_digits", condition=Q(calling_code__regex=r"^([1-9][0-9]{0,6})?$")
            ),
            models.CheckConstraint(
                name="campaigns_price_currency_is_known_by_form", condition=Q(currency__regex=r"^[A-Z]{3}$")
            ),
            # A price of more than a thousand is a mistake in the decimals.
            models.CheckConstraint(name="campaigns_price_at_most_a_thousand", condition=Q(micros__lte=1_000_000_000)),
        ]

    def __str__(self) -> str:
        return f"{self.category} to {self.calling_code or 'elsewhere'} from {self.valid_from} ({self.pk})"
