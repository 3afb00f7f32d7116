"""Blind first: where the policy asks for it, a reviewer answers before anything of the AI's answer is sent to him."""

import re
from html import unescape

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils import translation

from audit import clock
from audit.models import AuditEvent
from cases import actions, blind, queues
from cases.models import Case, Decision, OwnAnswer
from cases.seen import seen_by
from integrations.problems import Conflict
from stats.intervals import wilson
from tests import factories
from tests.conftest import acting_as
from workflows.models import Policy

pytestmark = pytest.mark.django_db
SECRET = "zephyr"  # what the AI says


@pytest.fixture
def output_schema():
    return {
        "type": "object",
        "required": ["decision"],
        "properties": {"decision": {"enum": ["refund", "decline", SECRET]}, "reply": {"type": "string"}},
    }


@pytest.fixture
def rules():
    return {
        "blind_first": True,
        "triggers": [{"kind": "keywords", "name": "Word", "words": [SECRET], "within": "output", "desk": "review"}],
    }


@pytest.fixture
def case(send, reviewer):
    case = send(0.43217, output={"decision": SECRET, "reply": f"It is {SECRET}."}, alternatives=[SECRET])
    return queues.claim(case.pk, by=reviewer)


@pytest.fixture
def bench(client, reviewer):
    client.force_login(reviewer)
    return client


def at(case, page="work"):
    return reverse(f"admin:cases_case_{page}", args=[case.pk])


def answer(case, by, **output):
    return actions.own_answer(case.pk, by=by, output=output or {"decision": "refund"})


VERBS = ["accept", "correct", "escalate", "own_answer"]


def everything(client, case, key) -> dict:
    """What the server sends of the case, by whatever address."""
    own = {f"page {page}": client.get(at(case, page)).content.decode() for page in ("work", "change")}
    own |= {f"page for {verb}": client.get(at(case), {"verb": verb}).content.decode() for verb in VERBS}
    own |= {name: client.get(reverse(f"admin:{name}")).content.decode() for name in ("index", "cases_case_changelist")}
    own["desk"] = client.get(reverse("admin:cases_case_desk", args=["review"])).content.decode()
    for path in ("", f"{case.pk}/", f"{case.pk}/why/", f"{case.pk}/wait/?timeout=0"):
        own[f"GET {path}"] = client.get(f"/api/v1/cases/{path}", **key).content.decode()
    for path in (f"{case.pk}/claim/", f"{case.pk}/heartbeat/"):
        own[f"POST {path}"] = client.post(f"/api/v1/cases/{path}", "{}", "application/json", **key).content.decode()
    return own


def test_nothing_of_the_ais_answer_is_sent_before_by_any_address(bench, case, reviewer, key):
    header = key(reviewer)

    sent = everything(bench, case, header)
    told_of = [where for where, text in sent.items() if f"It is {SECRET}" in text or "0.43217" in text or f"“{SECRET}”" in text]
    assert told_of == []
    assert [where for where, text in sent.items() if SECRET in unescape(text).replace(f'value=""{SECRET}"">{SECRET}', "")] == []

    answer(case, reviewer)
    after = everything(bench, case, header)
    assert {where for where, text in after.items() if SECRET in text} >= {"page work", "page change", f"GET {case.pk}/"}


def test_that_an_own_answer_comes_first_is_said_once(bench, case):
    shown = bench.get(reverse("admin:cases_case_work", args=[case.pk])).content.decode().lower()

    assert shown.count("own answer first") == 1


def test_the_next_case_over_rest_comes_without_it(client, send, reviewer, key):
    send(0.5, output={"decision": SECRET})

    told = client.post("/api/v1/cases/next/", "{}", "application/json", **key(reviewer)).json()
    assert (told["output"], told["reasons"], told["confidence"], told["own_answer_first"]) == ({}, [], None, True)

    path = f"/api/v1/cases/{told['id']}/own-answer/"
    told = client.post(path, {"output": {"decision": "refund"}}, "application/json", **key(reviewer)).json()
    assert (told["output"], told["own_answer_first"]) == ({"decision": SECRET}, False)


