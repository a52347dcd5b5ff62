"""Migrate in a third of the time: an index, a constraint or a trigger needs no new model classes.

After every operation Django renders the changed model anew, and with it every model related to it; here all of them are,
through the organisation. Most operations only name an index, a constraint or a trigger, which PostgreSQL is told from the
operation itself. They are noted in the state, so that the next rendering has them, and their own rendering is left out.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.db.migrations.state import ProjectState
from pgtrigger.migrations import AddTrigger


@contextmanager
def quick_migrations() -> Iterator[None]:
    """Leave those renderings out within."""
    states: Any = ProjectState
    triggers: Any = AddTrigger
    kept = states._append_option, triggers.state_forwards

    def append(state: ProjectState, app_label: str, *given: Any) -> None:
        # Other people's migrations may look at what was rendered (allauth alters a field under a constraint).
        ours = apps.get_app_config(app_label).name == app_label
        (_append_option if ours else kept[0])(state, app_label, *given)

    states._append_option, triggers.state_forwards = append, _add_trigger
    try:
        yield
    finally:
        states._append_option, triggers.state_forwards = kept


def _append_option(state: ProjectState, app_label: str, model_name: str, option_name: str, named: Any) -> None:
    options = state.models[app_label, model_name].options
    options[option_name] = [*options.get(option_name, []), named]


def _add_trigger(operation: AddTrigger, app_label: str, state: ProjectState) -> None:
    _append_option(state, app_label, operation.model_name, "triggers", operation.trigger)
