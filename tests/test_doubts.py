"""A rule of the policy that holds two values against each other, and that a changed figure sets off: asked about once, at both doors."""

import re
from decimal import Decimal

import pytest

from cases import actions, queues
from cases.models import Case
from tests.conftest import acting_as
from tests.desk import page
from workflows.models import Mandate

pytestmark = pytest.mark.django_db
MONEY = {"type": "refund", "amount": 240, "currency": "EUR", "payee": "C-1042"}
ORDER = {"context": {"order": {"total": 300}}}
AT_MOST = {
    "kind": "conflict",
    "name": "No more than was paid",
    "left": "action.amount",
    "right": "context.order.total",
    "must": "be_at_most",
}
AS_EXPRESSION = {"kind": "expression", "name": "No more than was paid", "expression": "action.amount > context.order.total"}
OF_ONE_VALUE = {"kind": "expression", "name": "Large", "expression": "action.amount > 300"}


@pytest.fixture(params=["work", "approval"])
def changed(request, client, send, reviewer, approver):
    """Post another amount where the reviewer corrects, and where the approver edits."""

    def changed(amount, **more):
        at, verb, by = ("work", "correct", reviewer) if request.param == "work" else ("approval", "edit", approver)
        case = send(action={**MONEY, "type": "voucher" if at == "work" else "refund"}, **{**ORDER, **more})
        client.force_login(by)
        if at == "work":
            queues.claim(case.pk, by=by)
        shown = client.get(page(case, at)).context
        form = shown["form"] if at == "work" else shown["cards"][0]["form"]
        text = {name: form[name].value() for name in form.fields if name.startswith(("output.", "action."))}
        typed = {"verb": verb, f"{verb}.reason": "So it is", "revision": 1, **text, "action.amount": amount}

        def press(**answers):
            answer = client.post(page(case, at), {**typed, **answers})
            if answer.context is None:
                return None, answer
            return (answer.context["form"] if at == "work" else answer.context["cards"][0]["form"]), answer

        return case, press

    return changed


def with_triggers(*triggers):
    return {"action_tiers": {"refund": "high"}, "triggers": [*triggers]}


@pytest.mark.parametrize("rules", [with_triggers(AT_MOST), with_triggers(AS_EXPRESSION)])
def test_it_is_asked_about_once_with_the_rules_words(changed, rules):
    case, press = changed("900")

    form, asked = press()

    assert asked.status_code == 422 and not case.decisions.exists()
    assert "No more than was paid" in form.asks["rule"] and form["action.amount"].value() == "900"
    assert "a rule of the policy does not agree" in asked.content.decode()
    press(rule=form["rule"].value())
    assert case.decisions.count() == 1 and Case.objects.get(pk=case.pk).amount == Decimal(900)


@pytest.mark.parametrize("rules", [with_triggers(AT_MOST)])
def test_another_figure_is_another_question(changed, rules):
    case, press = changed("900")
    form, _ = press()

    _, asked = press(**{"action.amount": "800", "rule": form["rule"].value()})

    assert asked.status_code == 422 and "800" in asked.context["request"].POST["action.amount"]
    assert not case.decisions.exists()


@pytest.mark.parametrize("rules", [with_triggers(AS_EXPRESSION, OF_ONE_VALUE)])
@pytest.mark.parametrize(("amount", "total"), [("290", 300), ("310", 400), ("230", 200)])
def test_what_agrees_or_did_not_before_or_is_of_one_value_is_asked_nothing(changed, rules, amount, total):
    case, press = changed(amount, context={"order": {"total": total}})

    press()

    assert case.decisions.count() == 1 and Case.objects.get(pk=case.pk).amount == Decimal(amount)


def test_another_payee_is_asked_about_once_with_both_names(changed):
    case, press = changed("240")

    form, asked = press(**{"action.payee": "C-9999"})

    assert asked.status_code == 422 and not case.decisions.exists()
    assert "It would go to C-9999, and was to go to C-1042." in asked.content.decode()
    press(**{"action.payee": "C-9999"}, payee=form["payee"].value())
    assert Case.objects.get(pk=case.pk).payee == "C-9999"