def test_no_decision_before_the_own_answer(case, reviewer):
    for verb, more in ((actions.accept, {}), (actions.correct, {"output": {"decision": "refund"}})):
        with pytest.raises(Conflict, match="Give your own answer first"):
            verb(case.pk, by=reviewer, **more)

    answer(case, reviewer)
    actions.accept(case.pk, by=reviewer)

    assert Case.objects.get(pk=case.pk).state == "closed"


def test_who_cannot_answer_escalates(case, reviewer):
    actions.escalate(case.pk, by=reviewer, reason="Beyond me.")

    assert Case.objects.get(pk=case.pk).state == "resolution"


def test_the_difference_is_kept_and_shown_on_the_case(bench, case, reviewer):
    bench.post(
        at(case), {"verb": "own_answer", "revision": 1, "output.decision": '"refund"', "output.reply": f"It  IS {SECRET}."}
    )

    kept = OwnAnswer.objects.get()
    assert (kept.by, kept.answer["decision"], kept.differs) == (reviewer, "refund", ["decision"])
    assert AuditEvent.objects.filter(subject_id=case.pk, verb="case.own_answer").count() == 1
    for page in ("work", "change"):
        assert "They differ in one value." in bench.get(at(case, page)).content.decode()


def test_it_leads_back_to_the_case_and_not_to_the_next_one(bench, case, send):
    send(0.5, output={"decision": SECRET})

    answered = bench.post(at(case), {"verb": "own_answer", "revision": 1, "next": "1", "output.decision": '"refund"'})

    assert answered.url == at(case)


@pytest.mark.parametrize(
    ("output", "said"), [({}, "Answer at least one"), ({"reply": "Yes"}, "required"), ({"decision": "maybe"}, "is not one of")]
)
def test_what_is_no_answer_is_said_and_nothing_is_kept(client, case, reviewer, key, output, said):
    path = f"/api/v1/cases/{case.pk}/own-answer/"

    told = client.post(path, {"output": output}, "application/json", **key(reviewer))

    assert told.status_code == 422 and said in told.content.decode()
    assert not OwnAnswer.objects.exists()


@pytest.mark.parametrize(
    "output_schema",
    [
        {
            "required": ["decision", "reply", "lines", "amount"],
            "properties": {
                "decision": {"enum": ["refund", "decline", SECRET]},
                "reply": {"type": "string"},
                "lines": {"type": "array", "items": {"type": "string"}},
                "amount": {"type": ["number", "null"]},
                "sure": {"type": "boolean"},
                "note": {"type": "string"},
            },
        }
    ],
)
def test_what_may_not_stay_empty_has_a_star_and_is_said_at_its_field(bench, send, reviewer):
    output = {"decision": SECRET, "reply": "No.", "lines": ["a"], "amount": 2}
    case = queues.claim(send(0.43217, output=output).pk, by=reviewer)
    starred = r'<div class="field[^"]* must"[^>]*>\s*<label for="case-\d+-output\.(\w+)"'
    typed = {"verb": "own_answer", "revision": 1}

    shown = bench.get(at(case)).content.decode()
    empty = bench.post(at(case), {**typed, "output.note": "So."}).content.decode()
    full = {"output.decision": '"refund"', "output.reply": "Yes.", "output.lines": "a", "output.amount": "2"}
    bench.post(at(case), {**typed, **full})

    assert sorted(re.findall(starred, shown)) == ["amount", "decision", "lines", "reply"]
    assert empty.count("Fill this in.") == 4 and "required property" not in empty
    assert OwnAnswer.objects.get().answer == {"decision": "refund", "reply": "Yes.", "lines": ["a"], "amount": 2}


