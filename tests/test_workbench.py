"""The workbench: one case, everything about it and the whole decision on one screen."""

import re
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from audit import clock
from cases import actions, queues
from cases.models import Case
from cases.templatetags import desk
from cases.templatetags.desk import minutes
from scorecards import actions as scorecards
from tests import factories
from tests.conftest import seated
from tests.desk import decide
from workflows import actions as workflows
from workflows.models import PlaybookSection

pytestmark = pytest.mark.django_db


def at(case, page="work"):
    return reverse(f"admin:cases_case_{page}", args=[case.pk])


@pytest.fixture
def case(send, reviewer):
    case = send(0.5, output={"decision": "refund", "reply": "We will."}, customer_reference="C-7")
    return queues.claim(case.pk, by=reviewer)


@pytest.fixture
def bench(client, reviewer):
    client.force_login(reviewer)
    return client


def test_it_shows_what_came_in_why_it_is_here_and_what_may_be_done(bench, case, refunds):
    PlaybookSection.objects.create(workflow=refunds, title="When to refund", text="Within thirty days.")

    shown = bench.get(at(case)).content.decode()

    for told in ("The parcel arrived open.", case.sentence, "When to refund", 'value="accept"', 'value="escalate"', "We will."):
        assert told in shown
    assert 'value="approve"' not in shown


@pytest.mark.parametrize(("seconds", "told"), [(899, "14"), (121, "2"), (120, "2:00"), (61, "1:01"), (9, "0:09"), (-3, "0:00")])
def test_what_is_left_of_a_lease_is_told_in_minutes_and_at_last_in_seconds(seconds, told):
    assert minutes(seconds) == told


def test_its_policy_lets_no_script_or_style_stand_in_the_page(bench, case):
    answer = bench.get(at(case))

    assert "script-src 'self'" in answer["Content-Security-Policy"].split("; ")
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert "<style" not in answer.content.decode() and " style=" not in answer.content.decode()


def test_a_decision_leads_to_the_next_case_in_its_place(bench, case, send):
    waiting = send(0.5)

    answer = bench.post(at(case), {"verb": "accept", "revision": 1, "next": "1", "active_seconds": "12"})

    assert answer.url == at(waiting)
    assert Case.objects.get(pk=case.pk).state == "closed"
    assert case.decisions.get().active_seconds == 12


def test_where_no_case_waits_a_script_is_sent_to_the_desk(bench, case):
    answer = bench.post(at(case), {"verb": "accept", "revision": 1, "next": "1"}, HTTP_HX_REQUEST="true")

    assert answer["HX-Redirect"] == reverse("admin:cases_case_desk", args=["review"])


def test_where_nothing_else_waits_the_next_case_is_the_one_in_hand(bench, case):
    answer = bench.post(reverse("admin:cases_case_next"), {"desk": "review"})

    assert answer.url == at(case)


def test_my_desk_names_what_is_in_my_hands_and_what_i_did_today(bench, case, send):
    bench.post(at(send(0.5)), {"verb": "accept", "revision": 1, "active_seconds": "20"})

    shown = bench.get(reverse("admin:index")).content.decode()

    assert at(case) in shown
    assert "Today you decided one case, 20 active seconds each." in shown


def test_a_correction_keeps_what_was_changed_and_nothing_else(bench, case):
    typed = {
        "verb": "correct",
        "revision": 1,
        "output.decision": "decline",
        "output.reply": "We will.",
        "root_cause": "Misread",
    }

    bench.post(at(case), typed)

    assert Case.objects.get(pk=case.pk).standing_output == {"decision": "decline", "reply": "We will."}
    assert [(each.field, each.root_cause) for each in case.decisions.get().corrections.all()] == [("decision", "Misread")]


