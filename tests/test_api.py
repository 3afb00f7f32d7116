"""The doors over REST."""

import json
import re
from concurrent.futures import Future

import msgspec
import pytest
from drf_spectacular.validation import validate_schema

from accounts.keys import KeyThrottle
from cases import events
from cases.api import VERBS
from cases.models import Case
from integrations import delivery, posting, signature
from integrations.models import OutboxRow, WebhookEndpoint
from scorecards import actions as scorecards
from tests import factories
from workflows import actions as workflows

pytestmark = pytest.mark.django_db


def item(external_id="A-1", **more):
    return {
        "workflow": "refunds",
        "external_id": external_id,
        "input": {"text": "Where is my money?"},
        "output": {"decision": "refund"},
        "confidence": 0.5,
        **more,
    }


@pytest.fixture
def post(client):
    def post(path, body, **headers):
        content = body if isinstance(body, str | bytes) else json.dumps(body)
        return client.post(f"/api/v1/{path}", content, content_type="application/json", **headers)

    return post


def test_an_output_comes_in_and_the_caller_knows_at_once_what_it_may_do(post, key, integration):
    header = key(integration)

    held = post("cases/", item(), **header)
    go = post("cases/", item("A-2", confidence=0.99), **header)

    assert (held.status_code, held.json()["verdict"], held.json()["desk"]) == (201, "held", "review")
    assert held.json()["sentence"] == "Held for review: confidence 0.5 is below 0.8 (medium risk)."
    assert go.json()["verdict"] == "go" and go.json()["released_output"] == {"decision": "refund"}


def test_the_same_output_again_is_known_and_another_body_is_a_conflict(post, key, integration):
    header = key(integration)
    first = post("cases/", item(), **header)

    again = post("cases/", item(), **header)
    other = post("cases/", item(output={"decision": "reject"}), **header)

    assert (again.status_code, again.json()["id"], again.json()["status"]) == (200, first.json()["id"], "known")
    assert (other.status_code, other.json()["code"]) == (409, "external_id_reused")
    assert Case.objects.count() == 1


def test_a_correction_is_decided_released_and_announced_in_few_statements(
    post, key, reviewer, send, django_assert_max_num_queries
):
    """Of the fifteen, four are the savepoints of the request and of the gate."""
    first, case = send(), send()
    header, corrected = key(reviewer), {"output": {"decision": "no"}}
    assert post(f"cases/{first.pk}/claim/", {}, **header).status_code == 200
    assert post(f"cases/{first.pk}/correct/", corrected, **header).status_code == 200
    assert post(f"cases/{case.pk}/claim/", {}, **header).status_code == 200

    with django_assert_max_num_queries(15):
        assert post(f"cases/{case.pk}/correct/", corrected, **header).json()["closed_as"] == "corrected"

    rows = OutboxRow.objects.filter(case_id=case.pk).order_by("number").values_list("number", "event")
    assert [*rows] == [(1, "case.decided"), (2, "case.released")]


def test_a_batch_keeps_the_good_ones_and_says_of_each_bad_one_why(post, key, integration):
    batch = [
        item("B-1"),
        item("B-2", confidence="high"),
        item("B-3", nonsense=1),
        item("B-1", output={"decision": "no"}),
        item("B-4", action={"type": "refund", "amount": -1, "currency": "EUR"}),
        item("B-5", workflow="nope"),
        item("B-6", input={"text": "\x00"}),
        item("B-7", received_at="2999-01-01T00:00:00Z"),
        item("B-8", action={"type": "refund", "amount": 1, "currency": "XXQ"}),
        item("B-1"),
    ]

    answer = post("cases/bulk/", {"cases": batch}, **key(integration)).json()

    codes = [result.get("code") for result in answer["results"]]
    refusals = [
        "invalid",
        "external_id_reused",
        "bad_amount",
        "unknown_workflow",
        "nul_character",
        "bad_time",
        "bad_amount",
    ]
    assert codes == [None, None, *refusals, None]
    assert (answer["received"], answer["known"], answer["refused"]) == (2, 1, 7)


