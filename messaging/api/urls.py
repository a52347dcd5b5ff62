from rest_framework.routers import SimpleRouter

from messaging.api import desk, templates, views

router = SimpleRouter()
router.register("channels", views.ChannelViewSet)
router.register("templates", templates.TemplateViewSet)
router.register("notices", templates.NoticeViewSet)
router.register("conversations", views.ConversationViewSet)
router.register("messages", views.MessageViewSet)
router.register("opt-outs", views.OptOutViewSet)
router.register("webhook-events", views.WebhookEventViewSet)
router.register("canned-replies", desk.CannedReplyViewSet)
router.register("office-hours", desk.OfficeHoursViewSet)

urlpatterns = router.urls
