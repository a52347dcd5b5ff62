"""What PostgreSQL enforces for every table, found from the models and applied after every `migrate`.

For each tenant table: forced row-level security, keys that cannot leave the organisation, and the privileges of the
application's role. A new model is covered by existing; nothing is listed by hand (docs/adr/0007).
"""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.conf import settings
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper

from core.models import Membership, TenantForeignKey, TenantModel
from core.tenancy import SETTING

POLICY = "same_organization"
OWNER_READS = "owner_reads"


def tenant_models() -> list[type[TenantModel]]:
    """Every concrete table that carries an organisation and lies behind the wall."""
    return [model for model in apps.get_models() if issubclass(model, TenantModel) and model._meta.managed]


def apply(connection: BaseDatabaseWrapper) -> int:
    """Bring the database in line with the models, as the owner of the tables. Returns how many statements it took.

    Idempotent; new keys are added NOT VALID and then validated, so that writers are not kept waiting.
    """
    statements = [*_security(), *_keys(connection), *_privileges(connection)]
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    return len(statements)


def unprotected_tables(connection: BaseDatabaseWrapper) -> list[str]:
    """Tenant tables where row-level security is not forced or has not our policy: always empty, or not ready."""
    with connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT c.relname FROM pg_class c JOIN pg_policies p ON p.tablename = c.relname
             WHERE c.relrowsecurity AND c.relforcerowsecurity AND p.policyname = %s
            """,
            [POLICY],
        )
        covered = {name for (name,) in cursor.fetchall()}
    return sorted({model._meta.db_table for model in tenant_models()} - covered)


def _security() -> Iterator[str]:
    here = f"NULLIF(current_setting('{SETTING}', true), '')::bigint"
    for model in tenant_models():
        table = model._meta.db_table
        yield f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY'
        yield f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY'
        yield f'DROP POLICY IF EXISTS {POLICY} ON "{table}"'
        yield (
            f'CREATE POLICY {POLICY} ON "{table}" '
            f"USING (organization_id = {here}) WITH CHECK (organization_id = {here})"
        )
        # Behind the wall no trigram can be looked up in an index. The functions that search run as the owner, and
        # narrow by the setting themselves (docs/adr/0013). Where one role does everything it stays bound, and slow.
        yield f'DROP POLICY IF EXISTS {OWNER_READS} ON "{table}"'
        if model.read_by_owner and not _one_role():
            owner = settings.DATABASES["owner"]["USER"]
            yield f'CREATE POLICY {OWNER_READS} ON "{table}" FOR SELECT TO "{owner}" USING (true)'


def _one_role() -> bool:
    return bool(settings.DATABASES["default"]["USER"] == settings.DATABASES["owner"]["USER"])


def _keys(connection: BaseDatabaseWrapper) -> Iterator[str]:
    """A unique (organization_id, id) on every table that keys may point at, and every TenantForeignKey over it."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT conname FROM pg_constraint")
        present = {name for (name,) in cursor.fetchall()}
    pointed_at = [model._meta.db_table for model in tenant_models() if model.is_pointed_at]
    for table in [*pointed_at, Membership._meta.db_table]:
        name = f"{table}_organization_id_key"
        if name not in present:
            yield f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" UNIQUE (organization_id, id)'
    for model in apps.get_models():
        for field in model._meta.local_concrete_fields:
            if not isinstance(field, TenantForeignKey) or not model._meta.managed:
                continue
            table, parent = model._meta.db_table, field.related_model._meta.db_table
            name = _key_name(table, field)
            if name not in present:
                yield (
                    f'ALTER TABLE "{table}" ADD CONSTRAINT "{name}" '
                    f'FOREIGN KEY (organization_id, "{field.column}") REFERENCES "{parent}" (organization_id, id) '
                    "DEFERRABLE INITIALLY DEFERRED NOT VALID"
                )
                yield f'ALTER TABLE "{table}" VALIDATE CONSTRAINT "{name}"'


def _key_name(table: str, field: models.Field[object, object]) -> str:
    return f"{table}_{field.column}_same_org"[:63]


def _privileges(connection: BaseDatabaseWrapper) -> Iterator[str]:
    role = f'"{settings.DATABASES["default"]["USER"]}"'
    if _one_role():
        return  # one role does everything: check_protection says so, and RLS still binds it because it is forced
    yield f"GRANT USAGE ON SCHEMA public TO {role}"
    yield f"GRANT USAGE, SELECT ON ALL SEQUENCES IN SCHEMA public TO {role}"
    yield f"GRANT SELECT ON django_migrations TO {role}"
    for model in apps.get_models(include_auto_created=True):
        if model._meta.managed and not model._meta.proxy:
            allowed = getattr(model, "database_privileges", TenantModel.database_privileges)
            yield f'REVOKE ALL ON "{model._meta.db_table}" FROM {role}'
            yield f'GRANT {allowed} ON "{model._meta.db_table}" TO {role}'
    # Functions that run as the owner answer the application alone.
    with connection.cursor() as cursor:
        cursor.execute(
            """SELECT p.oid::regprocedure::text FROM pg_proc p
                WHERE p.prosecdef AND p.pronamespace = 'public'::regnamespace AND p.proowner = current_user::regrole"""
        )
        functions = [name for (name,) in cursor.fetchall()]
    for function in functions:
        yield f"REVOKE ALL ON FUNCTION {function} FROM PUBLIC"
        yield f"GRANT EXECUTE ON FUNCTION {function} TO {role}"
