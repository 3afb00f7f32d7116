"""The demo is made by the real verbs: the ledger verifies, and work is waiting for everybody."""

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from cases.models import Case, Release

pytestmark = pytest.mark.django_db(transaction=True)


def test_the_demo_keeps_every_promise_and_leaves_work_waiting(capsys):
    call_command("demo")

    call_command("verify_audit", "--no-progress")
    assert {"review", "resolution", "approval", "closed"} == set(Case.objects.values_list("state", flat=True))
    assert set(Case.objects.open().values_list("vendor__name", flat=True)) == {None, "Lisbon Support", "Manila Assist"}
    assert not Release.objects.filter(case__requires_approval=True).exclude(case__decisions__verb="approve").exists()
    first, last = (
        AuditEvent.objects.filter(verb="case.received").order_by("at").values_list("at", flat=True)[:1],
        Case.objects.first(),
    )
    assert (last.received_at - first[0]).days > 50
    with pytest.raises(CommandError, match="empty database only"):
        call_command("demo")
    assert "hd_live_" in capsys.readouterr().out
