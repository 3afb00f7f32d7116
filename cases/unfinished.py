"""What somebody had changed in the fields of a case when he paused it or asked about it waits for him, until it is decided or changes."""

from datetime import timedelta

from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from audit import clock
from cases.models import Unfinished
from cases.seen import said, whole
from cases.states import CLOSED
from cases.work_form import WorkForm

NOTE = _("What you had changed stands below again. It is kept for you alone, until the case is decided or changed.")
KEPT = timedelta(days=90)  # as long as anything is planned to wait


def after(form: WorkForm, name: str):
    """The verb was done: keep what it does not take along, or forget what was kept before."""
    mine = Unfinished.objects.filter(case=form.case.pk, by=form.user)
    typed = form.typed() if form.verbs[name].keeps else {}
    if typed:
        about = {"revision": form.case.revision, "desk": form.case.state, "at": clock.now(), "typed": typed}
        mine.update_or_create(about, case=whole(form.case), by=form.user)
    elif form.data.get("unfinished"):
        mine.delete()


def put_back(form: WorkForm):
    """Of what he sees masked nothing is put back that would show him more."""
    case, last = whole(form.case), form.standing.last
    if case.has_none("unfinished") or form.is_bound:
        return
    mine = Unfinished.objects.filter(case=case, by=form.user, revision=case.revision, desk=case.state)
    left = mine.filter(at__gt=last["at"]).first() if last else mine.first()
    if left:
        shown = {name: values for name, values in left.typed.items() if [said(form.case, each) for each in values] == values}
        form.fill({**shown, "unfinished": "1"}, "", NOTE)


def forget():
    """What nobody can go on with any more."""
    over = Q(case__state=CLOSED) | ~Q(revision=F("case__revision")) | Q(at__lt=clock.now() - KEPT)
    Unfinished.objects.filter(over).delete()
