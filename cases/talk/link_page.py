"""The page behind a signed link: one question, what whoever asked chose to show, and one answer. Nobody signs in here.

The link alone opens it, so it does nothing else: it names no other page, is kept by no cache, and tells its address to nobody.
"""

from django import forms
from django.core.exceptions import ValidationError
from django.db import transaction
from django.shortcuts import render
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.models import User
from audit import acting, clock, trail
from cases import actions, pages
from cases.talk import links
from cases.talk.inquiry_pages import AnswerForm
from cases.talk.open_door import open_door
from cases.talk.pace import Pace

PACE = Pace("inquiry", each_minute=30)
PAGE = "cases/talk/link.html"


class NamedAnswerForm(AnswerForm):
    named = forms.CharField(
        label=gettext_lazy("Your name"),
        max_length=120,
        required=False,
        help_text=gettext_lazy("So that they know who answered."),
    )
    field_order = ["named", "text"]


@open_door(PACE, PAGE)
def page(request, token):
    """Whoever has the link may read the question and answer it, once. What is done here, the machine writes down."""
    with transaction.atomic():
        machine = User.objects.machine()
    with trail.scope(acting.on_behalf_of(machine, request.request_id)):
        with transaction.atomic():
            inquiry = links.behind(token)
            closed = _why_closed(inquiry)
        if closed:
            status, says, more = closed
            told = {"says": says, "more": more, "typed": request.POST.get("text", "")}
            return render(request, PAGE, told, status=status)
        return _opened(request, inquiry, machine)


def _why_closed(inquiry):
    """(status, what it is, what one can do about it); nothing where the link opens."""
    if inquiry is None:
        return 404, _("This link leads nowhere."), _("Perhaps it was cut short, or taken back. Ask whoever sent it to you.")
    if inquiry.answered_at:
        return 410, _("This question has been answered."), _("Thank you. There is nothing more to do.")
    if not inquiry.is_open:
        return 410, _("This is not asked any more."), _("Thank you all the same.")
    if not inquiry.has_link(clock.now()):
        return 410, _("This link is over."), _over(inquiry.link_until)
    return None


def _over(until) -> str:
    if until is None:
        return _("Ask whoever sent it to you for another.")
    when = date_format(localtime(until), "j M Y, H:i e")
    return _("It could be used until {until}. Ask whoever sent it to you for another.").format(until=when)


def _opened(request, inquiry, machine):
    form = NamedAnswerForm(request.POST if request.method == "POST" else None)
    if request.method != "POST" or not form.is_valid():
        return render(request, PAGE, {"inquiry": inquiry, "form": form}, status=422 if form.is_bound else 200)
    try:
        actions.answer(inquiry.pk, by=machine, **form.cleaned_data)
    except ValidationError as error:
        form.add_error(None, error)
        return render(request, PAGE, {"inquiry": inquiry, "form": form}, status=422)
    except pages.REFUSALS as error:  # somebody answered it while this one was typed
        told = pages.refused(error)
        return render(request, PAGE, {"says": told.words, "typed": form.cleaned_data["text"]}, status=told.status)
    return render(request, PAGE, {"says": _("Thank you. Your answer has arrived, and this link is over.")})
