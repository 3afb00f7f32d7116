"""The approvals: a card a case, with what an approver must see before he says yes or no, and the decision in it."""

import html
import re
import time
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse

from cases import actions, approvals, prose, queues
from cases.models import Case
from cases.precedents import Like, is_like
from tests import factories
from tests.conftest import seated
from tests.desk import decide, page
from workflows import actions as workflows
from workflows.models import PlaybookSection

pytestmark = pytest.mark.django_db
REFUND = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
LIST = reverse("admin:cases_approvals")
QUERIES = 19
CHAINED = {"action_tiers": {"refund": "high"}, "chains": [{"steps": [{"name": "Lead"}, {"name": "Finance"}]}]}


@pytest.fixture
def desk(client, approver):
    client.force_login(approver)
    return client


def text(answer):
    """What is read: no tags, and one space where there are many."""
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", "", answer.content.decode())))


def again(case):
    return Case.objects.get(pk=case.pk)


def hidden(answer) -> dict:
    """What the one card's form sends along unseen."""
    form = re.search(r"<form [^>]*data-work.*?</form>", answer.content.decode(), re.DOTALL)[0]
    return dict(re.findall(r'<input type="hidden" name="(revision|desk|step)" value="([^"]*)"', form))


def commit(client, case, verb, **typed):
    return decide(client, case, verb, at="approval", **typed)


# What a card shows


def test_a_card_says_what_is_to_be_done_and_what_it_rests_on(desk, send, refunds):
    PlaybookSection.objects.create(workflow=refunds, title="What is owed", text="Fees charged twice.")
    send(action=REFUND, context={"orders": 7})

    shown = text(desk.get(LIST))

    for told in ("Refund 240.00 EUR to C-1042", "As the AI proposed it", "The parcel arrived open.", "Facts sent along"):
        assert told in shown
    for told in ("What is owed", "Fees charged twice.", "next, 0 of 1", "Your limit is 1,000.00 EUR; this is 240.00 EUR."):
        assert told in shown


def test_its_policy_lets_no_script_or_style_stand_in_the_page(desk, send):
    case = send(action=REFUND)

    for answer in (desk.get(LIST), desk.get(page(case, "approval"))):
        policy, shown = answer["Content-Security-Policy"], answer.content.decode()
        assert "script-src 'self'" in policy.split("; ") and "unsafe" not in policy
        assert "<style" not in shown and " style=" not in shown


def test_what_was_changed_since_the_ai_is_told_with_who_changed_it_and_why(desk, send, reviewer):
    case = send(0.1, action={"type": "credit", "amount": 5, "currency": "EUR", "payee": "C-1042"})
    new = {"output": {"decision": "refund twice"}, "action": {"type": "refund", "amount": Decimal(300)}}
    actions.correct(case.pk, by=reviewer, reason="Both fees.", root_causes={"decision": "Misread"}, **new)

    shown = text(desk.get(LIST))

    assert "Changed since the AI Credit 5.00 EUR to C-1042 Refund 300.00 EUR to C-1042" in shown
    assert f"{reviewer}: corrected" in shown and "Both fees." in shown
    assert "decision: refund → refund twice (Misread)" in shown


def test_no_case_of_another_workflow_or_desk_is_among_them(desk, send, owner):
    send(0.1)
    factories.workflow("loans", owner=owner, rules={"action_tiers": {"refund": "high"}})

    assert "Nothing waits for your approval." in text(desk.get(LIST))


def test_first_comes_what_is_due_first_or_what_is_dearest(desk, send):
    small, dear = (send(action={**REFUND, "amount": amount}) for amount in (240, 400))
    sooner = Case.objects.filter(pk=small.pk)
    sooner.update(due_at=again(small).due_at.replace(year=2020))

    assert [card["case"] for card in desk.get(LIST).context["cards"]] == [small, dear]
    assert [card["case"] for card in desk.get(f"{LIST}?by=amount").context["cards"]] == [dear, small]
    assert [card["case"] for card in desk.get(f"{LIST}?by=payee&page=x").context["cards"]] == [small, dear]


