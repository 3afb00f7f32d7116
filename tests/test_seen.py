"""P1: what a vendor's people see of a case, through every door, and what they find, edit and are told of it."""

import json
import re

import pytest
from django.contrib import admin
from django.urls import NoReverseMatch, get_resolver, resolve, reverse
from django.utils.html import escape

from audit.models import AuditEvent
from cases import actions, api, finding, queues
from cases.models import Case, Correction
from cases.seen import AS_IT_IS, MASKED, NOT_SHOWN, OTHERWISE, seen_by
from tests import factories
from tests.conftest import seated
from tests.desk import asked as asking
from tests.desk import decide
from workflows import actions as workflows
from workflows.models import Mandate

pytestmark = pytest.mark.django_db

CARD, IBAN, MAIL, PHONE = "4111 1111 1111 1111", "DE89 3704 0044 0532 0130 00", "anna.keller@example.com", "+49 30 1234567"


# 200 tokens: 50 of each kind, each its own


def luhn(body):
    doubled = [int(digit) * (2 - place % 2) for place, digit in enumerate(reversed(body), 1) if place]
    total = sum(sum(map(int, str(int(digit) * (1 + place % 2)))) for place, digit in enumerate(reversed(body), 1))
    return f"{body}{-total % 10}" if doubled else body


def iban(number):
    account = f"37040044{number:010}"
    return f"DE{98 - int(account + '131400') % 97:02}{account}"


def tokens():
    """Tokens of every kind, as they are spelled; one after the other."""
    for number in range(50):
        yield luhn(f"4{number:03}00000{number:06}")
        yield iban(number)
        yield f"person{number}@example{number}.com"
        yield f"+49 30 {7000000 + number * 17}"


class Seeded:
    """Hands out the tokens, and remembers them."""

    def __init__(self):
        self.left, self.given = tokens(), []

    def __call__(self, words="see {}"):
        token = next(self.left)
        self.given.append(token)
        return words.format(token)

    def many(self, count, words="see {}"):
        return [self(words) for _ in range(count)]

    def in_(self, text):
        """Those that stand in an answer, spelled in whatever way a page, JSON or an address would."""
        bare = re.sub(r"[\s().\-/]", "", text)
        ways = {token: {token, escape(token), json.dumps(token)[1:-1], token.replace("@", "%40")} for token in self.given}
        return [token for token in self.given if any(way in text for way in ways[token]) or re.sub(r"[\s]", "", token) in bare]


@pytest.fixture
def output_schema():
    return {
        "type": "object",
        "required": ["decision"],
        "properties": {"decision": {"type": "string"}, "note": {"type": "string"}},
    }


@pytest.fixture
def rules():
    """Triggers that quote what they saw."""
    return {
        "triggers": [
            {"kind": "conflict", "name": "Conflict", "left": "input.to", "right": "output.to"},
            {"kind": "protected_account", "name": "Protected", "fact": "context.account"},
        ]
    }


@pytest.fixture
def mandate(refunds, vendor):
    return hiding(refunds, vendor, masked_fields=["input.customer.name"])


def hiding(workflow, vendor, **what):
    """The vendor's mandate there hides this."""
    mandate = factories.mandated(vendor, workflow)
    Mandate.objects.filter(pk=mandate.pk).update(**what)
    return mandate


@pytest.fixture
def worker(refunds, vendor, owner, mandate):
    """A vendor's person at both desks."""
    person = seated(refunds, "resolver", owner, vendor)
    workflows.seat(person, refunds, "reviewer", by=owner)
    return person


@pytest.fixture
def theirs(send, refunds, vendor):
    """A case that is allocated to the vendor."""
    factories.mandated(vendor, refunds)

    def theirs(**more):
        case = send(**more)
        Case.objects.filter(pk=case.pk).update(vendor=vendor)
        return Case.objects.get(pk=case.pk)

    return theirs


@pytest.fixture
def seeded():
    return Seeded()