def test_what_is_refused_in_a_batch_is_found_again_by_its_id_and_its_place(post, key, integration):
    batch = [
        item("C-0"),
        item("C-1", nonsense=1),
        item(17),
        item("C-3", action={"type": "refund", "amount": -1, "currency": "EUR"}),
        item("C-4", input={"lines": ["fine", "\x00"]}),
        item("C-0", output={"decision": "no"}),
        "no object",
    ]

    results = post("cases/bulk/", {"cases": batch}, **key(integration)).json()["results"]

    assert [(each["index"], each["external_id"]) for each in results] == [
        *((0, "C-0"), (1, "C-1"), (2, ""), (3, "C-3"), (4, "C-4"), (5, "C-0"), (6, "")),
    ]
    assert [each["verdict"] for each in results] == ["held", *["refused"] * 6]
    assert "errors" not in results[0]
    assert [each["errors"][0]["pointer"] for each in results[1:]] == [
        "#/cases/1/nonsense",
        "#/cases/2/external_id",
        "#/cases/3/action/amount",
        "#/cases/4/input/lines/1",
        "#/cases/5/external_id",
        "#/cases/6",
    ]
    assert results[1]["detail"] == "Object contains unknown field `nonsense`."
    assert results[2]["detail"] == "external_id: Expected `str`, got `int`."


@pytest.mark.parametrize(
    ("bad", "at", "says"),
    [
        (item("D-1", input="text"), "#/cases/1/input", "(“D-1”): input: Expected `object`, got `str`."),
        (item("D-1", confidences={"a": 1}, alternatives=7), "#/cases/1/alternatives", "(“D-1”): alternatives: Expected"),
        (item("D-1", workflow="refunds\0"), "#/cases/1/workflow", "(“D-1”): There is no workflow"),
        (item(17), "#/cases/1/external_id", "cases/1: external_id: Expected `str`, got `int`."),
        (17, "#/cases/1", "cases/1: Expected `object`, got `int`."),
    ],
)
def test_of_a_batch_it_is_said_in_words_which_output_is_wrong_and_what_became_of_the_others(
    post, key, integration, bad, at, says
):
    sent = post("cases/bulk/", {"cases": [item("D-0"), bad, item("D-2")]}, **key(integration))

    told = sent.json()
    assert (sent.status_code, told["received"], told["refused"]) == (200, 2, 1)
    assert [error["pointer"] for error in told["results"][1]["errors"]] == [at]
    assert told["detail"].startswith("1 of 3 outputs was refused and not taken in. It is cases/1") and says in told["detail"]
    assert told["detail"].endswith(" The other 2 are in.") and Case.objects.count() == 2


def test_what_became_of_a_batch_is_counted_in_words(post, key, integration):
    def told(*batch):
        return post("cases/bulk/", {"cases": batch}, **header).json()["detail"]

    header = key(integration)

    assert told(item("E-1"), item("E-1"), item("E-2")) == "No output was refused."
    assert told(item("E-1"), 1, 2).startswith("2 of 3 outputs were refused and not taken in. The first is cases/1: Expected")
    assert told(item("E-1"), 1, 2).endswith(" The other one is in.") and told(1, 2).endswith(" None is in.")


def test_a_batch_that_is_no_json_is_told_with_the_text_around_the_byte(post, key, integration):
    batch = json.dumps({"cases": [item("N-1"), item("N-2", confidence=float("nan"))]})

    answer = post("cases/bulk/", batch, **key(integration))

    assert (answer.status_code, answer.json()["code"]) == (400, "parse_error")
    assert f"(byte {batch.index('NaN')})" in answer.json()["detail"] and '"confidence": NaN}]}”' in answer.json()["detail"]
    assert answer.json()["detail"].endswith("”. None of the outputs was taken in.") and not Case.objects.exists()
    cut = post("cases/bulk/", batch[:40], **key(integration)).json()
    assert cut["detail"] == "Input data was truncated. None of the outputs was taken in."


