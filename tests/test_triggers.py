"""Every trigger: when it fires, what it saw, what it says. Pure: no database."""

import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from workflows.patterns import Rules
from workflows.routing import Dial, compile_policy, kind_of, route
from workflows.triggers import Trigger
from workflows.triggers.ready_made import READY_MADE
from workflows.triggers.wording import WORD, folded_text, words_of

NOW = datetime(2026, 6, 10, 12, 0, tzinfo=UTC)
NO_ACTION = {"type": "", "amount": None, "currency": "", "payee": ""}
REFUND = {"type": "refund", "amount": Decimal("240.00"), "currency": "EUR", "payee": "C-1042"}


def facts(**more):
    return {
        "input": {},
        "output": {},
        "context": {},
        "action": NO_ACTION,
        "confidence": 0.9,
        "confidences": {},
        "alternatives": None,
        "segment": "",
        "channel": "",
        "customer_reference": "",
        "received_at": NOW,
        "earlier": [],
        **more,
    }


def seen(trigger, **more):
    """What the trigger saw, None where it does not fire: in a policy, which asks no list without a clue, as by itself."""
    policy = policy_of({"name": "T", **trigger})
    [(made, fires, *_)] = policy.triggers
    found = fires(facts(**more))
    reasons = [reason for reason in route(facts(**more), policy, Dial(), draw=0.5).reasons if reason["name"] == "T"]
    assert reasons == ([] if found is None else [{"name": "T", "kind": kind_of(made), **found}])
    return found


def policy_of(*triggers):
    tiers = {"low": {"pattern": "sampling"}, "medium": {"pattern": "sampling"}, "high": {"pattern": "approval"}}
    return compile_policy(msgspec.convert({"tiers": tiers, "triggers": triggers}, Rules), {}, {})


def says(trigger, **more):
    return (seen(trigger, **more) or {}).get("says")


def sides(left, right):
    return {"output": {"left": left}, "context": {"right": right}}


def conflict(must="equal", **more):
    return {"kind": "conflict", "left": "output.left", "right": "context.right", "must": must, **more}


@pytest.mark.parametrize(
    ("must", "more", "left", "right", "fires"),
    [
        # numbers, as numbers or as text
        ("equal", {}, 50, 50.0, False),
        ("equal", {}, "50.00", 50, False),
        ("equal", {}, 50.01, 50, True),
        ("equal", {}, 0.1 + 0.2, "0.3", True),
        ("equal", {"tolerance": 0.01}, 50.01, 50, False),
        ("equal", {"tolerance": 0.01}, 50.011, 50, True),
        ("equal", {"tolerance_share": 0.1}, 55, 50, False),
        ("equal", {"tolerance_share": 0.1}, 55.01, 50, True),
        ("equal", {"tolerance_share": 0.1, "tolerance": 10}, 60, 50, False),
        ("equal", {}, 12345678901234567890123, "12345678901234567890124", True),
        ("differ_from", {}, "7", 7, True),
        ("differ_from", {}, 7, 8, False),
        ("differ_from", {"tolerance": 2}, 7, 8, True),
        ("be_at_most", {}, 50, 50, False),
        ("be_at_most", {}, 50.01, 50, True),
        ("be_at_most", {"tolerance": 1}, 51, 50, False),
        ("be_at_least", {}, 49.99, "50", True),
        ("be_at_least", {"tolerance": 0.01}, 49.99, "50", False),
        ("be_before", {}, 50, 50, True),
        ("be_after", {}, 51, 50, False),
        # dates: the tolerance is in days
        ("equal", {}, "2026-06-01", "2026-06-01T23:59:00Z", False),
        ("equal", {"tolerance": 2}, "2026-06-01", "2026-06-03", False),
        ("equal", {"tolerance": 2}, "2026-06-01", "2026-06-04", True),
        ("be_before", {}, "2026-06-01", "2026-06-02", False),
        ("be_before", {}, "2026-06-02", "2026-06-02", True),
        ("be_before", {}, "2026-06-02T08:00:00+02:00", "2026-06-02T07:00:00Z", False),
        ("be_after", {}, "2026-06-01", "2026-06-02", True),
        ("be_at_most", {"tolerance": 14}, "2026-06-15", "2026-06-01", False),
        ("be_at_most", {"tolerance": 14}, "2026-06-16", "2026-06-01", True),
        ("equal", {}, "2026-02-30", "2026-02-30", False),  # no date: compared as text
        # texts, folded
        ("equal", {}, "Müller  GmbH", "MULLER gmbh", False),
        ("equal", {}, "Müller", "Meier", True),
        ("differ_from", {}, "a", "A", True),
        ("equal", {}, True, "true", False),
        ("equal", {}, True, 1, True),
        ("equal", {}, ["a", 1], ["a", 1], False),
        ("equal", {}, "1e999999", 1, True),
        ("be_before", {}, "soon", "2026-06-01", True),  # what has no order breaks a rule that asks for one
        # an absent side is no conflict
        ("equal", {}, None, 50, False),
        ("equal", {}, 50, " ", False),
    ],
)
def test_two_fields_at_odds(must, more, left, right, fires):
    assert bool(seen(conflict(must, **more), **sides(left, right))) is fires