@pytest.fixture
def story(theirs, seeded, worker, refunds, resolver, owner):
    """A case with tokens in every kind of field, and a story in which people typed more of them."""
    factories.policy(
        refunds, owner, rules={"grace_seconds": 60, **refunds.policy.rules}, output_schema=refunds.policy.output_schema
    )
    refunds.categories.filter(slug="edge-case").update(label=seeded("Edge {}"))
    case = theirs(
        external_id=seeded("R-{}"),
        input={
            "text": " and ".join(seeded.many(12, "{}")),
            "customer": {"name": "Anna Keller", "mails": seeded.many(4, "{}")},
            "rows": [{"a": seeded(), "deep": [[{"b": seeded("({})")}]]} for _ in range(6)],
            seeded("{}"): seeded("{}"),
            "to": seeded(),
            "html": seeded("<b>{}</b>"),
            "file": seeded("scan_{}.pdf"),
            "long": "x" * 40 + " " + seeded("{}") + " " + "y" * 40,
        },
        output={
            "decision": seeded(),
            "note": seeded("Dear Anna Keller, {}."),
            "to": seeded(),
            seeded("{}"): 1,
            "nested": {"list": seeded.many(8), "keller": "Ms Keller"},
        },
        context={"account": seeded(), "facts": seeded.many(8), seeded("{}"): {seeded("{}"): seeded("{}")}},
        action={"type": "note", "payee": seeded()},
        customer_reference=seeded("C {}"),
        segment=seeded("{}"),
        channel=seeded("{}"),
        confidences={seeded("{}"): 0.5},
        alternatives=[{"output": {"decision": seeded()}, "confidence": 0.2}],
    )
    actions.pause(case.pk, by=resolver, on="customer", whom=seeded(), reason=seeded())
    actions.go_on(case.pk, by=resolver, reason=seeded())
    edited = {**Case.objects.get(pk=case.pk).output, "note": seeded("By the house: {}"), "nested": {"list": seeded.many(20)}}
    causes = {"note": seeded("Misread {}")}
    actions.resolve(case.pk, by=resolver, output=edited, reason=seeded(), root_causes=causes, category="edge-case")
    actions.undo(case.pk, by=resolver, reason=seeded())
    actions.pause(case.pk, by=resolver, on="team", whom=seeded("Finance {}"), reason=seeded())
    actions.comment(case.pk, by=resolver, text=seeded("Ask {}"), kind="note")
    asked = actions.inquire(case.pk, by=resolver, question=seeded(), whom=seeded("Finance {}")).inquiry
    actions.answer(asked.pk, by=resolver, text=seeded())
    actions.inquire(case.pk, by=resolver, question=seeded(), whom=seeded("{}"))
    actions.attach(case.pk, by=resolver, name=seeded("scan {} .txt"), content=b"x")
    queues.skip(case.pk, by=resolver, reason=" or ".join(seeded.many(200 - len(seeded.given), "{}")))
    Case.objects.filter(pk=case.pk).update(vendor=worker.vendor)  # wherever the desks took it meanwhile
    return Case.objects.get(pk=case.pk)


def every_address(case):
    """Every address of the site and of the API that needs no more than a case, with some that filter and search."""
    for name in _names(get_resolver().url_patterns):
        for arguments in ((), (case.pk,), ("review",), ("resolution",)):
            try:
                address = reverse(name, args=arguments)
            except NoReverseMatch:
                continue
            if hasattr(getattr(resolve(address).func, "cls", admin.AdminSite), "get") or not address.startswith("/api/"):
                yield address if name != "case-wait" else f"{address}?timeout=0"
    cases = reverse("admin:cases_case_changelist")
    for asked in ("?o=1", "?o=-1.2", "?q=R", "?q=R-4", "?state=review", "?due=over"):
        yield cases + asked
    yield reverse("cases") + "?page_size=500"


def _names(patterns, space=""):
    for pattern in patterns:
        if hasattr(pattern, "url_patterns"):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from _names(pattern.url_patterns, inner)
        elif pattern.name:
            yield f"{space}{pattern.name}"


NOT_ASKED = ("/sign-in/", "/admin/logout/", "/admin/jsi18n/", "/api/v1/docs/", "/favicon")


