"""The builder, as the people who open it meet it."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User, Vendor
from accounts.roles import Office, Ownership
from audit.models import AuditEvent
from scorecards import actions
from scorecards.admin import DefinitionAdmin
from scorecards.models import Criterion, Option, RootCause, Scorecard, Section
from workflows import actions as workflows

LIST = "/admin/scorecards/scorecard/"
ADD = f"{LIST}add/"


@pytest.fixture
def administrator(db):
    return User.objects.create_user("ada", office=Office.ADMINISTRATOR, is_staff=True)


@pytest.fixture
def quality_owner(db):
    return User.objects.create_user("quinn", is_staff=True)


@pytest.fixture
def policy_owner(db):
    return User.objects.create_user("pat", is_staff=True)


@pytest.fixture
def stranger(db):
    return User.objects.create_user("sam", is_staff=True)


@pytest.fixture
def superuser(db):
    return User.objects.create_superuser("root", office="")


@pytest.fixture
def vendor_reviewer(db):
    return User.objects.create_user("vera", is_staff=True, vendor=Vendor.objects.create(name="Nightshift Ltd"))


@pytest.fixture
def workflow(administrator, quality_owner, policy_owner):
    made = workflows.create("refunds", "Refunds", by=administrator)
    workflows.own(made, Ownership.QUALITY, quality_owner, by=administrator)
    workflows.own(made, Ownership.POLICY, policy_owner, by=administrator)
    return made


@pytest.fixture
def card(workflow, quality_owner):
    return actions.ready_made(workflow, by=quality_owner, name="Refund standard")


@pytest.fixture
def published(card, quality_owner):
    return actions.publish(card, by=quality_owner, reason="Agreed.")


@pytest.fixture
def signed_in(client, request):
    def sign_in(who):
        client.force_login(who if isinstance(who, User) else request.getfixturevalue(who))
        return client

    return sign_in


def page(scorecard, name="change"):
    return f"{LIST}{scorecard.pk}/{name}/"


def criterion_page(criterion, name="change"):
    return reverse(f"admin:scorecards_criterion_{name}", args=[criterion.pk])


def inline(prefix, rows, initial=0):
    """The fields of an inline's formset as a browser posts them."""
    posted = {f"{prefix}-TOTAL_FORMS": len(rows), f"{prefix}-INITIAL_FORMS": initial}
    return posted | {f"{prefix}-{i}-{name}": value for i, row in enumerate(rows) for name, value in row.items()}


def card_form(scorecard, **changed):
    rows = [{"id": s.pk, "scorecard": scorecard.pk, "title": s.title, "position": s.position} for s in scorecard.sections.all()]
    fields = {"name": scorecard.name, "pass_mark": scorecard.pass_mark, "definition_of_done": "", **changed}
    return fields | inline("sections", rows, len(rows))


def criterion_form(section, *, key="speed", label="Speed", options=("Fast", "Slow")):
    fields = {"section": section.pk, "key": key, "label": label, "weight": "1.5", "position": 9}
    rows = [{"label": name, "points": points, "position": 0} for name, points in zip(options, (100, 0), strict=True)]
    return fields | inline("options", rows) | inline("root_causes", [{"label": "Queue too long", "position": 1}])


# --- who may come in


@pytest.mark.parametrize("who", ["administrator", "quality_owner", "policy_owner", "stranger", "superuser"])
def test_in_house_staff_look_at_every_card(card, published, signed_in, who):
    client = signed_in(who)

    for url in (LIST, page(card), page(card, "preview"), criterion_page(Criterion.objects.first())):
        assert client.get(url).status_code == 200


def every_page(card):
    criterion = Criterion.objects.first()
    return [
        LIST,
        ADD,
        *(page(card, name) for name in ("change", "delete", "preview", "copy", "publish", "history")),
        *(criterion_page(criterion, name) for name in ("change", "delete", "history")),
        f"{reverse('admin:scorecards_criterion_add')}?section={criterion.section_id}",
    ]


def test_a_vendors_user_gets_nowhere_and_changes_nothing(card, signed_in, vendor_reviewer):
    client = signed_in(vendor_reviewer)

    for url in every_page(card):
        assert client.get(url).status_code == 403, url
        assert client.post(url, {"reason": "Mine now."}).status_code == 403, url

    card.refresh_from_db()
    assert card.published_at is None and Scorecard.objects.count() == 1
    assert b"scorecards" not in client.get("/admin/").content


