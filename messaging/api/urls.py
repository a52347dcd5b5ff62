from rest_framework.routers import SimpleRouter

from messaging.api import appeals, assistant, desk, templates, views

router = SimpleRouter()
router.register("channels", views.ChannelViewSet)
router.register("appeals", appeals.AppealViewSet)
router.register("templates", templates.TemplateViewSet)
router.register("notices", templates.NoticeViewSet)
router.register("conversations", views.ConversationViewSet)
router.register("messages", views.MessageViewSet)
router.register("opt-outs", views.OptOutViewSet)
router.register("assistant-lines", assistant.AssistantLineViewSet)
router.register("member-numbers", assistant.MemberNumberViewSet)
router.register("assistant-turns", assistant.AssistantTurnViewSet)
router.register("webhook-events", views.WebhookEventViewSet)
router.register("canned-replies", desk.CannedReplyViewSet)
router.register("office-hours", desk.OfficeHoursViewSet)

urlpatterns = router.urls