def answers(client, header, case):
    """(address, body) of every page and answer, as this person gets them."""
    for address in dict.fromkeys(every_address(case)):
        if not address.startswith(NOT_ASKED):
            more = header if address.startswith("/api/") else {}
            yield address, client.get(address, **more).content.decode()


@pytest.mark.long
def test_of_200_tokens_none_reaches_a_vendor_by_any_address(client, key, seeded, story, worker):
    client.force_login(worker)
    seen = dict(answers(client, key(worker), story))

    leaks = {address: found for address, body in seen.items() if (found := seeded.in_(body) or re.findall("Keller", body))}

    assert len(seeded.given) == 200 and leaks == {}
    assert sum("[card 1]" in body for body in seen.values()) > 10  # there was something to be hidden


@pytest.mark.long
def test_the_house_finds_them_there(client, key, seeded, story, resolver):
    client.force_login(resolver)

    everything = "".join(body for _, body in answers(client, key(resolver), story))

    assert len(seeded.in_(everything)) > 0.9 * len(seeded.given)  # fingerprints of channels and confidences stand on no page


@pytest.mark.long
def test_no_verb_tells_a_vendor_a_token(client, key, seeded, story, worker):
    """Every verb over REST and every form, sent empty and sent wrong: what is refused quotes nothing."""
    client.force_login(worker)
    header, told = key(worker), {}
    wrong = {
        "reason": "x",
        "output": {"decision": 7, "note": ["x"]},
        "category": "none",
        "what": "no.such",
        "to": 1,
        "marks": {"a": {"option": "x"}},
    }
    for name, (_, body) in api.VERBS.items():
        given = {field: value for field, value in wrong.items() if field in body.__struct_fields__}
        for sent in ({}, given):
            answer = client.post(reverse(f"case-{name.replace('_', '-')}", args=[story.pk]), sent, "application/json", **header)
            told[name, str(sent)] = answer.content.decode()
    for name in _names(admin.site.urls[0]):
        if name.startswith("cases_case_") and name.removeprefix("cases_case_") in (*api.VERBS, "edit", "break_glass"):
            told[name] = client.post(
                reverse(f"admin:{name}", args=[story.pk]), {"reason": "", "output.decision": ""}
            ).content.decode()

    assert {where: found for where, body in told.items() if (found := seeded.in_(body) or re.findall("Keller", body))} == {}


def test_every_field_of_a_case_is_thought_about():
    """A new field is shown to vendors' people only when it stands in one of the tables of cases/seen.py."""
    fields = {field.name for field in Case._meta.concrete_fields}

    assert fields - AS_IT_IS - MASKED - OTHERWISE - NOT_SHOWN - {"pk"} == set()


def test_an_undone_answer_comes_back_as_its_vendors_person_may_see_it(client, theirs, refunds, owner, mandate, worker):
    factories.policy(refunds, owner, rules={"grace_seconds": 60}, output_schema=refunds.policy.output_schema)
    case = queues.claim(theirs(output={"decision": "refund", "note": f"Write to {MAIL}."}).pk, by=worker)
    client.force_login(worker)
    page = reverse("admin:cases_case_work", args=[case.pk])
    hidden = client.get(page).context["form"]["output.note"].value()
    decide(client, case, "correct", **{"output.decision": "refund", "output.note": f"{hidden} Soon."})
    assert Case.objects.get(pk=case.pk).standing_output["note"] == f"Write to {MAIL}. Soon."
    decide(client, case, "undo")

    shown = client.get(page)

    assert shown.context["form"]["output.note"].value() == f"{hidden} Soon."
    assert MAIL not in shown.content.decode()


# Finding and sorting


def found(client, where, **asked):
    return client.get(where, asked)


def test_a_vendor_finds_nothing_by_what_is_hidden_from_him(client, key, theirs, mandate, vendor_reviewer, reviewer):
    case, bare = theirs(external_id=PHONE, customer_reference=PHONE), theirs(external_id="R-+4")
    where, link = reverse("admin:cases_case_changelist"), reverse("admin:cases_case_work", args=[case.pk])
    finding.note_new()

    def finds(person):
        client.force_login(person)
        by_rest = client.get(reverse("cases"), {"customer_reference": PHONE}, **key(person)).json()["results"]
        return link in found(client, where, q="+49").content.decode(), [each["id"] for each in by_rest]

    assert finds(reviewer) == (True, [case.pk])
    assert finds(vendor_reviewer) == (False, [])
    assert str(bare.pk) in found(client, where, q="R-+4").content.decode()