@pytest.mark.parametrize(
    ("values", "value", "fires"),
    [
        ([True], True, True),
        ([True], "true", True),  # as some senders write it
        ([True], "True", True),
        (["true"], True, True),
        ([True], False, False),
        ([True], 1, False),
        ([True], "yes", False),
        (["goodwill"], "Goodwill", True),
        (["goodwill"], "goodwill of the house", False),
        ([5], 5, True),
        ([5], "5", True),
        (["5"], 50, False),
        ([True], None, False),
    ],
)
def test_a_field_with_a_certain_value(values, value, fires):
    trigger = {"kind": "field_is_one_of", "field": "context.is_new", "values": values}

    assert bool(seen(trigger, context={"is_new": value})) == fires


def test_a_conflict_keeps_both_sides():
    found = seen(conflict("be_at_most"), **sides(70, 50))

    assert found["seen"] == {"output.left": "70", "context.right": "50"}
    assert found["says"] == "output.left (70) must be at most context.right (50)"


WORDS = {"kind": "keywords", "words": ["lawyer", "chargeback fee", "24/7", "más tarde"]}
BY_LANGUAGE = {
    "kind": "keywords",
    "by_language": {"de": ["Anwalt"], "en": ["lawyer"]},
    "language_from": "input.language",
    "within": "input.text",
}


@pytest.mark.parametrize(
    ("trigger", "text", "word"),
    [
        (WORDS, "My LAWYER, at once", "lawyer"),
        (WORDS, "lawyers", None),
        (WORDS, "a\u200bla\u00adwyer", None),
        (WORDS, "a la\u00adw\u200byer writes", "lawyer"),
        (WORDS, "a chargeback\n   fee!", "chargeback fee"),
        (WORDS, "a chargeback. No fee", None),
        (WORDS, "open 24/7", "24/7"),
        (WORDS, "open 124/7", None),
        (WORDS, "open 24/75 and 24/7", "24/7"),
        (WORDS, "MAS TARDE", "mas tarde"),
        (WORDS, "ＬＡＷＹＥＲ", "lawyer"),
        ({**WORDS, "words": ["lawyer", "(!)"]}, "at once (!) please", "(!)"),
        ({**WORDS, "words": ["kapalı"]}, "Hesabım KAPALI", "kapali"),
        ({**WORDS, "words": ["ISRAR"]}, "ısrar ediyorum", "israr"),
        ({**WORDS, "words": ["spłata"]}, "SPLATA?", "splata"),
        ({**WORDS, "words": ["οδος"]}, "ΟΔΟΣ, οδός", "οδοσ"),
        ({**WORDS, "words": ["won't pay", "e-mail"]}, "We won’t pay", "won't pay"),
        ({**WORDS, "words": ["won’t pay", "e-mail"]}, "an e\u2011mail", "e-mail"),
        ({**WORDS, "words": ["律师"]}, "我要找律师投诉", "律师"),
        ({**WORDS, "words": ["ทนาย", "lawyer", "a", "b", "c"]}, "ฉันจะฟ้องทนายความ", "ทนาย"),
        ({**WORDS, "words": ["律师"]}, "My lawyer", None),
        (BY_LANGUAGE, ("de-AT", "mein Anwalt"), "anwalt"),
        (BY_LANGUAGE, ("de", "my lawyer"), None),
        (BY_LANGUAGE, ("fi", "my lawyer"), "lawyer"),
        (BY_LANGUAGE, (None, "Anwalt"), "anwalt"),
        (BY_LANGUAGE, (["de"], "my lawyer"), "lawyer"),
    ],
)
def test_risk_words_stand_whole_whatever_their_case_and_accents(trigger, text, word):
    given = {"text": text} if isinstance(text, str) else {"language": text[0], "text": text[1]}

    assert (seen(trigger, input=given) or {}).get("word") == word


