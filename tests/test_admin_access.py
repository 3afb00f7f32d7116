"""Who may open what in the admin: one table over every address of the site. An address that is missing here fails."""

import re
from datetime import timedelta

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import NoReverseMatch, URLPattern, reverse

from accounts import actions as people
from audit import clock
from audit.models import AuditEvent
from cases import actions, replay
from cases.models import Case
from cases.urls import urlpatterns as api
from integrations.models import Delivery, OutboxRow, WebhookEndpoint
from jobs.models import Job, Schedule
from scorecards import actions as scorecards
from scorecards.models import Criterion
from tests import factories
from tests.conftest import keys, seated
from tests.doors import give, let_in
from tests.factories import UserFactory
from workflows import actions as workflows
from workflows.editing.pages import LISTS, SECTIONS
from workflows.models import AIRelease, Calendar, PlaybookSection, Seat

pytestmark = pytest.mark.django_db

ROLES = ("anonymous", "stranger", "reviewer", "vendor_reviewer", "approver", "owner", "administrator", "auditor")
# In the order of ROLES. 302: to the sign-in; 404: for this person there is no such thing; 405: only by POST; 409: not now.
EVERYBODY = (302, 200, 200, 200, 200, 200, 200, 200)
IN_HOUSE = (302, 200, 200, 403, 200, 200, 200, 200)
SEEING = (302, 403, 200, 403, 200, 200, 200, 200)  # in-house, with something to do in the workflow
DEFINERS = (302, 403, 403, 403, 403, 200, 200, 403)
OWNERS = (302, 403, 403, 403, 403, 200, 403, 403)
ADMINISTRATORS = (302, 403, 403, 403, 403, 403, 200, 403)
WATCHERS = (302, 403, 403, 403, 403, 403, 200, 200)
NOBODY = (302, 403, 403, 403, 403, 403, 403, 403)

