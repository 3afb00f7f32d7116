"""What people say to each other about a case: comments, hand-over notes, and whom a mention reaches."""

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from accounts.models import User
from audit.models import AuditEvent
from cases import actions, gate
from cases.models import Case, Comment, Notice
from cases.talk.mentions import names
from integrations.problems import Conflict
from tests import factories
from tests.conftest import acting_as, seated

pytestmark = pytest.mark.django_db
CARD = "4111 1111 1111 1111"


@pytest.fixture
def case(send):
    return send(0.5)


@pytest.fixture
def theirs(send, vendor_reviewer):
    """A case at a vendor's desk."""
    case = send(0.5, input={"text": f"My card is {CARD}."})
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)
    return Case.objects.get(pk=case.pk)


def say(case, by, text="Look at the receipt.", **more):
    return actions.comment(case.pk, by=by, text=text, **more)


def told(person):
    return [(notice.kind, notice.case_id) for notice in person.notices.all()]


def called(person, name) -> User:
    User.objects.filter(pk=person.pk).update(username=name)
    return User.objects.get(pk=person.pk)


def talk(case):
    return reverse("admin:cases_case_talk", args=[case.pk])


# Saying something


def test_it_moves_nothing_decides_nothing_and_makes_nobody_a_maker(send, approver, owner):
    case = send(0.5, action={"type": "refund", "amount": 5, "currency": "EUR"})

    say(case, approver, "The output should say 7 EUR.")

    anew = Case.objects.get(pk=case.pk)
    assert (anew.state, anew.revision, anew.digest) == (case.state, case.revision, case.digest)
    assert gate.standing(anew, approver).makers == set()
    actions.approve(case.pk, by=approver)


@pytest.mark.parametrize("state", ["review", "closed"])
def test_whoever_works_in_the_workflow_or_answers_for_it_may(case, state, reviewer, resolver, approver, owner):
    if state == "closed":
        actions.accept(case.pk, by=reviewer)

    for person in (reviewer, resolver, approver, owner):
        say(case, person)

    assert Comment.objects.count() == 4


@pytest.mark.parametrize("who", ["stranger", "integration", "machine", "vendor_reviewer", "administrator"])
def test_nobody_else_may(request, case, who):
    with pytest.raises(PermissionDenied):
        say(case, request.getfixturevalue(who))

    assert not Comment.objects.exists()


def test_a_vendors_person_speaks_only_where_he_sees_the_case(theirs, vendor_reviewer, resolver):
    say(theirs, vendor_reviewer)
    actions.escalate(theirs.pk, by=vendor_reviewer, reason="Too hard.")
    Case.objects.filter(pk=theirs.pk).update(vendor=vendor_reviewer.vendor)  # his vendor's, at a desk where he has no seat

    with pytest.raises(PermissionDenied, match="not at a desk of yours"):
        say(theirs, vendor_reviewer)


@pytest.mark.parametrize("text", ["", "  \n ", "a" * 10_001, "nul\0"])
def test_nothing_and_too_much_are_refused(case, reviewer, text):
    with pytest.raises(ValidationError):
        say(case, reviewer, text)


def test_it_is_one_event_without_the_words(case, reviewer):
    made = say(case, reviewer, "The customer is Anna Keller.")

    event = AuditEvent.objects.get(verb="case.comment")
    assert (event.words, event.body["comment"]) == ("", made.pk)


# Mending


def test_what_is_mended_stays_to_be_seen(client, case, reviewer):
    first = say(case, reviewer, "It was Monday.")
    actions.mend(first.pk, by=reviewer, text="It was Tuesday.")
    client.force_login(reviewer)

    shown = client.get(talk(case)).content.decode()

    assert shown.index("It was Tuesday.") < shown.index("It was Monday.") and "mended" in shown


def test_only_its_writer_mends_it_and_only_what_stands_now(case, reviewer, resolver):
    first = say(case, reviewer)
    with pytest.raises(PermissionDenied, match="Only whoever wrote it"):
        actions.mend(first.pk, by=resolver, text="No.")
    actions.mend(first.pk, by=reviewer, text="Yes.")

    with pytest.raises(Conflict):
        actions.mend(first.pk, by=reviewer, text="Maybe.")


def test_the_database_keeps_what_was_said(case, reviewer, resolver):
    first = say(case, reviewer)
    tries = (
        lambda: Comment.objects.filter(pk=first.pk).update(text="x"),
        lambda: first.delete(),
        lambda: Comment.objects.create(case=case, by=resolver, at=first.at, text="x", replaces=first),
        lambda: Comment.objects.create(case=case, by=resolver, at=first.at, text=" "),
        lambda: Comment.objects.create(case=case, by=resolver, at=first.at, text="x", house_only=True, vendor_id=1),
        lambda: connection.cursor().execute("UPDATE cases_comment SET by_id = %s", [resolver.pk]),
    )
    for change in tries:
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


