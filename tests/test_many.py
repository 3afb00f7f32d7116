"""Many cases at once: a list worked as a queue, and one verb on many, with what would happen before and what happened after."""

import html
import re
import uuid
from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import IntegrityError, connection, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from audit import clock
from audit.models import AuditEvent
from cases import actions, bulk, jobs, paging, queues
from cases import skim as skimming
from cases.models import Bulk, BulkRow, Case, Decision
from cases.skim import Skim
from jobs import running
from jobs.models import Job
from scorecards import actions as scorecards
from tests import factories
from tests.conftest import acting_as, seated

pytestmark = pytest.mark.django_db

SKIM, PREVIEW, DO = (reverse(f"admin:cases_case_{name}") for name in ("skim", "bulk", "bulk_do"))


@pytest.fixture
def rules():
    return {"action_tiers": {"refund": "high"}, "grace_seconds": 60}


@pytest.fixture
def house(client, reviewer):
    client.force_login(reviewer)
    return client


@pytest.fixture
def other(refunds, owner):
    return seated(refunds, "reviewer", owner)


# a list worked as a queue


def skim(client, at="", which="all:state=review"):
    return client.post(SKIM, {"skim": which, "at": at})


def case_of(answer) -> int:
    return int(re.search(r"/case/(\d+)/work/", answer.url)[1])


def test_from_the_list_to_its_first_case_which_is_claimed(house, send, reviewer):
    send()
    newest = send()

    answer = skim(house)

    assert case_of(answer) == newest.pk and "skim=all%3Astate%3Dreview" in answer.url
    assert Case.objects.get(pk=newest.pk).claimed_by == reviewer


def test_a_decision_leads_to_the_next_of_the_list_and_passes_over_what_others_hold(house, send, other):
    last, held, first = send(), send(), send()
    queues.claim(held.pk, by=other)
    at = skim(house).url

    answer = house.post(at, {"verb": "accept", "revision": 1, "next": "1"})

    assert Case.objects.get(pk=first.pk).state == "closed"
    assert case_of(answer) == last.pk


def test_the_list_ends_and_one_is_led_back_to_it(house, send):
    send()
    at = skim(house).url

    answer = house.post(at, {"verb": "accept", "revision": 1, "next": "1"})

    assert answer.url == reverse("admin:cases_case_changelist") + "?state=review"
    assert "last one of this list" in house.get(answer.url).content.decode()


def test_without_deciding_one_goes_on_with_the_place_kept_in_the_address(house, send):
    second, first = send(), send()
    page = house.get(skim(house).url).content.decode()
    at = re.search(r'name="at" value="([^"]*)"', page)[1]

    assert at == str(first.pk) and "Next of the list" in page
    assert case_of(skim(house, at)) == second.pk


def passed_over(client, case, **typed):
    """The next of the list, as the workbench's own form sends it."""
    form = client.get(reverse("admin:cases_case_work", args=[case.pk])).context["form"]
    sent = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    return client.post(f"{SKIM}?leaves={case.pk}", {**sent, "skim": "all:state=review", "at": case.pk, **typed})


def test_what_is_passed_over_untouched_is_given_back_and_may_come_again(house, send, reviewer):
    second, first = send(), send()
    skim(house)

    assert case_of(passed_over(house, first)) == second.pk

    left = Case.objects.get(pk=first.pk)
    assert (left.claimed_by, left.passed_by, left.claims.get().ended_by) == (None, [], "given back")
    assert case_of(skim(house)) == first.pk


@pytest.mark.parametrize("way", ["typed", "chosen", "asked", "handed"])
def test_what_is_begun_or_was_handed_to_him_stays_his(house, send, reviewer, way):
    second, first = send(), send()
    skim(house)
    typed = {"typed": {"output.decision": "no"}, "chosen": {"verb": "escalate"}}.get(way, {})
    if way == "asked":
        actions.ask(first.pk, by=reviewer, reason="May we?")
    if way == "handed":
        Case.objects.filter(pk=first.pk).update(assigned_to=reviewer)

    assert case_of(passed_over(house, first, **typed)) == second.pk
    assert Case.objects.get(pk=first.pk).claimed_by == reviewer


def test_what_another_holds_is_not_given_back(house, send, other):
    send()
    held = send()
    queues.claim(held.pk, by=other)

    passed_over(house, held)

    assert Case.objects.get(pk=held.pk).claimed_by == other


