"""Questions to the owner of policy: the answer returns to the case, becomes a section of the playbook, and judgments rest on it."""

import re

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from audit import clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.models import Case, Example, Question, Ruling
from integrations.problems import Conflict
from tests.conftest import acting_as
from tests.factories import UserFactory
from workflows import actions as workflows
from workflows.models import PlaybookSection

pytestmark = pytest.mark.django_db


@pytest.fixture
def case(send, reviewer):
    return queues.claim(send(0.5).pk, by=reviewer)


@pytest.fixture
def question(case, reviewer):
    actions.ask(case.pk, by=reviewer, reason="May a voucher be refunded?\nIt was a gift.")
    return Question.objects.get()


@pytest.fixture
def ruling(question, owner):
    return actions.rule(question.pk, by=owner, reason="Never. Offer another voucher.")


def at(case, page="work"):
    return reverse(f"admin:cases_case_{page}", args=[case.pk])


def test_the_question_waits_on_the_desk_of_the_owner_of_policy(client, question, owner, reviewer):
    for person, told in ((owner, True), (reviewer, False)):
        client.force_login(person)
        assert ("One question waits for your ruling." in client.get(reverse("admin:index")).content.decode()) is told
    client.force_login(owner)
    assert "May a voucher be refunded?" in client.get(reverse("admin:cases_rulings")).content.decode()


def test_asked_on_the_workbench_it_leads_back_to_the_case(client, case, reviewer):
    client.force_login(reviewer)

    answer = client.post(at(case), {"verb": "ask", "revision": 1, "next": "1", "ask.reason": "What is a voucher?"})

    assert answer.url == at(case)
    assert "What is a voucher?" in client.get(at(case)).content.decode()
    assert Case.objects.get(pk=case.pk).claimed_by == reviewer


def test_the_answer_returns_to_the_case_and_to_whoever_asked(client, case, question, owner, reviewer):
    client.force_login(owner)
    client.post(reverse("admin:cases_rulings_answer", args=[question.pk]), {"words": "Never."})

    client.force_login(reviewer)
    for page in (reverse("admin:index"), at(case), at(case, "change")):
        assert "Never." in client.get(page).content.decode(), page
    assert [event.verb for event in AuditEvent.objects.filter(subject_type="case", subject_id=case.pk).order_by("number")][
        -2:
    ] == [
        "case.ask",
        "case.rule",
    ]


def test_an_answer_without_words_is_refused_and_one_is_enough(client, question, owner):
    client.force_login(owner)
    address = reverse("admin:cases_rulings_answer", args=[question.pk])

    assert client.post(address, {"words": " "}).status_code == 422
    assert client.post(address, {"words": "Never."}).status_code == 302
    again = client.post(address, {"words": "Always."})

    assert again.status_code == 409
    assert Ruling.objects.get().words == "Never."


def test_only_the_owner_of_policy_answers(client, question, refunds, reviewer, approver, administrator):
    for person in (reviewer, approver, administrator):
        with pytest.raises(PermissionDenied):
            actions.rule(question.pk, by=person, reason="Yes.")
    client.force_login(reviewer)
    assert client.post(reverse("admin:cases_rulings_answer", args=[question.pk]), {"words": "Yes."}).status_code == 403
    assert not Ruling.objects.exists()


def test_on_one_click_it_is_a_draft_of_the_playbook_with_the_case_as_its_example(client, ruling, owner, reviewer, case):
    client.force_login(owner)
    client.post(reverse("admin:cases_rulings_write_down", args=[ruling.pk]))

    section = PlaybookSection.objects.get()
    assert (section.title, section.text, section.is_draft) == (
        "May a voucher be refunded?",
        "Never. Offer another voucher.",
        True,
    )
    assert section.example.ruling.question.case == case
    with pytest.raises(Conflict, match="already"):
        actions.write_down(ruling.pk, by=owner)
    client.force_login(reviewer)
    assert 'id="playbook"' not in client.get(at(case)).content.decode()

    client.force_login(owner)
    client.post(reverse("admin:cases_rulings_publish", args=[section.pk]))
    client.force_login(reviewer)
    assert "May a voucher be refunded?</summary>" in client.get(at(case)).content.decode()


def test_only_the_owner_of_policy_publishes_a_section(ruling, refunds, owner, administrator):
    section = actions.write_down(ruling.pk, by=administrator)

    with pytest.raises(PermissionDenied):
        workflows.publish_section(section, by=administrator)
    workflows.publish_section(section, by=owner)
    with pytest.raises(ValidationError, match="published already"):
        workflows.publish_section(section, by=owner)


def test_a_draft_that_is_thrown_away_takes_its_example_along(ruling, owner):
    section = actions.write_down(ruling.pk, by=owner)

    workflows.remove(section, by=owner)

    assert not Example.objects.exists()
    assert actions.write_down(ruling.pk, by=owner).is_draft


@pytest.fixture
def exception(case, ruling, reviewer):
    actions.escalate(case.pk, by=reviewer, reason="Beyond me.")
    return Case.objects.get(pk=case.pk)


