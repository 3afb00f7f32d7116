"""What good looks like: the verbs on scorecards, and that a published card never changes through any door."""

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import IntegrityError, ProgrammingError, connection, transaction

from accounts.models import User, Vendor
from accounts.roles import Office, Ownership
from audit import acting
from audit.models import AuditEvent
from hitlsite.scoped.owner import as_owner
from scorecards import actions, scoring
from scorecards.models import Criterion, Evaluation, Option, RootCause, Scorecard, Section
from scorecards.permissions import definable_by
from scorecards.scoring import Mark
from tests.conftest import HOUSE
from workflows import actions as workflows
from workflows.permissions import may

RIGHT, SLIP, NA = Mark("Right"), Mark("Minor slip"), Mark(na=True)


def person(name, **fields):
    """In a transaction, for there only the database knows that the house acts."""
    with transaction.atomic():
        return User.objects.create_user(name, is_staff=True, **fields)


@pytest.fixture
def administrator(db):
    return person("ada", office=Office.ADMINISTRATOR)


@pytest.fixture
def quality_owner(db):
    return person("quinn")


@pytest.fixture
def policy_owner(db):
    return person("pat")


@pytest.fixture
def stranger(db):
    return person("sam")


@pytest.fixture
def vendor_reviewer(db):
    with transaction.atomic():
        return person("vera", vendor=Vendor.objects.create(name="Nightshift Ltd"))


@pytest.fixture
def workflow(administrator, quality_owner, policy_owner):
    made = workflows.create("refunds", "Refunds", by=administrator)
    workflows.own(made, Ownership.QUALITY, quality_owner, by=administrator)
    workflows.own(made, Ownership.POLICY, policy_owner, by=administrator)
    return made


@pytest.fixture
def card(workflow, quality_owner):
    return actions.ready_made(workflow, by=quality_owner)


@pytest.fixture
def published(card, quality_owner):
    return actions.publish(card, by=quality_owner, reason="Agreed with support on Monday.")


def all_right(scorecard):
    """The best mark for every criterion."""
    return {
        criterion.key: Mark(max(criterion.options, key=criterion.options.get))
        for criterion in actions.as_card(scorecard).criteria
    }


def story(subject):
    events = AuditEvent.objects.filter(subject_type=subject._meta.model_name, subject_id=subject.pk)
    return [event.verb for event in events.order_by("number")]


def everything_on(scorecard):
    """Every value of the card and of what is under it, read without the code that copies."""
    under = {"section__scorecard": scorecard}, {"criterion__section__scorecard": scorecard}
    criterion = [field.name for field in Criterion._meta.fields if field.name not in ("id", "section")]
    return [
        *Scorecard.objects.filter(pk=scorecard.pk).values_list("name", "pass_mark", "definition_of_done"),
        *scorecard.sections.values_list("title", "position"),
        *Criterion.objects.filter(**under[0]).order_by("id").values_list("section__title", *criterion),
        *Option.objects.filter(**under[1]).order_by("id").values_list("criterion__key", "label", "points", "position"),
        *RootCause.objects.filter(**under[1]).order_by("id").values_list("criterion__key", "label", "position"),
    ]


def test_versions_count_up_within_the_workflow(workflow, quality_owner):
    first = actions.draft(workflow, by=quality_owner, name="Standard", pass_mark=90)
    second = actions.draft(workflow, by=quality_owner)

    assert (first.version, second.version, first.pass_mark) == (1, 2, 90)
    assert story(first) == ["scorecard.draft"]


def test_the_ready_made_card_holds_what_the_issue_lists(card):
    criteria = {criterion.key: criterion for criterion in actions.as_card(card).criteria}

    assert list(criteria) == [
        "accuracy",
        "completeness",
        "formatting",
        "tone-and-clarity",
        "routing",
        "policy-and-required-language",
        "documentation-and-notes",
    ]
    assert {key for key, each in criteria.items() if each.critical} == {"accuracy", "policy-and-required-language"}
    assert all(each.root_causes and sorted(each.options.values()) == [0, 60, 100] for each in criteria.values())
    assert not Criterion.objects.filter(good_example="").exists() and not Criterion.objects.filter(bad_example="").exists()
    assert story(card) == ["scorecard.draft"]