@pytest.mark.parametrize(
    ("more", "pointer", "says"),
    [
        ({"received_at": "2999-01-01T00:00:00Z"}, "#/received_at", "in the future"),
        ({"received_at": "yesterday"}, "#/received_at", "such as 2026-06-01T07:16:59Z"),
        ({"action": {"type": "refund", "amount": 1, "currency": "XXQ"}}, "#/action/amount", "XXQ"),
        ({"action": {"amount": 1, "currency": "EUR"}}, "#/action/type", "refund"),
        ({"workflow": "nope"}, "#/workflow", "nope"),
        ({"extra": 1}, "#/extra", "extra"),
    ],
)
def test_what_is_wrong_with_an_output_is_told_with_its_place(post, key, integration, more, pointer, says):
    told = post("cases/", item(**more), **key(integration)).json()

    assert [error["pointer"] for error in told["errors"]] == [pointer]
    assert says in told["detail"]


@pytest.mark.parametrize("sent", ["97%", 97, -0.5, 10**4200, True, None], ids=lambda value: str(value)[:20])
def test_what_is_no_confidence_holds_the_output(post, key, integration, sent):
    answer = post("cases/", item(confidence=sent), **key(integration))

    assert (answer.status_code, answer.json()["verdict"]) == (201, "held")
    assert answer.json()["sentence"] == "Held for review: no usable confidence was given."


def test_another_body_under_a_known_id_is_told_what_can_be_done(post, key, integration):
    header = key(integration)
    post("cases/", item(), **header)

    told = post("cases/", item(output={"decision": "no"}), **header).json()

    assert [error["pointer"] for error in told["errors"]] == ["#/external_id"]
    assert all(word in told["detail"] for word in ("id of its own", "withdrawn", "rework"))


def test_a_value_that_is_none_of_the_allowed_is_told_with_them(post, key, integration):
    header = key(integration)
    one = post("cases/", item(confidence=0.99), **header).json()["id"]

    place = post(f"cases/{one}/rework/", {"reason": "Wrong", "place": "moon"}, **header).json()
    missing = post(f"cases/{one}/rework/", {"place": "support"}, **header).json()

    assert place["errors"][0]["pointer"] == "#/place" and "“other”, “sampled_review”, “support”" in place["detail"]
    assert missing["errors"][0]["pointer"] == "#/reason"
    assert missing["detail"] == "Object missing required field `reason`."


def test_every_verb_over_rest(post, key, integration, reviewer, resolver, approver, client):
    sender, review, resolve, approve = (key(who) for who in (integration, reviewer, resolver, approver))
    one = post("cases/", item(), **sender).json()["id"]

    assert post("cases/next/", {"desk": "review"}, **review).json()["id"] == one
    assert post(f"cases/{one}/heartbeat/", "", **review).status_code == 200
    assert post(f"cases/{one}/escalate/", {"reason": "Unclear"}, **review).json()["state"] == "resolution"
    assert post(f"cases/{one}/escalate/", {"reason": "Big"}, **resolve).json()["state"] == "approval"
    answer = post(f"cases/{one}/approve/", {}, **approve)
    assert answer.json()["closed_as"] == "released", answer.content

    story = client.get(f"/api/v1/cases/{one}/", **sender).json()["story"]
    assert [told["verb"] for told in story] == [
        "case.received",
        "case.escalate",
        "case.escalate",
        "case.approve",
        "case.release",
    ]
    waited = client.get(f"/api/v1/cases/{one}/wait/?timeout=0", **sender)
    assert waited.json()["decided"] is True


def test_what_is_not_visible_does_not_exist(post, key, client, integration, stranger, vendor_reviewer):
    one = post("cases/", item(), **key(integration)).json()["id"]
    Case.objects.filter(pk=one).update(vendor=None)  # the house's own

    for who in (stranger, vendor_reviewer):
        header = key(who)
        assert client.get(f"/api/v1/cases/{one}/", **header).status_code == 404
        for verb in ("accept", "claim", "heartbeat", "give-back"):
            assert post(f"cases/{one}/{verb}/", {}, **header).status_code == 404
        assert client.get("/api/v1/cases/", **header).json()["results"] == []