def test_a_card_that_is_not_there_is_not_found(published, signed_in, quality_owner):
    client = signed_in(quality_owner)

    for name in ("preview", "copy", "publish"):
        assert client.get(f"{LIST}{10**20}/{name}/").status_code == 404


def test_who_is_not_signed_in_is_sent_to_sign_in(card, client):
    for url in every_page(card):
        assert client.get(url).status_code == 302
        assert "/login/" in client.get(url).headers["Location"]


@pytest.mark.parametrize("who", ["stranger", "superuser"])
def test_who_owns_nothing_of_the_workflow_changes_nothing_superuser_or_not(card, signed_in, who):
    client = signed_in(who)
    criterion = Criterion.objects.first()

    refused = [
        client.post(page(card), card_form(card, name="Mine")),
        client.post(page(card, "copy")),
        client.post(page(card, "publish"), {"reason": "Mine."}),
        client.post(page(card, "delete"), {"post": "yes"}),
        client.post(criterion_page(criterion, "delete"), {"post": "yes"}),
        client.post(f"/admin/scorecards/criterion/add/?section={criterion.section_id}", criterion_form(criterion.section)),
        client.post(ADD, {"start": "empty", "workflow": card.workflow_id, "name": "Mine", "pass_mark": 1}),
    ]

    assert [answer.status_code for answer in refused] == [403] * len(refused)
    assert list(Scorecard.objects.values_list("name", "published_at")) == [("Refund standard", None)]
    assert Criterion.objects.count() == 7


def test_what_is_refused_at_a_button_is_in_the_history(card, signed_in, policy_owner):
    signed_in(policy_owner).post(page(card, "publish"), {"reason": "I own the policy."})

    refusal = AuditEvent.objects.get(verb="workflow.publish_scorecard_refused")
    assert refusal.actor_id == policy_owner.pk
    assert Scorecard.objects.get().published_at is None


@pytest.mark.parametrize(
    ("who", "buttons"),
    [
        ("quality_owner", {"preview", "copy", "publish"}),
        ("policy_owner", {"preview", "copy"}),
        ("administrator", {"preview", "copy"}),
        ("stranger", {"preview"}),
        ("superuser", {"preview"}),
    ],
)
def test_each_sees_the_buttons_he_may_press(card, signed_in, who, buttons):
    shown = signed_in(who).get(page(card)).content.decode()

    assert {name for name in ("preview", "copy", "publish") if page(card, name) in shown} == buttons


@pytest.mark.parametrize(("who", "name"), [("policy_owner", "publish"), ("stranger", "publish"), ("stranger", "copy")])
def test_the_page_behind_a_button_is_closed_to_whom_it_is_not_shown(card, signed_in, who, name):
    assert signed_in(who).get(page(card, name)).status_code == 403


# --- building


@pytest.mark.parametrize(("start", "criteria"), [("ready_made", 7), ("empty", 0)])
def test_a_new_card_starts_ready_made_or_empty(workflow, signed_in, quality_owner, start, criteria):
    form = {"start": start, "workflow": workflow.pk, "name": "Standard", "pass_mark": 85, "definition_of_done": ""}

    answer = signed_in(quality_owner).post(ADD, form)

    made = Scorecard.objects.get()
    assert answer.headers["Location"] == page(made)
    assert (made.name, made.pass_mark, made.version) == ("Standard", 85, 1)
    assert Criterion.objects.count() == criteria
    assert [event.verb for event in AuditEvent.objects.filter(subject_type="scorecard")] == ["scorecard.draft"]


def test_only_workflows_one_may_define_are_offered(workflow, signed_in, administrator, quality_owner):
    other = workflows.create("triage", "Triage", by=administrator)
    client = signed_in(quality_owner)

    answer = client.post(ADD, {"start": "empty", "workflow": other.pk, "name": "Mine", "pass_mark": 80})

    assert "Triage" not in client.get(ADD).content.decode()
    assert answer.status_code == 200 and not Scorecard.objects.exists()


def test_a_drafts_name_and_sections_are_edited_and_the_history_says_so(card, signed_in, quality_owner):
    form = card_form(card, name="Better standard") | {"sections-0-title": "What counts most"}

    answer = signed_in(quality_owner).post(page(card), form)

    assert answer.status_code == 302
    card.refresh_from_db()
    assert card.name == "Better standard" and card.sections.first().title == "What counts most"
    assert AuditEvent.objects.filter(verb="scorecard.edit", subject_id=card.pk, actor_id=quality_owner.pk).count() == 1


