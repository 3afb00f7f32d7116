"""Webhooks, for the house's administrators: who is told where, what is on its way, what did not arrive."""

from django.contrib import admin, messages
from django.core.exceptions import ValidationError
from django.shortcuts import redirect
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from audit.moments import told as retold
from integrations import actions
from integrations.models import Delivery, OutboxRow, WebhookEndpoint
from integrations.pages import EVENTS, EndpointForm, EndpointPages
from jobs.admin import ReadOnlyAdmin
from jobs.permissions import may_operate


@admin.register(OutboxRow)
class OutboxRowAdmin(ReadOnlyAdmin):
    """Without the payload: being an administrator opens no case."""

    list_display = ["id", "event", "case_id", "number", "recipient_id", "at", "spread_at"]
    list_filter = ["event"]
    fields = list_display


@admin.register(WebhookEndpoint)
class WebhookEndpointAdmin(EndpointPages, ReadOnlyAdmin):
    list_display = ["url", "user", "enabled", "told_of", "last_success_at", "failing_since", "rotated_at"]
    list_select_related = ["user"]
    list_filter = ["enabled"]
    form = EndpointForm
    fields = ["user", "url", "events"]
    actions = ["reveal", "rotate", "enable", "disable", "send_test"]

    def has_add_permission(self, request):
        return may_operate(request.user)

    @admin.display(description=_("told of"))
    def told_of(self, endpoint):
        return ", ".join(EVENTS[event] for event in endpoint.events) or gettext("everything")

    def save_model(self, request, obj, form, change):
        actions.add(obj, by=request.user)

    def response_add(self, request, obj, post_url_continue=None):
        """To its page: its secret is to be copied, and a test to be sent."""
        self.message_user(
            request, gettext("Added. Show its secret, give it to the receiver, then send a test."), messages.SUCCESS
        )
        return redirect("admin:integrations_webhookendpoint_change", obj.pk)

    @admin.action(description=_("Show the secret (once)"), permissions=["view"])
    def reveal(self, request, queryset):
        """On the answer to this POST only: never in a message, which the session would keep."""
        if queryset.count() != 1:
            return self.message_user(request, gettext("Choose one endpoint: its secret is shown once."), messages.WARNING)
        endpoint = queryset.get()
        try:
            secret = actions.reveal(endpoint, by=request.user)
        except ValidationError as refusal:
            return self.message_user(request, refusal.message, messages.WARNING)
        shown = {"title": gettext("Webhook secret"), "endpoint": endpoint, "secret": secret}
        return self.page(request, "integrations/secret.html", shown)

    @admin.action(description=_("Rotate the secret"), permissions=["view"])
    def rotate(self, request, queryset):
        self.each(request, queryset, actions.rotate, gettext("{} has a new secret; the old one signs along for 24 hours."))

    @admin.action(description=_("Enable"), permissions=["view"])
    def enable(self, request, queryset):
        self.each(request, queryset, actions.enable, gettext("{} is told again."))

    @admin.action(description=_("Disable"), permissions=["view"])
    def disable(self, request, queryset):
        self.each(request, queryset, actions.disable, gettext("{} is told nothing more."))

    @admin.action(description=_("Send a test"), permissions=["view"])
    def send_test(self, request, queryset):
        self.each(
            request,
            queryset,
            actions.send_test,
            gettext("A test is on its way to {}. Its answer appears in the endpoint's log."),
        )


@admin.register(Delivery)
class DeliveryAdmin(ReadOnlyAdmin):
    list_display = ["id", "row", "endpoint", "made_at", "attempts", "next_try_at", "delivered_at", "answered"]
    list_select_related = ["row", "endpoint"]
    list_filter = [("delivered_at", admin.EmptyFieldListFilter), ("next_try_at", admin.EmptyFieldListFilter)]
    fields = [*list_display, "tries"]
    actions = ["send_again"]

    @admin.display(description=_("last answer"))
    def answered(self, delivery):
        return retold(delivery.last_answer)

    @admin.action(description=_("Send again"), permissions=["view"])
    def send_again(self, request, queryset):
        self.each(request, queryset, actions.send_again, gettext("{} goes out again."))