A_DAY = timedelta(days=1)
LEADS_PAGES = ("changelist", "propose", "take_back", "withdraw", "withdraw_seat", "link")
TABLE = {
    "index": EVERYBODY,
    "away": (302, *(405,) * 7),
    "search": EVERYBODY,
    "password_change": EVERYBODY,
    "password_change_done": EVERYBODY,
    "jsi18n": EVERYBODY,
    "login": (302, 302, 302, 302, 302, 302, 302, 302),
    "logout": (302, 405, 405, 405, 405, 405, 405, 405),
    "autocomplete": IN_HOUSE,
    "view_on_site": (302, 404, 404, 404, 404, 404, 404, 404),
    "app_list": (302, 200, 200, 404, 200, 200, 200, 200),
    "cases_case_changelist": EVERYBODY,
    "cases_case_desk": EVERYBODY,
    **dict.fromkeys(
        (
            "cases_case_next",
            "cases_case_skim",
            "cases_case_bulk",
            "cases_case_bulk_do",
            "cases_case_save_view",
            "cases_case_remove_view",
        ),
        (302, 405, 405, 405, 405, 405, 405, 405),
    ),
    "cases_case_bulk_results": (302, *[404] * 7),  # whoever asked for it: tests/test_many.py
    "cases_case_find": EVERYBODY,
    "cases_case_change": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_case_work": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_case_talk": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_case_attach": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_attachment_open": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_attachment_off": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_notices": EVERYBODY,
    "cases_notices_read": (302, *(405,) * 7),
    "cases_notice_go": (302, 404, 302, *(404,) * 5),  # the reviewer's own
    "cases_wishes": EVERYBODY,
    "cases_asked": EVERYBODY,
    "cases_inquiry": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_inquiry_link": (302, *(404,) * 7),  # only by POST
    "cases_approvals": (302, 403, 403, 403, 200, 403, 403, 403),
    "cases_case_approval": (302, 404, 403, 404, 200, 403, 404, 403),
    "cases_case_heartbeat": (302, 405, 405, 405, 405, 405, 405, 405),
    "cases_case_score": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_case_claim": (302, 405, 405, 405, 405, 405, 405, 405),
    "cases_case_give_back": (302, 405, 405, 405, 405, 405, 405, 405),
    "cases_stuck": IN_HOUSE,
    "cases_forecast": IN_HOUSE,
    "cases_try_policy": SEEING,
    "cases_replay_policy": SEEING,
    "cases_replay_change": SEEING,
    "cases_trigger_log": SEEING,
    "cases_reveal_changelist": IN_HOUSE,
    "cases_case_whole": (302, 404, 200, 404, 200, 200, 404, 200),
    "cases_rulings": IN_HOUSE,
    "cases_own_decisions": EVERYBODY,
    **dict.fromkeys(["cases_rulings_answer", "cases_rulings_write_down", "cases_rulings_publish"], (302, *[405] * 7)),
    "improvements_findings": IN_HOUSE,
    "improvements_flag": (302, 404, 200, 404, 403, 403, 404, 403),
    "quality_attention": IN_HOUSE,
    "quality_attention_person": (302, 404, 404, 403, 404, 404, 404, 404),  # nobody has decided yet; tests/test_attention.py
    "workflows_workflow_seat": DEFINERS,
    "workflows_workflow_calendar": DEFINERS,
    "workflows_workflow_own": DEFINERS,
    "workflows_workflow_end_seat": DEFINERS,
    "workflows_workflow_delegate": (302, 403, 403, 403, 200, 200, 200, 403),  # the seat's holder, and who may for him
    "workflows_workflow_end_delegation": (302, 403, 403, 403, 200, 200, 200, 403),
    "accounts_user_absent": (302, 403, 200, 403, 403, 403, 200, 403),  # the reviewer himself
    "accounts_user_back": (302, 403, 200, 403, 403, 403, 200, 403),
    "accounts_user_call_off": (302, 403, 200, 403, 403, 403, 200, 403),
    "workflows_workflow_draft": DEFINERS,
    "workflows_workflow_stop": OWNERS,
    "workflows_workflow_resume": OWNERS,
    "workflows_workflow_rate": OWNERS,
    "workflows_workflow_two": OWNERS,
    "workflows_workflow_one": OWNERS,
    "workflows_workflow_limit": DEFINERS,
    "workflows_policy_difference": IN_HOUSE,
    "workflows_policy_sign": OWNERS,
    "workflows_policy_roll_back": OWNERS,
    "workflows_policy_discard": DEFINERS,
    "workflows_policy_restore": DEFINERS,
    "workflows_workflow_add": ADMINISTRATORS,
    "workflows_policy_publish": OWNERS,
    "workflows_policy_add": NOBODY,
    "workflows_exceptioncategory_add": DEFINERS,
    "workflows_playbooksection_add": DEFINERS,
    "workflows_playbooksection_delete": DEFINERS,
    "workflows_airelease_add": NOBODY,
    "workflows_calendar_add": DEFINERS,
    "workflows_calendar_due": IN_HOUSE,
    "workflows_engagement_changelist": IN_HOUSE,
    "workflows_engagement_change": IN_HOUSE,
    "workflows_engagement_history": IN_HOUSE,
    "workflows_engagement_cover": IN_HOUSE,
    "workflows_engagement_delete": NOBODY,
    "workflows_engagement_add": DEFINERS,
    "workflows_engagement_edit": DEFINERS,
    "workflows_engagement_end": DEFINERS,
    "workflows_engagement_mandate": DEFINERS,
    "workflows_engagement_edit_mandate": DEFINERS,
    "workflows_engagement_end_mandate": DEFINERS,
    "workflows_engagement_accept": DEFINERS,
    "workflows_engagement_decline": DEFINERS,
    "workflows_workflow_staffed": DEFINERS,
    **{f"workflows_proposal_{page}": NOBODY for page in LEADS_PAGES},  # for leads: tests/test_engagement_pages.py
    "scorecards_scorecard_preview": IN_HOUSE,
    "scorecards_scorecard_copy": DEFINERS,
    "scorecards_scorecard_publish": OWNERS,
    "scorecards_scorecard_add": DEFINERS,
    "scorecards_scorecard_delete": DEFINERS,
    "scorecards_criterion_changelist": (302,) * 8,
    "scorecards_criterion_add": NOBODY,
    "scorecards_criterion_delete": DEFINERS,
    "accounts_user_add": ADMINISTRATORS,
    "auth_user_password_change": ADMINISTRATORS,
    "accounts_user_unlock": ADMINISTRATORS,
    "accounts_user_sign_out": ADMINISTRATORS,
    "accounts_user_remove_factors": ADMINISTRATORS,
    "accounts_user_away": IN_HOUSE,
    "workflows_person_may": IN_HOUSE,
    "workflows_workflow_may": IN_HOUSE,
    "accounts_user_identity": (302, *[404] * 7),  # no provider is set
    "accounts_vendor_add": ADMINISTRATORS,
    "accounts_apikey_add": ADMINISTRATORS,
    "accounts_apikey_revoke": ADMINISTRATORS,
    "audit_auditevent_add": NOBODY,
}
LISTED = {  # one item for each page about one
    "triggers": [{"kind": "low_confidence", "name": "Unsure", "below": 0.5}],
    "chains": [{"steps": [{"name": "Finance"}]}],
}
for model in (
    *("workflows_workflow", "workflows_policy", "workflows_exceptioncategory", "workflows_playbooksection"),
    *(
        "workflows_airelease",
        "workflows_calendar",
        "scorecards_scorecard",
        "scorecards_criterion",
        "accounts_user",
        "accounts_vendor",
    ),
):
    for look in ("changelist", "change", "history"):
        TABLE.setdefault(f"{model}_{look}", IN_HOUSE)
    TABLE.setdefault(f"{model}_delete", NOBODY)
