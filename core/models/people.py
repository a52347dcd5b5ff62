"""Who signs in, which role they hold where, and the tokens of integrations."""

from __future__ import annotations

from datetime import datetime
from typing import Any, ClassVar, Self

import pgtrigger
from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.utils.crypto import salted_hmac

from core.models.base import TenantForeignKey, TenantModel, TenantQuerySet
from core.models.organization import Organization, OrganizationStatus
from core.roles import Role


class UserManager(BaseUserManager["User"]):
    def create_user(self, email: str, password: str | None = None, **fields: Any) -> User:
        """A person who signs in by e-mail; with no password the account can only be opened by a reset."""
        user: User = self.model(email=email.strip().lower(), **fields)
        user.set_password(password)
        user.save(using=self._db)
        return user

    def get_by_natural_key(self, username: str | None) -> User:
        return self.get(email=(username or "").strip().lower())


class User(AbstractBaseUser):
    """A person. What the person may do hangs on a membership, never on the user: there is no superuser."""

    email = models.EmailField(unique=True)
    name = models.CharField(max_length=150)
    language = models.CharField(max_length=5, default="en")
    is_active = models.BooleanField(default=True)
    sessions_ended_at = models.DateTimeField(null=True, blank=True, help_text="sign-ins from before then are over")
    created_at = models.DateTimeField(auto_now_add=True)

    objects = UserManager()

    USERNAME_FIELD = "email"
    REQUIRED_FIELDS: ClassVar[list[str]] = ["name"]

    class Meta:
        constraints = [
            models.CheckConstraint(name="core_user_email_is_lower_case", condition=Q(email=Lower(F("email")))),
        ]

    def __str__(self) -> str:
        return f"{self.name} ({self.pk})"

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Django's own, over when the sessions were ended too: every session from before then is signed out."""
        salt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"
        ended = self.sessions_ended_at.isoformat() if self.sessions_ended_at else ""
        return salted_hmac(salt, f"{self.password}{ended}", secret=secret, algorithm="sha256").hexdigest()

    # The admin's templates ask these; the answers of Majlis are in core/roles.py, so Django's own are always no.
    def has_perm(self, *_: object) -> bool:
        return False

    def has_module_perms(self, *_: object) -> bool:
        return False


class MembershipQuerySet(models.QuerySet["Membership"]):
    def active(self) -> Self:
        """Memberships that open a door now."""
        return self.filter(
            suspended_at__isnull=True, user__is_active=True, organization__status=OrganizationStatus.ACTIVE
        )


# One at a time within an organisation: two admins who suspend each other at once would leave nobody.
AN_ADMIN_REMAINS = pgtrigger.Trigger(
    name="an_admin_remains",
    when=pgtrigger.After,
    operation=pgtrigger.UpdateOf("suspended_at", "role"),  # type: ignore[no-untyped-call]
    condition=pgtrigger.Q(old__role="admin", old__suspended_at__isnull=True)
    & ~pgtrigger.Q(new__role="admin", new__suspended_at__isnull=True),
    func="""
        PERFORM 1 FROM core_organization WHERE id = NEW.organization_id FOR NO KEY UPDATE;
        IF NOT EXISTS (
            SELECT FROM core_membership m JOIN core_user u ON u.id = m.user_id
             WHERE m.organization_id = NEW.organization_id AND m.role = 'admin' AND m.suspended_at IS NULL AND u.is_active
        ) THEN
            RAISE EXCEPTION 'Membership % is the last admin of its organisation.', NEW.id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'core_membership_an_admin_remains',
                      TABLE = 'core_membership';
        END IF;
        RETURN NULL;
    """,
)


class Membership(models.Model):
    """The role a user holds in one organisation. Read before a house is entered, so not itself behind the wall."""

    organization = models.ForeignKey(Organization, on_delete=models.PROTECT, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.PROTECT, related_name="memberships")
    role = models.CharField(max_length=12, choices=Role)
    reports_to = TenantForeignKey("self", null=True, blank=True, related_name="direct_reports")
    suspended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    updated_at = models.DateTimeField(auto_now=True)

    objects = MembershipQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organization", "user"], name="core_membership_once_per_user"),
            models.CheckConstraint(name="core_membership_reports_to_another", condition=~Q(reports_to=F("id"))),
        ]
        triggers = [AN_ADMIN_REMAINS]

    def __str__(self) -> str:
        return f"{self.user.name}, {self.get_role_display()} ({self.pk})"


class ApiTokenQuerySet(TenantQuerySet):
    def usable(self, at: datetime) -> Self:
        """Tokens that open the API at that time."""
        return self.filter(revoked_at__isnull=True, expires_at__gt=at)


class ApiToken(TenantModel):
    """A key for an integration or a first-party client: only its digest is kept. It acts as its member, within scopes."""

    membership = TenantForeignKey(Membership, related_name="tokens")
    name = models.CharField(max_length=100)
    prefix = models.CharField(max_length=12)
    digest = models.CharField(max_length=64, unique=True)
    scopes = ArrayField(models.CharField(max_length=50), default=list, help_text="empty: all that the member may")
    expires_at = models.DateTimeField()
    last_used_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects = ApiTokenQuerySet.as_manager()

    def __str__(self) -> str:
        return f"{self.name} {self.prefix}… ({self.pk})"