@pytest.mark.parametrize(
    ("changed", "score", "passed"),
    [
        ({}, "100.00", True),
        ({"formatting": Mark("Wrong", root_cause="Wrong template")}, "92.31", True),  # 1200 / 13
        ({"completeness": Mark("Incomplete", root_cause="Cut short"), "formatting": Mark("Minor slip")}, "81.54", True),
        ({"accuracy": Mark("Wrong", root_cause="Made up")}, "76.92", False),  # critical
        ({"routing": NA, "tone-and-clarity": NA, "documentation-and-notes": NA}, "100.00", True),
        ({"accuracy": SLIP, "policy-and-required-language": SLIP}, "81.54", True),  # 1060 / 13
    ],
)
def test_the_ready_made_card_scores_as_expected(card, changed, score, passed):
    result = scoring.score(actions.as_card(card), {**all_right(card), **changed})

    assert (result.score, result.passed) == (Decimal(score), passed)


def test_a_copy_of_a_published_card_is_a_draft_with_everything(published, quality_owner):
    copied = actions.copy(published, by=quality_owner)

    assert (copied.version, copied.published_at) == (2, None)
    assert everything_on(copied) == everything_on(published)
    assert len(everything_on(copied)) == 1 + 3 + 7 + 7 * 3 + 33
    assert AuditEvent.objects.get(subject_type="scorecard", subject_id=copied.pk).body["copy_of"] == 1


def test_publishing_says_who_when_and_why(published, quality_owner):
    event = AuditEvent.objects.get(subject_type="scorecard", subject_id=published.pk, verb="scorecard.publish")

    assert published.published_by == quality_owner and published.published_at
    assert event.words == "Agreed with support on Monday."
    assert actions.published(published.workflow, 1) == published


@pytest.mark.parametrize("who", ["administrator", "policy_owner", "stranger", "vendor_reviewer"])
def test_only_the_owner_of_quality_publishes(card, who, request):
    with pytest.raises(PermissionDenied):
        actions.publish(card, by=request.getfixturevalue(who), reason="Because I say so.")

    card.refresh_from_db()
    assert card.published_at is None


@pytest.mark.parametrize("who", ["stranger", "vendor_reviewer"])
@pytest.mark.parametrize("verb", ["draft", "ready_made", "copy", "discard"])
def test_who_owns_nothing_of_the_workflow_defines_nothing(card, verb, who, request):
    subject = card if verb in ("copy", "discard") else card.workflow

    with pytest.raises(PermissionDenied):
        getattr(actions, verb)(subject, by=request.getfixturevalue(who))

    assert Scorecard.objects.count() == 1


@pytest.mark.parametrize("who", ["administrator", "quality_owner", "policy_owner", "stranger", "vendor_reviewer"])
def test_the_list_of_workflows_one_may_define_agrees_with_the_permission(workflow, administrator, who, request):
    other = workflows.create("triage", "Triage", by=administrator)
    user = request.getfixturevalue(who)

    assert set(definable_by(user)) == {each for each in (workflow, other) if may(user, "define", each)}


@pytest.mark.parametrize("reason", ["", "  "])
def test_publishing_needs_a_reason(card, quality_owner, reason):
    with pytest.raises(ValidationError, match="Say why"):
        actions.publish(card, by=quality_owner, reason=reason)


def test_a_card_is_published_once(published, quality_owner):
    with pytest.raises(ValidationError, match="Copy it to a new draft"):
        actions.publish(published, by=quality_owner, reason="Again.")


def test_an_empty_card_is_not_published(workflow, quality_owner):
    empty = actions.draft(workflow, by=quality_owner)

    with pytest.raises(ValidationError, match="no criterion yet"):
        actions.publish(empty, by=quality_owner, reason="In a hurry.")


def test_a_card_with_gaps_is_refused_with_every_gap_named(card, quality_owner):
    first, second = card.sections.all()[:2]
    Criterion.objects.create(section=first, key="formatting", label="Layout")
    hopeless = Criterion.objects.create(section=second, key="speed", label="Speed")
    Option.objects.bulk_create(Option(criterion=hopeless, label=label, points=0) for label in ("Slow", "Slower"))

    with pytest.raises(ValidationError) as refusal:
        actions.publish(card, by=quality_owner, reason="Agreed.")

    assert refusal.value.messages == [
        "The key “formatting” is used 2 times. Give each criterion a key of its own.",
        "“Layout” needs at least two options.",
        "“Speed” needs an option with at least 1 point.",
    ]


def test_a_draft_is_discarded_and_a_published_card_stays(card, quality_owner):
    copied = actions.copy(card, by=quality_owner)
    actions.discard(copied, by=quality_owner)
    actions.publish(card, by=quality_owner, reason="Agreed.")

    with pytest.raises(ValidationError, match="is published and stays"):
        actions.discard(card, by=quality_owner)

    assert list(Scorecard.objects.all()) == [card]


