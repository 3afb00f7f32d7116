"""What an approver had ticked of the standard is kept with his decision, in the words that he read, and never changes."""

import json
import time
from dataclasses import dataclass

import pytest
from django.core.exceptions import ValidationError

from audit import trail
from audit.models import AuditEvent
from cases import actions, standard
from cases.models import Case, Decision
from tests import factories
from tests.conftest import acting_as, seated
from tests.desk import decide, page
from tests.test_approvals import LIST, REFUND, text
from tests.test_promises import CHANGING, NOT_GRANTED, as_owner, refused, sql
from workflows.models import PlaybookSection

pytestmark = pytest.mark.django_db
RIGHT = "The refund is owed."
TWO_STEPS = {"action_tiers": {"refund": "high"}, "chains": [{"steps": [{"name": "Lead"}, {"name": "Finance"}]}]}


@dataclass
class Written:
    """The standard of the workflow: a sentence of its charter and a section of its playbook, by their versions."""

    owed: str
    twice: str
    section: PlaybookSection


@pytest.fixture
def written(refunds):
    refunds.what_is_right = RIGHT
    refunds.save()
    section = PlaybookSection.objects.create(workflow=refunds, title="Charged twice", text="Look at both fees.")
    PlaybookSection.objects.create(workflow=refunds, title="Not yet", text="A draft.", is_draft=True)
    owed, twice = standard.of(refunds)
    return Written(owed.version, twice.version, section)


@pytest.fixture
def desk(client, approver):
    client.force_login(approver)
    return client


@pytest.fixture
def case(send, written):
    return send(action=REFUND)


def commit(client, case, verb="approve", **typed):
    return decide(client, case, verb, at="approval", **typed)


def kept(case):
    """Title → whether it was ticked, of the last decision."""
    points = case.decisions.last().standard
    return points and {point["title"]: point["ticked"] for point in points}


# Through the page


@pytest.mark.parametrize("verb", ["approve", "edit", "reject", "send_back"])
def test_what_was_ticked_is_kept_with_the_decision_whichever_it_is(desk, case, written, verb):
    edited = {"output.decision": "refund", "action.type": "refund", "action.amount": "200", "action.currency": "EUR"}
    more = {**edited, "action.payee": "C-1042"} if verb == "edit" else {}

    commit(desk, case, verb, reason="So it is.", ticked=[written.twice], **more)

    assert case.decisions.get().standard == [
        {"source": "charter: what_is_right", "title": RIGHT, "text": "", "version": written.owed, "ticked": False},
        {
            "source": f"playbook: {written.section.pk}",
            "title": "Charged twice",
            "text": "Look at both fees.",
            "version": written.twice,
            "ticked": True,
        },
    ]


def test_breaking_the_glass_keeps_it_too(client, send, owner, refunds, written):
    case = send(action={**REFUND, "amount": 5000})
    client.force_login(owner)

    decide(client, case, "break_glass", reason="Nobody else may.", ticked=[written.owed])

    assert kept(case) == {RIGHT: True, "Charged twice": False}


def test_the_workbench_of_a_case_at_approval_keeps_it_too(desk, case, written):
    assert 'name="ticked"' in desk.get(page(case)).content.decode()

    decide(desk, case, "approve", ticked=[written.owed, written.twice])

    assert kept(case) == {RIGHT: True, "Charged twice": True}


def test_who_ticks_nothing_may_decide(desk, case):
    commit(desk, case)

    assert Case.objects.get(pk=case.pk).state == "closed"
    assert kept(case) == {RIGHT: False, "Charged twice": False}


def test_where_nothing_is_written_down_there_is_nothing_to_tick(desk, send):
    case = send(action=REFUND)

    assert 'name="ticked"' not in desk.get(LIST).content.decode()
    commit(desk, case)

    assert case.decisions.get().standard is None


def test_each_card_of_the_list_sends_its_own_ticks(desk, send, case):
    other = send(action=REFUND)

    shown = desk.get(LIST).content.decode()

    for each in (case, other):
        assert shown.count(f'form="decide-{each.pk}"') == 2
        assert shown.count(f'id="decide-{each.pk}"') == 1


def test_who_may_not_decide_reads_the_standard_without_boxes(desk, case, other_approver):
    actions.approve(case.pk, by=other_approver)

    shown = desk.get(page(case, "approval"))

    assert RIGHT in text(shown) and 'name="ticked"' not in shown.content.decode()


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}}])
def test_a_refusal_loses_no_tick(desk, case, written, rules):
    session = desk.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time.time() - 3600}]
    session.save()

    for verb, status in (("reject", 422), ("approve", 403)):  # no reason, no second factor
        answer = commit(desk, case, verb, ticked=[written.twice])
        boxes = [line for line in answer.content.decode().splitlines() if 'name="ticked"' in line]
        assert answer.status_code == status and [" checked" in box for box in boxes] == [False, True]