def test_a_key_may_do_no_more_than_its_verbs(post, key, integration, reviewer):
    one = post("cases/", item(), **key(integration)).json()["id"]

    answer = post(f"cases/{one}/accept/", {}, **key(reviewer, verbs=["read"]))

    assert (answer.status_code, answer.json()["detail"]) == (
        403,
        "This API key may not accept. A key keeps its verbs; an administrator makes another, under People → API keys.",
    )


def test_a_key_beyond_its_rate_is_told_when_to_come_back(post, key, integration, monkeypatch):
    monkeypatch.setattr(KeyThrottle, "THROTTLE_RATES", {"key": "1/min"})
    header = key(integration)

    answers = [post("cases/", item(), **header) for _ in range(3)]  # in two different minutes at most

    refused = [answer for answer in answers if answer.status_code == 429]
    assert refused and all(0 < int(answer["Retry-After"]) <= 60 for answer in refused)


def test_without_a_key_or_with_a_bad_one(client, post):
    without = client.get("/api/v1/cases/")
    assert without.status_code == 401 and "`Authorization: Bearer hd_live_…`" in without.json()["detail"]
    answer = post("cases/", item(), HTTP_AUTHORIZATION="Bearer hd_live_nonsense")
    assert (answer.status_code, answer.json()["code"]) == (401, "key_unknown")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ("{", 400),
        ('{"workflow": NaN}', 400),
        (json.dumps(item(input={"text": "\ud800"})), 400),
        (json.dumps(item(input={"text": "#"})).encode().replace(b"#", b"\xff"), 400),
        (json.dumps(item(input={"deep": "#"})).replace('"#"', "[" * 100_000), 400),
        ("[]", 422),
        ("", 422),
        ('{"workflow": "refunds"}', 422),
        (json.dumps(item(confidence=None, extra=1)), 422),
        (json.dumps(item(external_id="")), 422),
        (json.dumps(item(external_id="x" * 201)), 422),
        (json.dumps(item(input="text")), 422),
        (json.dumps(item(action={"type": "refund", "amount": "a lot", "currency": "EUR"})), 422),
        (json.dumps(item(action={"type": "refund", "amount": 1e15, "currency": "EUR"})), 422),
        (json.dumps(item(action={"amount": 1, "currency": "EUR"})), 422),
        (json.dumps(item(action={"type": "refund", "amount": "1.001", "currency": "EUR"})), 422),
        (json.dumps(item(input={"n": 10**4000})), 201),
        (b'{"workflow":"refunds","external_id":"n","output":{},"input":{"n":' + b"9" * 5000 + b"}}", 422),
        (json.dumps(item(input={"deep": json.loads("[" * 150 + "]" * 150)})), 201),
    ],
)
def test_bad_input_gets_a_clear_answer_and_leaves_nothing(post, key, integration, body, status):
    answer = post("cases/", body, **key(integration))

    assert answer.status_code == status, answer.content[:300]
    if status >= 400:
        assert answer["Content-Type"] == "application/problem+json"
        assert Case.objects.count() == 0


def test_the_schema_is_complete_and_valid(client, capsys):
    schema = client.get("/api/v1/openapi.json").json()

    validate_schema(schema)
    assert {f"/api/v1/cases/{{id}}/{verb.replace('_', '-')}/" for verb in VERBS} <= set(schema["paths"])
    assert capsys.readouterr().err == ""  # the generator had nothing to warn of


def test_the_documentation_page_needs_nothing_from_elsewhere(client):
    page = client.get("/api/v1/docs/").content.decode()

    assert "openapi.json" in page
    assert "https://" not in page.replace("https://127.0.0.1", "")


def test_a_post_without_the_last_slash_is_an_error_and_no_redirect(post, key, integration):
    """Many clients turn a redirected POST into a GET, read its 200, and believe the output was taken in."""
    answer = post("cases", item(), **key(integration))

    assert (answer.status_code, answer["Content-Type"]) == (404, "application/problem+json")
    assert "/api/v1/cases/." in answer.json()["detail"]
    assert answer["X-Request-Id"] == answer.json()["request_id"] and "Location" not in answer