def test_each_verb_reads_what_was_typed_under_it(bench, case):
    typed = {
        "verb": "escalate",
        "revision": 1,
        "escalate.reason": "Unclear to whom.",
        "accept.reason": "Fine.",
        "skip.reason": "",
    }

    bench.post(at(case), typed)

    assert Case.objects.get(pk=case.pk).state == "resolution"
    assert case.decisions.get().reason == "Unclear to whom."


def test_what_is_missing_is_said_at_its_field_and_what_was_typed_stays(bench, case):
    answer = bench.post(at(case), {"verb": "escalate", "revision": 1, "escalate.reason": "", "output.reply": "Half a thought"})

    shown = answer.content.decode()
    assert answer.status_code == 422
    assert "Say why." in shown and "Half a thought" in shown
    assert Case.objects.get(pk=case.pk).state == "review"


def test_who_came_too_late_is_told_and_keeps_what_he_typed(bench, case):
    from_elsewhere = {"verb": "correct", "revision": 7, "output.decision": "decline", "correct.reason": "I had a thought"}

    answer = bench.post(at(case), from_elsewhere)

    assert answer.status_code == 409
    assert "I had a thought" in answer.content.decode()
    assert Case.objects.get(pk=case.pk).state == "review"


def test_what_was_decided_at_one_desk_is_not_done_once_more_at_the_next(bench, case, reviewer, refunds, owner):
    """Two windows of somebody with a seat at both: the second would have sent it on from there."""
    workflows.seat(reviewer, refunds, "resolver", by=owner)
    form = bench.get(at(case)).context["form"]
    shown = {name: form[name].value() for name in ("revision", "desk")}
    actions.escalate(case.pk, by=reviewer, reason="In the other window.")

    answer = bench.post(at(case), {"verb": "escalate", "escalate.reason": "Amounts differ", **shown})

    assert answer.status_code == 409
    assert "It went on while you looked at it." in answer.content.decode() and "Amounts differ" in answer.content.decode()
    assert Case.objects.get(pk=case.pk).state == answer.context["form"]["desk"].value() == "resolution"


def test_nothing_chosen_is_asked_for(bench, case):
    answer = bench.post(at(case), {"revision": 1})

    assert answer.status_code == 422
    assert "Choose what to do first." in answer.content.decode()


@pytest.fixture
def marked(refunds, owner, send, reviewer):
    """A case under a version that names a scorecard."""
    card = scorecards.publish(scorecards.ready_made(refunds, by=owner), by=owner, reason="For a test.")
    factories.policy(refunds, owner, rules={"scorecard": card.version})
    return queues.claim(send(0.5).pk, by=reviewer)


def the_card(bench, case) -> dict:
    """The marks as the page has them before anybody touches one."""
    form = bench.get(at(case)).context["form"]
    return {field.html_name: field.initial for field, _ in form.marks()}


def test_the_card_goes_with_an_accepted_output(bench, marked):
    bench.post(at(marked), {"verb": "accept", "revision": 1, **the_card(bench, marked)})

    assert marked.decisions.get().evaluation.passed


@pytest.mark.parametrize(("action", "heading"), [(None, "Decision: refund"), ({"type": "note"}, "Note")])
def test_a_case_without_an_action_is_named_by_its_output(client, send, reviewer, action, heading):
    case = queues.claim(send(0.5, action=action).pk, by=reviewer)
    client.force_login(reviewer)

    for page in ("work", "change"):
        assert f"<h1>{heading}</h1>" in client.get(reverse(f"admin:cases_case_{page}", args=[case.pk])).content.decode()


SAID = {"type": "object", "required": ["decision"], "properties": {"decision": {"type": "string", "minLength": 1}}}


@pytest.mark.parametrize("output_schema", [SAID])
def test_what_may_not_be_empty_is_to_be_filled_in(client, send, reviewer):
    case = queues.claim(send(0.5).pk, by=reviewer)
    client.force_login(reviewer)

    page = decide(client, case, "correct", reason="So it is", **{"output.decision": ""})

    assert page.status_code == 422 and "Fill this in." in page.content.decode() and "shorter" not in page.content.decode()


