"""Who still looks: a person who lets everything pass in two seconds is named, one who is as quick and right is not."""

from random import Random

import msgspec
import pytest
from django.urls import reverse

from cases import actions, queues
from cases.intake import Intake, receive
from cases.models import Case
from quality import attention as read
from stats.attention import (
    BAR,
    Look,
    attention,
    base_rate,
    evidence,
    is_quick,
    reading_seconds,
)
from tests.conftest import acting_as, seated

TEXT = 400  # characters


def look(passed=True, seconds=2, shown_wrong=False, characters=TEXT):
    return Look(characters, seconds, passed, shown_wrong)


# the arithmetic


def test_a_text_takes_as_long_as_its_words_and_no_more_is_asked_of_a_long_one():
    assert reading_seconds(238 * 6) == 60
    assert reading_seconds(200_000) == reading_seconds(2000)


@pytest.mark.parametrize(
    ("characters", "seconds", "quick"), [(400, 2, True), (400, 6, False), (40, 2, False), (400, None, False)]
)
def test_quick_is_sooner_than_a_third_of_the_reading(characters, seconds, quick):
    assert is_quick(look(seconds=seconds, characters=characters)) is quick


def test_the_others_rate_is_drawn_towards_five_in_a_hundred_where_few_decided():
    assert base_rate(0, 0) == 0.05
    assert base_rate(20, 80) == pytest.approx(0.21)


@pytest.mark.parametrize(
    ("looks", "ratio"),
    [
        ([look()], (1 - 0.1 * 0.05) / (1 - 0.1 * 0.8)),
        ([look(shown_wrong=True)], 0.95 / 0.2),
        ([look(passed=False)], 0.05 / 0.8),
        ([look(passed=False)] + [look()] * 60, ((1 - 0.1 * 0.05) / (1 - 0.1 * 0.8)) ** 60),  # the oldest is out of sight
    ],
)
def test_the_evidence_is_the_product_of_likelihood_ratios(looks, ratio):
    assert evidence(looks, 0.1) == pytest.approx(ratio)


def test_pace_alone_names_nobody():
    told = attention([look()] * 59 + [look(passed=False)], 0.1)

    assert told.is_quick and not told.is_reported


def test_of_fewer_than_ten_decisions_nothing_is_said():
    assert not attention([look(shown_wrong=True)] * 9, 0.2).is_reported
    assert attention([look(shown_wrong=True)] * 10, 0.2).is_reported


def test_who_takes_his_time_is_named_at_a_far_higher_bar():
    slowly = [look(seconds=60)] * 25

    assert evidence(slowly, 0.15) > BAR
    assert not attention(slowly, 0.15).is_reported
    assert attention([look(seconds=60)] * 60, 0.15).is_reported


def test_where_nothing_was_measured_nobody_is_quick():
    told = attention([look(seconds=None)] * 30, 0.15)

    assert not told.is_quick and told.median_seconds is None


# how often it errs, over simulated people


def named_after(chance, wrong, finds, most, planted=0.0, found_later=0.0, alarms=0.02):
    """After how many decisions somebody who changes that share of wrong outputs is named; None where never."""
    looks = []
    for number in range(1, most + 1):
        plant = chance.random() < planted
        is_wrong = plant or chance.random() < wrong
        changed = chance.random() < (finds if is_wrong else alarms)
        shown = plant or (is_wrong and not changed and chance.random() < found_later)
        looks.append(look(not changed, 2, shown, int(chance.lognormvariate(5.9, 0.5))))
        if evidence(looks[-60:], wrong) >= BAR and attention(looks[-60:], wrong).is_reported:
            return number
    return None