def test_what_one_may_not_approve_stands_apart_with_the_reason(desk, send, approver, refunds, owner):
    send(action={**REFUND, "amount": 5000})
    edited, held = send(action=REFUND), send(action={**REFUND, "amount": 90})
    actions.approve(edited.pk, by=approver, action={"amount": Decimal(300)})
    queues.claim(held.pk, by=seated(refunds, "approver", owner, EUR=1000))

    answer = desk.get(LIST)

    assert answer.context["cards"] == []
    whys = [each.why for each in answer.context["others"]]
    assert any("Your approval limit is 1,000.00 EUR; this is about 5,000.00 EUR." in why for why in whys)
    assert any("You worked on this content yourself" in why for why in whys)
    assert any("holds this case" in why for why in whys)


def test_that_it_is_beyond_ones_limit_is_said_once_and_as_amounts_read(desk, send):
    case = send(action={**REFUND, "amount": 5000})
    told = "Your limit is 1,000.00 EUR; this is 5,000.00 EUR."

    for answer in (desk.get(LIST), desk.get(page(case, "approval")), desk.get(page(case))):
        shown = text(answer)
        assert shown.count(told) == 1 and "1000.00 EUR" not in shown


def test_a_limit_that_is_not_the_reason_stands_beside_the_step(desk, send, approver):
    case = send(action={**REFUND, "amount": 900})
    actions.approve(case.pk, by=approver, action={"amount": Decimal(5000)})

    shown = text(desk.get(page(case, "approval")))

    assert "You worked on this content yourself" in shown and "Your limit is 1,000.00 EUR; this is 5,000.00 EUR." in shown


def test_the_page_says_of_how_many_at_the_desk_one_may_decide(desk, send):
    """The badge beside it counts the desk."""
    for amount in (240, 250, 5000):
        paused = send(action={**REFUND, "amount": amount})
    Case.objects.filter(pk=paused.pk).update(paused_since=paused.received_at)
    send(action={**REFUND, "amount": 6000})

    shown = desk.get(LIST)

    assert "Of the 3 at this desk, 2 wait for your decision. 1 more is paused." in text(shown)
    assert '<span class="badge">3</span>' in shown.content.decode()
    assert "How many wait at this desk, whoever may decide them" in shown.content.decode()


@pytest.mark.parametrize("rules", [CHAINED])
def test_the_chain_says_who_gave_his_step_and_whose_is_next(desk, send, other_approver, rules):
    case = send(action=REFUND)
    actions.approve(case.pk, by=other_approver)

    assert f"Lead: given by {other_approver} Finance: next, 0 of 1" in text(desk.get(page(case, "approval")))


def test_whoever_sent_it_to_approval_may_recall_it_from_there(client, send, refunds, owner, reviewer):
    case, both = send(0.1), seated(refunds, "resolver", owner)
    workflows.seat(both, refunds, "approver", by=owner)
    actions.escalate(case.pk, by=reviewer, reason="Unclear")
    actions.escalate(case.pk, by=both, reason="Too big")
    client.force_login(both)

    [other] = client.get(LIST).context["others"]
    commit(client, case, "recall", reason="I know now.")

    assert "recall" in dict(other.offered) and "You worked on this content yourself" in other.why
    assert again(case).state == "resolution"


def test_beyond_a_page_there_are_more(desk, send, monkeypatch):
    monkeypatch.setattr(approvals, "A_PAGE", 1)
    _, second = send(action=REFUND), send(action=REFUND)

    answer = desk.get(f"{LIST}?page=2")

    assert [card["case"] for card in answer.context["cards"]] == [second]
    assert "Page 2 of 2" in text(answer) and "2 wait for your decision." in text(answer)


# Decisions on like cases