def test_a_card_that_nobody_touched_says_nothing_of_a_corrected_output(bench, marked):
    card = the_card(bench, marked)

    bench.post(at(marked), {"verb": "correct", "revision": 1, "doubt": "unmarked", "output.decision": "decline", **card})

    assert marked.decisions.get().evaluation is None


def test_a_correction_under_a_card_that_says_all_was_right_is_asked_about_once(bench, marked):
    """Without a script. Nothing that was typed is lost, and going on is one press."""
    card = the_card(bench, marked)
    typed = {"verb": "correct", "revision": 1, "next": "1", "output.decision": "decline", "correct.reason": "Too late", **card}

    asked = bench.post(at(marked), typed)

    assert asked.status_code == 422 and not marked.decisions.exists()
    shown = asked.content.decode()
    assert "Commit anyway" in shown and shown.count(' data-doubt="unmarked" role="status">') == 1
    form = asked.context["form"]
    assert (form["output.decision"].value(), form["correct.reason"].value()) == ("decline", "Too late")
    bench.post(at(marked), {**typed, "doubt": form["doubt"].value()})
    assert marked.decisions.get().verb == "correct"


def test_what_the_rules_refuse_is_told_before_the_marks_are_asked_about(bench, refunds, marked, owner, send, reviewer):
    schema = {"type": "object", "properties": {"decision": {"type": "string", "minLength": 1}}, "required": ["decision"]}
    factories.policy(refunds, owner, rules={"scorecard": 1}, output_schema=schema)
    case = queues.claim(send(0.5, output={"decision": "refund"}).pk, by=reviewer)
    emptied = {"verb": "correct", "revision": 1, "output.decision": "", **the_card(bench, case)}

    refused = bench.post(at(case), emptied)
    asked = bench.post(at(case), {**emptied, "output.decision": "decline"})

    assert refused.context["form"].errors["output.decision"] and "Commit anyway" not in refused.content.decode()
    assert "Commit anyway" in asked.content.decode() and not case.decisions.exists()


def test_a_correction_with_a_mark_that_says_what_was_wrong_is_asked_nothing(bench, marked):
    wrong = {"mark.accuracy": "Wrong", "cause.accuracy": "Made up"}

    bench.post(at(marked), {"verb": "correct", "revision": 1, "output.decision": "decline", **the_card(bench, marked), **wrong})

    assert marked.decisions.get().evaluation.failed_critical == ["accuracy"]


@pytest.mark.parametrize(
    ("verb", "typed", "status"),
    [
        ("", {}, 422),
        ("accept", {"mark.accuracy": "Wrong", "cause.accuracy": "Made up"}, 422),
        ("accept", {"revision": 7}, 409),
        ("correct", {"output.decision": "decline"}, 422),
    ],
    ids=["no verb", "refused", "changed meanwhile", "asked about"],
)
def test_what_comes_back_has_all_that_was_typed_also_under_the_other_verbs(bench, marked, verb, typed, status):
    under = {"correct.reason": "In May", "escalate.reason": "In June", "hand_over.reason": "In July"}

    answer = bench.post(at(marked), {"verb": verb, "revision": 1, **the_card(bench, marked), **typed, **under})

    assert answer.status_code == status and not marked.decisions.exists()
    assert {name: answer.context["form"][name].value() for name in under} == under
    assert all(words in answer.content.decode() for words in under.values())


def test_so_has_what_a_second_factor_is_asked_for(bench, send, approver):
    case = send(action={"type": "refund", "amount": 240, "currency": "EUR"})
    bench.force_login(approver)
    session = bench.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time.time() - 3600}]
    session.save()
    under = {"reject.reason": "In June", "send_back.reason": "In July"}

    answer = bench.post(at(case), {"verb": "approve", "revision": 1, **under})

    assert answer.status_code == 403 and "data-comes-back" in answer.content.decode() and not case.decisions.exists()
    assert {name: answer.context["form"][name].value() for name in under} == under