TABLE |= {f"workflows_policy_edit_{name}": DEFINERS for name in SECTIONS}
for name in LISTS:
    TABLE |= {f"workflows_policy_{page}_{name}": DEFINERS for page in ("add", "item", "remove")}
for model in ("jobs_job", "jobs_schedule", "integrations_webhookendpoint", "integrations_outboxrow", "integrations_delivery"):
    TABLE |= {f"{model}_{look}": ADMINISTRATORS for look in ("changelist", "change", "history")}
    TABLE |= {f"{model}_add": NOBODY, f"{model}_delete": NOBODY}
TABLE["integrations_webhookendpoint_add"] = ADMINISTRATORS
TABLE["jobs_operations"] = ADMINISTRATORS
TABLE["integrations_webhookendpoint_subscribe"] = ADMINISTRATORS
for name in (
    *("jobs_job_retry", "jobs_job_retry_all"),
    *(f"integrations_webhookendpoint_{verb}" for verb in ("reveal", "rotate", "enable", "disable", "send_test", "send_again")),
):
    TABLE[name] = (302, 405, 405, 405, 405, 405, 405, 405)
for model in ("accounts_apikey", "audit_auditevent"):
    TABLE |= {f"{model}_{look}": WATCHERS for look in ("changelist", "change", "history")} | {f"{model}_delete": NOBODY}


@pytest.fixture
def auditor(db):
    return UserFactory(username="auditor", office="auditor")


@pytest.fixture
def things(send, refunds, owner, administrator, reviewer, approver, vendor_reviewer, vendor, integration):
    """One of each thing that an address may be about."""
    case = send()
    asked = actions.inquire(send().pk, by=reviewer, question="Why?", whom="Finance").inquiry
    kept = actions.attach(case.pk, by=reviewer, name="a.txt", content=b"text")
    actions.comment(case.pk, by=approver, text=f"@{reviewer.username}")
    theirs = send()
    Case.objects.filter(pk=theirs.pk).update(vendor=vendor)
    card = scorecards.ready_made(refunds, by=owner)
    mandate = factories.mandated(vendor, refunds)
    proposal = workflows.propose(mandate, "improver", by=factories.lead(vendor), person=vendor_reviewer)
    key, _ = keys.make(reviewer, by=administrator, name="test", verbs=["read"])
    return {
        "cases_case": case.pk,
        "cases_inquiry": asked.pk,
        "cases_attachment": [case.pk, kept.pk],
        "cases_notice_go": reviewer.notices.get().pk,
        "cases_inquiry_link": asked.pk,
        "cases_replay": replay.replay(refunds.policy, by=owner).pk,
        "workflows_workflow": refunds.pk,
        "workflows_policy": workflows.draft(refunds, by=owner, rules={**refunds.policy.rules, **LISTED}).pk,
        "workflows_exceptioncategory": refunds.categories.first().pk,
        "workflows_playbooksection": PlaybookSection.objects.create(workflow=refunds, title="T", text="x").pk,
        "workflows_airelease": AIRelease.objects.first().pk,
        "workflows_calendar": Calendar.objects.create(name="Office").pk,
        "scorecards_scorecard": card.pk,
        "scorecards_criterion": Criterion.objects.filter(section__scorecard=card).first().pk,
        "accounts_user": reviewer.pk,
        "accounts_vendor": vendor.pk,
        "accounts_apikey": key.pk,
        "audit_auditevent": AuditEvent.objects.first().pk,
        "jobs_job": Job.objects.create(task="a.b").pk,
        "jobs_schedule": Schedule.objects.create(name="Nightly", task="a.b", every_seconds=60).pk,
        **webhooks(integration, case),
        "workflows_engagement_mandate": factories.EngagementFactory(vendor=vendor).pk,
        "workflows_engagement_edit_mandate": mandate.pk,
        "workflows_engagement_end_mandate": mandate.pk,
        "workflows_engagement_accept": proposal.pk,
        "workflows_engagement_decline": proposal.pk,
        "workflows_engagement": mandate.engagement_id,
        "workflows_proposal": proposal.pk,
        "workflows_proposal_propose": mandate.pk,
        "workflows_proposal_withdraw": vendor_reviewer.pk,
        "workflows_proposal_withdraw_seat": vendor_reviewer.seats.get().pk,
        "workflows_proposal_link": vendor_reviewer.pk,
        "workflows_workflow_end_seat": Seat.objects.filter(user=reviewer).get().pk,
        "workflows_workflow_limit": approver.seats.get().pk,
        "theirs": theirs.pk,
        "absence": people.be_absent(reviewer, by=reviewer, since=clock.now() + A_DAY, until=clock.now() + 2 * A_DAY).pk,
        "approvers_seat": approver.seats.get().pk,
        "delegation": workflows.delegate(
            approver.seats.get(), UserFactory(), by=approver, until=clock.now() + timedelta(days=1), reason="Away"
        ).pk,
    }