@pytest.mark.parametrize(
    "output_schema",
    [
        {
            "required": ["decision"],
            "properties": {
                "decision": {"enum": ["refund", SECRET]},
                "items": {
                    "type": "array",
                    "items": {"required": ["sku"], "properties": {"sku": {"type": "string"}, "amount": {"type": "number"}}},
                },
            },
        }
    ],
)
def test_of_a_list_there_are_empty_items_which_count_only_where_they_are_filled_in(bench, send, reviewer):
    case = queues.claim(send(0.43217, output={"decision": SECRET, "items": [{"sku": "A"}, {"sku": "B"}]}).pk, by=reviewer)
    typed = {"verb": "own_answer", "revision": 1, "output.decision": '"refund"'}

    shown = bench.get(at(case)).content.decode()
    none = bench.post(at(case), {**typed, "output.decision": ""}).content.decode()
    half = bench.post(at(case), {**typed, "output.items.0.amount": "2"}).content.decode()
    bench.post(at(case), {**typed, "output.items.0.amount": "2", "output.items.0.sku": "C"})

    assert re.findall(r'name="output\.items\.([\w.]+)"', shown) == [
        f"{number}.{name}" for number in range(5) for name in ("sku", "amount")
    ]
    assert (none.count("Fill this in."), half.count("Fill this in.")) == (1, 1)
    assert OwnAnswer.objects.get().answer == {"decision": "refund", "items": [{"sku": "C", "amount": 2}]}


def test_it_is_given_once(case, reviewer):
    answer(case, reviewer)

    with pytest.raises(Conflict, match="already"):
        answer(case, reviewer, decision="decline")


def test_why_it_came_is_told_in_the_readers_language(case, reviewer):
    with translation.override("de"):
        told = seen_by(case, reviewer).sentence

    assert told.startswith("Geben Sie") and told != blind.FIRST == seen_by(case, reviewer).sentence


def test_where_the_policy_does_not_ask_nothing_is_hidden(send, refunds, owner, reviewer, output_schema):
    factories.policy(refunds, owner, rules={}, output_schema=output_schema)
    case = send(0.5, output={"decision": SECRET})

    assert seen_by(case, reviewer) is case
    with pytest.raises(Conflict, match="no own answer is asked for"):
        answer(case, reviewer)


def test_where_the_schema_names_nothing_there_is_nothing_to_ask(send, refunds, owner, reviewer):
    factories.policy(refunds, owner, rules={"blind_first": True}, output_schema={})
    case = send(0.5, output={"decision": SECRET})

    assert seen_by(case, reviewer) is case
    assert actions.accept(case.pk, by=reviewer).state == "closed"


def test_who_reviews_nothing_here_sees_it(case, owner, approver):
    for person in (owner, approver):
        assert seen_by(case, person).output == {"decision": SECRET, "reply": f"It is {SECRET}."}


def test_a_vendors_person_answers_what_he_sees_and_reads_no_more_then(send, vendor, vendor_reviewer):
    case = send(0.5, input={"text": "Mail anna@example.com"}, output={"decision": SECRET, "reply": "To anna@example.com"})
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    with acting_as(vendor_reviewer):
        case = Case.objects.get(pk=case.pk)
        assert seen_by(case, vendor_reviewer).output == {}
        hidden = seen_by(case, vendor_reviewer).input["text"]
        answer(case, vendor_reviewer, decision=SECRET, reply=hidden.replace("Mail", "To"))
        assert "anna@" not in str(seen_by(case, vendor_reviewer).output)
        assert actions.accept(case.pk, by=vendor_reviewer).state == "closed"

    assert OwnAnswer.objects.get().differs == []


@pytest.mark.parametrize(
    ("own", "proposed", "differs"),
    [
        ({"a": "Yes  sir"}, {"a": "yes sir"}, []),
        ({"a": 1}, {"a": True}, ["a"]),
        ({"a": {"b": 2}}, {"a": {"b": 2, "c": 3}}, []),
        ({"a": {"b": 2}}, {"a": "b"}, ["a.b"]),
        ({"a": [1, 2]}, {"a": [2, 1]}, ["a"]),
        ({}, {"a": 1}, []),
    ],
)
def test_what_differs(own, proposed, differs):
    assert blind.differing(own, proposed) == differs


