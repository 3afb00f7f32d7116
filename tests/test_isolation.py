"""Who may do what over REST: one table over every operation of the OpenAPI schema. An operation that is missing here fails.

Every request is made as the database would see it: by this person, or his vendor, and no other. Two cases wait at review, one
of Acme's and one of Bolt's; a word that is in everything of Bolt's must be in nothing that Acme's people are answered.
"""

import json
from datetime import timedelta

import pytest
from django.db import transaction
from django.urls import NoReverseMatch, reverse
from django.utils import timezone
from drf_spectacular.generators import SchemaGenerator

from cases import queues
from cases.models import Case
from tests import factories
from tests.conftest import acting_as, seated
from tests.factories import UserFactory
from tests.test_admin_access import our_addresses
from workflows import actions as workflows

pytestmark = pytest.mark.django_db

WORD = "zqxotter"
ITEM = {"workflow": "refunds", "external_id": "N-1", "input": {}, "output": {"decision": "refund"}}
WHY = {"reason": "Because"}
BODIES = {
    "cases": ITEM,
    "bulk": {"cases": [ITEM]},
    "correct": {"output": {"decision": "refuse"}},
    "no-action": {**WHY, "category": "edge-case"},
    "extend": {**WHY, "minutes": 60},
    "review-break-glass": {"verdict": "kept", "note": "Fine"},
    "own-answer": {"output": {"decision": "refuse"}},
    "pause": {**WHY, "on": "team", "whom": "Finance"},
    "snooze": {**WHY, "until": (timezone.now() + timedelta(days=1)).isoformat()},
    "rework": {**WHY, "place": "support"},
    "comment": {"text": "Look here"},
    "inquire": {"question": "Why?", "whom": "Finance"},
    "answer": {"inquiry": 1, "text": "So."},
    "attach": {"name": "a.txt", "content": "dGV4dA=="},
    "mend": {"comment": 1, "text": "Look there"},
    **dict.fromkeys(
        ["escalate", "hand-over", "recall", "reject", "reopen", "resolve", "retract", "reveal", "send-back", "skip", "ask"], WHY
    ),
}
ROLES = (
    *(
        "anonymous",
        "stranger",
        "own_vendors",
        "other_vendors",
        "own_lead",
        "other_lead",
        "reviewer",
        "resolver",
        "approver",
        "owner",
    ),
    *("manager", "auditor", "administrator", "integration", "other_integration", "vendors_system", "narrow_key"),
)
# In the order of ROLES, for the case of Acme's, whose people are “own”. 404: for this person there is no such case.
LISTS = (401, *(200,) * 15, 403)
SEERS = (401, 404, 200, 404, 404, 404, 200, 200, 200, 200, 200, 200, 404, 200, 404, 404, 403)
SENDERS = (401, *(403,) * 12, 201, 201, 403, 403)
REVIEWERS = (401, 404, 200, 404, 404, 404, 200, 403, 403, 403, 403, 403, 404, 403, 404, 404, 403)
HOLDERS = (401, 404, 409, 404, 404, 404, 409, 403, 403, 403, 403, 403, 404, 403, 404, 404, 403)  # nobody holds it
RESOLVERS = (401, 404, 403, 404, 404, 404, 403, 409, 403, 403, 403, 403, 404, 403, 404, 404, 403)  # it is not at resolution
APPROVERS = (401, 404, 403, 404, 404, 404, 403, 403, 409, 403, 403, 403, 404, 403, 404, 404, 403)  # nor at approval
OWNERS = (401, 404, 403, 404, 404, 404, 403, 403, 403, 409, 403, 403, 404, 403, 404, 404, 403)
SPEAKERS = (
    401,
    404,
    201,
    404,
    404,
    404,
    201,
    201,
    201,
    201,
    403,
    403,
    404,
    403,
    404,
    404,
    403,
)  # with a seat, or answering for it
MENDERS = (401, *(404,) * 15, 403)  # nobody has said anything yet
TABLE = {
    "GET cases/": LISTS,
    "POST cases/": SENDERS,
    "POST cases/bulk/": tuple(200 if status == 201 else status for status in SENDERS),
    "POST cases/next/": (401, 204, 200, *(204,) * 13, 403),
    "GET cases/{id}/": SEERS,
    "GET cases/{id}/why/": SEERS,
    "GET cases/{id}/wait/": SEERS,
    "POST cases/{id}/recall/": (401, 404, 409, 404, 404, 404, 409, 409, 403, 403, 403, 403, 404, 403, 404, 404, 403),
    "POST cases/{id}/retract/": (401, 404, 403, 404, 404, 404, 403, 403, 409, 409, 403, 403, 404, 403, 404, 404, 403),
    "POST cases/{id}/send-back/": (401, 404, 403, 404, 404, 404, 403, 409, 409, 403, 403, 403, 404, 403, 404, 404, 403),
    "POST cases/{id}/reopen/": (401, 404, 409, 404, 404, 404, 409, 403, 403, 409, 403, 403, 404, 409, 404, 404, 403),
    "POST cases/{id}/review-break-glass/": (
        401,
        404,
        403,
        404,
        404,
        404,
        403,
        403,
        403,
        409,
        409,
        409,
        404,
        403,
        404,
        404,
        403,
    ),
    "POST cases/{id}/rework/": (401, 404, 403, 404, 404, 404, 403, 403, 403, 403, 403, 403, 404, 409, 404, 404, 403),
    "POST cases/{id}/undo/": (401, 404, 403, 404, 404, 404, 403, 403, 403, 403, 403, 403, 404, 403, 404, 404, 403),
    "POST cases/{id}/withdraw/": (401, 404, 403, 404, 404, 404, 403, 403, 403, 403, 403, 403, 404, 200, 404, 404, 403),
    "POST cases/{id}/comment/": SPEAKERS,
    "POST cases/{id}/mend/": MENDERS,
    "POST cases/{id}/attach/": SPEAKERS,
    "GET cases/{id}/attachments/{attachment}/": MENDERS,  # nothing is attached
    "POST cases/{id}/answer/": MENDERS,
    "POST cases/{id}/extend/": OWNERS,
    "POST cases/{id}/reveal/": (401, 404, 409, 404, 404, 404, *(403,) * 6, 404, 403, 404, 404, 403),  # nobody holds it
    **{
        f"POST cases/{{id}}/{verb}/": REVIEWERS
        for verb in ("accept", "correct", "escalate", "hand-over", "claim", "skip", "pause", "inquire", "snooze", "ask")
    },
    **{f"POST cases/{{id}}/{verb}/": HOLDERS for verb in ("give-back", "heartbeat", "go-on", "own-answer")},
    **{f"POST cases/{{id}}/{verb}/": RESOLVERS for verb in ("resolve", "no-action")},
    **{f"POST cases/{{id}}/{verb}/": APPROVERS for verb in ("approve", "reject")},
}