CHAINS = [{"steps": [{"name": "Approval"}], "action_type": "goodwill"}]


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": CHAINS}])
def test_an_action_that_no_rule_names_is_asked_about_once(changed):
    case, press = changed("240")

    form, asked = press(**{"action.type": "Refnud"})

    assert asked.status_code == 422 and not case.decisions.exists()
    assert "No rule of the policy names the action “Refnud”." in asked.text
    press(**{"action.type": "Refnud"}, action_type=form["action_type"].value())
    assert Case.objects.get(pk=case.pk).action_type == "Refnud"


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": CHAINS}])
@pytest.mark.parametrize("kind", ["refund", "goodwill", ""])
def test_an_action_that_some_rule_names_and_none_at_all_are_not_asked_about(changed, kind):
    case, press = changed("240")

    press(**{"action.type": kind})

    assert case.decisions.count() == 1


@pytest.mark.parametrize("rules", [{"action_from": {"amount": "amount"}}])
@pytest.mark.parametrize(("received", "typed", "asked"), [("voucher", "vuocher", 1), (None, "voucher", 0)])
def test_where_no_rule_names_an_action_another_than_the_one_that_came_is_asked_about(
    client, send, reviewer, received, typed, asked
):
    case, form = beginning(client, send, reviewer, received)
    as_it_is = {name: form[name].value() or "" for name in form.fields if name.startswith(("output.", "action."))}

    shown = client.post(page(case), {"verb": "correct", "revision": 1, **as_it_is, "action.type": typed}, follow=True)

    assert shown.text.count("No rule of the policy names the action") == asked == 1 - case.decisions.count()
    assert "<datalist" not in str(form["action.type"])


def test_the_action_that_came_may_stand_again(client, send, reviewer):
    case, form = beginning(client, send, reviewer)
    Case.objects.filter(pk=case.pk).update(action_type="refund", revision=2)
    as_it_is = {name: form[name].value() or "" for name in form.fields if name.startswith(("output.", "action."))}

    client.post(page(case), {"verb": "correct", "revision": 2, **as_it_is, "action.type": "voucher"})

    assert case.decisions.count() == 1


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "chains": CHAINS}])
def test_what_is_done_is_offered_as_the_rules_name_it(client, send, reviewer):
    _, form = beginning(client, send, reviewer)

    shown = str(form["action.type"])

    assert re.findall(r'<option value="([^"]*)">', shown) == ["goodwill", "refund"] and 'value="voucher"' in shown
    assert re.search(r' list="([^"]+)"', shown)[1] == re.search(r'<datalist id="([^"]+)"', shown)[1]


def beginning(client, send, reviewer, kind="voucher"):
    """A case of a voucher, or without an action, in the reviewer's hands, and its form."""
    case = queues.claim(send(action=kind and {**MONEY, "type": kind}).pk, by=reviewer)
    client.force_login(reviewer)
    return case, client.get(page(case)).context["form"]


def test_whoever_may_not_see_the_payee_is_asked_of_none_that_stays(client, send, refunds, vendor, vendor_reviewer):
    Mandate.objects.filter(engagement__vendor=vendor, workflow=refunds).update(masked_fields=["action.payee"])
    case = send(action={**MONEY, "type": "voucher"})
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    with acting_as(vendor_reviewer):
        queues.claim(case.pk, by=vendor_reviewer)
    client.force_login(vendor_reviewer)
    form = client.get(page(case)).context["form"]
    text = {name: form[name].value() for name in form.fields if name.startswith(("output.", "action."))}

    client.post(page(case), {"verb": "correct", "revision": 1, **text, "action.amount": "230"})

    assert "action.payee" not in form.fields
    now = Case.objects.get(pk=case.pk)
    assert (now.amount, now.payee) == (Decimal(230), "C-1042")


def test_an_amount_alone_is_asked_no_payee(changed):
    case, press = changed("230")

    press()

    assert Case.objects.get(pk=case.pk).amount == Decimal(230)


@pytest.mark.parametrize("rules", [with_triggers(AT_MOST)])
def test_over_rest_and_by_the_verb_it_is_no_question(send, reviewer, rules):
    case = send(0.5, action={**MONEY, "type": "voucher"}, **ORDER)

    actions.correct(case.pk, by=reviewer, output={"decision": "refund"}, action={"amount": Decimal(900)}, reason="So it is")

    assert Case.objects.get(pk=case.pk).amount == Decimal(900)