@pytest.mark.parametrize(
    "amount, workflow, action, is_one",
    [
        ("240", 1, "refund", True),
        ("300", 1, "refund", True),
        ("300.01", 1, "refund", False),
        ("180", 1, "refund", True),
        ("179.99", 1, "refund", False),
        (None, 1, "refund", False),
        ("240", 2, "refund", False),
        ("240", 1, "credit", False),
    ],
)
def test_which_cases_are_like_it(amount, workflow, action, is_one):
    case = Case(workflow_id=1, action_type="refund", currency="EUR", amount=Decimal(240))

    assert is_like(case, Like(7, workflow, action, "EUR", amount and Decimal(amount))) is is_one


def test_what_was_decided_on_cases_like_it_is_counted_and_the_last_are_named(desk, send, approver, other_approver):
    for amount, verb in ((230, actions.approve), (250, actions.approve), (240, actions.reject), (900, actions.reject)):
        verb(send(action={**REFUND, "amount": amount}).pk, by=other_approver, reason="As the policy has it.")
    actions.approve(send(action=REFUND).pk, by=approver, action={"amount": Decimal(200)})
    send(action=REFUND)

    shown = text(desk.get(LIST))

    assert "4 of this action and about this amount: 2 approved, 1 edited and approved, 1 rejected." in shown
    assert f"Refund 240.00 EUR to C-1042: rejected ({other_approver}," in shown and "900.00" not in shown


# The decision


def test_that_something_was_said_asked_or_attached_is_told_on_the_card(desk, send, reviewer):
    case = send(0.5)
    send(action=REFUND)  # with nothing beside it
    queues.claim(case.pk, by=reviewer)
    actions.inquire(case.pk, by=reviewer, question="Was it paid twice?", whom="Finance")
    actions.answer(case.inquiries.get().pk, by=reviewer, text="Once.")
    kept = actions.attach(case.pk, by=reviewer, name="statement.txt", content=b"Charged once.")
    actions.correct(
        case.pk, by=reviewer, output={"decision": "refund"}, action={**REFUND, "amount": Decimal(240)}, reason="So."
    )
    actions.comment(case.pk, by=reviewer, text="The bank shows it once.")

    def told():
        found = re.findall(r'<li class="tag"><a href="(.*?)">(.*?)</a>', desk.get(LIST).content.decode())
        assert all(link.startswith(page(case, "approval")) for link, _ in found)
        return [(link.split("#")[1], label) for link, label in found]

    assert told() == [("talk", "Comments"), ("asked", "Asked of others"), ("files", "Files")]
    alone = desk.get(page(case, "approval")).content.decode()
    assert [place for place in ("talk", "asked", "files") if f'id="{place}"' in alone] == ["talk", "asked", "files"]

    actions.take_off(kept.pk, by=reviewer, reason="The wrong one.")
    assert told() == [("talk", "Comments"), ("asked", "Asked of others")]


def test_each_verb_has_its_words_in_the_card(desk, send):
    good, lower, bad, unclear = (send(action=REFUND) for _ in range(4))

    commit(desk, good, "approve", reason="Owed.")
    commit(
        desk,
        lower,
        "edit",
        **{
            "output.decision": "refund",
            "action.amount": "200",
            "action.currency": "EUR",
            "action.payee": "C-1042",
            "action.type": "refund",
        },
    )
    commit(desk, bad, "reject", reason="Not owed.")
    commit(desk, unclear, "send_back", reason="By whom?")

    assert [again(case).closed_as for case in (good, lower, bad)] == ["released", "corrected", "rejected"]
    assert (again(lower).amount, again(unclear).state) == (200, "resolution")
    assert good.decisions.get().reason == "Owed."


def test_the_commit_stands_last_in_the_workbenchs_own_bar(desk, send):
    """Read from the top, also without a script: the choices, what each asks, and only then the button."""
    case = send(action=REFUND)

    for answer in (desk.get(LIST), desk.get(page(case, "approval")), desk.get(page(case))):
        bar = re.search(r'<section class="decide".*?</section>', answer.content.decode(), re.DOTALL)[0]
        assert bar.rindex("data-ask=") < bar.index('type="submit"')
        assert "cases/work/verbs.html" in [template.name for template in answer.templates]