# Mentions


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("@ana, please", ["ana"]),
        ("ask @ana.lima.", ["ana.lima"]),
        ("(@Ana)", ["ana"]),
        ("mail ana@example.com", []),
        ("@ana@example.com knows", ["ana@example.com"]),
        ("@ana and @ana", ["ana"]),
        ("a@b @", []),
    ],
)
def test_who_is_named(text, meant):
    assert names(text) == meant


def test_a_mention_reaches_who_may_see_the_case_and_names_who_may_not(case, reviewer, resolver, stranger):
    made = say(case, reviewer, f"@{resolver.username} and @{stranger.username} and @nobody, look.")

    assert told(resolver) == [("mention", case.pk)] and told(stranger) == []
    assert made.mentioned == [resolver.pk]
    assert made.not_told == ["@stranger may not see this case, so nobody told them.", "Nobody here is called @nobody."]


def test_mentioning_oneself_tells_nobody_and_mending_tells_whom_it_names_anew(case, reviewer, resolver, owner):
    first = say(case, reviewer, f"@{reviewer.username} @{resolver.username}")
    actions.mend(first.pk, by=reviewer, text=f"@{resolver.username} @{owner.username}")

    assert (told(reviewer), told(resolver), told(owner)) == ([], [("mention", case.pk)], [("mention", case.pk)])


