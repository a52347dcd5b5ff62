from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"

    def ready(self) -> None:
        from crm.importing import UNITS
        from sheets import tables

        tables.register(UNITS)