def test_without_a_script_one_is_back_at_the_list_with_the_outcome_over_it(desk, send):
    case = send(action=REFUND)

    answer = desk.post(page(case, "approval"), {"verb": "approve", "revision": 1, "active_seconds": "7"}, follow=True)

    assert answer.redirect_chain == [(LIST, 302)]
    assert f"{case} is approved. It is closed: released as the AI gave it." in text(answer)
    assert case.decisions.get().active_seconds == 7


def test_with_a_script_the_outcome_takes_the_cards_place(desk, send):
    case = send(action=REFUND)

    answer = desk.post(page(case, "approval"), {"verb": "approve", "revision": 1}, HTTP_HX_REQUEST="true")

    assert answer.status_code == 200
    assert f'id="approval-{case.pk}"' in answer.content.decode() and "is approved." in text(answer)


@pytest.mark.parametrize(
    "rules",
    [{"action_tiers": {"refund": "high"}, "reason_codes": [{"code": "owed", "label": "It is owed", "verbs": ["approve"]}]}],
)
def test_a_reason_is_chosen_where_the_policy_lists_some(desk, send, rules):
    case = send(action=REFUND)

    unsaid = commit(desk, case, "approve", reason="Typed")
    assert unsaid.status_code == 422 and "Choose a reason." in text(unsaid) and "Typed" in text(unsaid)

    commit(desk, case, "approve", reason_code="owed")
    assert case.decisions.get().reason_code == "owed"


def test_the_second_window_is_told_who_was_quicker_and_when_and_loses_nothing(desk, send, other_approver):
    case = send(action=REFUND)
    actions.approve(case.pk, by=other_approver)

    answer = commit(desk, case, "reject", reason="A long thought", revision=1)

    assert answer.status_code == 409
    assert re.search(rf"it was approved by {other_approver} at \d\d:\d\d:\d\d UTC", text(answer))
    assert "What you had typed" in text(answer) and "A long thought" in text(answer)
    assert again(case).closed_as == "released"


@pytest.mark.parametrize("rules", [CHAINED])
@pytest.mark.parametrize("verb", ["approve", "edit", "reject", "send_back"])
def test_what_was_decided_of_one_step_is_not_done_once_more_at_the_next(desk, send, other_approver, rules, verb):
    case = send(action=REFUND)
    stale = hidden(desk.get(page(case, "approval")))
    actions.approve(case.pk, by=other_approver)

    answer = desk.post(page(case, "approval"), {**stale, "verb": verb, f"{verb}.reason": "A long thought"})

    assert answer.status_code == 409 and f"it was approved by {other_approver}" in text(answer)
    assert answer.context["cards"][0]["form"][f"{verb}.reason"].value() == "A long thought"
    assert (again(case).state, case.decisions.count()) == ("approval", 1)
    anew = {
        **hidden(answer),
        "verb": verb,
        f"{verb}.reason": "Both of us.",
        "output.decision": "refund",
        "action.type": "refund",
    }
    assert desk.post(page(case, "approval"), anew).status_code == 302
    assert case.decisions.count() == 2


@pytest.mark.parametrize(
    "rules", [{"action_tiers": {"refund": "high"}, "chains": [{"steps": [{"name": "Approval", "people": 2}]}]}]
)
def test_two_people_of_the_same_step_do_not_hold_each_other_up(desk, send, other_approver, rules):
    case = send(action=REFUND)
    shown = hidden(desk.get(page(case, "approval")))
    actions.approve(case.pk, by=other_approver)

    assert desk.post(page(case, "approval"), {**shown, "verb": "approve", "approve.reason": "Owed."}).status_code == 302
    assert again(case).closed_as == "released"