def test_a_criterion_is_added_with_its_options_and_leads_back_to_the_card(card, signed_in, quality_owner):
    section = card.sections.last()
    client = signed_in(quality_owner)
    url = f"{reverse('admin:scorecards_criterion_add')}?section={section.pk}"

    assert 'name="position" value="4"' in client.get(url).content.decode()
    answer = client.post(url, criterion_form(section))

    made = Criterion.objects.get(key="speed")
    assert answer.headers["Location"] == page(card)
    assert [str(option) for option in made.options.all()] == ["Fast (100)", "Slow (0)"]
    assert [str(cause) for cause in made.root_causes.all()] == ["Queue too long"]
    assert AuditEvent.objects.get(verb="scorecard.edit").body["criterion"] == "speed"


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"key": "accuracy"}, "Another criterion of this card has the key “accuracy”"),
        ({"options": ("Same", "Same")}, "Please correct the duplicate"),
    ],
)
def test_a_slip_in_a_criterion_is_a_sentence_and_keeps_what_was_typed(card, signed_in, quality_owner, changed, says):
    section = card.sections.last()
    form = criterion_form(section, **changed)

    shown = signed_in(quality_owner).post(f"/admin/scorecards/criterion/add/?section={section.pk}", form).content.decode()

    assert says in shown and 'value="Speed"' in shown
    assert Criterion.objects.count() == 7


def test_a_criterion_stays_on_its_card(card, signed_in, quality_owner):
    elsewhere = actions.copy(card, by=quality_owner)
    url = f"/admin/scorecards/criterion/add/?section={card.sections.first().pk}"

    answer = signed_in(quality_owner).post(url, criterion_form(elsewhere.sections.first()))

    assert "Select a valid choice" in answer.content.decode()
    assert Criterion.objects.filter(key="speed").count() == 0


def test_a_criterion_is_deleted_from_a_draft(card, signed_in, quality_owner):
    criterion = Criterion.objects.get(key="formatting")

    answer = signed_in(quality_owner).post(criterion_page(criterion, "delete"), {"post": "yes"})

    assert answer.headers["Location"] == page(card)
    assert not Criterion.objects.filter(key="formatting").exists()
    assert AuditEvent.objects.filter(verb="scorecard.edit", subject_id=card.pk).count() == 1


def test_a_draft_is_discarded(card, signed_in, quality_owner):
    signed_in(quality_owner).post(page(card, "delete"), {"post": "yes"})

    assert not Scorecard.objects.exists()
    assert AuditEvent.objects.filter(verb="scorecard.discard").count() == 1


# --- publishing


def test_the_owner_of_quality_publishes_with_a_reason(card, signed_in, quality_owner):
    client = signed_in(quality_owner)

    assert "Publish version 1" in client.get(page(card, "publish")).content.decode()
    answer = client.post(page(card, "publish"), {"reason": "Agreed on Monday."}, follow=True)

    card.refresh_from_db()
    assert card.published_by == quality_owner
    assert "never changes" in answer.content.decode()
    assert AuditEvent.objects.get(verb="scorecard.publish").words == "Agreed on Monday."


def test_no_reason_no_publication(card, signed_in, quality_owner):
    answer = signed_in(quality_owner).post(page(card, "publish"), {"reason": " "})

    assert "Say why this version is published." in answer.content.decode()
    assert Scorecard.objects.get().published_at is None


def test_a_card_with_gaps_says_what_is_missing(workflow, signed_in, quality_owner):
    empty = actions.draft(workflow, by=quality_owner)

    shown = signed_in(quality_owner).get(page(empty, "publish")).content.decode()

    assert "The card has no criterion yet. Add at least one." in shown
    assert "Publish version 1" not in shown


def test_publishing_twice_is_a_sentence(published, signed_in, quality_owner):
    answer = signed_in(quality_owner).post(page(published, "publish"), {"reason": "Again."})

    assert "Copy it to a new draft." in answer.content.decode()


def test_looking_at_a_buttons_page_changes_nothing(card, signed_in, quality_owner):
    client = signed_in(quality_owner)

    for name in ("copy", "publish", "preview"):
        client.get(page(card, name))

    assert list(Scorecard.objects.values_list("published_at")) == [(None,)]


def test_a_published_card_is_copied_to_a_new_draft(published, signed_in, quality_owner):
    answer = signed_in(quality_owner).post(page(published, "copy"))

    draft = Scorecard.objects.get(version=2)
    assert answer.headers["Location"] == page(draft)
    assert Criterion.objects.filter(section__scorecard=draft).count() == 7


# --- what is published is shown and no more