def test_of_a_standard_that_changed_meanwhile_the_new_words_are_to_be_read_first(desk, case, written):
    written.section.text = "Look at three fees."
    written.section.save()

    answer = commit(desk, case, reason="A long thought", ticked=[written.owed, written.twice])

    assert answer.status_code == 422 and not case.decisions.exists()
    assert "The standard was changed while you looked at it." in text(answer) and "A long thought" in text(answer)
    boxes = [line for line in answer.content.decode().splitlines() if 'name="ticked"' in line]
    assert [" checked" in box for box in boxes] == [True, False]


def test_what_was_read_is_kept_though_the_standard_is_written_anew(desk, case, written):
    commit(desk, case, ticked=[written.owed, written.twice])
    written.section.delete()
    case.workflow.what_is_right = "Another sentence."
    case.workflow.save()

    shown = text(desk.get(page(case, "change")))

    assert kept(case) == {RIGHT: True, "Charged twice": True}
    assert RIGHT in shown and "Look at both fees." in shown


# Where it is read


@pytest.mark.parametrize("rules", [TWO_STEPS])
def test_whoever_has_the_next_step_reads_what_the_one_before_him_had_ticked(
    client, desk, case, written, approver, other_approver, rules
):
    commit(desk, case, ticked=[written.twice])
    client.force_login(other_approver)

    shown = text(client.get(page(case, "approval")))

    assert f"What {approver} had ticked: 1 of 2" in shown
    assert f"not ticked: {RIGHT}" in shown and "☑ ticked: Charged twice" in shown and "☑ ticked: Not yet" not in shown


def test_the_story_tells_it_and_the_ledger_has_the_versions(desk, case, written, approver):
    commit(desk, case, ticked=[written.twice], reason="Owed.")

    event = AuditEvent.objects.get(subject_type="case", subject_id=case.pk, verb="case.approve")
    assert (event.body["points"], event.body["ticked"]) == (2, [written.twice])
    assert trail.sentence(event) == f"was approved by {approver}, with 1 of the standard's 2 points ticked – “Owed.”"
    shown = text(desk.get(page(case, "change")))
    assert "with 1 of the standard's 2 points ticked" in shown and f"What {approver} had ticked: 1 of 2" in shown


def test_rest_shows_it(desk, send, case, written, approver, key):
    commit(desk, case, ticked=[written.twice])
    other = send(action=REFUND)
    actions.approve(other.pk, by=approver)

    [[mine], [asked_nobody]] = (
        desk.get(f"/api/v1/cases/{each.pk}/", **key(approver)).json()["decisions"] for each in (case, other)
    )

    assert mine["standard"] == case.decisions.get().standard and asked_nobody["standard"] is None


@pytest.mark.parametrize("verb", ["approve", "reject", "send-back"])
def test_rest_takes_the_ticks_of_what_it_showed(client, case, written, approver, key, verb):
    header, at_case = key(approver), f"/api/v1/cases/{case.pk}/"
    points = client.get(at_case, **header).json()["standard"]

    body = {"reason": "So it is.", "ticked": [points[1]["version"]]}
    answer = client.post(f"{at_case}{verb}/", body, "application/json", **header)

    assert [(point["title"], point["text"]) for point in points] == [(RIGHT, ""), ("Charged twice", "Look at both fees.")]
    assert answer.status_code == 200 and kept(case) == {RIGHT: False, "Charged twice": True}
    assert client.get(at_case, **header).json()["standard"] == [], "there is nothing to tick off there any more"


@pytest.mark.parametrize(
    ("ticked", "told"),
    [
        (["0" * 64], "The standard was changed while you looked at it."),
        (["Charged twice"], "ticked"),
        ("all", "ticked"),
    ],
)
def test_rest_refuses_a_tick_at_other_words_and_says_so(client, case, written, approver, key, ticked, told):
    header = key(approver)

    answer = client.post(f"/api/v1/cases/{case.pk}/approve/", {"ticked": ticked}, "application/json", **header)

    assert answer.status_code == 422 and answer["Content-Type"].startswith("application/problem+json")
    assert told in json.dumps(answer.json()) and not case.decisions.exists()


def test_rest_shows_the_standard_anew_where_its_words_changed(client, case, written, approver, key):
    """Though nothing else of the case did: what was known before is refused as a tick, so it is no answer to a conditional request."""
    header, at_case = key(approver), f"/api/v1/cases/{case.pk}/"
    known = client.get(at_case, **header)["ETag"]
    same = client.get(at_case, HTTP_IF_NONE_MATCH=known, **header)
    written.section.text = "Look at three fees."
    written.section.save()

    anew = client.get(at_case, HTTP_IF_NONE_MATCH=known, **header)

    assert (same.status_code, anew.status_code) == (304, 200)
    assert anew.json()["standard"][1]["text"] == "Look at three fees."


