from django.apps import AppConfig


class CampaignsConfig(AppConfig):
    name = "campaigns"

    def ready(self) -> None:
        from campaigns.selectors.today import campaigns_in_need
        from crm import panels

        waiting = panels.Panel(
            key="campaigns", title="Campaigns", template="campaigns/_today.html", fill=campaigns_in_need
        )
        panels.register(waiting, on=[panels.TODAY])
