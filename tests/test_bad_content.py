"""What may come in and hurt a workbench: huge, right-to-left, HTML, control signs, broken schemas; and what changes while it is open."""

import re

import pytest
from django.urls import reverse

from audit.models import AuditEvent
from cases import actions, prose, queues
from cases.models import Case, Decision
from cases.templatetags.desk import value
from tests import factories
from tests.conftest import acting_as

pytestmark = pytest.mark.django_db
HTML = "<script>alert(1)</script><img src=x onerror=alert(1)>[click](javascript:alert(1)) <b>bold</b>"
ARABIC = "أريد استرداد المبلغ 240"


def at(case, page="work"):
    return reverse(f"admin:cases_case_{page}", args=[case.pk])


@pytest.fixture
def output_schema():
    return {
        "type": "object",
        "required": ["decision"],
        "properties": {"decision": {"type": "string"}, "reply": {"type": "string"}, "lines": {"type": "array"}},
    }


@pytest.fixture
def bench(client, reviewer):
    client.force_login(reviewer)
    return client


@pytest.fixture
def held(send, reviewer):
    def held(**facts):
        return queues.claim(send(0.5, **facts).pk, by=reviewer)

    return held


# large


def test_of_a_200_kb_input_the_beginning_is_sent_and_all_of_it_on_a_page_of_its_own(bench, held):
    case = held(input={"text": "word " * 40_000 + "the end"})

    shown = bench.get(at(case)).content.decode()
    whole = bench.get(at(case, "whole")).content.decode()

    assert len(shown) < 100_000
    assert "… and 180,007 characters more" in shown and at(case, "whole") in shown
    assert "the end" not in shown and "the end" in whole


def test_of_a_list_of_10_000_things_the_first_are_sent(bench, held):
    case = held(input={"lines": [{"sku": f"S-{number}", "quantity": number} for number in range(10_000)]})

    shown = bench.get(at(case)).content.decode()

    assert len(shown) < 100_000
    assert "S-249" in shown and "S-250<" not in shown and "… and 9,750 more" in shown
    assert "S-9999" in bench.get(at(case, "whole")).content.decode()


def test_a_list_of_10_000_things_in_the_output_is_edited_and_decided(bench, held):
    lines = [f"line {number}" for number in range(10_000)]
    case = held(output={"decision": "refund", "lines": lines})

    shown, sent = bench.get(at(case)), bench.get(at(case), headers={"Accept-Encoding": "gzip"})
    typed = {"verb": "correct", "revision": 1, "output.decision": "decline", "output.lines": "\n".join([*lines, "one more"])}
    bench.post(at(case), typed)

    assert shown.content.decode().count("line 9999") == 1  # once, in the field that holds it
    assert sent["Content-Encoding"] == "gzip" and len(sent.content) < 100_000
    assert Case.objects.get(pk=case.pk).standing_output["lines"][-1] == "one more"


def test_beside_what_was_typed_stands_what_it_was(bench, held):
    case = held(output={"decision": "refund", "lines": ["first", "second"]})

    refused = bench.post(at(case), {"verb": "correct", "revision": 9, "output.decision": "refund", "output.lines": "mine"})

    assert refused.status_code == 409
    assert (
        re.search(r'data-was="first\s+second"', refused.content.decode()) and ">\nmine</textarea>" in refused.content.decode()
    )


def test_the_room_on_a_page_is_one_for_the_whole_value():
    deep = {"a": [{str(each): each for each in range(100)} for _ in range(100)]}
    cut = prose.told(deep)

    assert prose.is_cut(cut) and not prose.is_cut(prose.told(deep, whole=True))
    assert value(cut).count("<dd>") < prose.MOST_VALUES + 20


# lists


CARDS = ["4111111111111111", "5500005555555559"]
ITEMS = {
    "type": "array",
    "minItems": 1,
    "items": {
        "type": "object",
        "required": ["sku"],
        "properties": {"sku": {"type": "string"}, "amount": {"type": "number"}, "card": {"type": "string"}},
    },
}
with_items = pytest.mark.parametrize(
    "output_schema",
    [{"required": ["items"], "properties": {"decision": {"type": "string"}, "items": ITEMS}}],
)
TWO = {"items": [{"sku": "A", "amount": 2.50, "card": CARDS[0]}, {"sku": "B", "card": CARDS[1], "seen": [1, {}]}]}


def as_opened(bench, case):
    """What a browser sends of the form when nobody touches it."""
    form = bench.get(at(case)).context["form"]
    shown = {name: form[name].value() for name in form.fields if name.startswith("output.")}
    return {name: value for name, value in shown.items() if value not in (None, False)}


def correct(bench, case, **typed):
    named = {f"output.items.{name}": value for name, value in typed.items()}
    return bench.post(at(case), {"verb": "correct", "revision": 1, **as_opened(bench, case), **named})


