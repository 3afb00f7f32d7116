"""The pages of notices: what is for me, read and unread, and how I want to hear of it."""

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponseNotAllowed
from django.shortcuts import redirect, render
from django.urls import path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.strict import strict_page
from audit import clock
from cases.models import Case, Notice, Wishes
from cases.seen import Sight
from cases.talk import digests, notices

MOST = 100  # on the page; older ones are over


class WishesForm(forms.Form):
    heard = forms.MultipleChoiceField(
        label=gettext_lazy("On my desk I want to hear when"),
        required=False,
        choices=Notice.Kind.choices,
        widget=forms.CheckboxSelectMultiple,
    )
    mail = forms.ChoiceField(label=gettext_lazy("Mail me what I have not read"), choices=Wishes.Mail.choices)
    mail_at = forms.TimeField(
        label=gettext_lazy("Once a day: at"),
        widget=forms.TimeInput(attrs={"type": "time"}, format="%H:%M"),
        error_messages={"invalid": gettext_lazy("Write a time, such as 08:00.")},
    )
    mailed = forms.MultipleChoiceField(
        label=gettext_lazy("By mail I want to hear when"),
        required=False,
        choices=Notice.Kind.choices,
        widget=forms.CheckboxSelectMultiple,
    )

    def __init__(self, user, typed=None):
        wishes = digests.wishes_of(user)
        kinds = Notice.Kind.values
        initial = {
            "mail": wishes.mail,
            "mail_at": wishes.mail_at,
            "mailed": [kind for kind in kinds if kind not in wishes.unmailed],
        }
        super().__init__(
            typed, label_suffix="", initial=initial | {"heard": [kind for kind in kinds if kind not in wishes.muted]}
        )
        self.fields["mail_at"].help_text = _("By the clock of %(zone)s.") % {"zone": user.time_zone}
        if not user.email:
            self.fields["mail"].help_text = _(
                "Your account has no e-mail address, so no mail is sent. An administrator can add one."
            )

    def kept(self) -> dict:
        said, kinds = self.cleaned_data, Notice.Kind.values
        muted, unmailed = ([kind for kind in kinds if kind not in said[name]] for name in ("heard", "mailed"))
        return {"mail": said["mail"], "mail_at": said["mail_at"], "muted": muted, "unmailed": unmailed}


class NoticePages:
    """For the case's admin."""

    def notice_urls(self):
        wrap = self.admin_site.admin_view
        return [
            path("notices/", strict_page(wrap(self.notices_page)), name="cases_notices"),
            path("notices/read/", wrap(self.read_all), name="cases_notices_read"),
            path("notices/<int:notice_id>/", wrap(self.go_to), name="cases_notice_go"),
            path("notices/wishes/", strict_page(wrap(self.wishes_page)), name="cases_wishes"),
        ]

    def notices_page(self, request):
        """The newest first, of the kinds that are not muted."""
        mine = Notice.objects.heard_by(request.user).select_related("by", "case__workflow")[:MOST]
        lines = notices.told(mine, request.user)
        shown = {case.pk: case for case in self._seen(request.user, mine)}
        told = [(line, shown.get(line.notice.case_id)) for line in lines]
        unread = sum(line.notice.read_at is None for line in lines)
        return self._told_of(request, "notices", {"title": _("Notices"), "lines": told, "unread": unread})

    def _seen(self, user, found):
        """Those of their cases that he still sees, as he sees them."""
        cases = Case.objects.visible_to(user).filter(pk__in={each.case_id for each in found}).select_related("workflow")
        return Sight(user).of_all(cases, uncovered=False)

    def read_all(self, request):
        if request.method != "POST":
            return HttpResponseNotAllowed(["POST"])
        only = request.POST.get("notice", "")
        mine = Notice.objects.unread().filter(to=request.user)
        mine = mine.filter(pk=only) if only.isdecimal() and len(only) < 19 else mine
        mine.update(read_at=clock.now())
        return redirect("admin:cases_notices")

    def go_to(self, request, notice_id):
        """To what it is about. Whoever looks at it has read it."""
        notice = Notice.objects.filter(to=request.user, pk=notice_id).first() if notice_id < 2**63 else None
        if notice is None:
            raise Http404(_("There is no such notice here."))
        Notice.objects.unread().filter(pk=notice.pk).update(read_at=clock.now())
        if notice.kind in notices.ASKING:
            return redirect(notices.ASKING[notice.kind])
        if not Case.objects.visible_to(request.user).filter(pk=notice.case_id).exists():
            messages.info(request, _("That case is with somebody else now, so you do not see it any more."))
            return redirect("admin:cases_notices")
        return redirect(reverse("admin:cases_case_work", args=[notice.case_id]))

    def wishes_page(self, request):
        form = WishesForm(request.user, request.POST if request.method == "POST" else None)
        if request.method == "POST" and form.is_valid():
            Wishes.objects.update_or_create(user=request.user, defaults=form.kept())
            messages.success(request, _("Your wishes are kept."))
            return redirect("admin:cases_notices")
        told = {"title": _("How I want to hear of things"), "form": form}
        return self._told_of(request, "wishes", told, 422 if form.is_bound else 200)

    def _told_of(self, request, template, told, status=200):
        site = self.admin_site.each_context(request)
        return render(request, f"cases/talk/{template}.html", {**site, **told}, status=status)