def test_over_content_that_changed_what_was_typed_stays_and_the_rest_is_as_it_stands_now(desk, send, other_approver):
    case = send(action=REFUND, output={"decision": "refund", "reply": "We will."})
    edited = {"output.decision": "decline", "output.reply": "We will.", "action.type": "refund", "action.amount": "240"}
    edited |= {"action.currency": "EUR", "action.payee": "C-1042"}
    actions.approve(
        case.pk, by=other_approver, output={"decision": "refund", "reply": "We shall."}, action={"amount": Decimal(300)}
    )

    answer = commit(desk, case, "edit", reason="My words", revision=1, **edited)

    form = answer.context["cards"][0]["form"]
    assert answer.status_code == 409 and "The content changed while you looked at it." in text(answer)
    assert form["output.decision"].value() == "decline" and form["edit.reason"].value() == "My words"
    assert form["output.reply"].value() == "We shall." and Decimal(form["action.amount"].value()) == 300
    assert form["revision"].value() == 2


def test_an_hour_later_the_second_factor_is_asked_for_first_and_leads_back_to_the_card(desk, send):
    case, session = send(action=REFUND), desk.session
    session["account_authentication_methods"] = [{"method": "mfa", "type": "totp", "at": time.time() - 3600}]
    session.save()

    answer = commit(desk, case, "approve", reason="Owed.")

    shown = answer.content.decode()
    assert answer.status_code == 403 and again(case).state == "approval"
    assert f'<a href="{reverse("mfa_reauthenticate")}?' in shown, "a link, and not its words"
    assert "Owed." in shown and f"{reverse('mfa_reauthenticate')}?next=%2Fadmin%2Fcases%2Fcase%2F{case.pk}%2Fapproval" in shown


def test_who_is_no_approver_is_told_so(client, send, reviewer, vendor_reviewer):
    case = send(action=REFUND)
    for person, statuses in ((reviewer, (403, 403)), (vendor_reviewer, (403, 404))):
        client.force_login(person)
        assert (client.get(LIST).status_code, client.get(page(case, "approval")).status_code) == statuses


def test_the_old_address_leads_to_it(desk):
    assert desk.get(reverse("admin:cases_case_desk", args=["approval"])).url == LIST


def test_a_question_that_nobody_has_answered_stands_on_the_card(desk, send, refunds, owner):
    asked, _quiet = send(action=REFUND), send(action=REFUND)
    actions.ask(asked.pk, by=seated(refunds, "approver", owner, EUR=1000), reason="May we correct the amount ourselves?")

    shown = text(desk.get(reverse("admin:cases_approvals")))
    alone = text(desk.get(reverse("admin:cases_case_approval", args=[asked.pk])))

    assert shown.count("The owner of policy has not answered yet: May we correct the amount ourselves?") == 1
    assert "May we correct the amount ourselves?" in alone


def test_the_number_of_questions_does_not_grow_with_the_cards(desk, send, reviewer, other_approver, django_assert_num_queries):
    def corrected(number):
        case, refund = send(0.1), {**REFUND, "amount": Decimal(40 + number)}
        actions.correct(case.pk, by=reviewer, output={"decision": f"refund {number}"}, action=refund, reason="Misread")

    actions.approve(send(action={**REFUND, "amount": 42}).pk, by=other_approver)
    corrected(0)
    send(action={**REFUND, "amount": 5000})
    desk.get(LIST)
    with django_assert_num_queries(QUERIES):
        assert len(desk.get(LIST).context["cards"]) == 1
    for number in range(1, 7):
        corrected(number)
        send(action={**REFUND, "amount": 5000 + number})

    with django_assert_num_queries(QUERIES):
        assert len(desk.get(LIST).context["cards"]) == 7


@pytest.mark.parametrize(
    ("hours", "says"), [(2, "the time to approve ends in 2\xa0hours"), (-3, "the time to approve ran out 3\xa0hours ago")]
)
def test_until_when_it_can_be_approved_is_said_in_one_way(hours, says, monday):
    assert prose.to_approve(monday + timedelta(hours=hours), monday) == says
