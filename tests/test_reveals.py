"""What is hidden may be revealed to whoever holds the case: for a reason, within the budget, and not for longer."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.urls import reverse

from audit import acting, clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.models import Case, Reveal
from cases.seen import seen_by
from integrations.problems import Conflict
from tests import factories
from tests.conftest import seated
from tests.desk import asked, decide
from workflows.models import Mandate

CARD, MAIL = "4111 1111 1111 1111", "anna@example.com"


@pytest.fixture
def case(send, vendor, vendor_reviewer):
    """The vendor's, and held by its person."""
    made = send(input={"text": CARD, "to": {"mail": MAIL}}, output={"decision": CARD})
    Case.objects.filter(pk=made.pk).update(vendor=vendor)
    return queues.claim(made.pk, by=vendor_reviewer)


@pytest.fixture
def mandate(refunds, vendor, vendor_reviewer):
    return factories.mandated(vendor, refunds)


def allowed(mandate, count):
    Mandate.objects.filter(pk=mandate.pk).update(reveals_a_day=count)


def again(case):
    return Case.objects.get(pk=case.pk)


@pytest.mark.django_db
def test_one_field_is_shown_while_he_holds_the_case(case, vendor_reviewer):
    actions.reveal(case.pk, by=vendor_reviewer, what="input.text", reason="The number is read out to me.")

    seen = seen_by(again(case), vendor_reviewer)
    assert (seen.input, seen.output) == ({"text": CARD, "to": {"mail": "[e-mail 1]"}}, {"decision": "[card 1]"})
    queues.give_back(case.pk, by=vendor_reviewer)
    assert seen_by(again(case), vendor_reviewer).input["text"] == "[card 1]"
    queues.claim(case.pk, by=vendor_reviewer)
    assert seen_by(again(case), vendor_reviewer).input["text"] == "[card 1]"  # another claim asks anew


@pytest.mark.django_db
def test_or_the_whole_case(case, vendor_reviewer):
    actions.reveal(case.pk, by=vendor_reviewer, reason=f"To compare with {CARD}.")

    seen = seen_by(again(case), vendor_reviewer)
    assert (seen.input, seen.standing, seen.text(MAIL)) == (case.input, case.standing, MAIL)


@pytest.mark.django_db
def test_to_nobody_else_of_the_vendor(case, refunds, owner, vendor, vendor_reviewer):
    actions.reveal(case.pk, by=vendor_reviewer, reason="x")

    assert seen_by(again(case), seated(refunds, "reviewer", owner, vendor)).input["text"] == "[card 1]"


@pytest.mark.django_db
def test_it_is_one_event_with_what_and_why(case, vendor_reviewer):
    actions.reveal(case.pk, by=vendor_reviewer, what="input.to.mail", reason="The customer spells it.")

    [event] = AuditEvent.objects.filter(verb="case.reveal")
    assert (event.body["what"], event.words, event.actor_name) == (
        "“input.to.mail”",
        "The customer spells it.",
        str(vendor_reviewer),
    )
    [made] = Reveal.objects.all()
    assert (made.what, made.reason, made.vendor_id) == ("input.to.mail", "The customer spells it.", vendor_reviewer.vendor_id)


@pytest.mark.django_db
def test_what_was_revealed_is_corrected_as_it_is(case, vendor_reviewer):
    actions.reveal(case.pk, by=vendor_reviewer, reason="x")

    actions.correct(case.pk, by=vendor_reviewer, output={"decision": f"Charge {CARD}."})

    assert again(case).standing == {"decision": f"Charge {CARD}."}


@pytest.mark.django_db
@pytest.mark.parametrize("said", [{"reason": ""}, {"reason": "  "}, {"reason": "x", "what": "input.none"}])
def test_it_needs_a_reason_and_something_that_is_hidden(case, vendor_reviewer, said):
    with pytest.raises(ValidationError):
        actions.reveal(case.pk, by=vendor_reviewer, **said)
    assert not Reveal.objects.exists()


@pytest.mark.django_db
def test_only_who_holds_it_asks(case, vendor_reviewer):
    queues.give_back(case.pk, by=vendor_reviewer)

    with pytest.raises(Conflict, match="Claim the case first"):
        actions.reveal(case.pk, by=vendor_reviewer, reason="x")


@pytest.mark.django_db
def test_the_budget_is_a_persons_in_24_hours(case, mandate, vendor_reviewer, refunds, owner, vendor):
    allowed(mandate, 2)
    for what in ("input.text", "input.to.mail"):
        actions.reveal(case.pk, by=vendor_reviewer, what=what, reason="x")

    with pytest.raises(
        PermissionDenied, match=r"In the last 24 hours 2 were revealed to you, and your side's mandate in Refunds allows 2\."
    ):
        actions.reveal(case.pk, by=vendor_reviewer, reason="x")
    assert Reveal.objects.count() == 2


@pytest.mark.django_db
def test_a_mandate_may_say_never(case, mandate, vendor_reviewer):
    allowed(mandate, 0)

    with pytest.raises(PermissionDenied, match="nothing is revealed to your side"):
        actions.reveal(case.pk, by=vendor_reviewer, reason="x")


@pytest.mark.django_db
def test_nothing_is_hidden_from_the_house(send, reviewer):
    case = queues.claim(send(input={"text": CARD}).pk, by=reviewer)

    with pytest.raises(PermissionDenied, match="Nothing is hidden from the house"):
        actions.reveal(case.pk, by=reviewer, reason="x")


