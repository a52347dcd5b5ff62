from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"

    def ready(self) -> None:
        from crm.importing import TABLES
        from sheets import tables

        for table in TABLES:
            tables.register(table)
