"""A case's page: what was done, what can be done now, and its story as its reader reads it."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from audit import clock
from cases import actions, alerts, queues
from cases.models import Case
from tests import factories
from tests.conftest import acting_as, seated
from tests.desk import decide, page
from workflows import actions as workflows
from workflows.models import Mandate

pytestmark = pytest.mark.django_db
TITLED = {
    "type": "object",
    "required": ["decision"],
    "properties": {
        "decision": {"type": "string", "title": "What we do"},
        "size": {"type": "string", "title": "Size of the order"},
    },
}
SIZE_M = {"kind": "field_is_one_of", "name": "Size", "field": "output.size", "values": ["M"], "desk": "review"}
NEXT, UNDO = "data-next", 'name="verb" value="undo"'


@pytest.fixture
def desk(client, reviewer):
    client.force_login(reviewer)
    return client


def text(answer) -> str:
    """What stands on the page, without its markup."""
    return re.sub(r"(<[^>]*>|\s)+", " ", answer.content.decode())


def story(client, case):
    return client.get(page(case, "change"))


# after a decision


@pytest.mark.parametrize("rules", [{"grace_seconds": 60}])
def test_after_a_decision_it_says_what_was_done_and_offers_the_next_case_first_and_to_undo(desk, send):
    case = send()

    shown = decide(desk, case, "accept", follow=True).content.decode()

    assert f"{case}</a> is accepted. It is closed" in shown
    assert shown.index(NEXT) < shown.index(UNDO) < shown.index("Its story") and 'class="button big primary" data-next' in shown
    assert 'name="desk" value="review"' in shown


@pytest.mark.parametrize("rules", [{"grace_seconds": 60}])
def test_undo_is_one_press_without_a_script(desk, send):
    case = send()
    shown = decide(desk, case, "accept", follow=True).content.decode()
    action, revision = re.search(
        r'action="([^"]+)">(?:(?!</form>).)*?value="undo">.*?name="revision" value="(\d+)"', shown
    ).groups()

    desk.post(action, {"verb": "undo", "revision": revision})

    assert Case.objects.get(pk=case.pk).state == "review"


def test_after_an_escalation_the_next_case_stands_first_and_without_grace_nothing_is_undone(desk, send):
    escalated, accepted = send(), send()

    after = decide(desk, escalated, "escalate", reason="Unclear", follow=True).content.decode()
    closed = decide(desk, accepted, "accept", follow=True).content.decode()

    assert 'class="button big primary" data-next' in after and 'class="button big primary" data-next' in closed
    assert UNDO not in after + closed


def test_what_one_may_take_stands_before_the_next_case(desk, send):
    shown = story(desk, send()).content.decode()

    assert re.search(r'class="button primary">Take it<', shown) and shown.index("Take it") < shown.index(NEXT)
    assert "big primary" not in shown


def test_an_approver_goes_on_with_the_approvals(client, send, approver):
    client.force_login(approver)
    case = send(action={"type": "refund", "amount": 5, "currency": "EUR", "payee": "C-1"})
    actions.reject(case.pk, by=approver, reason="Not owed.")

    shown = story(client, case).content.decode()

    assert f'href="{reverse("admin:cases_approvals")}" data-next' in shown and 'name="desk"' not in shown


# its frame


def next_desk(client, case) -> str:
    """Of which desk the case's page offers the next one."""
    return re.search(r'name="desk" value="(\w+)"', story(client, case).content.decode())[1]


def test_the_next_case_is_one_of_the_desk_at_which_this_one_stands_where_its_reader_works_there(
    desk, send, reviewer, refunds, owner
):
    case, other = send(), send()
    for one in (case, other):
        actions.escalate(one.pk, by=seated(refunds, "reviewer", owner), reason="Whose is it?")
    elsewhere = next_desk(desk, case)

    workflows.seat(reviewer, refunds, "resolver", by=owner)

    assert (elsewhere, next_desk(desk, case), next_desk(desk, send())) == ("review", "resolution", "review")


def test_who_decided_a_case_goes_on_at_the_desk_where_he_did_until_he_takes_it_up_again(desk, send, reviewer, refunds, owner):
    workflows.seat(reviewer, refunds, "resolver", by=owner)
    case = send()
    actions.escalate(case.pk, by=reviewer, reason="Whose is it?")
    decided = next_desk(desk, case)

    queues.claim(case.pk, by=reviewer)

    assert (decided, next_desk(desk, case)) == ("review", "resolution")


