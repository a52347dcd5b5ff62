"""Where WhatsApp calls us."""

urlpatterns: list[object] = []