def test_two_thousand_words_over_a_hundred_kilobytes_take_milliseconds():
    trigger = {
        "kind": "keywords",
        "words": [f"{'ab' * (n % 40)} {n}(a+)+$" for n in range(1000)] + [f"w{n}" for n in range(1000)],
    }
    fires = msgspec.convert({"name": "T", **trigger}, Trigger).prepare()
    hostile = ["ab" * 50_000, "a" * 100_000, " ".join(f"ab {n}" for n in range(15_000)), "á " * 50_000]
    fires(facts(input={"text": "é"}))

    began = time.process_time()
    answers = [fires(facts(input={"text": text})) for text in hostile]

    assert answers == [None] * 4
    assert time.process_time() - began < 4 * 0.1


@given(st.text(st.characters(max_codepoint=127)))
def test_the_short_way_to_the_words_finds_the_same(text):
    assert words_of(text) == WORD.findall(text)


WORDING = {"kind": "required_wording", "phrases": ["right of withdrawal", "terms"], "within": "output.text"}


@pytest.mark.parametrize(
    ("trigger", "text", "expected"),
    [
        (WORDING, "You have a Right of  Withdrawal.", None),
        (WORDING, "Hello", "output.text must say “terms” or “right of withdrawal”"),
        (
            {**WORDING, "needs": "all"},
            "our terms",
            "output.text must say each required wording and lacks “right of withdrawal”",
        ),
        ({**WORDING, "needs": "all"}, "right of withdrawal and terms", None),
        (WORDING, None, "output.text must say “terms” or “right of withdrawal”"),
    ],
)
def test_wording_that_must_stand(trigger, text, expected):
    assert says(trigger, output={"text": text} if text else {}) == expected


def test_wording_that_must_stand_in_the_customers_language():
    trigger = {
        "kind": "required_wording",
        "by_language": {"de": ["Widerruf"], "en": ["withdrawal"]},
        "language_from": "input.l",
    }

    assert says(trigger, input={"l": "de"}, output={"t": "withdrawal"}) == "output must say “widerruf”"
    assert says(trigger, input={"l": "de"}, output={"t": "Ihr Widerruf"}) is None


@pytest.mark.parametrize(
    ("of", "text"),
    [
        ("guarantee", "We guarantee delivery."),
        ("guarantee", "Das klappt garantiert."),
        ("guarantee", "Nous vous assurons que oui"),
        ("guarantee", "Le aseguramos que sí"),
        ("waiver", "The fee is waived."),
        ("waiver", "Auf Kulanz erstatten wir"),
        ("waiver", "à titre gracieux"),
        ("waiver", "sin coste alguno"),
        ("deadline", "within 3 business days"),
        ("deadline", "by Friday"),
        ("deadline", "innerhalb von 14 Tagen"),
        ("deadline", "bis kommenden Freitag"),
        ("deadline", "sous 48 heures"),
        ("deadline", "d'ici lundi"),
        ("deadline", "en 24 horas"),
        ("deadline", "antes del viernes"),
        ("deadline", "spätestens"),
        ("deadline", "You have it by 12 June."),
        ("deadline", "by June the 3rd at the least"),
        ("deadline", "by the 1st of August"),
        ("deadline", "bis zum 3. März"),
        ("deadline", "avant le 1er août"),
        ("deadline", "antes del 5 de mayo"),
        ("waiver", "We won’t charge you"),
        ("deadline", "d’ici lundi"),
    ],
)
def test_promises_in_four_languages(of, text):
    assert seen({"kind": "promises", "of": [of]}, output={"text": text})["of"] == of
    other = {"guarantee": "waiver", "waiver": "deadline", "deadline": "guarantee"}[of]
    assert seen({"kind": "promises", "of": [other]}, output={"text": text}) is None


