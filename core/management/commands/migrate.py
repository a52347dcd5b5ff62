"""`migrate` as the owner of the tables, then the protection that follows from the models."""

from __future__ import annotations

from typing import Any

from django.core.management.base import CommandParser
from django.core.management.commands import migrate
from django.db import connections

from core import protection
from core.quick_migrations import quick_migrations


class Command(migrate.Command):
    def add_arguments(self, parser: CommandParser) -> None:
        super().add_arguments(parser)
        parser.set_defaults(database="owner")

    def handle(self, *args: Any, **options: Any) -> None:
        with quick_migrations():
            super().handle(*args, **options)
        # An older state of the schema (migrate app 0003) has not the tables that the present models speak of.
        if not options["app_label"] and not options["plan"] and not options["check_unapplied"]:
            count = protection.apply(connections[options["database"]])
            if options["verbosity"] > 0:
                self.stdout.write(f"Row-level security, keys and privileges follow the models ({count} statements).")