def test_at_another_desk_a_tick_is_refused(client, send, written, resolver, reviewer, key):
    case = send(0.1)
    actions.escalate(case.pk, by=reviewer, reason="Unclear")
    body = {"reason": "Look again.", "ticked": [written.owed]}

    answer = client.post(f"/api/v1/cases/{case.pk}/send-back/", body, "application/json", **key(resolver))

    assert answer.status_code == 422 and "ticked off at approval alone" in json.dumps(answer.json())


def test_the_schema_tells_of_the_ticks(client, approver, key):
    shapes = client.get("/api/v1/openapi.json", **key(approver)).json()["components"]["schemas"]

    for name in ("Approve", "Timed"):
        assert shapes[name]["properties"]["ticked"]["items"]["pattern"] == "^[0-9a-f]{64}$"
    assert "ticked" in shapes["Approve"]["description"] and "standard" in shapes["Detail"]["properties"]


def test_whoever_works_it_on_the_workbench_next_reads_what_was_ticked(client, desk, case, written, approver, resolver):
    commit(desk, case, "send_back", reason="By whom?", ticked=[written.twice])
    client.force_login(resolver)

    shown = text(client.get(page(case)))

    assert "Ticked off before" in shown and f"What {approver} had ticked: 1 of 2" in shown
    assert f"not ticked: {RIGHT}" in shown and "Look at both fees." in shown


def test_a_vendors_person_reads_it_without_what_is_hidden_from_him(client, desk, case, written, vendor, owner, key):
    worker = seated(case.workflow, "resolver", owner, vendor)
    written.section.text = "Write to anna.keller@example.com first."
    written.section.save()
    commit(desk, case, "send_back", reason="By whom?", ticked=[standard.of(case.workflow)[1].version])
    factories.mandated(vendor, case.workflow)
    Case.objects.filter(pk=case.pk).update(vendor=vendor)

    client.force_login(worker)
    story = client.get(page(case, "change"))
    [told] = client.get(f"/api/v1/cases/{case.pk}/", **key(worker)).json()["decisions"]

    assert "had ticked: 1 of 2" in text(story)
    assert [point["ticked"] for point in told["standard"]] == [False, True]
    for shown in (story.content.decode().split('id="decisions"')[1].split("</section>")[0], json.dumps(told)):
        assert "Write to " in shown and "anna.keller@example.com" not in shown


def test_a_vendors_session_sees_no_tick_of_a_case_that_is_not_its(desk, case, written, vendor_reviewer):
    commit(desk, case, ticked=[written.twice])

    with acting_as(vendor_reviewer):
        assert sql("SELECT standard FROM cases_decision") == []


# The verb, and the database


def test_the_verb_takes_no_tick_at_other_words(case, approver, written):
    with pytest.raises(ValidationError, match="The standard was changed"):
        actions.approve(case.pk, by=approver, ticked=["0" * 64])

    assert not case.decisions.exists()


def test_a_point_that_stands_twice_is_ticked_where_it_was_ticked(case, approver, refunds):
    refunds.what_is_done = RIGHT
    refunds.save()
    first, second, _ = standard.of(refunds)

    actions.approve(case.pk, by=approver, ticked=[second.version])

    assert first.version != second.version
    assert [point["ticked"] for point in case.decisions.get().standard] == [False, True, False]


@pytest.mark.parametrize("change", CHANGING)
def test_nobody_changes_a_tick_afterwards(case, approver, written, change):
    actions.approve(case.pk, by=approver, ticked=[written.twice])

    with refused(NOT_GRANTED):
        change(case.decisions.get(), standard=None)
    with refused(NOT_GRANTED):
        sql("UPDATE cases_decision SET standard = jsonb_set(standard, '{0,ticked}', 'true')")

    assert kept(case) == {RIGHT: False, "Charged twice": True}


def test_not_even_the_owner_of_the_tables_does(committed, request):
    committed("written")
    case, approver = request.getfixturevalue("send")(action=REFUND), request.getfixturevalue("approver")
    actions.approve(case.pk, by=approver, ticked=[])

    with as_owner(), refused("history_is_append_only"):
        sql("UPDATE cases_decision SET standard = jsonb_set(standard, '{0,ticked}', 'true')")


def test_the_standard_is_ticked_off_at_approval_alone(send, reviewer, written):
    case = send(0.1)
    facts = {"verb": "accept", "desk": "review", "to": "closed", "digest": case.digest, "at": case.received_at}

    with refused("the_standard_is_ticked_off_at_approval"):
        Decision.objects.create(case=case, by=reviewer, standard=[], **facts)
