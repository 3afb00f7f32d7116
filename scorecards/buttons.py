"""The buttons on a card's page: preview it, copy it, publish it. Each is a page of its own; what changes anything is a POST."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied, ValidationError
from django.http import Http404
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from unfold.decorators import action
from unfold.enums import ActionVariant

from scorecards import actions, preview
from scorecards.forms import CopyForm, PublishForm
from scorecards.permissions import may_look
from workflows.permissions import may

TITLES = {"copy": _("Copy {card}"), "publish": _("Publish {card}")}
NEEDS = {"copy": "define", "publish": "publish_scorecard"}


def address(scorecard) -> str:
    return reverse("admin:scorecards_scorecard_change", args=[scorecard.pk])


def remembered(request, question, ask) -> bool:
    """The answer to `question`, found once per request: the admin asks for every button, link and inline."""
    answers = request.__dict__.setdefault("scorecard_answers", {})
    if question not in answers:
        answers[question] = ask()
    return answers[question]


def asks(request, verb, workflow) -> bool:
    """`workflows.permissions.may`, of somebody who may look."""
    return remembered(request, (verb, workflow.pk), lambda: may_look(request.user) and may(request.user, verb, workflow))


class Buttons:
    """For the scorecard's admin page."""

    actions_detail = ["preview", "copy", "publish"]

    def get_actions_detail(self, request, object_id):
        card = self.get_object(request, str(object_id))
        offered = {"preview"} | {name for name, verb in NEEDS.items() if card and asks(request, verb, card.workflow)}
        if card and card.published_at:
            offered.discard("publish")
        return [button for button in super().get_actions_detail(request, object_id) if button.path in offered]

    @action(description=_("Preview"), url_path="preview", icon="visibility")
    def preview(self, request, object_id):
        card = self._shown(request, object_id)
        return self._page(
            request, "preview", card, gettext("Preview of {card}").format(card=card), **preview.page(card, request.GET)
        )

    @action(description=_("Copy to a new draft"), url_path="copy", icon="content_copy")
    def copy(self, request, object_id):
        return self._ask(request, object_id, "copy", CopyForm, actions.copy, gettext("The copy is made. Change what you like."))

    @action(description=_("Publish"), url_path="publish", icon="verified", variant=ActionVariant.PRIMARY)
    def publish(self, request, object_id):
        return self._ask(request, object_id, "publish", PublishForm, actions.publish, gettext("The card is published."))

    def _ask(self, request, object_id, name, form_class, act, said):
        """GET asks; POST does it and goes to the card, or says what is wrong and keeps what was typed."""
        card = self._shown(request, object_id)
        form = form_class(request.POST if request.method == "POST" else None)
        if form.is_valid() and (done := self._done(request, card, form, act)):
            messages.success(request, said)
            return redirect(address(done))
        if not asks(request, NEEDS[name], card.workflow):
            raise PermissionDenied
        gaps = list(actions.gaps(card)) if name == "publish" and not card.published_at else []
        return self._page(request, name, card, TITLES[name].format(card=card), form=form, gaps=gaps)

    def _shown(self, request, object_id):
        if not self.has_view_permission(request):
            raise PermissionDenied
        if card := self.get_object(request, object_id):
            return card
        raise Http404

    def _done(self, request, card, form, act):
        """The card that the verb gives; None where it refused, with its sentences on the form."""
        try:
            return act(card, by=request.user, **form.cleaned_data)
        except ValidationError as refusal:
            form.add_error(None, refusal)

    def _page(self, request, name, card, title, **context):
        site = {**self.admin_site.each_context(request), "opts": self.opts, "original": card, "title": title}
        return render(request, f"scorecards/{name}.html", {**site, "card": card, "address": address(card), **context})
