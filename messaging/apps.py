from django.apps import AppConfig


class MessagingConfig(AppConfig):
    name = "messaging"

    def ready(self) -> None:
        from django.utils.translation import gettext_noop

        from crm import panels
        from messaging.selectors import talks_about

        conversations = panels.Panel(
            key="conversations",
            title=gettext_noop("Conversations"),
            template="messaging/_talks.html",
            fill=talks_about,
            is_aside=True,
        )
        panels.register(conversations, on=[panels.UNIT, panels.CONTACT])
