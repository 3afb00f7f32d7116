"""What somebody had changed when he paused a case or asked about it stands for him again, and for nobody else; a decision or a change ends it."""

import pytest
from django.db import IntegrityError, transaction

from cases import actions, jobs, queues
from cases.models import Case, Unfinished
from tests.conftest import acting_as, seated
from tests.desk import decide, page

pytestmark = pytest.mark.django_db
NOTE = "What you had changed stands below again."
PAUSED = {"on": "team", "whom": "Finance", "reason": "They look."}


@pytest.fixture
def output_schema():
    names = ("decision", "reply")
    return {"type": "object", "required": ["decision"], "properties": {name: {"type": "string"} for name in names}}


@pytest.fixture
def case(send, reviewer):
    return queues.claim(send(0.5, output={"decision": "refund", "reply": "We will."}).pk, by=reviewer)


@pytest.fixture
def bench(client):
    def bench(person, case):
        client.force_login(person)
        return client.get(page(case))

    return bench


def left(client, case, person, verb="pause", **asked):
    """He changes the reply, and puts the case aside."""
    client.force_login(person)
    typed = {"output.decision": "refund", "output.reply": "We will not.", **(asked or PAUSED)}
    assert decide(client, case, verb, **typed).status_code == 302


def value_of(shown, name="output.reply"):
    return shown.context["form"][name].value()


ASIDE = {
    "pause": PAUSED,
    "inquire": {"whom": "Finance", "on": "team", "question": "Paid twice?"},
    "snooze": {"until": "other", "until_other": "", "reason": "Later."},
    "ask": {"reason": "What is a voucher?"},
}


@pytest.mark.parametrize("verb", ASIDE)
def test_what_was_changed_stands_again_when_the_case_is_opened(client, bench, case, reviewer, verb):
    asked = ASIDE[verb] if verb != "snooze" else {"until": first_moment(bench(reviewer, case)), "reason": "Later."}
    before = bench(reviewer, case)

    left(client, case, reviewer, verb, **asked)

    shown = bench(reviewer, case)
    assert NOTE not in before.text and NOTE in shown.text
    assert (value_of(before), value_of(shown)) == ("We will.", "We will not.")


def first_moment(shown):
    return shown.context["form"].fields["snooze.until"].choices[0][0]


def test_it_is_nobody_elses(client, bench, case, reviewer, refunds, owner):
    left(client, case, reviewer)

    shown = bench(seated(refunds, "reviewer", owner), case)

    assert NOTE not in shown.text and "We will not." not in shown.text


def test_where_nothing_was_changed_nothing_is_kept(client, bench, case, reviewer):
    left(client, case, reviewer, **PAUSED, **{"output.reply": "We will."})

    assert not Unfinished.objects.exists() and NOTE not in bench(reviewer, case).text


def test_it_is_kept_over_going_on_and_gone_once_he_decides(client, bench, case, reviewer):
    left(client, case, reviewer)
    shown = bench(reviewer, case)
    kept = {"output.reply": value_of(shown), "output.decision": "refund", "unfinished": "1"}

    client.post(page(case), {"verb": "go_on", "revision": 1, **kept})
    again = value_of(bench(reviewer, case))
    client.post(page(case), {"verb": "correct", "revision": 1, "correct.reason": "So.", **kept})

    assert again == "We will not." and not Unfinished.objects.exists()
    assert Case.objects.get(pk=case.pk).standing_output["reply"] == "We will not."


def test_what_he_put_back_as_it_was_is_kept_no_more(client, bench, case, reviewer):
    left(client, case, reviewer)

    as_it_was = {"output.reply": "We will.", "output.decision": "refund", "unfinished": "1"}
    client.post(page(case), {"verb": "ask", "revision": 1, "ask.reason": "Why?", **as_it_was})

    assert not Unfinished.objects.exists() and NOTE not in bench(reviewer, case).text


def test_it_is_gone_once_the_content_changed(client, bench, case, reviewer):
    left(client, case, reviewer)

    Case.objects.filter(pk=case.pk).update(revision=2)

    shown = bench(reviewer, case)
    assert Unfinished.objects.exists() and NOTE not in shown.text and value_of(shown) == "We will."


def test_it_is_gone_once_another_decided_though_the_case_is_reopened_as_it_was(client, bench, case, reviewer, refunds, owner):
    resolver, other = seated(refunds, "resolver", owner), seated(refunds, "resolver", owner)
    actions.escalate(case.pk, by=reviewer, reason="Unclear.")
    left(client, case, resolver)
    before = value_of(bench(resolver, case))

    actions.resolve(case.pk, by=other, reason="As it stands.")
    actions.reopen(case.pk, by=reviewer, reason="Not so.", place="support")

    shown, stands = bench(resolver, case), Case.objects.get(pk=case.pk)
    assert (stands.state, stands.revision) == ("resolution", 1) and Unfinished.objects.exists()
    assert before == "We will not." and NOTE not in shown.text and value_of(shown) == "We will."


def test_what_nobody_can_go_on_with_is_forgotten(client, case, send, reviewer, machine):
    left(client, case, reviewer)
    waiting = queues.claim(send(0.5, output={"decision": "refund", "reply": "We will."}).pk, by=reviewer)
    left(client, waiting, reviewer)
    actions.accept(case.pk, by=reviewer)

    jobs.forget_what_was_left_unfinished()

    assert Unfinished.objects.get().case == waiting


def test_what_is_masked_now_is_not_put_back(client, case, bench, vendor, vendor_reviewer, reviewer):
    queues.give_back(case.pk, by=reviewer)
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    with acting_as(vendor_reviewer):
        queues.claim(case.pk, by=vendor_reviewer)
        asked = {"output.reply": "To anna@example.org", "output.decision": "decline", **PAUSED}
        left(client, case, vendor_reviewer, **asked)

        shown = bench(vendor_reviewer, case)

    assert NOTE in shown.text and "anna@example.org" not in shown.text
    assert value_of(shown) == "We will." and value_of(shown, "output.decision") == "decline"


def test_what_is_kept_is_one_row_of_a_person_and_a_case(client, case, reviewer):
    left(client, case, reviewer)
    queues.claim(case.pk, by=reviewer)
    left(client, case, reviewer, **PAUSED, **{"output.reply": "Never."})

    kept = Unfinished.objects.get()

    assert kept.typed == {"output.reply": ["Never."]}
    for again in (lambda: copy(kept).save(), lambda: Unfinished.objects.bulk_create([copy(kept)])):
        with pytest.raises(IntegrityError, match="a_person_leaves_a_case_unfinished_once"), transaction.atomic():
            again()


def copy(kept) -> Unfinished:
    return Unfinished(case=kept.case, by=kept.by, revision=1, desk="review", typed={})
