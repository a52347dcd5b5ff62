"""Rewrite every encrypted field under the newest key, so that older keys can be dropped from FIELD_KEYS."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.management.base import BaseCommand
from django.db import connection, models, transaction

from core.accounts import factors
from core.encryption import ROTATING_SETTING, EncryptedTextField, rotate
from core.models import Organization, TenantModel
from core.tenancy import organization_scope

BATCH = 500


class Command(BaseCommand):
    help = __doc__

    def handle(self, *_: Any, **__: Any) -> None:
        for model in apps.get_models():
            fields = [field for field in model._meta.concrete_fields if isinstance(field, EncryptedTextField)]
            if not fields:
                continue
            if not issubclass(model, TenantModel):
                count = sum(self._rotate(model, field) for field in fields)
            else:
                count = 0
                for organization_id in Organization.objects.values_list("pk", flat=True):
                    with organization_scope(organization_id):
                        count += sum(self._rotate(model, field) for field in fields)
            self.stdout.write(f"{model._meta.label}: {count} values")
        self.stdout.write(f"second factors: {factors.rotate_secrets()}")

    def _rotate(self, model: type[models.Model], field: EncryptedTextField) -> int:
        """Straight on the ciphertext, in batches: the ORM would decrypt and hide which key was used.

        Only values that have not changed since they were read are rewritten.
        """
        table, column = model._meta.db_table, field.column
        last, count = 0, 0
        while True:
            with transaction.atomic(), connection.cursor() as cursor:
                cursor.execute(
                    f'SELECT id, "{column}" FROM "{table}" '  # noqa: S608 - names of our own models
                    f'WHERE id > %s AND "{column}" <> %s ORDER BY id LIMIT %s',
                    [last, "", BATCH],
                )
                rows = cursor.fetchall()
                if not rows:
                    return count
                cursor.execute("SELECT set_config(%s, 'on', true)", [ROTATING_SETTING])
                cursor.executemany(
                    f'UPDATE "{table}" SET "{column}" = %s '  # noqa: S608 - names of our own models
                    f'WHERE id = %s AND "{column}" = %s',
                    [(rotate(old), pk, old) for pk, old in rows],
                )
            last, count = rows[-1][0], count + len(rows)