def test_accepting_what_a_mark_calls_wrong_is_asked_about_once(bench, marked):
    """A card that does not pass is refused as ever; of one that passes in spite of it the page asks."""
    wrong = {"mark.formatting": "Wrong", "cause.formatting": "Wrong template"}
    typed = {"verb": "accept", "revision": 1, **the_card(bench, marked), **wrong}

    asked = bench.post(at(marked), typed)

    assert asked.status_code == 422 and not marked.decisions.exists()
    assert ' data-doubt="accepted" role="status">' in asked.content.decode()
    assert asked.context["form"]["mark.formatting"].value() == "Wrong"
    bench.post(at(marked), {**typed, "doubt": "unmarked"})
    assert not marked.decisions.exists(), "another question was answered"
    bench.post(at(marked), {**typed, "doubt": "accepted"})
    assert marked.decisions.get().evaluation.passed


@pytest.fixture
def corrected(bench, send, reviewer):
    """Correct the amount of a case whose reply says `said`, from 1253.14."""

    def corrected(said, amount):
        money = {"type": "voucher", "amount": "1253.14", "currency": "EUR"}
        case = queues.claim(send(0.5, output={"decision": "refund", "reply": said}, action=money).pk, by=reviewer)
        opened = bench.get(at(case)).context["form"]
        text = {name: opened[name].value() for name in opened.fields if name.startswith(("output.", "action."))}
        return case, {"verb": "correct", "revision": 1, **text, "action.amount": amount}

    return corrected


@pytest.mark.parametrize("said", ["We refund 1253.14 EUR.", "Sie erhalten 1.253,14 €.", "It is 1,253.14"])
def test_a_text_that_still_says_the_figure_that_was_changed_is_asked_about_once(bench, corrected, said):
    case, typed = corrected(said, "1.200,50")

    asked = bench.post(at(case), typed)

    form = asked.context["form"]
    assert asked.status_code == 422 and not case.decisions.exists() and form.asks["figure"] in said
    assert "and a text still says" in asked.content.decode() and form["action.amount"].value() == "1.200,50"
    bench.post(at(case), {**typed, "figure": form["figure"].value()})
    assert case.decisions.get().verb == "correct" and Case.objects.get(pk=case.pk).amount == Decimal("1200.50")


@pytest.mark.parametrize("said", ["We refund 40.50 EUR.", "Order 11253.14 and 1253.145, R-1253.14", "It is 1253.", "None"])
def test_a_text_that_does_not_say_it_is_asked_nothing(bench, corrected, said):
    case, typed = corrected(said, "40,50")

    bench.post(at(case), typed)

    assert case.decisions.get().verb == "correct"


def test_what_is_missing_is_said_before_anything_is_asked(bench, marked):
    typed = {"verb": "correct", "revision": 1, "output.decision": "decline", "root_cause": "x" * 121, **the_card(bench, marked)}

    answer = bench.post(at(marked), typed)

    assert answer.status_code == 422 and "Commit anyway" not in answer.content.decode()


def test_the_score_is_reckoned_while_one_marks_and_nothing_is_kept(bench, marked):
    answer = bench.post(at(marked, "score"), {"revision": 1, **the_card(bench, marked)}).content.decode()

    assert "How the score is made" in answer and "Passed" in answer
    assert not marked.decisions.exists()


def test_earlier_cases_of_the_customer_are_a_line_each_also_for_a_vendor(client, send, vendor, vendor_reviewer, case):
    mine = send(0.5, customer_reference="C-7")
    Case.objects.filter(pk=mine.pk).update(vendor=vendor)
    client.force_login(vendor_reviewer)

    shown = client.get(at(mine)).content.decode()

    assert "Earlier of C-7" in shown and "still open" in shown
    assert case.external_id not in shown


