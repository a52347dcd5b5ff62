from django.apps import AppConfig


class CrmConfig(AppConfig):
    name = "crm"

    def ready(self) -> None:
        from django.utils.translation import gettext_noop

        from crm import panels
        from crm.importing import TABLES
        from crm.selectors import duplicates_of
        from crm.selectors.disclosures import shown_of
        from sheets import tables

        for table in TABLES:
            tables.register(table)
        duplicates = panels.Panel(
            key="duplicates",
            title=gettext_noop("Possible duplicates"),
            template="crm/_duplicates_panel.html",
            fill=duplicates_of,
            is_aside=True,
        )
        panels.register(duplicates, on=[panels.UNIT, panels.CONTACT])
        shown = panels.Panel(
            key="disclosures",
            title=gettext_noop("Numbers shown"),
            template="crm/_shown_panel.html",
            fill=shown_of,
            is_aside=True,
        )
        panels.register(shown, on=[panels.CONTACT])