@pytest.mark.long
def test_many_at_once_stay_within_the_budget(committed):
    mandate, person, vendor, send = committed("mandate", "vendor_reviewer", "vendor", "send")
    with transaction.atomic():
        allowed(mandate, 3)
        cases = [send(input={"text": CARD}).pk for _ in range(8)]
        Case.objects.filter(pk__in=cases).update(vendor=vendor)
        for case in cases:
            queues.claim(case, by=person)

    def ask(case):
        with acting.scope(acting.on_behalf_of(person)):
            try:
                actions.reveal(case, by=person, reason="x")
                return True
            except PermissionDenied:
                return False
            finally:
                connection.close()

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(ask, cases))

    with transaction.atomic():
        assert (sum(answers), Reveal.objects.count()) == (3, 3)


# The doors


@pytest.mark.django_db
def test_in_the_browser(client, case, mandate, vendor_reviewer):
    client.force_login(vendor_reviewer)
    page = reverse("admin:cases_case_change", args=[case.pk])
    assert CARD not in client.get(page).content.decode()
    assert "5 more revealed in these 24 hours, of 5" in client.get(asked(case, "reveal")).content.decode()

    assert decide(client, case, "reveal", what="input.text", reason="").status_code == 422
    assert decide(client, case, "reveal", what="input.text", reason="To compare").status_code == 302

    shown = client.get(page).content.decode()
    assert CARD in shown and MAIL not in shown


@pytest.mark.django_db
def test_over_rest_what_is_kept_for_a_retry_stays_hidden(client, key, case, vendor_reviewer):
    header, where = key(vendor_reviewer), reverse("case", args=[case.pk])
    before = client.get(where, **header)

    answer = client.post(reverse("case-reveal", args=[case.pk]), {"reason": "x"}, "application/json", **header)

    assert answer.status_code == 200 and CARD not in answer.content.decode()
    after = client.get(where, HTTP_IF_NONE_MATCH=before["ETag"], **header)
    assert after.status_code == 200 and after.json()["input"]["text"] == CARD


@pytest.mark.django_db
def test_the_owner_of_quality_or_risk_reads_what_was_revealed(client, case, vendor_reviewer, owner, reviewer):
    actions.reveal(case.pk, by=vendor_reviewer, what="input.text", reason="To compare the numbers")
    where = reverse("admin:cases_reveal_changelist")

    def reads(person, **asked):
        client.force_login(person)
        return client.get(where, asked)

    assert "To compare the numbers" in reads(owner).content.decode()
    assert (
        "To compare the numbers"
        in reads(owner, vendor=vendor_reviewer.vendor_id, by__id__exact=vendor_reviewer.pk).content.decode()
    )
    assert "Nothing was revealed yet" in reads(owner, vendor=0).content.decode()
    assert "Nothing was revealed yet" in reads(reviewer).content.decode()
    assert reads(vendor_reviewer).status_code == 403


# What the database refuses


@pytest.fixture
def made(case, mandate, vendor_reviewer):
    actions.reveal(case.pk, by=vendor_reviewer, what="input.text", reason="x")
    return Reveal.objects.get()


def another(made, **other):
    facts = {name: getattr(made, name) for name in ("case_id", "claim_id", "by_id", "vendor_id", "mandate_id", "reason")}
    return Reveal(**{**facts, "at": clock.now(), **other})


@pytest.mark.django_db
@pytest.mark.parametrize("door", ["update", "delete", "raw"])
def test_a_reveal_is_never_changed(made, door):
    with pytest.raises(DatabaseError, match=r"permission denied|append only"), transaction.atomic():
        if door == "raw":
            connection.cursor().execute("UPDATE cases_reveal SET reason = 'y'")
        elif door == "update":
            Reveal.objects.update(what="")
        else:
            Reveal.objects.all()._raw_delete("default")


@pytest.mark.django_db
@pytest.mark.parametrize("reason", ["", "  ", "\n"])
def test_a_reveal_has_a_reason(made, reason):
    with pytest.raises(IntegrityError, match="a_reveal_has_a_reason"), transaction.atomic():
        another(made, reason=reason).save()


@pytest.mark.django_db
def test_only_who_holds_a_case_has_it_revealed(made, reviewer, vendor_reviewer, case, refunds, owner, vendor):
    colleague = seated(refunds, "reviewer", owner, vendor)
    for other in (
        {"by_id": reviewer.pk},
        {"by_id": colleague.pk},
        {"vendor_id": made.vendor_id + 1},
        {"mandate_id": made.mandate_id + 1},
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            another(made, **other).save()
            connection.check_constraints()

    queues.give_back(case.pk, by=vendor_reviewer)
    with pytest.raises(IntegrityError, match="only who holds a case has it revealed"), transaction.atomic():
        another(made).save()


@pytest.mark.django_db
def test_reveals_stay_within_the_budget(made, mandate):
    allowed(mandate, 2)
    another(made).save()

    with pytest.raises(IntegrityError, match="reveals stay within the budget"), transaction.atomic():
        Reveal.objects.bulk_create([another(made)])


@pytest.mark.django_db
def test_no_reveal_is_dated_back(made):
    with pytest.raises(IntegrityError, match="no reveal is dated back"), transaction.atomic():
        another(made, at=clock.now() - timedelta(hours=30)).save()


def test_each_vendor_reads_its_own_reveals_only(committed):
    [made] = committed("made")
    with transaction.atomic():
        stranger = factories.UserFactory(vendor=factories.VendorFactory())

    def reads(person):
        with acting.scope(acting.on_behalf_of(person)), transaction.atomic():
            return Reveal.objects.count()

    assert (reads(made.by), reads(stranger)) == (1, 0)
    with acting.scope(acting.NOBODY), transaction.atomic():
        assert Reveal.objects.count() == 0