def test_an_earlier_case_says_what_was_done_and_leads_there_where_one_may_open_it(
    client, send, vendor, vendor_reviewer, reviewer, case
):
    """To a vendor's person the amount and the payee that his mandate hides stay hidden, and a case of another side has no link."""
    action = {"type": "voucher", "amount": 240, "currency": "EUR", "payee": "anna.keller@example.com"}
    houses, theirs, now = (send(0.5, customer_reference="C-8", action=each) for each in (action, action, None))
    Case.objects.filter(pk__in=[theirs.pk, now.pk]).update(vendor=vendor)

    def shown_to(person):
        client.force_login(person)
        shown = client.get(at(now)).content.decode()
        return shown.partition("Earlier of")[2].partition("</ul>")[0]

    read = shown_to(reviewer)
    assert at(houses, "change") in read and at(theirs, "change") in read
    assert read.count("Voucher 240.00 EUR to anna.keller@example.com") == 2
    read = shown_to(vendor_reviewer)
    assert at(theirs, "change") in read and at(houses, "change") not in read and read.count("<li>") == 2
    assert "anna.keller" not in read and read.count("Voucher 240.00 EUR to") == 1


def test_the_lease_runs_anew_while_somebody_is_at_it(bench, case):
    assert bench.post(at(case, "heartbeat")).json()["seconds"] > 800


def test_a_lease_that_is_over_is_said(bench, case, reviewer):
    queues.give_back(case.pk, by=reviewer)

    answer = bench.post(at(case, "heartbeat"))

    assert answer.status_code == 409
    assert "lease" in answer.json()["detail"]


def test_the_number_of_queries_is_known(bench, case, django_assert_max_num_queries):
    bench.get(at(case))

    with django_assert_max_num_queries(18):
        bench.get(at(case))


FIELD = re.compile(r'<div class="field.*?</div>', re.S)


def test_a_field_drawn_before_is_as_it_would_be_drawn_now(bench, case, send, reviewer, refunds, owner, monkeypatch):
    other = queues.claim(send(0.4, output={"decision": "reject"}).pk, by=reviewer)
    monkeypatch.setattr(desk, "DRAWN", {})

    def drawn(case, language):
        return FIELD.findall(bench.get(at(case), HTTP_ACCEPT_LANGUAGE=language).content.decode())

    def all_of_them():
        return [drawn(each, language) for each in (case, other) for language in ("en", "de")]

    all_of_them()
    known, again = len(desk.DRAWN), all_of_them()
    assert len(desk.DRAWN) == known > 20, "each is drawn once in a language, not once a case"

    colleague = seated(refunds, "reviewer", owner).username
    now = all_of_them()
    assert colleague in str(now) and colleague not in str(again)
    assert ">Why?<" in str(now) and ">Warum?<" in str(now)

    monkeypatch.setattr(desk, "_made_of", lambda of, must: None)
    assert all_of_them() == now


def test_of_what_somebody_typed_no_field_is_kept(bench, case, monkeypatch):
    monkeypatch.setattr(desk, "DRAWN", {})

    bench.post(at(case), {"verb": "escalate", "revision": 1, "escalate.reason": "", "snooze.reason": "Typed in vain"})
    bench.get(at(case))

    assert desk.DRAWN and "Typed in vain" not in str(desk.DRAWN) and "We will." not in str(desk.DRAWN)