def test_agreement_is_counted_for_each_and_all(client, case, send, reviewer, owner):
    answer(case, reviewer, decision=SECRET)
    answer(send(0.5, output={"decision": SECRET}), reviewer, decision="refund")
    client.force_login(owner)

    shown = client.get(reverse("admin:quality_attention")).content.decode()

    assert "50% (9%–91%)" in shown


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),  # Newcombe 1998, table of cases
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0, 0.1611), (1, 29, 0.0061, 0.1718), (0, 0, 0, 1)],
)
def test_the_interval_is_wilsons(successes, trials, low, high):
    assert wilson(successes, trials) == (pytest.approx(low, abs=5e-5), pytest.approx(high, abs=5e-5))


# what the database refuses, whoever asks


def refused(name, act):
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        act()
    assert name in str(refusal.value).replace(" ", "_")


def own(case, person, **more):
    return OwnAnswer(case=case, by=person, at=clock.now(), answer={"decision": "refund"}, differs=[], **more)


@pytest.mark.long
def test_who_reviews_blind_answers_first(case, reviewer):
    facts = {"case": case, "by": reviewer, "at": clock.now(), "desk": "review", "to": "closed", "digest": bytes(case.digest)}
    row = Decision(verb="accept", **facts)
    raw = (
        'INSERT INTO cases_decision (case_id, by_id, at, verb, desk, "to", digest, reason, reason_code, break_glass)'
        " VALUES (%s, %s, now(), 'correct', 'review', 'closed', '', '', '', false)"
    )

    refused("who_reviews_blind_answers_first", row.save)
    refused("who_reviews_blind_answers_first", lambda: Decision.objects.bulk_create([row]))
    refused("who_reviews_blind_answers_first", lambda: connection.cursor().execute(raw, [case.pk, reviewer.pk]))


def test_an_own_answer_comes_before_the_decision(case, reviewer):
    actions.escalate(case.pk, by=reviewer, reason="Beyond me.")

    refused("an_own_answer_comes_before_the_decision", own(case, reviewer).save)
    refused("an_own_answer_comes_before_the_decision", lambda: OwnAnswer.objects.bulk_create([own(case, reviewer)]))


def test_no_own_answer_is_dated_back_changed_or_given_twice(case, reviewer):
    late = own(case, reviewer)
    late.at = case.received_at.replace(year=2020)
    refused("no_own_answer_is_dated_back", late.save)

    own(case, reviewer).save()
    refused("one_own_answer_of_a_person", own(case, reviewer).save)
    for act in (
        lambda: OwnAnswer.objects.update(differs=["decision"]),
        lambda: OwnAnswer.objects.all()._raw_delete("default"),
        lambda: connection.cursor().execute("UPDATE cases_ownanswer SET answer = '{}'"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()


def test_a_policy_published_later_asks_of_later_cases_only(case, send, refunds, owner, reviewer, output_schema):
    factories.policy(refunds, owner, rules={}, output_schema=output_schema)

    assert blind.is_owed(case, reviewer)
    assert not blind.is_owed(send(0.5), reviewer)
    assert Policy.objects.filter(workflow=refunds).count() == 2


LISTED = {
    "required": ["decision", "lines"],
    "properties": {
        "decision": {"enum": ["refund", SECRET]},
        "lines": {"type": "array", "items": {"required": ["amount"], "properties": {"amount": {"type": "number"}}}},
    },
}


@pytest.mark.usefixtures("output_schema")
@pytest.mark.parametrize("output_schema", [LISTED])
def test_of_a_list_that_an_own_answer_needs_one_item_is_asked_for_and_several_may_come(bench, send, reviewer):
    case = queues.claim(send(0.4, output={"decision": SECRET, "lines": [{"amount": 1}]}).pk, by=reviewer)
    typed = {"verb": "own_answer", "revision": 1, "output.decision": '"refund"'}

    none = bench.post(at(case), typed)
    shown = unescape(none.content.decode())
    bench.post(at(case), typed | {"output.lines.0.amount": "2", "output.lines.2.amount": "3"})

    assert none.status_code == 422 and shown.count("Fill this in.") == 1
    assert re.findall(r"<legend>(Lines \d), new</legend>", shown) == [f"Lines {number}" for number in range(1, 6)]
    assert OwnAnswer.objects.get().answer == {"decision": "refund", "lines": [{"amount": 2}, {"amount": 3}]}