def test_it_stands_in_the_desks_frame_under_its_policy_and_speaks_its_words(desk, send, refunds):
    refunds.playbook.create(title="What is owed", text="The fee.")
    answer = story(desk, send())
    shown = text(answer).partition("Sign out")[2]  # after the menu

    assert "unsafe" not in answer["Content-Security-Policy"] and 'id="desk"' in answer.content.decode()
    assert [word for word in ("Playbook", "Claim") if word in shown] == []
    assert [
        word
        for word in ("Why it is here", "What the AI proposes", "Its story", "What came in", "The standard")
        if word not in shown
    ] == []


def test_of_a_long_story_and_many_decisions_the_end_is_in_sight_and_all_of_it_there(desk, send, reviewer, resolver):
    case = send()
    for number in range(5):
        actions.escalate(case.pk, by=reviewer, reason=f"To whom, {number}?")
        actions.send_back(case.pk, by=resolver, reason=f"To you, {number}.")

    answer = story(desk, case)

    decisions, lines = answer.context["decisions"], answer.context["story"]
    assert (len(decisions.before), len(decisions.shown)) == (7, 3) and "7 before" in text(answer)
    assert (len(lines.before), len(lines.shown)) == (0, 11)  # a line or two are not worth folding
    assert all(text(answer).count(f"To whom, {number}?") == 2 for number in range(5))


# as its reader reads it


def test_moments_of_its_story_are_in_the_readers_zone_and_what_was_typed_stays(desk, send, reviewer):
    reviewer.time_zone = "Asia/Tokyo"
    reviewer.save()
    case, until = send(), clock.now() + timedelta(days=1)
    actions.snooze(case.pk, by=reviewer, until=until, reason="Until 2026-06-01 at 12:00 UTC, or 2026-06-01 12:00:00+00:00.")

    shown = text(story(desk, case))

    there = until + timedelta(hours=9)
    assert f"Snoozed until {there.day} {there:%b %Y, %H:%M} by {reviewer}" in shown
    assert shown.count("Until 2026-06-01 at 12:00 UTC, or 2026-06-01 12:00:00+00:00.") == 2 and shown.count("+00:00") == 2


def test_the_api_tells_the_story_as_it_is_kept(client, key, send, reviewer, resolver):
    reviewer.time_zone = "Asia/Tokyo"
    reviewer.save()
    case, until = send(), clock.now() + timedelta(days=1)
    actions.snooze(case.pk, by=reviewer, until=until, reason="Later")

    kept = client.get(f"/api/v1/cases/{case.pk}/", **key(reviewer)).json()["story"][-1]["sentence"]

    assert kept == f"was snoozed until {until} by {reviewer} – “Later”"


@pytest.mark.parametrize("output_schema", [TITLED])
@pytest.mark.parametrize("rules", [{"triggers": [SIZE_M]}])
def test_fields_are_called_by_their_titles_and_words_stay_as_they_were_typed(desk, send, reviewer):
    case = send(0.9, output={"decision": "refund", "size": "M"})
    actions.correct(case.pk, by=reviewer, output={"decision": "reject", "size": "M"}, reason="size is “M”, says output.size.")

    shown = text(story(desk, case))

    assert (
        "Held for review: Size of the order is “M”." in shown
        and "Received and routed: Held for review: Size of the order" in shown
    )
    assert "(field: Size of the order; value: M)" in shown and "What we do: refund → reject" in shown
    assert shown.count("size is “M”, says output.size.") == 2 and shown.count("output.size") == 2


@pytest.mark.parametrize("output_schema", [TITLED])
@pytest.mark.parametrize("rules", [{"triggers": [SIZE_M], "action_tiers": {"refund": "low"}}])
def test_a_sentence_tells_a_vendor_nothing_of_a_field_that_it_names_by_its_last_word(
    client, key, send, refunds, vendor, vendor_reviewer
):
    mandate = factories.mandated(vendor, refunds)
    Mandate.objects.filter(pk=mandate.pk).update(masked_fields=["output.size"])
    case = send(0.9, output={"decision": "refund", "size": "M"})
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    client.force_login(vendor_reviewer)
    queues.claim(case.pk, by=vendor_reviewer)

    pages = [story(client, case), client.get(page(case)), client.get(f"/api/v1/cases/{case.pk}/", **key(vendor_reviewer))]

    assert [each.status_code for each in pages] == [200, 200, 200]
    assert [each.content.decode() for each in pages if "“M”" in each.content.decode()] == []
    assert "Received and routed: Held for review: it concerns a field that is not shown to you" in text(pages[0])