def test_a_house_has_promises_of_its_own():
    trigger = {"kind": "promises", "of": ["waiver"], "words": ["on the house"]}

    assert (
        says(trigger, output={"text": "This one is on the house"}) == "“on the house” promises a customer something (promise)"
    )
    assert says(trigger, output={"text": "We will look into it in the 3 reports"}) is None


@pytest.mark.parametrize(
    "text", ["It may be done by 3 people", "The statement of 12 June came", "By May I was told", "May 12 people come"]
)
def test_a_day_of_a_month_alone_promises_nothing(text):
    assert says({"kind": "promises", "of": ["deadline"]}, output={"text": text}) is None


@pytest.mark.parametrize(
    ("confidence", "alternatives", "more", "expected"),
    [
        (0.5, [{"label": "b", "confidence": 0.45}], {}, "the best two alternatives (0.5 and 0.45) are closer than 0.1"),
        (0.5, [{"label": "b", "confidence": 0.4}], {}, None),
        (0.5, [{"label": "a", "confidence": 0.5}, {"label": "b", "confidence": 0.3}], {}, None),  # the proposal itself
        (0.5, [{"output": {"x": "a"}, "score": 0.5}], {}, None),
        (None, [{"label": "b", "score": 0.4}, {"label": "c", "score": 0.38}], {}, "the best two alternatives (0.4 and 0.38)"),
        (0.5, [0.48, "x", True, 7], {}, "the best two alternatives (0.5 and 0.48)"),
        (0.5, None, {}, None),
        (0.5, None, {"alternatives_required": True}, "fewer than two alternatives were given"),
        (0.2, [{"label": "b", "confidence": 0.5}], {}, "an alternative (0.5) is likelier than what is proposed (0.2)"),
        (None, [{"label": "b", "confidence": 0.5}], {}, "there is an alternative (0.5), and no confidence of what is proposed"),
        (None, [0.9, 0.1], {}, "there is an alternative (0.9), and no confidence of what is proposed"),
        (None, [{"label": "a", "score": 0.8}, {"label": "b", "score": 0.3}], {}, None),
        (None, [{"x": "b", "score": 0.4}, {"x": "a", "score": 0.8}], {}, None),
    ],
)
def test_an_ambiguous_classification(confidence, alternatives, more, expected):
    trigger = {"kind": "ambiguous", "margin": 0.1, **more}
    said = says(trigger, confidence=confidence, alternatives=alternatives, output={"x": "a"})

    assert said is None if expected is None else said.startswith(expected)


def test_an_alternative_of_a_field_is_not_the_output_because_another_field_says_the_same():
    output, other = {"urgent": True, "spam": False}, {"urgent": False, "confidence": 0.48}

    assert says({"kind": "ambiguous", "margin": 0.1}, confidence=0.5, alternatives=[other], output=output)


@pytest.mark.parametrize(
    ("trigger", "more", "expected"),
    [
        ({"references": ["C-1042"]}, {"customer_reference": " c-1042"}, "the customer “ c-1042” is a protected account"),
        ({"references": ["c-1042"]}, {"action": REFUND}, "the payee “C-1042” is a protected account"),
        ({"references": ["C-1042"]}, {"customer_reference": "C-104"}, None),
        ({"references": []}, {"customer_reference": ""}, None),
        ({"fact": "context.vip"}, {"context": {"vip": True}}, "the account is protected: context.vip is true"),
        ({"fact": "context.vip"}, {"context": {"vip": "TRUE"}}, "the account is protected: context.vip is TRUE"),
        ({"fact": "context.vip"}, {"context": {"vip": 1}}, None),
        ({"fact": "context.vip"}, {"context": {"vip": False}}, None),
        (
            {"fact": "context.is", "values": ["Legal Hold"]},
            {"context": {"is": ["new", "legal hold"]}},
            "the account is protected:",
        ),
    ],
)
def test_protected_accounts(trigger, more, expected):
    said = says({"kind": "protected_account", **trigger}, **more)

    assert said is None if expected is None else said.startswith(expected)