@pytest.mark.parametrize(
    ("asked", "pointer", "says"),
    [
        ("?status=closed", "#/status", "There are external_id, tier,"),
        ("?state=done", "#/state", "Say one of intake, review, resolution,"),
        ("?tier=huge", "#/tier", "Say one of low, medium, high"),
        ("?received_after=yesterday", "#/received_after", "such as 2026-06-01T07:16:59Z"),
        ("?workflow=nope", "#/workflow", "no workflow “nope”"),
        ("1/?fields=id", "#/fields", "There are none here."),
        ("1/wait/?timeout=300", "#/timeout", "from 0 to 60"),
        ("1/wait/?seconds=3", "#/seconds", "There are timeout."),
    ],
)
def test_what_a_list_is_asked_and_does_not_know_is_told(client, key, integration, asked, pointer, says):
    answer = client.get(f"/api/v1/cases/{asked}", **key(integration))

    assert answer.status_code in (400, 422) and says in answer.json()["detail"], answer.content
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]


def test_a_workflow_without_cases_is_an_empty_list_to_whoever_is_seated_in_it(
    client, key, integration, vendor_reviewer, stranger
):
    listed = [client.get("/api/v1/cases/?workflow=refunds", **key(who)) for who in (integration, vendor_reviewer, stranger)]

    assert [answer.status_code for answer in listed] == [200, 200, 400]


def test_the_same_output_again_is_go_only_while_what_stands_is_released(post, key, integration, resolver):
    """Released, reopened and resolved as a risky action, the case waits for an approval: asking again must not say go."""
    header = key(integration)
    body = item(confidence=0.99)
    one = post("cases/", body, **header).json()
    assert one["verdict"] == "go"
    post(f"cases/{one['id']}/reopen/", {"reason": "Wrong"}, **header)
    risky = {
        "reason": "A refund",
        "output": {"decision": "pay"},
        "action": {"type": "refund", "amount": "5", "currency": "EUR"},
    }
    assert post(f"cases/{one['id']}/resolve/", risky, **key(resolver)).json()["state"] == "approval"

    again = post("cases/", body, **header).json()

    assert (again["status"], again["verdict"], again["released_output"]) == ("known", "held", None)


def test_marks_over_rest_decide_whether_an_output_may_be_accepted(post, key, integration, reviewer, refunds, owner):
    scorecards.publish(scorecards.ready_made(refunds, by=owner), by=owner, reason="Agreed.")
    factories.policy(refunds, owner, rules={"scorecard": 1})
    card = scorecards.as_card(scorecards.published(refunds, 1))
    best = {each.key: {"option": max(each.options, key=each.options.get)} for each in card.criteria}
    worst = {
        each.key: {"option": min(each.options, key=each.options.get), "root_cause": (*each.root_causes, "")[0]}
        for each in card.criteria
    }
    one = post("cases/", item(), **key(integration)).json()["id"]
    header = key(reviewer)

    refused = post(f"cases/{one}/accept/", {"marks": worst}, **header)
    unknown = post(f"cases/{one}/accept/", {"marks": {"charm": {"option": "Right"}}}, **header)
    accepted = post(f"cases/{one}/accept/", {"marks": best}, **header)

    assert (refused.status_code, unknown.status_code, accepted.status_code) == (422, 422, 200), refused.content
    assert "cannot be accepted" in refused.json()["detail"]
    assert Case.objects.get().decisions.get().evaluation.passed


# What the document says to a stranger


@pytest.fixture
def document(client):
    return client.get("/api/v1/openapi.json").json()


def test_every_operation_is_in_a_group_and_says_in_a_sentence_what_it_does(document):
    operations = [each for path in document["paths"].values() for each in path.values()]
    groups = {tag["name"]: tag["description"] for tag in document["tags"]}

    assert {tag for each in operations for tag in each["tags"]} == groups.keys() - {"Webhooks"} and all(groups.values())
    assert all(5 < len(each["summary"]) < 150 and "\n" not in each["summary"] for each in operations)
    assert len({each["summary"] for each in operations}) == len(operations)


