"""Patterns: a case is flagged, beside those that are like it, to an open finding or to one that begins with it."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, transaction
from django.urls import reverse

from audit import clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.models import Case
from improvements import actions as improvements
from improvements.models import Finding, Flag
from improvements.similar import similar
from integrations.problems import Conflict
from tests import factories
from tests.conftest import acting_as, seated

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(send, reviewer):
    return queues.claim(send(0.5).pk, by=reviewer)


@pytest.fixture
def page(client, reviewer):
    client.force_login(reviewer)
    return client


def flagging(case):
    return reverse("admin:improvements_flag", args=[case.pk])


def test_a_finding_begins_with_its_first_case_and_takes_others(page, case, send, reviewer):
    answer = page.post(flagging(case), {"title": "Opened parcels", "words": "The third today."})
    other = send(0.5)
    page.post(flagging(other), {"finding": Finding.objects.get().pk})

    assert answer.url == reverse("admin:cases_case_work", args=[case.pk])
    assert list(Finding.objects.get().flags.values_list("case", "words")) == [(case.pk, "The third today."), (other.pk, "")]
    assert AuditEvent.objects.filter(subject_id=case.pk, verb="case.flag").count() == 1
    assert Case.objects.get(pk=case.pk).claimed_by == reviewer


def test_neither_chosen_nor_named_is_said_and_what_was_typed_stays(page, case):
    answer = page.post(flagging(case), {"title": " ", "words": "Again."})

    assert answer.status_code == 422
    assert "say in a few words what the pattern is" in answer.content.decode() and "Again." in answer.content.decode()


def test_a_case_stands_once_in_a_finding(page, case, reviewer):
    improvements.flag(case.pk, by=reviewer, title="Opened parcels")

    again = page.post(flagging(case), {"finding": Finding.objects.get().pk})

    assert again.status_code == 409 and "already" in again.content.decode()
    with pytest.raises(Conflict):
        improvements.flag(case.pk, by=reviewer, finding=Finding.objects.get().pk)


def test_before_flagging_one_reads_in_which_open_findings_a_case_stands_already(page, case, send, reviewer):
    told = "This case stands in “Opened parcels” already."
    before = page.get(flagging(case)).text
    improvements.flag(case.pk, by=reviewer, title="Opened parcels")

    shown, another = page.get(flagging(case)).text, page.get(flagging(send(0.5))).text

    assert told in shown and told not in before + another
    Finding.objects.update(closed_at=clock.now())
    assert told not in page.get(flagging(case)).text


def test_a_vendors_person_reads_nothing_of_what_the_house_found(client, case, vendor, vendor_reviewer, reviewer):
    improvements.flag(case.pk, by=reviewer, title="Opened parcels")
    queues.give_back(case.pk, by=reviewer)
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    client.force_login(vendor_reviewer)

    assert "Opened parcels" not in client.get(flagging(case)).text


def test_who_owes_his_own_answer_reads_of_no_finding(client, send, refunds, owner, reviewer):
    factories.policy(refunds, owner, rules={"blind_first": True}, output_schema=refunds.policy.output_schema)
    case = send(0.5)
    other = seated(refunds, "reviewer", owner)
    actions.own_answer(case.pk, by=other, output={"decision": "refund"})
    improvements.flag(case.pk, by=other, title="It should decline")

    def told(person):
        client.force_login(person)
        return "This case stands in" in client.get(flagging(case)).text

    assert told(other) and not told(reviewer)


def test_what_is_like_it_is_shown(page, case, send, reviewer):
    same = send(0.5, input={"text": "the parcel  ARRIVED open."})
    other = send(0.5, input={"text": "Where is it?"})
    actions.correct(other.pk, by=reviewer, output={"decision": "decline"})
    fixed = send(0.5, input={"text": "Another thing."})
    actions.correct(fixed.pk, by=reviewer, output={"decision": "decline"})

    assert [(each.why, [found.pk for found in each.cases]) for each in similar(case, reviewer)] == [("input", [same.pk])]
    found = {each.why: [one.pk for one in each.cases] for each in similar(Case.objects.get(pk=fixed.pk), reviewer)}
    assert found == {"correction": [other.pk]}
    assert f"{same.external_id}</a>" in page.get(flagging(case)).content.decode()


def test_who_may_not_work_it_flags_nothing(client, case, owner, stranger):
    with pytest.raises(PermissionDenied):
        improvements.flag(case.pk, by=owner, title="x")
    client.force_login(owner)
    assert client.post(flagging(case), {"title": "x"}).status_code == 403
    client.force_login(stranger)
    assert client.get(flagging(case)).status_code == 404
    assert not Finding.objects.exists()


def test_a_closed_case_is_too_late(page, case, reviewer):
    actions.accept(case.pk, by=reviewer)

    assert page.post(flagging(case), {"title": "x"}).status_code == 409


def test_the_house_reads_the_findings_with_their_cases(client, page, case, reviewer, owner, vendor_reviewer):
    improvements.flag(case.pk, by=reviewer, title="Opened parcels")

    client.force_login(owner)
    shown = client.get(reverse("admin:improvements_findings")).content.decode()
    assert "Opened parcels" in shown and case.external_id in shown
    client.force_login(vendor_reviewer)
    assert client.get(reverse("admin:improvements_findings")).status_code == 403


def test_a_vendors_people_see_and_add_to_their_own_findings_only(client, send, case, reviewer, vendor, vendor_reviewer):
    improvements.flag(case.pk, by=reviewer, title="The house's own")
    theirs = send(0.5)
    Case.objects.filter(pk=theirs.pk).update(vendor=vendor)
    client.force_login(vendor_reviewer)

    assert "The house&#x27;s own" not in client.get(flagging(theirs)).content.decode()
    assert client.post(flagging(theirs), {"finding": Finding.objects.get().pk}).status_code == 422
    assert client.post(flagging(theirs), {"title": "Ours"}).status_code == 302
    with acting_as(vendor_reviewer):
        assert [finding.title for finding in Finding.objects.all()] == ["Ours"]
    assert Finding.objects.count() == 2


def test_a_flag_is_never_changed(case, reviewer):
    improvements.flag(case.pk, by=reviewer, title="Opened parcels")

    with pytest.raises(DatabaseError), transaction.atomic():
        Flag.objects.update(words="x")
    with pytest.raises(DatabaseError), transaction.atomic():
        Finding.objects.update(title=" ")
