"""What the models name is what the database has: no migration forgot an index, a constraint or a trigger."""

from __future__ import annotations

from django.apps import apps
from django.db import connection


def test_every_index_constraint_and_trigger_of_the_models_is_in_the_database(db: None) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT conname FROM pg_constraint UNION SELECT relname FROM pg_class WHERE relkind IN ('i', 'I')"
        )
        found = {name for (name,) in cursor.fetchall()}
        cursor.execute("SELECT tgname FROM pg_trigger")
        triggers = {name for (name,) in cursor.fetchall()}
    models = [model for model in apps.get_models(include_auto_created=True) if model._meta.managed]
    named = {each.name for model in models for each in (*model._meta.constraints, *model._meta.indexes)}
    assert len(named) > 200
    assert named - found == set()
    wanted = {each.get_pgid(model) for model in models for each in getattr(model._meta, "triggers", [])}
    assert len(wanted) > 50
    assert wanted - triggers == set()