def rates(runs, wrong, **more):
    """The shares named within 30 decisions of those who pass all, and within 200 of those who are as quick and find 19 of 20."""
    chance = Random(7)
    asleep = [named_after(chance, wrong, 0, 30, alarms=0, **more) for _ in range(runs)]
    right = [named_after(chance, wrong, 0.95, 200, **more) for _ in range(max(runs // 2, 20))]
    return [sum(each is not None for each in group) / len(group) for group in (asleep, right)]


def test_who_accepts_all_in_two_seconds_is_named_within_thirty_and_who_is_as_quick_and_right_is_not():
    asleep, right = rates(40, 0.15)

    assert asleep == 1
    assert right <= 0.1  # of 20; the slow test has 1,000


@pytest.mark.slow
@pytest.mark.parametrize(
    ("wrong", "more", "least", "most"),
    [
        (0.15, {}, 1, 0.04),
        (0.2, {}, 1, 0.04),
        (0.15, {"planted": 0.1}, 0.99, 0.04),
        (0.1, {"planted": 0.1}, 0.9, 0.04),
        (0.05, {"planted": 0.1}, 0.75, 0.04),
        (0.1, {"found_later": 0.5}, 0.7, 0.08),
        (0.1, {}, 0, 0.04),  # no 30 decisions can tell: it takes 38
        (0.05, {}, 0, 0.01),  # nor can any number, until wrong ones come out
    ],
)
def test_the_rates_over_two_thousand_simulated_people(wrong, more, least, most):
    asleep, right = rates(2000, wrong, **more)

    assert asleep >= least
    assert right <= most


# from the decisions


@pytest.fixture
def several(integration):
    """So many refunds at once, each waiting for an approval."""

    def several(count, begin):
        action = {"type": "refund", "amount": 20, "currency": "EUR", "payee": "C-1"}
        items = [
            {
                "workflow": "refunds",
                "external_id": f"{begin}-{number}",
                "input": {"text": "The parcel arrived open. " * 16 + f"{begin} {number}"},
                "output": {"decision": "refund"},
                "action": action,
                "confidence": 0.9,
            }
            for number in range(count)
        ]
        answers = receive(msgspec.convert(items, list[Intake]), by=integration)
        return [answer.id for answer in answers]

    return several


def decide(cases, by, reject_every=0):
    for number, case in enumerate(cases, 1):
        if reject_every and number % reject_every == 0:
            actions.reject(case, by=by, reason="Not so.", active_seconds=2)
        else:
            actions.approve(case, by=by, active_seconds=2)


@pytest.fixture
def worked(several, refunds, owner, approver, other_approver):
    """One passes all, one is as quick and rejects what is wrong; each of two others rejects one in four."""
    third = seated(refunds, "approver", owner, EUR=1000)
    decide(several(24, "T"), third, reject_every=4)
    decide(several(25, "A"), approver)
    decide(several(25, "B"), other_approver, reject_every=5)
    return refunds


@pytest.mark.django_db
def test_the_report_names_the_one_and_not_the_other_with_their_cases(client, worked, owner, approver, other_approver):
    lines = {line.person: line.told for line in read.report(worked)}
    client.force_login(owner)

    assert lines[approver].is_reported and lines[approver].quick == 25
    assert not lines[other_approver].is_reported and lines[other_approver].quick == 25
    assert str(approver) in client.get(reverse("admin:quality_attention")).content.decode()
    person = client.get(reverse("admin:quality_attention_person", args=["refunds", approver.pk, "approval"])).content.decode()
    assert "A-24" in person and "25 of 25 were too quick" in person


@pytest.mark.django_db
def test_only_who_owns_the_quality_reads_it(client, worked, approver):
    client.force_login(approver)

    assert "You own the quality of no workflow." in client.get(reverse("admin:quality_attention")).content.decode()
    assert client.get(reverse("admin:quality_attention_person", args=["refunds", approver.pk, "approval"])).status_code == 404


@pytest.mark.django_db
def test_who_is_quick_is_told_so_kindly_on_his_own_desk(client, several, approver, other_approver):
    decide(several(10, "A"), approver)
    decide(several(9, "B"), other_approver)

    client.force_login(approver)
    assert "Half of your last 10 decisions took under 2 s" in client.get(reverse("admin:index")).content.decode()
    client.force_login(other_approver)
    assert "Half of your last" not in client.get(reverse("admin:index")).content.decode()


@pytest.mark.django_db
def test_what_is_reworked_later_counts_for_whoever_let_it_pass(several, integration, approver):
    [case] = several(1, "A")
    decide([case], approver)

    actions.rework(case, by=integration, reason="Wrong payee.", place="finance")

    [line] = read.report(Case.objects.get(pk=case).workflow)
    assert (line.told.shown_wrong, line.told.missed) == (1, 1)


@pytest.mark.django_db
def test_a_time_that_is_said_is_never_longer_than_the_claim(send, reviewer):
    case = queues.claim(send(0.5).pk, by=reviewer)
    actions.accept(case.pk, by=reviewer, active_seconds=500)

    [line] = read.report(case.workflow)
    assert line.told.median_seconds < 60


@pytest.mark.django_db
def test_a_vendors_person_is_told_of_his_own_and_of_nobody_elses(client, send, vendor, vendor_reviewer):
    for _ in range(10):
        case = send(0.5, input={"text": "The parcel arrived open. " * 16})
        Case.objects.filter(pk=case.pk).update(vendor=vendor)
        with acting_as(vendor_reviewer):
            actions.accept(case.pk, by=vendor_reviewer, active_seconds=1)
    client.force_login(vendor_reviewer)

    assert "Half of your last 10 decisions took under 1 s" in client.get(reverse("admin:index")).content.decode()
    assert client.get(reverse("admin:quality_attention")).status_code == 403
