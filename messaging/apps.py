from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from django.utils.translation import gettext_noop

        from crm import panels
        from messaging.importing import TABLE
        from messaging.selectors import stop_marks, stop_panel, talks_about
        from sheets import tables

        tables.register(TABLE)

        conversations = panels.Panel(
            key="conversations",
            title=gettext_noop("Conversations"),
            template="messaging/_talks.html",
            fill=talks_about,
            is_aside=True,
        )
        panels.register(conversations, on=[panels.UNIT, panels.CONTACT])
        stops = panels.Panel(
            key="stops",
            title=gettext_noop("Said stop"),
            template="messaging/_stops.html",
            fill=stop_panel,
            is_aside=True,
        )
        panels.register(stops, on=[panels.CONTACT])
        panels.register_marks("stops", stop_marks)