def test_only_published_versions_are_found(card):
    with pytest.raises(ValidationError, match="There is no published scorecard v1 in Refunds"):
        actions.published(card.workflow, 1)


def test_an_evaluation_keeps_the_marks_and_what_they_make(published, vendor_reviewer):
    wrong = Mark("Wrong", root_cause="Wrong template", note="Letterhead of 2024.")

    made = actions.evaluate(published, {**all_right(published), "formatting": wrong}, by=vendor_reviewer)

    made.refresh_from_db()
    assert (made.by, made.score, made.passed, made.failed_critical) == (vendor_reviewer, Decimal("92.31"), True, [])
    assert made.marks["formatting"] == {
        "points": 0,
        "option": "Wrong",
        "na": False,
        "root_cause": "Wrong template",
        "note": "Letterhead of 2024.",
    }
    assert story(made) == ["evaluation.make"]


def test_marks_that_do_not_fit_are_a_validation_error_and_leave_no_row(published, quality_owner):
    with pytest.raises(ValidationError) as refusal:
        actions.evaluate(published, {}, by=quality_owner)

    assert len(refusal.value.messages) == 7
    assert not Evaluation.objects.exists()


def test_nobody_marks_with_a_draft(card, quality_owner):
    with pytest.raises(ValidationError, match="not published"):
        actions.evaluate(card, all_right(card), by=quality_owner)


def test_marks_are_read_from_a_document():
    assert actions.read_marks({"tone": {"option": "Right"}, "notes": {"na": True}}) == {"tone": RIGHT, "notes": NA}
    with pytest.raises(ValidationError, match="cannot be read"):
        actions.read_marks({"tone": {"option": 5}})


def test_a_published_card_is_read_once_a_draft_every_time(card, quality_owner, django_assert_num_queries):
    with django_assert_num_queries(3):
        actions.as_card(card)
    published = actions.publish(card, by=quality_owner, reason="Agreed.")
    actions.as_card(published)

    with django_assert_num_queries(0):
        actions.as_card(published)


# --- what the database refuses, as the application's role acting for the house

DEFINITIONS = [Scorecard, Section, Criterion, Option, RootCause]
NEVER = "published policy and scorecard never change"
TEXT = {Scorecard: "name", Section: "title", Criterion: "label", Option: "label", RootCause: "label"}


def save(row, field):
    setattr(row, field, "Other")
    row.save()


def bulk_update(row, field):
    setattr(row, field, "Other")
    type(row).objects.bulk_update([row], [field])


def raw_update(row, field):
    with connection.cursor() as cursor:
        cursor.execute(f"UPDATE {row._meta.db_table} SET {field} = 'Other' WHERE id = %s", [row.pk])


def raw_delete(row, field):
    with connection.cursor() as cursor:
        cursor.execute(f"DELETE FROM {row._meta.db_table} WHERE id = %s", [row.pk])


DOORS = {
    "save": save,
    "update()": lambda row, field: type(row).objects.filter(pk=row.pk).update(**{field: "Other"}),
    "bulk_update": bulk_update,
    "delete": lambda row, field: row.delete(),
    "queryset delete": lambda row, field: type(row).objects.filter(pk=row.pk).delete(),
    "raw UPDATE": raw_update,
    "raw DELETE": raw_delete,
}


