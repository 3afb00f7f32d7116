"""While somebody owes a case his own answer, nothing of the AI's reaches him by any page, list, search or endpoint."""

import pytest
from django.urls import reverse

from cases import actions, blind, finding, replay
from cases.bulk import OFFERED
from cases.models import Case, Question
from improvements import actions as improvements
from tests import factories, test_admin_access
from tests.conftest import seated
from tests.test_admin_access import address, our_addresses
from tests.test_seen import every_address
from workflows import actions as workflows

pytestmark = pytest.mark.django_db
things, auditor = test_admin_access.things, test_admin_access.auditor

VERBS = ("accept", "correct", "escalate", "own_answer", "pause", "inquire")
SAYS = "qzephyr"  # stands in everything that the AI says, and in what others said of it
BLIND = {
    "blind_first": True,
    "triggers": [{"kind": "action", "name": "Guarded", "on_money": True, "desk": "review"}],
}


@pytest.fixture
def rules():
    return BLIND


@pytest.fixture
def output_schema():
    fields = {"decision": {"type": "string"}, "reply": {"type": "string"}}
    return {"type": "object", "required": ["decision"], "properties": fields}


@pytest.fixture
def other(refunds, owner):
    """A colleague at the same desk, who has given his own answer."""
    return seated(refunds, "reviewer", owner)


@pytest.fixture
def case(things, send, reviewer, other, owner):
    """The AI's answer stands in its output; a colleague has seen it, and quotes it wherever one may write."""
    case = send(
        0.43217,
        input={"text": "The parcel arrived open.", "reply": "none"},
        output={"decision": f"refund {SAYS}", "reply": f"It is {SAYS}."},
        action={"type": SAYS, "payee": SAYS, "amount": "43.21", "currency": "EUR"},
        alternatives=[{"output": {"decision": SAYS}, "confidence": 0.2}],
        customer_reference="C-1",
    )
    actions.own_answer(case.pk, by=other, output={"decision": "decline"})
    actions.comment(case.pk, by=other, text=f"The AI says {SAYS}. @{reviewer.username}")
    actions.comment(case.pk, by=other, text=f"Look at {SAYS}.", kind="note")
    actions.ask(case.pk, by=other, reason=f"Is {SAYS} right?")
    actions.rule(Question.objects.get().pk, by=owner, reason=f"{SAYS} is right.")
    actions.inquire(case.pk, by=other, question=f"Why {SAYS}?", whom=f"@{reviewer.username}", shows=["output.reply", "action"])
    asked = actions.inquire(case.pk, by=other, question=f"How {SAYS}?", whom="Finance", shows=["output.decision"]).inquiry
    actions.answer(asked.pk, by=other, text=f"Just {SAYS}.")
    improvements.flag(case.pk, by=other, title="Replies", words=f"Again {SAYS}.")
    return case


@pytest.fixture
def asked(client, case, things, refunds, reviewer, key, owner):
    """Every page and every answer of the API: (its name, what is sent), as this person gets it."""
    replayed = replay.replay(
        workflows.draft(refunds, by=owner, rules={"tiers": {**factories.TIERS, "medium": {"pattern": "sampling"}}}), by=owner
    )
    replay.make(replayed)
    finding.note_new()
    about = {
        **things,
        "cases_case": case.pk,
        "cases_replay": replayed.pk,
        "cases_inquiry": case.inquiries.first().pk,
        "cases_notice_go": reviewer.notices.filter(case=case).first().pk,
        "workflows_policy": refunds.policy.pk,
    }
    pages = [(name, address(name, about)) for name in our_addresses() if name != "logout"]
    pages += [(f"work to {verb}", f"{address('cases_case_work', about)}?verb={verb}") for verb in VERBS]
    pages += [
        (name, f"{address('cases_try_policy', about)}?case={named}")
        for name, named in [("try it", case.pk), ("try it by reference", case.external_id)]
    ]
    pages += [(where, where) for where in every_address(case) if where.startswith("/api/v1/cases/")]

    header = key(reviewer)

    client.force_login(reviewer)

    def asked(only=None):
        told = {
            name: client.get(at, **header if at.startswith("/api/") else {})
            for name, at in pages
            if only is None or name in only
        }
        told |= {verb: client.post(reverse("admin:cases_case_bulk"), {"verb": verb, "case": [case.pk]}) for verb in OFFERED}
        return {name: answer.content.decode() for name, answer in told.items()}

    return asked


@pytest.mark.long
def test_nothing_reaches_who_owes_his_own_answer_and_then_all_of_it(asked, case, reviewer):
    told = asked()
    assert {name for name, text in told.items() if SAYS in text or "0.43217" in text} == set()

    actions.own_answer(case.pk, by=reviewer, output={"decision": "decline"})

    pages = {f"cases_case_{page}" for page in ("work", "change", "talk", "changelist")}
    pages |= {"cases_replay_change", "cases_inquiry", "cases_asked", "cases_rulings", "improvements_findings", "index"}
    pages |= {"try it", "try it by reference", "cases_try_policy", "accept", f"/api/v1/cases/{case.pk}/"}
    assert {name for name, text in asked(pages).items() if SAYS in text} >= pages


FINDING = [{"q": SAYS}, {"q": SAYS, "text": "on"}, {"trigger": "Guarded"}, {"category": "edge-case"}]


@pytest.mark.parametrize("asked", FINDING)
def test_nor_is_it_found_by_what_the_ai_says(client, case, reviewer, asked):
    finding.note_new()
    Case.objects.filter(pk=case.pk).update(category=case.workflow.categories.get(slug="edge-case"))
    client.force_login(reviewer)

    def found():
        shown = client.get(reverse("admin:cases_case_changelist"), asked).content.decode()
        return reverse("admin:cases_case_work", args=[case.pk]) in shown

    assert not found()
    actions.own_answer(case.pk, by=reviewer, output={"decision": "decline"})
    assert found()


def test_it_is_found_by_what_came_in_and_the_trigger_log_names_it_to_who_may_know(client, case, reviewer, owner):
    finding.note_new()
    log = reverse("admin:cases_trigger_log", args=[case.workflow_id])

    def names_it(person, where, **asked):
        client.force_login(person)
        return case.external_id in client.get(where, asked).content.decode()

    assert names_it(reviewer, reverse("admin:cases_case_changelist"), q="parcel", text="on")
    assert (names_it(reviewer, log), names_it(owner, log)) == (False, True)


def test_his_own_words_and_what_he_was_answered_reach_him(client, case, reviewer, owner):
    actions.comment(case.pk, by=reviewer, text="I wonder.")
    actions.ask(case.pk, by=reviewer, reason="What is a voucher?")
    actions.rule(Question.objects.get(by=reviewer).pk, by=owner, reason="A slip of paper.")
    client.force_login(reviewer)

    shown = client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()

    assert all(words in shown for words in ("I wonder.", "What is a voucher?", "A slip of paper.", blind.LATER))