@pytest.mark.parametrize(
    "lookup", ["payee__startswith", "input__icontains", "customer_reference", "sender__email", "external_id__gt"]
)
def test_nor_by_an_address_that_he_makes_up(client, theirs, mandate, vendor_reviewer, lookup):
    link = reverse("admin:cases_case_work", args=[theirs().pk])
    client.force_login(vendor_reviewer)

    fits, fits_not = (found(client, reverse("admin:cases_case_changelist"), **{lookup: value}) for value in ("a", "no such"))

    assert link in fits.content.decode() and link in fits_not.content.decode()


def test_nor_does_the_order_tell(client, theirs, mandate, vendor_reviewer):
    for number in (5, 3, 9):
        theirs(external_id=f"{number}{MAIL}")
    client.force_login(vendor_reviewer)
    where = reverse("admin:cases_case_changelist")

    def order(**asked):
        return re.findall(r"/case/(\d+)/work/", found(client, where, **asked).content.decode())

    assert order(o="1") == order(o="-1") == order(all="1") and len(order(all="1")) == 3


# What is seen


def test_the_house_sees_the_case_itself(theirs, reviewer, machine, integration):
    case = theirs(input={"text": CARD})

    assert all(seen_by(case, person) is case for person in (reviewer, machine, integration))


def test_without_a_mandate_the_four_kinds_are_hidden(theirs, vendor_reviewer):
    case = theirs(input={"text": f"{CARD} {IBAN} {MAIL} {PHONE} Anna"})

    assert seen_by(case, vendor_reviewer).input == {"text": "[card 1] [IBAN 1] [e-mail 1] [phone 1] Anna"}


def test_the_mandate_says_which(theirs, refunds, vendor, vendor_reviewer):
    hiding(refunds, vendor, masked_patterns=["email"], masked_fields=["output.decision", "context"])
    seen = seen_by(theirs(input={"text": f"{CARD} {MAIL}"}, output={"decision": "yes"}, context={"a": 1}), vendor_reviewer)

    assert (seen.input, seen.output, seen.context) == (
        {"text": f"{CARD} [e-mail 1]"},
        {"decision": "[decision 1]"},
        "[context 1]",
    )


BY_FIELD = {"action_from": {"amount": "amount", "currency": "currency", "payee": "payee", "type": "decision"}}


@pytest.mark.parametrize("rules", [BY_FIELD])
def test_what_the_action_reads_from_a_hidden_field_is_hidden(theirs, refunds, vendor, vendor_reviewer):
    hiding(refunds, vendor, masked_fields=["output.amount", "output.payee"])
    output = {"decision": "refund", "amount": 24, "currency": "EUR", "payee": "Q"}
    seen = seen_by(theirs(output=output), vendor_reviewer)

    assert seen.action_sentence == "Refund [amount 1] to [payee 1]"


@pytest.mark.parametrize(
    "rules", [{"triggers": [{"kind": "conflict", "name": "Sex", "left": "input.sex", "right": "output.sex"}]}]
)
def test_a_reason_that_names_a_hidden_field_is_not_told(theirs, refunds, vendor, vendor_reviewer):
    hiding(refunds, vendor, masked_fields=["input.sex", "output.sex"])
    case = theirs(input={"sex": "M"}, output={"decision": "x", "sex": "F"})
    seen = seen_by(case, vendor_reviewer)

    assert "(M)" in case.sentence and "(F)" in case.sentence
    assert "(" not in seen.sentence and [set(reason) for reason in seen.reasons] == [{"name", "kind", "says"}]


def test_the_digest_he_gets_is_not_the_one_to_be_guessed_at(theirs, mandate, vendor_reviewer):
    case = theirs()

    assert bytes(case.digest) != seen_by(case, vendor_reviewer).digest and len(seen_by(case, vendor_reviewer).digest) == 32


