"""Changes to who may enter, and deleting with a way back."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta

from django.apps import apps
from django.db import IntegrityError, connection, transaction

from core import audit
from core.actors import Actor
from core.errors import Conflict, Invalid, NotAllowed
from core.models import ApiToken, Deletion, Membership, Organization, SoftDeleteModel, User
from core.roles import Capability, Role

TOKEN_LIFE = timedelta(days=90)


class TokenCannotMint(NotAllowed):
    code = "token_cannot_mint"


class ScopeUnknown(Invalid):
    code = "scope_unknown"


class ReportingCycle(Invalid):
    code = "reporting_cycle"


class AlreadyRestored(Conflict):
    code = "already_restored"


class NameTaken(Conflict):
    code = "name_taken"


@transaction.atomic
def add_member(*, actor: Actor, user: User, role: Role, reports_to: Membership | None = None) -> Membership:
    """Give a person a role in the actor's organisation. Raises ReportingCycle when the chain would close."""
    actor.require(Capability.MEMBERS_MANAGE)
    membership = Membership(organization=actor.organization, user=user, role=role, reports_to=reports_to)
    membership.save()
    audit.record(actor=actor, action="core.member_added", target=membership, after={"role": role, "user": user.pk})
    return membership


@transaction.atomic
def change_supervisor(*, actor: Actor, membership: Membership, reports_to: Membership | None) -> Membership:
    """Say to whom a member reports. Raises ReportingCycle."""
    actor.require(Capability.MEMBERS_MANAGE)
    above = reports_to
    while above is not None:
        if above.pk == membership.pk:
            raise ReportingCycle("That would make this person report to themselves through others.")
        above = above.reports_to
    before = {"reports_to": membership.reports_to_id}
    membership.reports_to = reports_to
    membership.save(update_fields=["reports_to", "updated_at"])
    after = {"reports_to": membership.reports_to_id}
    audit.record(actor=actor, action="core.supervisor_changed", target=membership, before=before, after=after)
    return membership


@transaction.atomic
def issue_token(*, actor: Actor, name: str, at: datetime, scopes: list[str] | None = None) -> tuple[ApiToken, str]:
    """A token that acts as the actor within `scopes` for 90 days; the secret is told this once and never kept.

    Raises TokenCannotMint (no token mints tokens) and ScopeUnknown.
    """
    if actor.token is not None or actor.membership is None:
        raise TokenCannotMint("A token cannot make tokens; sign in with e-mail and password.")
    unknown = sorted(set(scopes or []) - {capability.value for capability in Capability})
    if unknown:
        raise ScopeUnknown(f"Unknown scopes: {', '.join(unknown)}.", scopes=unknown)
    secret = f"majlis_{secrets.token_urlsafe(32)}"
    token = ApiToken.objects.create(
        organization=actor.organization,
        membership=actor.membership,
        name=name,
        prefix=secret[:12],
        digest=digest(secret),
        scopes=scopes or [],
        expires_at=at + TOKEN_LIFE,
    )
    audit.record(actor=actor, action="core.token_issued", target=token, after={"name": name, "scopes": token.scopes})
    return token, secret


@transaction.atomic
def revoke_token(*, actor: Actor, token: ApiToken, at: datetime) -> None:
    """End a token at once. One's own, or anyone's with the capability."""
    if token.membership_id != (actor.membership and actor.membership.pk):
        actor.require(Capability.TOKENS_MANAGE)
    token.revoked_at = token.revoked_at or at
    token.save(update_fields=["revoked_at", "updated_at"])
    audit.record(actor=actor, action="core.token_revoked", target=token)


def digest(secret: str) -> str:
    """What is kept of a token: it has 256 bits of chance, so a plain hash is enough."""
    return hashlib.sha256(secret.encode()).hexdigest()


@transaction.atomic
def soft_delete(*, actor: Actor, target: SoftDeleteModel, at: datetime) -> Deletion:
    """Hide a row and those that its model names in `hidden_with`; restore_deletion brings back exactly these."""
    actor.require(Capability.CRM_DELETE)
    deletion = Deletion.objects.create(
        organization=actor.organization,
        user=actor.user,
        target_type=target._meta.label_lower,
        target_id=target.pk,
        label=str(target)[:200],
        at=at,
    )
    deletion.hidden_count = _hide([target], deletion, at)
    deletion.save(update_fields=["hidden_count", "updated_at"])
    after = {"deletion": deletion.pk, "hidden": deletion.hidden_count}
    audit.record(actor=actor, action="core.row_deleted", target=target, after=after, at=at)
    return deletion


@transaction.atomic
def restore_deletion(*, actor: Actor, deletion: Deletion, at: datetime) -> int:
    """Bring back what one deletion hid; returns how many rows. Raises AlreadyRestored, and NameTaken when a unique
    value has been used again since: then nothing is restored."""
    actor.require(Capability.CRM_DELETE)
    if not Deletion.objects.filter(pk=deletion.pk, restored_at__isnull=True).update(restored_at=at):
        raise AlreadyRestored("This was already restored.")
    restored = 0
    try:
        with transaction.atomic():
            for model in _soft_delete_models():
                hidden = model._base_manager.filter(deletion=deletion)
                restored += hidden.update(deleted_at=None, deletion=None)
            with connection.cursor() as cursor:
                cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")  # now, where a refusal can still be told in words
                cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    except IntegrityError as error:
        raise NameTaken(
            f"{deletion.label} cannot come back: something live now has the same number or name."
        ) from error
    audit.record(actor=actor, action="core.deletion_restored", target=deletion, after={"restored": restored}, at=at)
    return restored


def _hide(rows: list[SoftDeleteModel], deletion: Deletion, at: datetime) -> int:
    """Depth first over `hidden_with`, a level at a time."""
    if not rows:
        return 0
    model = type(rows[0])
    ids = [row.pk for row in rows]
    hidden = model._base_manager.filter(pk__in=ids, deleted_at__isnull=True).update(deleted_at=at, deletion=deletion)
    for name in model.hidden_with:
        relation = model._meta.get_field(name)
        children = relation.related_model._base_manager.filter(  # type: ignore[union-attr]
            **{f"{relation.field.name}__in": ids, "deleted_at__isnull": True}  # type: ignore[union-attr]
        )
        hidden += _hide([child for child in children if isinstance(child, SoftDeleteModel)], deletion, at)
    return hidden


def _soft_delete_models() -> list[type[SoftDeleteModel]]:
    return [model for model in apps.get_models() if issubclass(model, SoftDeleteModel)]


@transaction.atomic
def found_organization(*, slug: str, name: str, admin: User, **fields: object) -> Membership:
    """A new house with its first admin. The caller opens the scope afterwards."""
    organization = Organization(slug=slug, name=name, **fields)
    organization.full_clean()
    organization.save()
    return Membership.objects.create(organization=organization, user=admin, role=Role.ADMIN)
