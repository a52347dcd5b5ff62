"""Joins the parts once all of them are loaded."""

from django.apps import AppConfig


class ConfigConfig(AppConfig):
    name = "config"
    label = "config"

    def ready(self) -> None:
        from config import names, wiring
        from config.celery import app

        # The web process too must know every task by name (core.jobs.enqueue).
        app.autodiscover_tasks(force=True)
        wiring.wire()
        names.name_everything()
