"""The tenant."""

from __future__ import annotations

from zoneinfo import available_timezones

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import ValidationError
from django.db import models
from django.db.models import Q


class OrganizationStatus(models.TextChoices):
    ACTIVE = "active", "Active"
    SUSPENDED = "suspended", "Suspended"


class SecondStep(models.TextChoices):
    """Of whom a second step is asked when signing in."""

    OFF = "off", "Nobody"
    STAFF = "staff", "Whoever enters the back office"
    EVERYBODY = "everybody", "Everybody"


def validate_time_zone(name: str) -> None:
    if name not in available_timezones():
        raise ValidationError(f"{name!r} is not a time zone; write it as Asia/Dubai.")


def default_languages() -> list[str]:
    return ["en", "ar"]


def default_weekend() -> list[int]:
    """Saturday and Sunday, as the Emirates since 2022; Monday is 0."""
    return [5, 6]


class Organization(models.Model):
    """A house of its own: many share one installation and never see each other. The slug stands in every address."""

    slug = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=200)
    legal_name = models.CharField(max_length=200, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=20, blank=True)
    address = models.TextField(blank=True)
    city = models.CharField(max_length=100, blank=True)
    country = models.CharField(max_length=2, default="AE", help_text="ISO 3166; the home region of phone numbers")
    time_zone = models.CharField(max_length=50, default="Asia/Dubai", validators=[validate_time_zone])
    currency = models.CharField(max_length=3, default="AED")
    languages = ArrayField(models.CharField(max_length=5), default=default_languages)
    weekend_days = ArrayField(models.PositiveSmallIntegerField(), default=default_weekend)
    business_hours_start = models.TimeField(default="09:00")
    business_hours_end = models.TimeField(default="18:00")
    public_holidays = ArrayField(models.DateField(), default=list, blank=True)
    region = models.CharField(max_length=20, default="me", help_text="where its data may live")
    second_step = models.CharField(max_length=10, choices=SecondStep, default=SecondStep.OFF)
    second_step_from = models.DateTimeField(null=True, blank=True, help_text="until then people are only reminded")
    idle_minutes = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="after so long without use a session ends; empty: never"
    )
    status = models.CharField(max_length=12, choices=OrganizationStatus, default=OrganizationStatus.ACTIVE)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="core_organization_business_hours_in_order",
                condition=Q(business_hours_end__gt=models.F("business_hours_start")),
            ),
            models.CheckConstraint(
                name="core_organization_second_step_known", condition=Q(second_step__in=SecondStep.values)
            ),
            models.CheckConstraint(
                name="core_organization_second_step_has_a_day",
                condition=Q(second_step="off", second_step_from__isnull=True)
                | (~Q(second_step="off") & Q(second_step_from__isnull=False)),
            ),
            models.CheckConstraint(
                name="core_organization_idle_minutes_in_range",
                condition=Q(idle_minutes__isnull=True) | Q(idle_minutes__range=(5, 1440)),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.slug})"
