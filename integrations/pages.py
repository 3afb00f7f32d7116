"""An endpoint's page: how it is, what can be done, what was sent there. Doors: they ask, call and show."""

from datetime import datetime

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.shortcuts import redirect
from django.urls import path, reverse
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from accounts.asking import Asking
from audit import clock
from integrations import actions, wellbeing
from integrations.models import SUBSCRIBABLE, Delivery, OutboxRow, WebhookEndpoint
from jobs.permissions import may_operate

SHOWN = 50  # deliveries in the log
VERBS = ("reveal", "rotate", "enable", "disable", "send_test")
EVENTS = dict(SUBSCRIBABLE)


class EventsField(forms.MultipleChoiceField):
    def __init__(self, **more):
        told = WebhookEndpoint._meta.get_field("events").help_text
        super().__init__(
            choices=SUBSCRIBABLE, required=False, widget=UnfoldAdminCheckboxSelectMultipleWidget, help_text=told, **more
        )


class EndpointForm(forms.ModelForm):
    events = EventsField(
        label=_("Events"),
    )


class EventsForm(forms.Form):
    events = EventsField(label=_("Tell it of"))


class EndpointPages(Asking):
    """For the endpoint's admin: its own page in place of the form that Django makes, and an address for each verb."""

    def get_urls(self):
        wrap = self.admin_site.admin_view
        each = [
            path(
                f"<int:endpoint_id>/{verb.replace('_', '-')}/",
                wrap(require_POST(self.verb_page)),
                {"verb": verb},
                f"integrations_webhookendpoint_{verb}",
            )
            for verb in VERBS
        ]
        return [
            *each,
            path("<int:endpoint_id>/events/", wrap(self.subscribe_page), name="integrations_webhookendpoint_subscribe"),
            path(
                "deliveries/<int:delivery_id>/send-again/",
                wrap(require_POST(self.send_again_page)),
                name="integrations_webhookendpoint_send_again",
            ),
            *super().get_urls(),
        ]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        if not may_operate(request.user) or request.method != "GET":
            raise PermissionDenied(_("An endpoint is changed by administrators, by the buttons of its page."))
        endpoint = WebhookEndpoint.objects.select_related("user").filter(pk=object_id).first()
        if endpoint is None:
            raise Http404(_("There is no such endpoint."))
        return self.page(request, "integrations/endpoint.html", {"title": endpoint.url, **told_of(endpoint)})

    def verb_page(self, request, endpoint_id, verb):
        chosen = self.found(request, endpoint_id)
        return getattr(self, verb)(request, chosen) or redirect(address(endpoint_id))

    def subscribe_page(self, request, endpoint_id):
        endpoint = self.found(request, endpoint_id).get()
        typed = request.POST if request.method == "POST" else None
        form = EventsForm(typed, initial={"events": endpoint.events}, label_suffix="")
        return self.ask(
            request,
            form,
            lambda events: actions.subscribe(endpoint, events, by=request.user),
            title=gettext("What {endpoint} is told of").format(endpoint=endpoint),
            button=gettext("Save"),
            back=address(endpoint_id),
            said=gettext("From the next event on it is told of these."),
            original=endpoint,
            sentence=gettext("It holds from the next event on. What is on its way already still arrives."),
        )

    def send_again_page(self, request, delivery_id):
        found = Delivery.objects.filter(pk=delivery_id)
        if not may_operate(request.user) or not found.exists():
            raise Http404(_("There is no such delivery, or not for you."))
        self.each(request, found, actions.send_again, gettext("{} goes out again."))
        return redirect(address(found.get().endpoint_id))

    def found(self, request, endpoint_id):
        chosen = WebhookEndpoint.objects.filter(pk=endpoint_id)
        if not may_operate(request.user):
            raise PermissionDenied(_("Webhooks are looked after by administrators. Ask one of them."))
        if not chosen.exists():
            raise Http404(_("There is no such endpoint."))
        return chosen


def address(endpoint_id) -> str:
    return reverse("admin:integrations_webhookendpoint_change", args=[endpoint_id])


def told_of(endpoint) -> dict:
    """What the page shows."""
    log = Delivery.objects.filter(endpoint=endpoint).select_related("row").defer("row__payload").order_by("-made_at", "-pk")
    now = clock.now()
    return {
        "original": endpoint,
        "endpoint": endpoint,
        "events": [EVENTS[event] for event in endpoint.events],
        "how": wellbeing.of(endpoint),
        "rests": endpoint.resting_until and endpoint.resting_until > now,
        "log": [as_shown(each, now) for each in log[:SHOWN]],
        "shown": SHOWN,
    }


def as_shown(delivery, now) -> dict:
    """One line of the log: never what was sent, since being an administrator opens no case."""
    if delivery.delivered_at:
        state, told = "arrived", gettext("arrived")
    elif delivery.next_try_at is None and delivery.row.event == OutboxRow.Event.TEST:
        state, told = "tested", gettext("tested")
    elif delivery.next_try_at is None:
        state, told = "given up", gettext("given up")
    else:
        state, told = ("waits", gettext("waits")) if delivery.next_try_at > now else ("due", pgettext("delivery", "due"))
    tries = [{**each, "at": datetime.fromisoformat(each["at"])} for each in delivery.tries]
    return {"delivery": delivery, "row": delivery.row, "state": state, "told": told, "tries": tries}