def test_a_desks_list_is_worked_in_the_desks_order(house, send):
    later, urgent = send(), send()
    Case.objects.filter(pk=urgent.pk).update(priority=5)

    first = skim(house, which="review:")
    second = house.post(first.url, {"verb": "accept", "revision": 1, "next": "1"})

    assert [case_of(first), case_of(second)] == [urgent.pk, later.pk]


def test_whoever_may_only_look_takes_nothing_and_is_not_noted_as_trying(client, send, owner):
    case = send()
    client.force_login(owner)

    answer = skim(client)

    assert case_of(answer) == case.pk
    assert Case.objects.get(pk=case.pk).claimed_by is None
    assert not AuditEvent.objects.filter(verb="case.claim_refused").exists()


@pytest.mark.parametrize("which", ["", "nowhere:", "all", "all:" + "x" * 2000])
def test_a_list_that_is_none_is_not_there(house, which):
    assert skim(house, which=which).status_code == 404


def test_a_paused_case_and_one_that_was_passed_on_are_left_out(house, send, reviewer):
    paused, passed = send(), send()
    Case.objects.filter(pk=paused.pk).update(paused_since=clock.now())
    Case.objects.filter(pk=passed.pk).update(passed_by=[reviewer.pk])

    assert skim(house).url.endswith("?state=review")


def place(answer) -> str:
    """Which of how many the workbench says it is."""
    return answer.context["skim"].told


@pytest.mark.parametrize("which", ["all:state=review", "review:"])
def test_it_says_the_how_many_th_of_how_many_it_is_and_counts_once(house, send, other, which, monkeypatch):
    monkeypatch.setattr(skimming, "AT_ONCE", 1)
    cases = [send() for _ in range(4)]
    queues.claim(cases[0].pk, by=other)

    begun = skim(house, which=which).url
    monkeypatch.setattr(paging, "counted", None)  # whoever counts again fails
    first = house.get(begun)
    second = house.get(house.post(begun, {"verb": "accept", "revision": 1, "next": "1"}).url)
    third = house.get(house.post(SKIM, fields_of(second)).url)

    assert [place(each) for each in (first, second, third)] == ["1 of 3", "2 of 3", "3 of 3"] and ">3 of 3<" in third.text


def fields_of(answer) -> dict:
    """What the button to the next of the list sends along."""
    found = re.findall(r'<input type="hidden" name="(skim|at|number|total)" value="([^"]*)"', answer.text)
    return {name: html.unescape(value) for name, value in found}


def test_what_came_meanwhile_makes_it_more_and_a_long_list_is_told_as_such(house, send, monkeypatch):
    [send() for _ in range(2)]

    assert Skim.of("all:", "1", "5", "4").told == "5 of 5"
    monkeypatch.setattr(paging, "COUNTED", 1)
    monkeypatch.setattr(skimming, "AT_ONCE", 1)
    assert place(house.get(skim(house).url)) == "1 of 1+"


@pytest.mark.parametrize("made_up", [("", ""), ("x", "4"), ("1", "<b>"), ("1", "9" * 9), ("", "4")])
def test_a_made_up_place_is_not_told(house, send, made_up):
    case, [number, total] = send(), made_up
    address = reverse("admin:cases_case_work", args=[case.pk]) + "?"

    shown = house.get(address + urlencode({"skim": "all:", "at": case.pk, "number": number, "total": total}))

    assert (shown.status_code, place(shown), "number" in fields_of(shown)) == (200, "", False)


def looked_at(client, case):
    """The workbench with that case, in the list of all that wait, where nobody holds it; and the form's fields of the list."""
    address = reverse("admin:cases_case_work", args=[case.pk]) + "?" + urlencode({"skim": "all:state=review", "at": case.pk})
    page = client.get(address).content.decode()
    return address, {name: re.search(f'name="{name}" value="([^"]*)"', page)[1] for name in ("skim", "at")}


def test_whoever_takes_a_case_of_the_list_decides_it_there_and_goes_on_with_the_list(house, send, reviewer):
    second, first = send(), send()
    address, fields = looked_at(house, first)

    taken = house.post(reverse("admin:cases_case_claim", args=[first.pk]), fields)
    decided = house.post(taken.url, {"verb": "accept", "revision": 1, "next": "1"})

    assert taken.url == address and Case.objects.get(pk=first.pk).state == "closed"
    assert case_of(decided) == second.pk and "skim=all%3Astate%3Dreview" in decided.url