def webhooks(integration, case):
    endpoint = WebhookEndpoint.objects.create(user=integration, url="https://example.com/hook")
    row = OutboxRow.objects.create(case_id=case.pk, number=1, recipient_id=integration.pk, event="case.decided", payload={})
    delivery = Delivery.objects.create(row=row, endpoint=endpoint)
    return {
        "integrations_webhookendpoint": endpoint.pk,
        "integrations_outboxrow": row.pk,
        "integrations_delivery": delivery.pk,
    }


def addresses(patterns=None):
    for pattern in admin.site.urls[0] if patterns is None else patterns:
        if isinstance(pattern, URLPattern):
            yield pattern.name
        else:
            yield from addresses(pattern.url_patterns)


def address(name, things):
    """Where the page of that name is, about the thing made for it."""
    if name == "cases_case_desk":
        return reverse("admin:cases_case_desk", args=["review"])
    if name in ("cases_try_policy", "cases_replay_policy"):
        return reverse(f"admin:{name}", args=[things["workflows_policy"]])
    if name == "cases_trigger_log":
        return reverse(f"admin:{name}", args=[things["workflows_workflow"]])
    if name.startswith("cases_rulings_"):
        return reverse(f"admin:{name}", args=[1])
    if name == "improvements_flag":
        return reverse(f"admin:{name}", args=[things["cases_case"]])
    if name == "quality_attention_person":
        return reverse(f"admin:{name}", args=["refunds", things["accounts_user"], "review"])
    if name == "app_list":
        return reverse("admin:app_list", args=["workflows"])
    if name in things:
        return reverse(f"admin:{name}", args=[things[name]])
    if name.startswith(("workflows_policy_item_", "workflows_policy_remove_")):
        return reverse(f"admin:{name}", args=[things["workflows_policy"], 0])
    if name == "workflows_workflow_delegate":
        return reverse(f"admin:{name}", args=[things["approvers_seat"]])
    if name == "workflows_workflow_end_delegation":
        return reverse(f"admin:{name}", args=[things["delegation"]])
    if name in ("auth_user_password_change", "workflows_person_may"):
        return reverse(f"admin:{name}", args=[things["accounts_user"]])
    if name.startswith("cases_attachment_"):
        return reverse(f"admin:{name}", args=things["cases_attachment"])
    if name == "accounts_user_call_off":
        return reverse(f"admin:{name}", args=[things["accounts_user"], things["absence"]])
    for thing, pk in things.items():
        if name.startswith(f"{thing}_"):
            try:
                return reverse(f"admin:{name}")
            except NoReverseMatch:
                return reverse(f"admin:{name}", args=[pk])
    if name == "autocomplete":
        return reverse("admin:autocomplete") + "?app_label=cases&model_name=case&field_name=workflow"
    return reverse(f"admin:{name}", args=[1, 1] if name == "view_on_site" else [])