@with_items
def test_an_item_of_a_list_is_changed_left_out_and_added_and_what_is_untouched_stays(bench, held):
    case = held(output=TWO)

    assert correct(bench, case, **{"0": "on", "2.sku": "C"}).status_code == 302

    done = Case.objects.get(pk=case.pk)
    becomes = [TWO["items"][1], {"sku": "C"}]
    assert done.standing_output == {"items": becomes}
    assert [(each.field, each.before, each.after) for each in Decision.objects.get().corrections.all()] == [
        ("items", TWO["items"], becomes)
    ]


@with_items
def test_what_the_schema_says_of_a_list_is_told_at_its_first_field_without_all_that_is_in_it(bench, held):
    case = held(output=TWO)

    shown = correct(bench, case, **{"0": "on", "1": "on"}).content.decode()

    told = re.search(r'<div id="case-\d+-output.items.0.sku_error">(.*?)</div>', shown)[1]
    assert told == '<p class="wrong">The list has less than 1 item.</p>'
    assert re.search(r'name="output.items.1"[^>]* checked', shown)


@with_items
def test_a_vendors_person_changes_an_item_and_what_is_hidden_in_it_stays(client, send, vendor, vendor_reviewer):
    case = send(0.5, output=TWO)
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    client.force_login(vendor_reviewer)
    with acting_as(vendor_reviewer):
        queues.claim(case.pk, by=vendor_reviewer)

    shown = client.get(at(case)).content.decode()
    added = correct(client, case, **{"2.sku": "C", "2.card": "[card 7]"})
    done = correct(client, case, **{"0": "on", "1.amount": "4"})

    assert "[card 1]" in shown and not any(card in shown for card in CARDS)
    assert added.status_code == 422 and "stands for nothing in this case" in added.content.decode()
    assert done.status_code == 302
    assert Case.objects.get(pk=case.pk).standing_output == {"items": [{**TWO["items"][1], "amount": 4}]}


@with_items
def test_what_was_undone_stands_in_the_items_again(bench, held, refunds, owner, output_schema):
    factories.policy(refunds, owner, rules={**refunds.policy.rules, "grace_seconds": 60}, output_schema=output_schema)
    case = held(output=TWO)
    correct(bench, case, **{"0": "on", "1.sku": "B-1"})
    bench.post(at(case), {"verb": "undo", "revision": 2})

    again = bench.post(
        at(case), {"verb": "correct", "revision": Case.objects.get(pk=case.pk).revision, **as_opened(bench, case)}
    )

    assert again.status_code == 302
    assert Case.objects.get(pk=case.pk).standing_output == {"items": [{**TWO["items"][1], "sku": "B-1"}]}


# strange


def test_html_and_markdown_of_an_ai_are_text(bench, held):
    case = held(input={"text": HTML}, output={"decision": HTML, "reply": f"{HTML}\n**bold**"}, alternatives=[HTML])

    for page in ("work", "change", "whole"):
        shown = bench.get(at(case, page)).content.decode()
        assert "<script>alert" not in shown and "<img src=x" not in shown and "<b>bold" not in shown, page
        assert 'href="javascript:' not in shown, page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in bench.get(at(case)).content.decode()


@pytest.mark.parametrize(
    "output_schema",
    [
        {
            "required": ["decision"],
            "properties": {
                "decision": {"type": "string"},
                "scan": {"type": "string", "format": "uri"},
                "pages": {"type": "array", "items": {"type": "string", "format": "uri"}},
                "reply": {"type": "string"},
            },
        }
    ],
)
def test_an_address_of_the_web_is_a_link_and_no_other(bench, held):
    scan = "https://files.example.org/scan.pdf?a=1&b=%22"
    pages = ["https://files.example.org/1.pdf", "javascript:alert(1)", "ftp://files.example.org/2.pdf"]
    sent = {
        "scan": scan,
        "more": [f"See {scan}", "http://[", 'https://a.example/"><b>x', "data:text/html,x", "ftp://a.example/x"],
    }
    case = held(input=sent, output={"decision": "refund", "scan": scan, "pages": pages, "reply": scan})

    links = re.findall(
        r'<a href="([^"]*)" target="_blank" rel="noopener noreferrer nofollow">', bench.get(at(case)).content.decode()
    )
    alone = bench.get(at(case, "change")).content.decode()

    there = "https://files.example.org/scan.pdf?a=1&amp;b=%22"
    assert links == [there, there, pages[0]]
    assert alone.count(f'<a href="{there}"') >= 3 and 'href="javascript:' not in alone and "<b>x" not in alone


def test_the_name_of_a_field_is_text_too(bench, held):
    case = held(input={HTML: "x"}, output={"decision": "refund", HTML: "y"})

    for page in ("work", "change"):
        assert "<script>alert" not in bench.get(at(case, page)).content.decode()


def test_control_signs_and_hidden_directions_are_made_visible(bench, held):
    case = held(input={"text": "pay \x1b[31m 10 \u202e001\u202c EUR\u200b now\tand\nthen"})

    shown = bench.get(at(case)).content.decode()
    told = re.search(r'<span class="text" dir="auto">(pay .*?then)</span>', shown, re.S)[1]

    assert re.findall(r'<span class="unseen">(U\+[0-9A-F]+)</span>', told) == ["U+001B", "U+202E", "U+202C", "U+200B"]
    assert "now\tand\nthen" in told and "\x1b" not in told and "\u202e" not in told