def test_a_published_card_is_read_only_and_says_the_way_out(published, signed_in, quality_owner):
    client = signed_in(quality_owner)

    for url in (page(published), criterion_page(Criterion.objects.first())):
        shown = client.get(url).content.decode()
        assert "never changes" in shown and "copy it to a new draft" in shown
        assert 'name="_save"' not in shown and 'type="text"' not in shown


def test_a_published_card_takes_no_post(published, signed_in, quality_owner):
    client, criterion = signed_in(quality_owner), Criterion.objects.first()

    refused = [
        client.post(page(published), card_form(published, name="Other")),
        client.post(page(published, "delete"), {"post": "yes"}),
        client.post(criterion_page(criterion), criterion_form(criterion.section)),
        client.post(criterion_page(criterion, "delete"), {"post": "yes"}),
    ]
    added = client.post(f"/admin/scorecards/criterion/add/?section={criterion.section_id}", criterion_form(criterion.section))

    assert [answer.status_code for answer in refused] == [403] * 4
    assert "Select a valid choice" in added.content.decode()
    assert Scorecard.objects.get().name == "Refund standard" and Criterion.objects.count() == 7


def test_a_lost_race_with_a_publication_is_a_sentence(published, signed_in, quality_owner, monkeypatch):
    monkeypatch.setattr(DefinitionAdmin, "has_change_permission", lambda *_: True)  # what a page loaded before believes

    answer = signed_in(quality_owner).post(page(published), card_form(published, name="Other"), follow=True)

    assert "Somebody published this card meanwhile" in answer.content.decode()
    assert Scorecard.objects.get().name == "Refund standard"


# --- the preview


RIGHT = {
    "mark.accuracy": "0",
    "mark.completeness": "0",
    "mark.formatting": "2",
    "cause.formatting": "Wrong template",
    "mark.tone-and-clarity": "na",
    "mark.routing": "0",
    "mark.policy-and-required-language": "0",
    "mark.documentation-and-notes": "0",
}


def test_the_preview_shows_the_card_and_the_arithmetic(card, signed_in, stranger):
    client = signed_in(stranger)

    untouched = client.get(page(card, "preview")).content.decode()
    marked = client.get(page(card, "preview"), RIGHT).content.decode()

    assert untouched.count('type="radio"') == 7 * 3 + 3 and "How the score is made" not in untouched
    assert "1100 ÷ 12 = <strong>91.67 %</strong>" in marked and "Passed" in marked


def test_the_preview_says_what_is_wrong_with_the_marks(card, signed_in, stranger):
    odd = {"mark.accuracy": "2", "mark.routing": "99", "mark.formatting": "²"}

    shown = signed_in(stranger).get(page(card, "preview"), odd).content.decode()

    assert "“Accuracy” failed. Choose its root cause" in shown
    assert "Mark “Routing”." in shown


def test_what_people_type_is_escaped_everywhere(card, signed_in, quality_owner):
    nasty = "<script>alert(1)</script>"
    Scorecard.objects.update(name=nasty, definition_of_done=nasty)
    Section.objects.update(title=nasty)
    Criterion.objects.update(label=nasty, help=nasty, good_example=nasty, bad_example=nasty)
    for row in (*Option.objects.filter(points=0), *RootCause.objects.filter(position=1)):
        type(row).objects.filter(pk=row.pk).update(label=nasty)
    client = signed_in(quality_owner)

    for url in [LIST, *every_page(card)[2:-1], page(card, "preview") + "?mark.accuracy=2"]:
        assert nasty not in client.get(url, follow=True).content.decode(), url


# --- how many questions a page asks the database


def queries(client, url):
    client.get(url)
    with CaptureQueriesContext(
        connection,
    ) as asked:
        assert client.get(url).status_code == 200
    return len(asked)


@pytest.mark.parametrize("who", ["quality_owner", "stranger"])
def test_a_longer_list_asks_no_more(card, signed_in, quality_owner, who):
    client = signed_in(who)
    short = queries(client, LIST)
    for _ in range(4):
        actions.copy(card, by=quality_owner)

    assert queries(client, LIST) == short <= 12


@pytest.mark.parametrize("name", ["change", "preview"])
def test_a_longer_card_asks_no_more(workflow, signed_in, quality_owner, name):
    client = signed_in(quality_owner)
    short = actions.draft(workflow, by=quality_owner)
    Criterion.objects.create(section=Section.objects.create(scorecard=short, title="One"), key="one", label="One")
    long = actions.ready_made(workflow, by=quality_owner)

    assert queries(client, page(long, name)) == queries(client, page(short, name)) <= 20
