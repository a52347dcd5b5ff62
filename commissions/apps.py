from django.apps import AppConfig


class CommissionsConfig(AppConfig):
    name = "commissions"

    def ready(self) -> None:
        from commissions.selectors.today import money_today
        from crm import panels

        money = panels.Panel(
            key="commissions", title="Commissions", template="commissions/_today.html", fill=money_today
        )
        panels.register(money, on=[panels.TODAY])