@pytest.mark.parametrize("rules", [{"action_from": {"amount": "amount"}}])
@pytest.mark.parametrize(
    "output_schema", [{"properties": {"decision": {"type": "string"}, "amount": {"type": ["number", "null"]}}}]
)
def test_an_answer_that_proposed_nothing_is_corrected_into_an_action_and_back(bench, send):
    """Where outputs carry actions, declining and refunding are one correction apart."""
    case = send(0.5, output={"decision": "decline", "amount": None})
    refund = {"output.decision": "refund", "output.amount": "12.50", "action.type": "refund", "action.currency": "EUR"}

    assert 'name="action.currency"' in bench.get(at(case)).content.decode()
    assert decide(bench, case, "correct", **refund, **{"action.payee": "C-7"}).status_code == 302
    done = Case.objects.get(pk=case.pk)
    assert (done.action_type, done.amount, done.currency, done.payee) == ("refund", Decimal("12.5"), "EUR", "C-7")

    case = send(
        0.5, output={"decision": "refund", "amount": 12.5}, action={"type": "refund", "currency": "EUR", "payee": "C-7"}
    )
    nothing = {"output.decision": "decline", "output.amount": "", "action.type": "", "action.currency": "", "action.payee": ""}
    assert decide(bench, case, "correct", **nothing).status_code == 302
    done = Case.objects.get(pk=case.pk)
    assert (done.action_type, done.payee, done.action_sentence) == ("", "", "")


@pytest.fixture
def grace(refunds, owner):
    return factories.policy(
        refunds, owner, rules={**refunds.policy.rules, "grace_seconds": 60}, output_schema=refunds.policy.output_schema
    )


def test_what_was_undone_stands_in_the_form_again_beside_what_stood_before(bench, grace, send, reviewer):
    case = queues.claim(
        send(
            0.5, output={"decision": "refund", "reply": "We will."}, action={"type": "voucher", "amount": 5, "currency": "EUR"}
        ).pk,
        by=reviewer,
    )
    opened = bench.get(at(case)).context["form"]
    before = {name: opened[name].value() for name in opened.fields}
    typed = {"output.decision": "decline", "action.amount": "0", "root_cause": "Misread"}
    text = {name: value for name, value in before.items() if name.startswith(("output.", "action.")) and value is not None}
    decide(bench, case, "correct", **{**text, **typed}, reason="Too late.")
    decide(bench, case, "undo")

    shown = bench.get(at(case))

    form = shown.context["form"]
    assert (form["output.decision"].value(), form["output.reply"].value()) == ("decline", "We will.")
    assert Decimal(form["action.amount"].value()) == 0 and form["root_cause"].value() == "Misread"
    assert form["correct.reason"].value() == "Too late." and shown.context["chosen"] == "correct"
    page = shown.content.decode()
    assert "Your undone answer stands below" in page and 'data-was="refund"' in page
    assert Case.objects.get(pk=case.pk).held_by(clock.now()) == reviewer.pk
    decide(bench, case, "correct", **{name: form[name].value() for name in (*text, *typed)})
    assert Case.objects.get(pk=case.pk).standing_output["decision"] == "decline"


def test_the_marks_stand_in_the_form_again(bench, marked, refunds, owner, send, reviewer):
    rules = {"scorecard": marked.workflow.scorecards.get().version, "grace_seconds": 60}
    factories.policy(refunds, owner, rules=rules, output_schema=refunds.policy.output_schema)
    case = queues.claim(send(0.5).pk, by=reviewer)
    given = {"mark.accuracy": "Wrong", "cause.accuracy": "Made up", "mark.tone-and-clarity": "N/A"}
    decide(bench, case, "correct", **{**the_card(bench, case), **given, "output.decision": "decline"})
    decide(bench, case, "undo")

    form = bench.get(at(case)).context["form"]

    assert {name: form[name].value() for name in given} == given
    assert form["mark.formatting"].value() == "Right" and form.begun == "correct"