def test_a_resolver_names_what_his_judgment_rests_on(client, exception, ruling, refunds, resolver):
    section = PlaybookSection.objects.create(workflow=refunds, title="When to refund", text="Within thirty days.")
    client.force_login(resolver)

    shown = client.get(at(exception)).content.decode()
    typed = {"verb": "resolve", "revision": 1, "resolve.reason": "As ruled.", "resolve.rests_on": f"ruling:{ruling.pk}"}
    client.post(at(exception), typed)

    assert f'value="section:{section.pk}"' in shown
    assert exception.decisions.last().ruling == ruling
    assert "Rests on: Never. Offer another voucher." in client.get(at(exception, "change")).content.decode()


def test_over_rest_too_and_what_is_not_there_is_refused(client, exception, refunds, resolver, key):
    section = PlaybookSection.objects.create(workflow=refunds, title="When to refund", text="Within thirty days.")
    draft = PlaybookSection.objects.create(workflow=refunds, title="Not yet", text="x", is_draft=True)
    address = f"/api/v1/cases/{exception.pk}/resolve/"

    refused = client.post(address, {"reason": "So.", "section": draft.pk}, "application/json", **key(resolver))
    kept = client.post(address, {"reason": "So.", "section": section.pk}, "application/json", **key(resolver))

    assert refused.status_code == 422 and "no such section" in refused.content.decode()
    assert kept.status_code == 200 and exception.decisions.last().section == section


def test_what_decisions_rest_on_is_not_removed(client, exception, refunds, owner, resolver):
    section = PlaybookSection.objects.create(workflow=refunds, title="When to refund", text="Within thirty days.")
    actions.resolve(exception.pk, by=resolver, reason="So.", section=section.pk)

    with pytest.raises(ValidationError, match="1 decision rests on this section"):
        workflows.remove(section, by=owner)
    client.force_login(owner)
    answer = client.post(reverse("admin:workflows_playbooksection_delete", args=[section.pk]), {"post": "yes"})

    assert answer.status_code in (200, 302) and PlaybookSection.objects.filter(pk=section.pk).exists()


def test_a_vendors_person_asks_and_reads_the_answer_masked(client, send, vendor, vendor_reviewer, owner):
    case = send(0.5, input={"text": "Mail anna@example.com"})
    Case.objects.filter(pk=case.pk).update(vendor=vendor)
    with acting_as(vendor_reviewer):
        actions.ask(case.pk, by=vendor_reviewer, reason="Whose?")
    actions.rule(Question.objects.get().pk, by=owner, reason="It is anna@example.com's.")
    client.force_login(vendor_reviewer)

    shown = client.get(at(case)).content.decode()

    assert "Whose?" in shown and "'s." in shown.replace("&#x27;", "'") and "anna@" not in shown
    assert client.get(reverse("admin:cases_rulings")).status_code == 403


# what the database refuses, whoever asks


def refused(name, act):
    with pytest.raises(DatabaseError) as refusal, transaction.atomic():
        act()
    assert name in str(refusal.value).replace(" ", "_")


def test_only_the_owner_of_policy_rules(question, reviewer):
    row = Ruling(question=question, by=reviewer, at=clock.now(), words="Yes.")
    raw = "INSERT INTO cases_ruling (question_id, by_id, at, words) VALUES (%s, %s, now(), 'Yes.')"

    refused("only_the_owner_of_policy_rules", row.save)
    refused("only_the_owner_of_policy_rules", lambda: Ruling.objects.bulk_create([row]))
    refused("only_the_owner_of_policy_rules", lambda: connection.cursor().execute(raw, [question.pk, UserFactory().pk]))


def test_what_was_asked_and_ruled_is_never_changed_nor_dated_back(question, ruling, owner):
    for act in (
        lambda: Question.objects.update(words="x"),
        lambda: Ruling.objects.update(words="x"),
        lambda: Ruling.objects.all()._raw_delete("default"),
        lambda: connection.cursor().execute("UPDATE cases_question SET words = 'x'"),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            act()
    long_ago = clock.now().replace(year=2020)
    refused("no_question_is_dated_back", Question(case=question.case, by=owner, at=long_ago, words="x").save)
    refused("a_question_has_words", Question(case=question.case, by=owner, at=clock.now(), words=" ").save)
    refused("no_ruling_is_dated_back", Ruling(question=question, by=owner, at=long_ago, words="x").save)
    other = Question.objects.create(case=question.case, by=owner, at=clock.now(), words="x")
    refused("a_ruling_has_words", Ruling(question=other, by=owner, at=clock.now(), words=" ").save)


def test_what_was_ruled_and_what_was_asked_of_others_are_two_places_of_one_page(client, case, question, reviewer):
    actions.inquire(case.pk, by=reviewer, question="Was it open?", whom="Finance")
    client.force_login(reviewer)

    for page in (at(case), at(case, "change")):
        shown = client.get(page).content.decode()
        names = re.findall(r' id="([^"]+)"', shown)
        assert "Asked and ruled" in shown and "Asked of others" in shown
        assert [name for name in set(names) if names.count(name) > 1] == []