def operations() -> list[tuple[str, str]]:
    paths = SchemaGenerator().get_schema(request=None, public=True)["paths"]
    return [(method.upper(), path) for path, methods in paths.items() for method in methods]


@pytest.fixture
def people(refunds, owner, vendor, vendor_reviewer, reviewer, resolver, approver, administrator, integration, stranger):
    bolt = factories.VendorFactory(name=f"Bolt {WORD}")
    other = seated(refunds, "reviewer", owner, bolt)
    type(other).objects.filter(pk=other.pk).update(first_name=WORD.title())
    sender = factories.IntegrationFactory()
    workflows.seat(sender, refunds, "integration", by=owner)
    return {
        "anonymous": None,
        "stranger": stranger,
        "own_vendors": vendor_reviewer,
        "other_vendors": type(other).objects.get(pk=other.pk),
        "own_lead": UserFactory(vendor=vendor, office="vendor_lead"),
        "other_lead": UserFactory(vendor=bolt, office="vendor_lead"),
        "reviewer": reviewer,
        "resolver": resolver,
        "approver": approver,
        "owner": owner,
        "manager": UserFactory(office="manager"),
        "auditor": UserFactory(office="auditor"),
        "administrator": administrator,
        "integration": integration,
        "other_integration": sender,
        "vendors_system": factories.IntegrationFactory(vendor=vendor),
        "narrow_key": reviewer,
    }


@pytest.fixture
def acmes(send, vendor) -> Case:
    case = send()
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    return case


@pytest.fixture
def bolts(send, people) -> Case:
    facts = {"context": {"note": WORD}, "segment": WORD, "channel": WORD, "customer_reference": WORD, "model_name": WORD}
    action = {"type": "credit", "amount": 5, "currency": "EUR", "payee": WORD}
    case = send(output={"decision": WORD}, external_id=WORD, input={"text": WORD}, alternatives=[WORD], action=action, **facts)
    Case.objects.filter(pk=case.pk).update(vendor=people["other_vendors"].vendor)
    queues.claim(case.pk, by=people["other_vendors"])
    return case


@pytest.fixture
def ask(client, key, people):
    """One request as one role, undone afterwards: its status and its body."""
    headers = {name: key(person) for name, person in people.items() if person and name != "narrow_key"}
    headers["narrow_key"] = key(people["narrow_key"], verbs=["withdraw"])

    def ask(role, method, path, body=None):
        with acting_as(people[role]):
            answer = client.generic(method, path, json.dumps(body or {}), "application/json", **headers.get(role, {}))
            transaction.set_rollback(True)
        return answer

    return ask


def address(path, case) -> str:
    return path.replace("{id}", str(case.pk)).replace("{pk}", str(case.pk)).replace("{attachment}", "1") + (
        "?timeout=0" if path.endswith("/wait/") else ""
    )


def body_of(path):
    return BODIES.get(path.rstrip("/").rpartition("/")[2])


def named(method, path) -> str:
    return f"{method} {path.removeprefix('/api/v1/')}"


def test_every_operation_is_in_the_table():
    assert {named(*operation) for operation in operations()} == set(TABLE)


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_who_may_do_what(ask, acmes, bolts, role):
    found = {
        named(method, path): ask(role, method, address(path, acmes), body_of(path)).status_code for method, path in operations()
    }

    assert found == {name: TABLE[name][ROLES.index(role)] for name in found}