def test_an_alert_in_the_story_is_read_as_a_rule_s_sentence_though_it_stands_where_words_do(desk, send, reviewer, machine):
    reviewer.time_zone, reviewer.language = "Asia/Tokyo", "de"
    reviewer.save()
    case = send()
    alerts.tell(
        case,
        "expired",
        "The time to approve ran out on 2026-06-01 at 20:00 UTC. The owner of risk decides.",
        by=machine,
        at=clock.now(),
    )
    actions.escalate(case.pk, by=reviewer, reason="It was due on 2026-06-01 at 20:00 UTC.")

    shown = text(story(desk, case))

    assert "2 Jun 2026 um 05:00 JST" in shown and "ran out" not in shown
    assert shown.count("It was due on 2026-06-01 at 20:00 UTC.") == 2  # what somebody typed


@pytest.mark.parametrize("rules", [{"blind_first": True}])
@pytest.mark.parametrize("output_schema", [TITLED])
def test_who_owes_his_own_answer_is_told_so_once_and_offered_to_give_it(desk, send):
    shown = story(desk, send()).content.decode()

    assert shown.count("own answer first") == 1 and "?verb=own_answer" in shown and "big primary" not in shown


def test_a_reported_rework_is_told_with_what_it_cost_and_stands_at_the_head(desk, send, integration):
    case = send(confidence=0.99)
    before = text(story(desk, case))
    actions.rework(
        case.pk,
        by=integration,
        reason="Wrong amount",
        place="finance",
        severity="major",
        minutes=12.5,
        cost=Decimal("4.5"),
        currency="EUR",
    )
    shown = text(story(desk, case))

    assert "Reworked after release (finance, major, 12.5 minutes, 4.50 EUR) – “Wrong amount”" in shown
    assert "reworked after release" in shown and "reworked after release" not in before


def test_a_rework_of_which_nothing_is_known_but_the_place_says_that(desk, send, integration):
    case = send(confidence=0.99)
    actions.rework(case.pk, by=integration, reason="Late", place="other")

    assert "Reworked after release (elsewhere, minor) – “Late”" in text(story(desk, case))


def story_of(client, case, person) -> str:
    """The case's story as this person's page tells it, without the names that stand elsewhere on it."""
    client.force_login(person)
    shown = client.get(page(case, "change")).context["story"]
    return "\n".join(sentence for _, sentence in [*shown.before, *shown.shown])


@pytest.mark.parametrize("to", ["person", "anybody", "side"])
def test_the_story_says_to_whom_a_case_was_handed(client, send, refunds, owner, vendor, vendor_reviewer, reviewer, to):
    case, other = send(0.1), seated(refunds, "reviewer", owner)
    handed = {"person": {"to": other.pk}, "anybody": {}, "side": {"side": vendor.pk}}[to]
    said = {
        "person": f"to {other} by {reviewer}",
        "anybody": f"by {reviewer} to whoever else works the desk",
        "side": f"by {reviewer}. Alloc",
    }

    actions.hand_over(case.pk, by=reviewer, reason="You know them.", **handed)

    assert f"Handed over {said[to]}" in story_of(client, case, reviewer)


def test_the_story_names_for_whom_the_link_was_by_which_it_was_answered(client, send, reviewer, machine):
    case = send(0.1)
    for whom, by in (("Finance", machine), ("Legal", reviewer)):
        inquiry = actions.inquire(case.pk, by=reviewer, question="Was it paid twice?", whom=whom, link_days=3).inquiry
        actions.answer(inquiry.pk, by=by, text="Once.")

    told = story_of(client, case, reviewer)

    assert "an answer to a request for information, by whoever has the link for Finance" in told
    assert f"an answer to a request for information, by {reviewer}" in told and f"by {machine}" not in told.lower()


def test_a_vendors_person_reads_masked_for_whom_the_link_was(client, send, vendor, vendor_reviewer, machine):
    case = send(0.1)
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    inquiry = actions.inquire(case.pk, by=vendor_reviewer, question="Twice?", whom="anna@example.org", link_days=3).inquiry
    actions.answer(inquiry.pk, by=machine, text="Once.")

    with acting_as(vendor_reviewer):
        told = story_of(client, case, vendor_reviewer)

    assert "by whoever has the link for [e-mail 1]" in told and "anna@example.org" not in told