# The round trip


def again(case):
    return Case.objects.get(pk=case.pk)


def test_what_he_edits_over_rest_is_kept_as_it_is_meant(client, key, theirs, mandate, vendor_reviewer):
    case = theirs(output={"decision": f"Charge {CARD}.", "note": f"Dear Anna, {MAIL}"}, input={"customer": {"name": "Anna"}})
    header, where = key(vendor_reviewer), reverse("case", args=[case.pk])
    seen = client.get(where, **header).json()["standing_output"]
    assert seen == {"decision": "Charge [card 1].", "note": "Dear [name 1], [e-mail 1]"}

    sent = {"output": {**seen, "decision": "Do not charge [card 1]."}}
    answer = client.post(reverse("case-correct", args=[case.pk]), sent, "application/json", **header)

    assert answer.status_code == 200 and CARD not in answer.content.decode()
    assert again(case).standing == {"decision": f"Do not charge {CARD}.", "note": f"Dear Anna, {MAIL}"}
    kept = Correction.objects.get(decision__case=case)
    assert (kept.field, kept.before, kept.after) == ("decision", f"Charge {CARD}.", f"Do not charge {CARD}.")


def test_and_in_the_form(client, theirs, mandate, vendor_reviewer):
    case = theirs(output={"decision": f"Charge {CARD}.", "note": MAIL, "list": [MAIL, "x"], "card": 4111111111111111})
    client.force_login(vendor_reviewer)
    shown = client.get(asking(case, "correct")).context["form"].content()
    typed = {field.name: "\n".join(value) if isinstance(value := field.value(), list) else value or "" for field in shown}

    answer = decide(client, case, "correct", **typed | {"output.note": "To [e-mail 1], and otto@example.org"})

    assert answer.status_code == 302, answer.content.decode()
    assert again(case).standing == {
        "decision": f"Charge {CARD}.",
        "note": f"To {MAIL}, and otto@example.org",
        "list": [MAIL, "x"],
        "card": 4111111111111111,
    }


def test_a_placeholder_out_of_place_is_named_at_its_field(client, key, theirs, mandate, vendor_reviewer):
    case = theirs(output={"decision": CARD, "note": "x"})
    sent = {"output": {"decision": "[card 1]", "note": "Send [card 1] to me"}}

    answer = client.post(reverse("case-correct", args=[case.pk]), sent, "application/json", **key(vendor_reviewer))

    assert answer.status_code == 422 and answer.json()["errors"][0]["pointer"] == "#/output.note"
    assert "[card 1]" in answer.json()["errors"][0]["detail"] and again(case).revision == 1


def test_a_fault_in_a_hidden_field_is_told_without_its_value(client, key, theirs, refunds, vendor, worker, owner):
    hiding(refunds, vendor, masked_fields=["output.sex"])
    schema = {"type": "object", "properties": {"sex": {"enum": ["F"]}}}
    factories.policy(refunds, owner, output_schema=schema)
    case = theirs(output={"decision": "x", "sex": "M"})
    sent = {"output": {"decision": "y", "sex": "[sex 1]"}, "reason": "x"}

    answer = client.post(reverse("case-resolve", args=[case.pk]), sent, "application/json", **key(worker))

    assert answer.status_code == 422 and '"M"' not in answer.content.decode() and "not shown to you" in answer.content.decode()


def test_a_number_keeps_its_meaning_after_others_edited(theirs, mandate, vendor_reviewer, reviewer):
    case = theirs(output={"decision": CARD})
    actions.correct(case.pk, by=reviewer, output={"decision": "5500005555555559"})
    seen = seen_by(again(case), vendor_reviewer)

    assert (seen.output, seen.standing) == ({"decision": "[card 1]"}, {"decision": "[card 2]"})


def test_his_corrections_are_audited_without_values(theirs, mandate, vendor_reviewer):
    case = theirs(output={"decision": CARD, "note": "x"})

    actions.correct(case.pk, by=vendor_reviewer, output={"decision": "[card 1]", "note": "y"})

    assert not any(CARD in json.dumps(body) for body in AuditEvent.objects.values_list("body", flat=True))