@pytest.mark.parametrize(
    ("trigger", "action", "expected"),
    [
        ({"on_money": True}, REFUND, "the action is “refund” of 240.00 EUR"),
        ({"on_money": True}, {**REFUND, "type": ""}, "the action has an amount of 240.00 EUR"),
        ({"on_money": True}, {**REFUND, "amount": None}, None),
        ({"types": ["refund"], "currency": "EUR", "amount": 240}, REFUND, "the action is “refund” of 240.00 EUR"),
        ({"types": ["refund"], "currency": "EUR", "amount": 241}, REFUND, None),
        ({"types": ["refund"], "currency": "USD", "amount": 1}, REFUND, None),
        ({"types": ["close"]}, REFUND, None),
        ({}, NO_ACTION, None),
    ],
)
def test_actions_and_money(trigger, action, expected):
    assert says({"kind": "action", **trigger}, action=action) == expected


def earlier(days=3, same_customer=True, same_input=False, **more):
    case = {
        "id": 7,
        "external_id": "R-7",
        "at": NOW - timedelta(days=days),
        **{k: REFUND[k] for k in ("type", "amount", "currency")},
    }
    return {**case, "same_customer": same_customer, "same_input": same_input, **more}


@pytest.mark.parametrize(
    ("trigger", "before", "fires"),
    [
        ({}, earlier(), True),
        ({}, earlier(amount=Decimal("240.000")), True),
        ({}, earlier(amount=Decimal(241)), False),
        ({}, earlier(type="exchange"), False),
        ({}, earlier(same_customer=False), False),
        ({}, earlier(same_customer=False, same_input=True, type=""), True),
        ({"same": "action"}, earlier(same_input=True, type=""), False),
        ({"same": "input"}, earlier(), False),
        ({}, earlier(days=30), True),
        ({}, earlier(days=31), False),
        ({"days": 2}, earlier(), False),
    ],
)
def test_possible_duplicates(trigger, before, fires):
    found = seen({"kind": "duplicate", **trigger}, action=REFUND, earlier=[before])

    assert bool(found) is fires
    if fires:
        assert (found["case"], found["external_id"]) == (7, "R-7")


def test_no_action_is_nobodys_duplicate_action():
    assert seen({"kind": "duplicate"}, action=NO_ACTION, earlier=[earlier(**NO_ACTION)]) is None


def test_repeat_contact_counts_the_customers_cases_in_the_window():
    trigger = {"kind": "repeat_contact", "days": 7, "contacts": 2}
    cases = [earlier(1), earlier(2, same_customer=False, same_input=True), earlier(7), earlier(8)]

    assert says(trigger, earlier=cases) == "the customer wrote 2 times within the 7 days before"
    assert says({**trigger, "contacts": 3}, earlier=cases) is None


@pytest.mark.parametrize("trigger", READY_MADE, ids=lambda trigger: trigger["name"])
def test_the_ready_made_triggers_are_triggers(trigger):
    tiers = {
        "low": {"pattern": "sampling"},
        "medium": {"pattern": "threshold", "threshold": 0.8},
        "high": {"pattern": "approval"},
    }
    rules = msgspec.convert({"tiers": tiers, "triggers": [trigger]}, Rules)

    assert rules.triggers[0].name == trigger["name"]
    rules.triggers[0].prepare()(facts())


def test_a_list_within_a_wider_one_fires_on_its_own_part_alone():
    """`input.text` is held against the words of all of `input` first: a word beside it is none of its own."""
    lists = [("Narrow", ["lawyer", "my lawyer"], "input.text"), ("Wide", ["ombudsman"], "input")]
    triggers = [{"kind": "keywords", "name": name, "words": words, "within": within} for name, words, within in lists]
    policy = policy_of(*triggers)

    def fired(**sent):
        return [reason["name"] for reason in route(facts(input=sent), policy, Dial(), draw=0.5).reasons]

    assert fired(text="Fine.", note="my lawyer") == []
    assert fired(text="I have a Lawyer.", note="") == ["Narrow"]
    assert fired(text="my", note="lawyer of the ombudsman") == ["Wide"]
    assert fired(text="Fine.", note="the Ombudsman") == ["Wide"]


@pytest.mark.parametrize("mark", ["\u0301", "\u00ad", "\u200b", "\U0001d165"])
def test_marks_nobody_sees_hide_no_word(mark):
    assert folded_text(f"la{mark}wyér") == "lawyer"