ACMES = ("own_vendors", "own_lead", "vendors_system")


def test_another_vendors_case_does_not_exist(ask, bolts):
    """Whatever is tried, of whatever verb: 404, never 403, and the attempt is noted in the case's story."""
    for method, path in operations():
        if "{id}" in path:
            answers = [ask(role, method, address(path, bolts), body_of(path)) for role in ACMES]
            assert [answer.status_code for answer in answers] == [404, 404, 404], (method, path)
            assert not any(WORD in answer.content.decode().lower() for answer in answers)


LOOKS = [
    *(
        "",
        f"external_id={WORD}",
        f"customer_reference={WORD}",
        f"segment={WORD}",
        "state=review",
        "tier=medium",
    ),
    *(
        "is_test=false",
        "overdue=false",
        "page_size=500",
        "closed_as=",
    ),
]
NO_LOOKS = ["ordering=-customer_reference", "ordering=payee", f"search={WORD}"]  # refused, whoever asks


@pytest.mark.parametrize("role", ACMES)
def test_no_list_filter_or_order_tells_of_another_vendors_case(ask, acmes, bolts, role):
    for look in LOOKS:
        answer = ask(role, "GET", f"/api/v1/cases/?{look}")
        assert answer.status_code == 200 and WORD not in answer.content.decode().lower(), look
        assert {case["id"] for case in json.loads(answer.content)["results"]} <= {acmes.pk}, look
    for look in NO_LOOKS:
        answer = ask(role, "GET", f"/api/v1/cases/?{look}")
        assert answer.status_code == 400 and WORD not in answer.content.decode().lower(), look


@pytest.mark.parametrize("role", ACMES)
def test_a_workflow_where_one_sees_nothing_is_refused_as_one_that_is_not_there(ask, acmes, bolts, role):
    there, not_there = (ask(role, "GET", f"/api/v1/cases/?workflow={slug}") for slug in ("refunds", "nowhere"))

    if role == "own_vendors":
        assert [case["id"] for case in json.loads(there.content)["results"]] == [acmes.pk]
    else:
        said = there.json()["errors"][0]["detail"].replace("refunds", "nowhere")
        assert there.status_code == not_there.status_code == 400 and said == not_there.json()["errors"][0]["detail"]


def test_the_next_case_is_ones_own_sides(ask, people, acmes, bolts):
    Case.objects.filter(pk=acmes.pk).update(priority=-1)
    queues.give_back(bolts.pk, by=people["other_vendors"])
    Case.objects.filter(pk=bolts.pk).update(priority=9)

    assert json.loads(ask("own_vendors", "POST", "/api/v1/cases/next/").content)["id"] == acmes.pk
    assert json.loads(ask("other_vendors", "POST", "/api/v1/cases/next/").content)["id"] == bolts.pk


# The admin: every page, with its searches, filters and orders


def pages(case) -> list[str]:
    """Every address of the admin's, about this case where it is about one; else about whatever has the first ids."""
    found = []
    for name in set(our_addresses()) - {"logout"}:
        for arguments in ([], [case.pk], ["review"], [case.pk, 0], [case.pk, case.pk]):
            try:
                found.append(reverse(f"admin:{name}", args=arguments))
            except NoReverseMatch:
                continue
            break
    lists = [reverse("admin:cases_case_changelist"), reverse("admin:cases_case_desk", args=["review"])]
    asked = [
        f"q={WORD}",
        "state=review",
        "tier=medium",
        "workflow=refunds",
        "o=1",
        "o=-7",
        "e=1",
        f"customer_reference={WORD}",
        f"payee__startswith={WORD}",
    ]
    picks = [
        ("cases", "case", "workflow"),
        ("cases", "case", "claimed_by"),
        ("workflows", "seat", "user"),
        ("accounts", "user", "vendor"),
    ]
    picked = [
        f"{reverse('admin:autocomplete')}?app_label={app}&model_name={model}&field_name={field}&term={WORD}"
        for app, model, field in picks
    ]
    return [*found, *(f"{page}?{more}" for page in lists for more in asked), *picked, f"{reverse('admin:search')}?s={WORD}"]


@pytest.mark.long
@pytest.mark.parametrize("role", ["own_vendors", "own_lead"])
def test_no_page_tells_of_another_vendors_case(client, people, acmes, bolts, role):
    client.force_login(people[role])
    told = []
    for page in pages(bolts):
        for method in ("GET", "POST"):
            with acting_as(people[role]):
                answer = client.generic(method, page, "reason=Mine", "application/x-www-form-urlencoded")
                transaction.set_rollback(True)
            if leaks(answer, page, bolts):
                told.append((method, page, answer.status_code))

    assert told == []


def leaks(answer, page, case) -> bool:
    """A page about it that is there; a word of it, but where one asked for that word; a link to it."""
    body, about = answer.content.decode().lower(), f"/cases/case/{case.pk}/"
    there = about in page and answer.status_code not in (404, 405)
    return there or about in body.replace(page, "") or (WORD in body and WORD not in page) or answer.status_code >= 500