def test_what_another_was_quicker_to_take_leaves_the_list_as_it_was(house, send, other):
    case = send()
    address, fields = looked_at(house, case)
    queues.claim(case.pk, by=other)

    refused = house.post(reverse("admin:cases_case_claim", args=[case.pk]), fields)

    assert refused.status_code == 409
    assert f'action="{html.escape(address)}"' in refused.content.decode() and "Next of the list" in refused.content.decode()


def test_a_decision_without_the_next_one_leads_back_to_the_list(house, send):
    send()
    address, _ = looked_at(house, send())

    assert house.post(address, {"verb": "accept", "revision": 1}).url.endswith("/case/?state=review")


@pytest.mark.parametrize("way", ["talk", "attach", "flag"])
def test_saying_attaching_and_flagging_lead_back_into_the_list(house, send, way):
    address, fields = looked_at(house, case := send())
    where, sent = {
        "talk": (reverse("admin:cases_case_talk", args=[case.pk]), {"text": "Look."}),
        "attach": (reverse("admin:cases_case_attach", args=[case.pk]), {"file": SimpleUploadedFile("a.txt", b"Plain words.")}),
        "flag": (
            reverse("admin:improvements_flag", args=[case.pk]) + "?" + urlencode(fields),
            {"title": "Doors", "words": "Shut."},
        ),
    }[way]

    assert house.post(where, {**fields, **sent, "back": "work"}).url.partition("#")[0] == address


def test_whoever_lost_a_case_of_the_list_goes_on_with_the_list(client, send, vendor_reviewer, refunds):
    case = send()
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)
    with acting_as(vendor_reviewer):
        queues.claim(case.pk, by=vendor_reviewer)
    client.force_login(vendor_reviewer)
    address, _ = looked_at(client, case)
    Case.objects.filter(pk=case.pk).update(vendor=None, claimed_by=None, claimed_until=None)

    lost = client.post(address, {"verb": "accept", "revision": 1, "next": "1"}).content.decode()

    assert "Next of the list" in lost and 'value="all:state=review"' in lost


# one verb on many: before


def ask(client, verb, *cases, **more):
    return client.post(PREVIEW, {"verb": verb, "case": [case.pk for case in cases], **more})


def lines(answer) -> dict[int, str]:
    """Of each case what would happen, or why not."""
    return {line.seen.pk: line.why_not or line.would for line in answer.context["lines"]}


def test_the_preview_says_of_each_what_would_happen_and_who_may_not(house, send, other, owner):
    mine, held, dear = send(), send(), send(action={"type": "refund", "amount": 9, "currency": "EUR"})
    queues.claim(held.pk, by=other)
    Case.objects.filter(pk=dear.pk).update(state="review", tier="high")

    answer = ask(house, "accept", mine, held, dear)

    assert lines(answer)[mine.pk] == "Closes; you can undo it for 60 seconds."
    assert f"{other} holds this case" in lines(answer)[held.pk]
    assert lines(answer)[dear.pk] == "High risk is accepted one by one. Open it."
    assert answer.context["able"] == 1 and "Nothing has happened yet." in answer.content.decode()
    assert not Decision.objects.exists()


@pytest.mark.parametrize(
    ("verb", "says"),
    [
        ("escalate", "Goes to resolution."),
        ("hand_over", "Stays at review, for somebody else."),
        ("snooze", "Is put off, and comes back by itself."),
        ("give_back", "Anybody at the desk may take it."),
    ],
)
def test_what_each_verb_would_do(house, send, reviewer, verb, says):
    case = queues.claim(send().pk, by=reviewer)

    assert lines(ask(house, verb, case)) == {case.pk: says}


def test_what_one_does_not_see_is_in_no_preview(client, send, stranger, vendor_reviewer):
    case = send()
    Case.objects.filter(pk=case.pk).update(vendor=None)

    for person in (stranger, vendor_reviewer):
        client.force_login(person)
        with acting_as(person):
            assert lines(ask(client, "escalate", case)) == {}