def test_what_joins_the_letters_of_a_script_or_one_picture_is_no_sign_that_hides(bench, held):
    persian, family = "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\U0001f468\u200d\U0001f469"
    case = held(input={"text": f"see {persian} {family} pay\u200cpal \u200d then"})

    shown = bench.get(at(case)).content.decode()
    told = re.search(r'<span class="text" dir="auto">(see .*?then)</span>', shown, re.S)[1]

    assert persian in told and family in told
    assert re.findall(r'<span class="unseen">(U\+[0-9A-F]+)</span>', told) == ["U+200C", "U+200D"]


def test_of_a_field_too_the_signs_that_nobody_sees_are_told(bench, held):
    case = held(output={"decision": "pay \u202e001", "reply": "one\r\ntwo", "lines": ["\x1b[31m", "\u202e", "\u202e"]})

    shown = bench.get(at(case)).content.decode()

    told = re.findall(r"signs that nobody sees: (.*?)</p>", shown)
    assert [re.findall(r"U\+[0-9A-F]+", each) for each in told] == [["U+202E"], ["U+001B", "U+202E"]]
    assert "pay \u202e001" in shown  # the field itself keeps what stands


def test_the_ends_of_lines_are_no_signs_that_nobody_sees(bench, held):
    shown = bench.get(at(held(input={"text": "one\r\ntwo"}))).content.decode()

    assert '<span class="text" dir="auto">one\ntwo</span>' in shown


def test_right_to_left_finds_its_own_direction(bench, held):
    case = held(input={"text": ARABIC}, output={"decision": ARABIC, "reply": f"{ARABIC}\n{ARABIC}"})

    shown = bench.get(at(case)).content.decode()

    assert f'<span class="text" dir="auto">{ARABIC}</span>' in shown
    for field in re.findall(r"<(?:textarea|input)[^>]*name=\"output\.[^>]*>", shown):
        assert 'dir="auto"' in field, field


def test_what_the_output_breaks_of_its_schema_is_said_and_it_is_decided_all_the_same(client, send, resolver):
    case = send(0.9, output={"decision": 7, "reply": ["not", "a text"], "lines": "none"})
    client.force_login(resolver)

    shown = client.get(at(case)).content.decode()
    typed = {"verb": "resolve", "revision": 1, "resolve.reason": "As it should be.", "output.decision": "decline"}
    client.post(at(case), {**typed, "output.reply": "Sorry.", "output.lines": "[]"})

    assert case.state == "resolution"
    assert "is not of type" in shown
    assert Case.objects.get(pk=case.pk).standing == {"decision": "decline", "reply": "Sorry.", "lines": []}


# while it is open


def test_withdrawn_while_open_it_is_said_and_what_was_typed_stays(bench, held, integration):
    case = held()
    actions.withdraw(case.pk, by=integration, reason="Sent twice.")

    answer = bench.post(at(case), {"verb": "escalate", "revision": 1, "escalate.reason": "A long thought"})

    shown = answer.content.decode()
    assert answer.status_code == 409
    assert f"withdrawn by {integration}" in shown and "A long thought" in shown
    assert not Decision.objects.exists()


def test_a_policy_published_while_open_leaves_the_case_under_its_own(bench, held, refunds, owner):
    case = held(action={"type": "note"})
    factories.policy(refunds, owner, rules={"default_tier": "high", "grace_seconds": 600})

    bench.get(at(case))
    bench.post(at(case), {"verb": "accept", "revision": 1})

    done = Case.objects.get(pk=case.pk)
    assert (done.state, done.policy_id, done.settles_at) == ("closed", case.policy_id, None)


def test_in_two_tabs_the_first_decides_and_the_second_is_told(bench, held, reviewer):
    case = held()
    one, two = {"verb": "accept", "revision": 1}, {"verb": "escalate", "revision": 1, "escalate.reason": "A second thought"}

    bench.post(at(case), one)
    answer = bench.post(at(case), two)

    shown = answer.content.decode()
    assert answer.status_code == 409
    assert f"accepted by {reviewer}" in shown and "A second thought" in shown
    assert [decision.verb for decision in case.decisions.all()] == ["accept"]


def test_back_from_the_next_case_the_old_form_decides_nothing_twice(bench, held, send):
    case = held()
    waiting = send(0.5)
    form = {"verb": "accept", "revision": 1, "next": "1"}

    assert bench.post(at(case), form).url == at(waiting)
    again = bench.post(at(case), form)  # the back button, and the key once more

    assert again.status_code == 409
    assert "accepted by" in bench.get(at(case)).content.decode() or bench.get(at(case)).status_code == 200
    assert case.decisions.count() == 1
    assert Case.objects.get(pk=waiting.pk).state == "review"
    assert AuditEvent.objects.filter(subject_id=case.pk, verb="case.accept").count() == 1