def test_a_vendors_person_learns_of_no_other_vendors_people(theirs, vendor_reviewer, refunds, owner, reviewer):
    other = called(seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support")), "bolts")

    with acting_as(vendor_reviewer):
        made = say(theirs, vendor_reviewer, f"@{other.username} @{reviewer.username}")

    assert made.not_told == ["Nobody here is called @bolts."]
    assert told(reviewer) == [("mention", theirs.pk)] and told(other) == []


def test_what_is_for_the_house_reaches_nobody_else(theirs, reviewer, vendor_reviewer):
    made = say(theirs, reviewer, f"@{called(vendor_reviewer, 'acmes').username} need not know.", house_only=True)

    assert "for the house only" in made.not_told[0] and told(vendor_reviewer) == []


# Handing over


def test_the_reason_of_a_hand_over_is_a_note_for_whoever_is_next(client, case, reviewer, refunds, owner):
    other = seated(refunds, "reviewer", owner)
    actions.hand_over(case.pk, by=reviewer, to=other.pk, reason="Call her after five.")
    client.force_login(other)

    shown = client.get(reverse("admin:cases_case_work", args=[case.pk])).content.decode()

    assert f"Hand-over note of {reviewer}:" in shown and "Call her after five." in shown
    assert told(other) == [("handed", case.pk)]


def test_a_note_is_gone_from_the_top_at_the_next_desk(client, case, reviewer, resolver):
    say(case, reviewer, "Half done.", kind="note")
    actions.escalate(case.pk, by=reviewer, reason="Too hard.")
    client.force_login(resolver)

    shown = client.get(reverse("admin:cases_case_work", args=[case.pk])).content.decode()

    assert "Half done." in shown and "Hand-over note of" not in shown


# On the pages and over REST


def test_it_is_said_on_the_workbench_and_one_is_back_there(client, case, reviewer):
    client.force_login(reviewer)

    answer = client.post(talk(case), {"text": "Hello <b>all</b>", "back": "work"})

    assert answer.url == reverse("admin:cases_case_work", args=[case.pk]) + "#talk"
    for page in ("work", "change", "talk"):
        shown = client.get(reverse(f"admin:cases_case_{page}", args=[case.pk])).content.decode()
        assert "Hello &lt;b&gt;all&lt;/b&gt;" in shown and str(reviewer) in shown


def test_an_approver_reads_and_speaks_where_he_decides(client, send, reviewer, approver):
    case = send(0.5, action={"type": "refund", "amount": 5, "currency": "EUR"})
    say(case, reviewer, "She is a customer of ten years.")
    client.force_login(approver)
    page = reverse("admin:cases_case_approval", args=[case.pk])

    shown = client.get(page).content.decode()
    said = client.post(talk(case), {"text": "Good to know.", "back": "approval"})

    assert "She is a customer of ten years." in shown and 'value="approval"' in shown
    assert said.url == page + "#talk" and "Good to know." in client.get(page).content.decode()


def test_what_is_wrong_is_said_and_what_was_typed_stays(client, case, reviewer):
    client.force_login(reviewer)

    answer = client.post(talk(case), {"text": "long " * 2_001, "house_only": "on"})

    shown = answer.content.decode()
    assert answer.status_code == 422 and "10,005 characters" not in shown and "at most 10,000" in shown and "long long" in shown


def test_nobody_mends_by_another_cases_page(client, case, send, reviewer):
    other = say(send(0.5), reviewer)
    client.force_login(reviewer)

    assert client.post(talk(case), {"text": "x", "mends": other.pk}).status_code == 404


def test_whom_it_did_not_reach_is_said_on_the_page(client, case, reviewer, stranger):
    client.force_login(reviewer)

    shown = client.post(talk(case), {"text": "@stranger look"}, follow=True).content.decode()

    assert "@stranger may not see this case" in shown


def test_over_rest_it_comes_back_with_whom_it_did_not_reach(client, key, case, reviewer):
    address, header = reverse("case-comment", args=[case.pk]), key(reviewer)

    said = client.post(address, {"text": "@nobody?"}, "application/json", **header).json()
    mended = client.post(
        reverse("case-mend", args=[case.pk]), {"comment": said["comment"]["id"], "text": "Well."}, "application/json", **header
    ).json()
    shown = client.get(reverse("case", args=[case.pk]), **header).json()["comments"]

    assert said["not_told"] == ["Nobody here is called @nobody."]
    assert shown == [mended["comment"]] and shown[0]["before"] == ["@nobody?"]


def test_another_vendors_people_find_nothing_to_comment_on(client, key, theirs, refunds, owner):
    other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
    client.force_login(other)

    assert client.get(talk(theirs)).status_code == client.post(talk(theirs), {"text": "x"}).status_code == 404
    answer = client.post(reverse("case-comment", args=[theirs.pk]), {"text": "x"}, "application/json", **key(other))
    assert answer.status_code == 404


# What a vendor's people read


def test_a_vendor_reads_comments_masked_and_nothing_the_house_says_to_itself(client, key, theirs, reviewer, vendor_reviewer):
    say(theirs, reviewer, f"Card {CARD} is blocked.")
    say(theirs, reviewer, "They are slow.", house_only=True)
    client.force_login(vendor_reviewer)
    pages = [client.get(reverse(f"admin:cases_case_{page}", args=[theirs.pk])) for page in ("work", "change", "talk")]
    pages.append(client.get(reverse("case", args=[theirs.pk]), **key(vendor_reviewer)))

    for page in pages:
        shown = page.content.decode()
        assert "Card [card 1] is blocked." in shown and CARD not in shown and "They are slow." not in shown


def test_what_the_house_says_to_itself_is_not_for_the_system_that_sent_it(client, key, case, reviewer, integration):
    say(case, reviewer, "For all.")
    say(case, reviewer, "To ourselves.", house_only=True)

    comments = client.get(reverse("case", args=[case.pk]), **key(integration)).json()["comments"]

    assert [comment["text"] for comment in comments] == ["For all."]


def test_rows_are_kept_apart_by_the_database(theirs, reviewer, vendor_reviewer, refunds, owner):
    other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
    say(theirs, reviewer, f"@{called(vendor_reviewer, 'acmes').username}")
    say(theirs, reviewer, "To ourselves.", house_only=True)
    forged = Comment(case=theirs, by=reviewer, vendor_id=vendor_reviewer.vendor_id, at=theirs.received_at, text="Forged")

    with acting_as(vendor_reviewer):
        assert (Comment.objects.count(), Notice.objects.count()) == (1, 1)
    with acting_as(other):
        assert (Comment.objects.count(), Notice.objects.count()) == (0, 0)
    with pytest.raises(DatabaseError, match="row-level security"), acting_as(vendor_reviewer):
        forged.save()


def test_another_vendors_writer_is_not_named(client, theirs, refunds, owner, vendor_reviewer):
    other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
    User.objects.filter(pk=other.pk).update(first_name="Zora")
    say(theirs, vendor_reviewer, "Ours once.")
    Case.objects.filter(pk=theirs.pk).update(vendor=other.vendor)
    say(theirs, User.objects.get(pk=other.pk), "Theirs then.")
    Case.objects.filter(pk=theirs.pk).update(vendor=vendor_reviewer.vendor)
    client.force_login(vendor_reviewer)

    with acting_as(vendor_reviewer):
        shown = client.get(talk(theirs)).content.decode()

    assert "Theirs then." in shown and "Zora" not in shown and "somebody of another vendor" in shown


def test_a_case_with_many_comments_asks_no_more_questions(client, case, reviewer, resolver):
    client.force_login(reviewer)
    bench = reverse("admin:cases_case_work", args=[case.pk])
    say(case, reviewer)
    with CaptureQueriesContext(connection) as few:
        client.get(bench)
    for person in (reviewer, resolver) * 5:
        say(case, person)

    with CaptureQueriesContext(connection) as many:
        client.get(bench)

    assert len(many) == len(few)


def test_mentions_in_one_text_are_bounded(case, reviewer):
    with pytest.raises(ValidationError, match="at most 20"):
        say(case, reviewer, " ".join(f"@p{n}" for n in range(21)))


def test_a_notice_is_only_read(case, reviewer, resolver):
    say(case, reviewer, f"@{resolver.username}")
    notices = Notice.objects.filter(to=resolver)

    assert notices.update(read_at=case.received_at) == 1
    for change in ({"kind": "handed"}, {"to": reviewer}, {"by": resolver}):
        with pytest.raises(DatabaseError, match="what a notice says never changes"), transaction.atomic():
            notices.update(**change)