@pytest.mark.parametrize("rests_on", ["section", "ruling"])
def test_the_kind_of_exception_and_what_the_judgment_rests_on_stand_there_again(client, grace, send, refunds, owner, rests_on):
    both = seated(refunds, "reviewer", owner)
    workflows.seat(both, refunds, "resolver", by=owner)
    section = PlaybookSection.objects.create(workflow=refunds, title="When to refund", text="Within thirty days.")
    case = queues.claim(send(0.5).pk, by=both)
    actions.ask(case.pk, by=both, reason="Is it ours?")
    ruling = actions.rule(case.questions.get().pk, by=owner, reason="It is.")
    actions.escalate(case.pk, by=both, reason="Unclear")
    kind = refunds.categories.first().slug
    named = f"{rests_on}:{(section if rests_on == 'section' else ruling).pk}"
    client.force_login(both)
    decide(client, case, "resolve", reason="So it is.", category=kind, rests_on=named)
    decide(client, case, "undo")

    form = client.get(at(case)).context["form"]

    assert (form["resolve.category"].value(), form["resolve.rests_on"].value()) == (kind, named)
    assert form.begun == "resolve"


def test_what_was_undone_is_nobody_elses_and_what_was_reopened_was_not_undone(
    client, grace, case, reviewer, machine, refunds, owner
):
    other = seated(refunds, "reviewer", owner)
    workflows.seat(reviewer, refunds, "resolver", by=owner)

    def begun(person):
        client.force_login(person)
        return client.get(at(case)).context["form"].begun

    actions.correct(case.pk, by=reviewer, output={"decision": "decline"})
    actions.undo(case.pk, by=reviewer)
    assert (begun(other), begun(reviewer)) == ("", "correct")

    actions.escalate(case.pk, by=reviewer, reason="Unclear")
    actions.resolve(case.pk, by=reviewer, output={"decision": "decline"}, reason="So it is")
    with clock.moved(clock.now() + timedelta(minutes=2)):
        actions.settle_case(case.pk, by=machine)
        actions.reopen(case.pk, by=reviewer, reason="It was wrong")
        assert begun(reviewer) == ""


def test_whoever_works_it_next_reads_first_why_it_was_sent_here(bench, case, reviewer, refunds, owner):
    actions.escalate(case.pk, by=reviewer, reason="Is it ours to refund?")
    bench.force_login(seated(refunds, "resolver", owner))

    shown = bench.get(at(case)).content.decode()

    assert "It was escalated:" in shown and "Is it ours to refund?" in shown


def test_the_desks_badge_counts_what_waits_on_ones_own_side(bench, case, send, refunds, vendor):
    factories.mandated(vendor, refunds)
    other, paused = send(), send()
    Case.objects.filter(pk=other.pk).update(vendor=vendor)
    Case.objects.filter(pk=paused.pk).update(paused_since=clock.now())

    nav = bench.get(at(case)).content.decode().partition('id="desks"')[2].partition("</nav>")[0]

    assert '<span class="badge">1</span>' in nav


PRESSED = {
    "accept": {},
    "correct": {"output.decision": "decline"},
    "escalate": {"reason": "Beyond me."},
    "hand_over": {"reason": "Somebody else knows."},
    "pause": {"on": "team", "whom": "Finance", "reason": "Asked."},
    "snooze": {"until": "tomorrow", "reason": "Closed today."},
    "inquire": {"on": "team", "whom": "Finance", "question": "Twice?"},
    "ask": {"reason": "Is it owed?"},
    "skip": {"reason": "Not my language."},
}


@pytest.mark.parametrize("verb", PRESSED)
def test_a_vendors_person_presses_every_verb_and_is_told_what_came_of_it(client, send, vendor, vendor_reviewer, verb):
    case = send(0.5, output={"decision": "refund", "reply": "We will."}, customer_reference="C-7")
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    queues.claim(case.pk, by=vendor_reviewer)
    client.force_login(vendor_reviewer)
    opened = client.get(at(case)).context["form"]
    assert verb in opened.verbs
    standing = {name: opened[name].value() for name in opened.fields if name.startswith("output.")}

    answer = decide(client, case, verb, follow=True, **{**standing, **PRESSED[verb]})

    assert answer.status_code == 200 and f"{case.external_id} is " in re.sub("<[^>]+>", "", answer.content.decode())