def test_a_case_that_is_marked_on_a_card_is_accepted_alone(house, send, refunds, owner):
    card = scorecards.publish(scorecards.ready_made(refunds, by=owner), by=owner, reason="For a test.")
    factories.policy(refunds, owner, rules={"scorecard": card.version, "marks_required": True})
    case = send()

    assert lines(ask(house, "accept", case)) == {case.pk: "It is marked on a scorecard, so it is accepted on its own page."}


def test_the_whole_list_may_be_chosen_instead_of_ticking(house, send):
    sent = {send().pk for _ in range(3)}
    send(0.99, output={"decision": "answer"})

    assert set(lines(house.post(PREVIEW, {"verb": "escalate", "all": "on", "skim": "all:state=review"}))) == sent


@pytest.mark.parametrize(
    "sent", [{"verb": "approve", "case": "1"}, {"verb": "escalate"}, {"verb": "escalate", "case": ["x", "9" * 40]}]
)
def test_without_a_verb_or_a_case_nothing_is_asked(house, sent):
    answer = house.post(PREVIEW, sent)

    assert answer.status_code == 302
    assert 'class="said error"' in house.get(answer.url).content.decode()


def test_the_preview_asks_the_same_few_questions_however_many_they_are(
    house, send, django_assert_num_queries, django_assert_max_num_queries
):
    few, many = [send() for _ in range(2)], [send() for _ in range(12)]
    ask(house, "escalate", *few)

    with django_assert_max_num_queries(20) as asked:
        ask(house, "escalate", *few)
    with django_assert_num_queries(len(asked)):
        ask(house, "escalate", *many)


# one verb on many: doing it


def do(client, verb, *cases, token=None, **typed):
    rows = [f"{case.pk}.{case.revision}" for case in cases]
    return client.post(DO, {"verb": verb, "row": rows, "token": token or uuid.uuid4(), **typed})


def outcomes() -> dict[int, tuple[str, str]]:
    return {row.case_id: (row.outcome, row.says) for row in BulkRow.objects.all()}


def test_each_is_done_through_the_gate_with_one_event_and_its_own_result(house, send, reviewer, other):
    one, two, held = send(), send(), send()
    queues.claim(held.pk, by=other)

    answer = do(house, "escalate", one, two, held, reason="To whom?")

    assert {case.state for case in Case.objects.filter(pk__in=[one.pk, two.pk])} == {"resolution"}
    assert Case.objects.get(pk=held.pk).state == "review"
    assert outcomes()[one.pk] == outcomes()[two.pk] == ("done", "It is at resolution now.")
    assert outcomes()[held.pk][0] == "refused" and f"{other} holds this case" in outcomes()[held.pk][1]
    told = AuditEvent.objects.filter(verb="case.escalate")
    assert [(event.actor_id, event.words) for event in told] == [(reviewer.pk, "To whom?")] * 2
    shown = house.get(answer.url).content.decode()
    assert "2 of 3 cases are done." in shown and "Try 1 case again" in shown


def test_sent_twice_it_is_done_once(house, send):
    case, token = send(), uuid.uuid4()

    first = do(house, "escalate", case, token=token, reason="To whom?")
    second = do(house, "escalate", case, token=token, reason="To whom?")

    assert first.url == second.url
    assert AuditEvent.objects.filter(verb__startswith="case.escalate").count() == 1 == Bulk.objects.count()


def test_what_is_missing_is_said_and_nothing_is_done(house, send):
    answer = do(house, "escalate", send(), reason=" ")

    assert answer.status_code == 422 and "Say why." in answer.content.decode()
    assert not Bulk.objects.exists()


def test_what_changed_since_the_preview_is_left_alone(house, send):
    case = send()
    Case.objects.filter(pk=case.pk).update(revision=2)

    do(house, "accept", case)

    assert outcomes()[case.pk][0] == "refused" and "changed while you looked at it" in outcomes()[case.pk][1]
    assert not Decision.objects.exists()


def test_high_risk_is_not_accepted_among_many_whatever_the_form_says(house, send):
    case = send()
    Case.objects.filter(pk=case.pk).update(tier="high")

    do(house, "accept", case)

    assert outcomes()[case.pk] == ("refused", "High risk is accepted one by one. Open it.")