def our_addresses() -> list[str]:
    """The names of all pages; the nameless are redirects."""
    return [name for name in dict.fromkeys(addresses()) if name]


@pytest.mark.long
@pytest.mark.parametrize("role", ROLES)
def test_who_may_open_what(client, request, things, role):
    if role != "anonymous":
        client.force_login(request.getfixturevalue(role))

    found = {name: client.get(address(name, things)).status_code for name in our_addresses()}

    assert found == {name: TABLE[name][ROLES.index(role)] for name in found}


# Whoever else there is, by whom he is like and where he is not.
NOT_THEIRS = {
    "improvements_flag": 403,
    "accounts_user_absent": 403,
    "accounts_user_back": 403,
    "accounts_user_call_off": 403,
    "cases_notice_go": 404,
}  # a reviewer's own
LEADS = {"cases_forecast": 200, "workflows_proposal_changelist": 200, "app_list": 200}
ALIKE = {
    "resolver": ("reviewer", NOT_THEIRS),
    "improver": ("reviewer", NOT_THEIRS),
    "manager": ("auditor", {f"accounts_apikey_{look}": 403 for look in ("changelist", "history", "change")}),
    "system": ("anonymous", {"login": 403}),
    "lead": ("vendor_reviewer", LEADS | {f"workflows_proposal_{page}": 200 for page in LEADS_PAGES}),
    "other_vendors_reviewer": ("vendor_reviewer", {}),
    "other_vendors_lead": ("vendor_reviewer", LEADS),
}


@pytest.fixture
def improver(refunds, owner):
    return seated(refunds, "improver", owner)


@pytest.fixture
def manager(db):
    return UserFactory(username="manager", office="manager")


@pytest.fixture
def system(integration):
    """An integration never signs in; had it a session all the same, this is what it would be worth."""
    return integration


@pytest.fixture
def lead(vendor):
    return factories.lead(vendor)


@pytest.fixture
def other_vendors_reviewer(refunds, owner):
    return seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt"))


@pytest.fixture
def other_vendors_lead(other_vendors_reviewer):
    return factories.lead(other_vendors_reviewer.vendor)


@pytest.mark.long
@pytest.mark.parametrize("role", ALIKE)
def test_who_else_may_open_what(client, request, role, things):
    client.force_login(request.getfixturevalue(role))
    like, but = ALIKE[role]

    found = {name: client.get(address(name, things)).status_code for name in our_addresses()}

    assert found == {name: TABLE[name][ROLES.index(like)] for name in found} | but


@pytest.mark.long
def test_without_the_second_factor_that_his_work_needs_no_door_opens_to_an_approver(things, approver):
    browser = Client()
    give(browser, let_in(approver))
    led = reverse("mfa_activate_totp")

    for name in our_addresses():
        if name != "logout":
            for answer in (browser.get(address(name, things)), browser.post(address(name, things))):
                assert (answer.status_code, answer.headers.get("Location")) == (302, led), name
    for pattern in api:
        where = "/api/v1/" + re.sub(r"<[^>]+>", str(things["cases_case"]), str(pattern.pattern))
        for answer in (browser.get(where), browser.post(where, "{}", content_type="application/json")):
            assert (answer.status_code, answer.json()["code"]) == (403, "second_factor_needed"), where


def test_every_address_is_in_the_table():
    assert set(our_addresses()) - set(TABLE) == set()


def test_a_vendors_person_works_his_sides_cases_and_sees_no_definition(client, things, vendor_reviewer):
    client.force_login(vendor_reviewer)

    shown = client.get(reverse("admin:cases_case_desk", args=["review"])).content.decode()

    assert client.get(reverse("admin:cases_case_work", args=[things["theirs"]])).status_code == 200
    assert reverse("admin:cases_case_work", args=[things["theirs"]]) in shown
    assert reverse("admin:cases_case_work", args=[things["cases_case"]]) not in shown
    for hidden in ("/admin/workflows/", "/admin/accounts/", "/admin/audit/", "/admin/scorecards/", "/api/v1/docs/"):
        assert hidden not in shown


def test_an_integration_is_no_person(client, integration):
    integration.is_staff = True
    integration.save()
    client.force_login(integration)

    assert client.get(reverse("admin:index")).status_code == 302