def test_the_introduction_begins_with_a_call_that_is_answered_as_told(document, post, key, integration):
    told = document["info"]["description"]
    sent = json.loads(re.search(r"-d '(.+?)'\n", told, flags=re.S)[1])
    shown = json.loads(re.search(r"```json\n(.+?)```", told, flags=re.S)[1])

    answer = post("cases/", sent, **key(integration), headers={"Idempotency-Key": "refunds/R-1"}).json()

    assert answer == {**shown, "id": answer["id"]}


def test_the_introduction_states_the_limits_and_what_silence_means(document):
    told = document["info"]["description"]

    assert "$" not in told.replace("$KEY", "")
    for limit in ("| 16 MiB |", "| 1,000 |", "at most 500 |", "| 60 seconds; 8 at once"):
        assert limit in told
    assert "silence included, means: do not act" in told and "timeout, broken connection, 5xx" in told
    assert "/cases/?workflow=refunds&external_id=R-1" in told


def test_what_a_field_may_say_is_in_the_document(document):
    shapes = document["components"]["schemas"]
    answer, shown, intake = (shapes[name]["properties"] for name in ("Answer", "Summary", "Intake"))

    assert answer["verdict"]["enum"] == ["go", "held", "refused"] and answer["status"]["enum"] == [
        "known",
        "received",
        "refused",
    ]
    assert {"review", "resolution", "approval"} <= set(str(answer["desk"]).split("'"))
    assert "closed" in shown["state"]["enum"] and "no_action" in shown["closed_as"]["enum"] and "high" in shown["tier"]["enum"]
    assert (intake["confidence"]["minimum"], intake["confidence"]["maximum"]) == (0, 1) and "97%" in intake["confidence"][
        "description"
    ]


# Webhooks, as the document has them


def test_every_event_that_is_sent_is_as_the_document_tells_it(
    document, post, key, integration, reviewer, resolver, refunds, owner, monkeypatch
):
    header, place = key(integration), WebhookEndpoint.objects.create(user=integration, url="https://a.example/")
    taken = Future()
    taken.set_result(posting.Answer(200, ""))
    monkeypatch.setattr(delivery, "post", lambda wire, each: taken)
    action = {"type": "note", "amount": "1.50", "currency": "EUR"}
    kept, gone, wrong = (
        post("cases/", item(name, confidence=sure, action=action), **header).json()["id"]
        for name, sure in (("K", 0.1), ("W", 0.1), ("G", 0.99))
    )
    assert post(f"cases/{gone}/withdraw/", {}, **header).status_code == 200
    assert post(f"cases/{kept}/accept/", {}, **key(reviewer)).status_code == 200
    assert post(f"cases/{wrong}/reopen/", {"reason": "Wrong"}, **header).status_code == 200
    better = {"reason": "Not due", "output": {"decision": "no"}}
    assert post(f"cases/{wrong}/resolve/", better, **key(resolver)).status_code == 200
    workflows.stop(refunds, by=owner, reason="Strange.")
    workflows.resume(refunds, by=owner, reason="Fine.")
    delivery.try_out(place)

    rows = OutboxRow.objects.all()

    assert document["webhooks"].keys() == {*events.TOLD} == {row.event for row in rows} == {*OutboxRow.Event.values}
    for row in rows:
        said = json.loads(delivery.body_of(row))
        told = document["webhooks"][row.event]["post"]
        body = told["requestBody"]["content"]["application/json"]["schema"]
        shape = document["components"]["schemas"][body["properties"]["data"]["$ref"].rpartition("/")[2]]
        assert said.keys() == body["properties"].keys() and said["type"] == body["properties"]["type"]["const"]
        assert shape["required"] and {*shape["required"]} <= said["data"].keys() <= shape["properties"].keys()
        msgspec.convert(said["data"], events.TOLD[row.event][0], strict=False)
        headers = signature.headers("evt_1", b"", ["whsec_eA=="], row.at)
        assert [each["name"] for each in told["parameters"]] == [*headers]