def test_within_the_grace_window_they_are_undone_together(house, send):
    one, two = send(), send()
    results = house.get(do(house, "accept", one, two).url)
    assert "Undo 2 cases" in results.content.decode()

    undone = [each.seen for each in results.context["undoable"]]
    assert set(lines(ask(house, "undo", *undone)).values()) == {"Goes to review."}
    do(house, "undo", *Case.objects.filter(pk__in=[one.pk, two.pk]))

    assert {case.state for case in Case.objects.all()} == {"review"}


def test_the_results_lead_back_to_the_list_one_came_from(house, send):
    results = house.get(do(house, "escalate", send(), reason="To whom?", skim="all:state=review").url).content.decode()

    assert 'href="/admin/cases/case/?state=review"' in results and "Back to the list" in results


def test_snoozed_together_until_the_chosen_time(house, send):
    one, two = send(), send()
    until = clock.now() + timedelta(days=2)

    answer = do(
        house, "snooze", one, two, until="other", until_other=f"{until:%Y-%m-%dT%H:%M}", reason="Nobody is there before."
    )

    assert {outcome for outcome, _ in outcomes().values()} == {"done"}
    assert not Case.objects.filter(paused_since=None).exists()
    told = f"It goes on at review on {date_format(timezone.localtime(until), 'j M Y')} at {until:%H:%M}"
    assert html.unescape(house.get(answer.url).content.decode()).count(told) == 2


def test_many_are_done_by_a_worker_as_the_person_and_the_page_waits(house, send, reviewer, monkeypatch):
    monkeypatch.setattr(bulk, "AT_ONCE", 1)
    sent = [send(), send()]

    answer = do(house, "escalate", *sent, reason="To whom?")
    waiting = house.get(answer.url).content.decode()
    job = Job.objects.get(task="cases.jobs.do_a_bulk")
    monkeypatch.setattr(running, "progress", lambda done, total: None)
    report = jobs.do_a_bulk(*job.arguments)

    assert 'http-equiv="refresh"' in waiting and "Waiting for a worker" in waiting
    assert report == "2 cases gone through."
    assert {event.actor_id for event in AuditEvent.objects.filter(verb="case.escalate")} == {reviewer.pk}
    assert 'http-equiv="refresh"' not in house.get(answer.url).content.decode()


def test_no_case_is_twice_in_a_bulk_whoever_writes_it(house, send):
    do(house, "escalate", send(), send(), reason="To whom?")
    one, other = BulkRow.objects.all()
    again = {"bulk": one.bulk, "case": one.case, "revision": 1}

    for write in (
        lambda: BulkRow.objects.create(**again),
        lambda: BulkRow.objects.bulk_create([BulkRow(**again)]),
        lambda: BulkRow.objects.filter(pk=other.pk).update(case=one.case),
        lambda: connection.cursor().execute("UPDATE cases_bulkrow SET case_id = %s WHERE id = %s", [one.case_id, other.pk]),
    ):
        with pytest.raises(IntegrityError, match="a_case_is_once_in_a_bulk"), transaction.atomic():
            write()


def test_a_worker_that_comes_again_does_no_row_twice(house, send, monkeypatch):
    do(house, "escalate", send(), reason="To whom?")
    made = Bulk.objects.get()

    bulk.go_through(made)
    bulk._do(made, made.rows.get().pk)

    assert AuditEvent.objects.filter(verb__startswith="case.escalate").count() == 1


def test_a_vendor_gives_its_cases_back_and_reads_no_word_that_is_hidden(client, send, vendor, vendor_reviewer):
    case = send(external_id="+49 170 1234567")
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    client.force_login(vendor_reviewer)

    with acting_as(vendor_reviewer):
        preview = ask(client, "escalate", case).content.decode()
        result = do(client, "escalate", case, reason="To whom?")
        shown = client.get(result.url).content.decode()

    assert outcomes()[case.pk][0] == "done"
    assert "1234567" not in preview + shown and "[phone 1]" in preview


def test_its_results_are_its_persons_alone(house, client, send, resolver):
    where = do(house, "escalate", send(), reason="x").url
    client.force_login(resolver)

    assert client.get(where).status_code == 404


@pytest.mark.parametrize("page", [SKIM, PREVIEW, DO])
def test_nothing_happens_by_following_a_link(house, page):
    assert house.get(page).status_code == 405