@pytest.mark.parametrize("model", DEFINITIONS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("door", DOORS)
def test_a_published_card_never_changes(published, model, door):
    row = model.objects.first()

    with pytest.raises(IntegrityError, match=NEVER), transaction.atomic():
        DOORS[door](row, TEXT[model])

    assert getattr(model.objects.get(pk=row.pk), TEXT[model]) != "Other"


@pytest.mark.parametrize("model", DEFINITIONS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("door", sorted(set(DOORS) - {"raw DELETE"}))  # which would leave children behind
def test_a_draft_does_change(card, model, door):
    row = model.objects.first()

    DOORS[door](row, TEXT[model])

    assert not model.objects.filter(pk=row.pk).exclude(**{TEXT[model]: "Other"}).exists()


def test_nothing_is_added_to_a_published_card(published):
    section, criterion = Section.objects.first(), Criterion.objects.first()
    additions = [
        Section(scorecard=published, title="More"),
        Criterion(section=section, key="more", label="More"),
        Option(criterion=criterion, label="More", points=50),
        RootCause(criterion=criterion, label="More"),
    ]

    for row in additions:
        with pytest.raises(IntegrityError, match=NEVER), transaction.atomic():
            row.save()
        with pytest.raises(IntegrityError, match=NEVER), transaction.atomic():
            type(row).objects.bulk_create([row])


def test_nothing_is_moved_off_a_published_card_or_onto_it(published, quality_owner):
    copied = actions.copy(published, by=quality_owner)
    here, there = published.sections.first(), copied.sections.first()

    for row, target in ((here.criteria.first(), there), (there.criteria.first(), here)):
        with pytest.raises(IntegrityError, match=NEVER), transaction.atomic():
            Criterion.objects.filter(pk=row.pk).update(section=target, key="moved")


def test_a_published_card_cannot_become_a_draft_again(published):
    with pytest.raises(IntegrityError, match=NEVER), transaction.atomic():
        Scorecard.objects.filter(pk=published.pk).update(published_at=None, published_by=None)


def test_a_scorecard_is_born_a_draft(workflow, quality_owner, monday):
    with pytest.raises(IntegrityError, match="a scorecard is born a draft"), transaction.atomic():
        Scorecard.objects.create(workflow=workflow, version=1, published_at=monday, published_by=quality_owner)


@pytest.mark.parametrize("statement", ["UPDATE scorecards_evaluation SET passed = true", "DELETE FROM scorecards_evaluation"])
def test_an_evaluation_is_written_once(published, quality_owner, statement):
    actions.evaluate(published, all_right(published), by=quality_owner)

    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(statement)
    with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        Evaluation.objects.update(score=0)


VENDOR = acting.Acting(person_id=1, vendor_id=1)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("who", [VENDOR, acting.NOBODY], ids=["a vendor", "nobody"])
@pytest.mark.parametrize("model", DEFINITIONS, ids=lambda model: model.__name__)
@pytest.mark.parametrize("door", DOORS)
def test_only_the_house_defines_even_a_draft(card, model, door, who):
    row = model.objects.first()

    with acting.scope(who), pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
        DOORS[door](row, TEXT[model])


@pytest.mark.django_db
@pytest.mark.parametrize("model", DEFINITIONS, ids=lambda model: model.__name__)
def test_only_the_houses_role_may_write_definitions(model):
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('hitl_app', %s, 'INSERT, UPDATE, DELETE, TRUNCATE'),"
            " has_table_privilege('hitl_house', %s, 'INSERT')",
            [model._meta.db_table] * 2,
        )

        assert cursor.fetchone() == (False, True)


@pytest.mark.django_db(transaction=True)
def test_a_vendor_adds_no_definition(card):
    section, criterion = Section.objects.first(), Criterion.objects.first()
    additions = [
        Scorecard(workflow=card.workflow, version=9),
        Section(scorecard=card, title="More"),
        Criterion(section=section, key="more", label="More"),
        Option(criterion=criterion, label="More", points=50),
        RootCause(criterion=criterion, label="More"),
    ]

    with acting.scope(VENDOR):
        for row in additions:
            with pytest.raises(ProgrammingError, match="permission denied"), transaction.atomic():
                row.save()


@pytest.mark.django_db(transaction=True)
def test_a_vendors_reviewer_evaluates(published, vendor_reviewer):
    with acting.scope(acting.on_behalf_of(vendor_reviewer)):
        made = actions.evaluate(published, all_right(published), by=vendor_reviewer)

    assert Evaluation.objects.get() == made
    assert AuditEvent.objects.get(verb="evaluation.make").vendor_id == vendor_reviewer.vendor_id


@pytest.mark.django_db(transaction=True)
def test_history_is_append_only_even_for_the_tables_owner(published, quality_owner):
    actions.evaluate(published, all_right(published), by=quality_owner)

    with as_owner(), pytest.raises(IntegrityError, match="history is append only"):
        Evaluation.objects.update(score=0)


@pytest.mark.django_db(transaction=True)
def test_publishing_waits_for_an_edit_under_way_and_then_sees_it(card, quality_owner):
    def publish():
        try:
            with acting.scope(HOUSE):
                actions.publish(card, by=quality_owner, reason="Agreed.")
        finally:
            connection.close()

    with ThreadPoolExecutor() as other:
        with transaction.atomic():
            Criterion.objects.create(section=card.sections.first(), key="late", label="Late")
            publishing = other.submit(publish)
            with pytest.raises(TimeoutError):
                publishing.result(timeout=0.5)

        with pytest.raises(ValidationError, match="“Late” needs at least two options"):
            publishing.result(timeout=10)
