"""Requests for information: asked of a team or a person, answered in the desk or by a signed link, while the case waits."""

from datetime import timedelta

import pytest
from django.core import signing
from django.core.cache import cache
from django.core.exceptions import PermissionDenied, ValidationError
from django.db import DatabaseError, transaction
from django.urls import reverse

from accounts import actions as people
from audit import acting, clock
from audit.models import AuditEvent
from cases import actions, queues
from cases.models import Case, Inquiry, Notice
from cases.talk import links
from cases.talk.link_page import PACE
from integrations.problems import Conflict
from tests import factories
from tests.conftest import acting_as, seated
from tests.desk import decide
from tests.factories import UserFactory
from workflows import actions as workflows

pytestmark = pytest.mark.django_db
CARD = "4111 1111 1111 1111"


@pytest.fixture
def at(monday):
    return lambda hours=0: clock.moved(monday + timedelta(hours=hours))


@pytest.fixture
def case(send):
    return send(
        0.1, input={"text": "The parcel arrived open.", "order": "O-77", "secret": "quokka"}, context={"account": "A-9"}
    )


@pytest.fixture(autouse=True)
def unhurried():
    cache.clear()


@pytest.fixture
def other(refunds, owner):
    """Another one at the desk."""
    return seated(refunds, "reviewer", owner)


def ask(case, by, question="Was it paid twice?", whom="Finance", **more) -> Inquiry:
    return actions.inquire(case.pk, by=by, question=question, whom=whom, **more).inquiry


def now(case) -> Case:
    return Case.objects.get(pk=case.pk)


def told(person):
    return list(Notice.objects.filter(to=person).values_list("kind", flat=True))


def outside(browser, inquiry, **typed):
    """Whoever has the link: opens it, or answers by it. The database is told that nobody acts, as at any stranger's request."""
    address = links.of(Inquiry.objects.get(pk=inquiry.pk))
    with acting.scope(acting.NOBODY):
        return browser.post(address, typed) if typed else browser.get(address)


# How it reaches whoever is asked


def test_who_asks_is_told_how_it_reaches_whoever_is_asked(client, send, reviewer, other):
    client.force_login(reviewer)

    def asked(whom, **more):
        case = queues.claim(send(0.1).pk, by=reviewer)
        return decide(client, case, "inquire", follow=True, whom=whom, on="team", question="Twice?", **more).content.decode()

    assert "Nobody is told by the desk: make a link for them" in asked("Finance")
    assert "The link for them stands on the case" in asked("Finance", link_days="7")
    assert f"{other} finds the question on the own desk." in asked(f"@{other.username}")


# The clock


def test_it_waits_on_the_last_of_its_questions_and_is_due_as_much_later(send, reviewer, at):
    with at(0):
        case = send(0.1)
    with at(1):
        first = ask(case, reviewer)
    with at(2):
        second = ask(case, reviewer, whom="Mrs Gray", on="customer")
    with at(4):
        actions.answer(first.pk, by=reviewer, text="No.")
    assert now(case).paused_since is not None and queues.next_case(reviewer) is None

    with at(6):
        actions.answer(second.pk, by=reviewer, text="Yes.")

    assert now(case).paused_since is None
    assert now(case).due_at - case.due_at == timedelta(hours=5)
    with at(6):
        assert queues.next_case(reviewer).pk == case.pk


def test_its_page_says_on_whom_it_waits_and_what_came_of_it(client, case, reviewer):
    inquiry = ask(case, reviewer, ticket="https://tickets.example/42", until=clock.now() + timedelta(hours=3))
    client.force_login(reviewer)
    page = reverse("admin:cases_case_change", args=[case.pk])
    before = client.get(page).content.decode()
    actions.answer(inquiry.pk, by=reviewer, text="It was not.")

    after = client.get(page).content.decode()

    for told_of in (
        "It waits for one answer.",
        "Was it paid twice?",
        "Waiting on another team: Finance",
        "https://tickets.example/42",
        "due in 2",
    ):
        assert told_of in before
    assert "It was not." in after and "It waits for" not in after


def test_with_the_last_answer_it_is_back_with_whoever_asked(browser, case, reviewer, resolver, other):
    first, last = ask(case, reviewer), ask(case, reviewer, link_days=1)

    actions.answer(first.pk, by=other, text="Yes.")
    assert now(case).assigned_to is None
    outside(browser, last, text="Yes.", named="The bank")

    assert now(case).assigned_to == reviewer
    assert queues.next_case(other) is None and queues.next_case(reviewer) == case
    assert AuditEvent.objects.filter(subject_id=case.pk, verb="case.answer").latest("number").body["back_to"] == reviewer.pk


@pytest.mark.parametrize("why", ["away", "without a seat", "somebody has it", "passed on"])
def test_but_not_where_he_works_it_no_more_or_somebody_else_does(case, reviewer, other, owner, why):
    asked = ask(case, reviewer)
    if why == "away":
        people.be_absent(reviewer, by=reviewer, until=clock.now() + timedelta(days=1))
    elif why == "without a seat":
        workflows.end_seat(reviewer.seats.get(), by=owner)
    else:
        changed = {"assigned_to": other} if why == "somebody has it" else {"passed_by": [reviewer.pk]}
        Case.objects.filter(pk=case.pk).update(**changed)

    actions.answer(asked.pk, by=other, text="Yes.")

    assert now(case).assigned_to == (other if why == "somebody has it" else None)


def test_what_goes_on_without_an_answer_is_not_asked_any_more(case, reviewer):
    inquiry = ask(case, reviewer)
    actions.accept(case.pk, by=reviewer)

    with pytest.raises(Conflict, match="not asked any more"):
        actions.answer(inquiry.pk, by=reviewer, text="Too late.")


def test_past_its_due_time_it_is_late_and_still_waits(client, case, reviewer):
    ask(case, reviewer, until=clock.now() + timedelta(hours=1))
    client.force_login(reviewer)

    with clock.moved(clock.now() + timedelta(hours=3)):
        shown = client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()

    assert 'class="overdue"' in shown and "late" in shown and now(case).paused_since


# Who asks and who answers


@pytest.mark.parametrize("who", ["stranger", "resolver", "approver", "vendor_reviewer", "integration"])
def test_only_who_works_its_desk_asks(request, case, who):
    with pytest.raises(PermissionDenied):
        ask(case, request.getfixturevalue(who))

    assert not Inquiry.objects.exists() and now(case).paused_since is None


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"question": " "}, "question"),
        ({"whom": ""}, "whom"),
        ({"whom": "@nobody"}, "whom"),
        ({"on": "myself"}, "on"),
        ({"shows": ["input.none"]}, "shows"),
        ({"link_days": 31}, "link_days"),
        ({"ticket": "javascript:alert(1)"}, "ticket"),
        ({"until": clock.now() - timedelta(days=1)}, "until"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_nothing_waits(case, reviewer, wrong, field):
    with pytest.raises(ValidationError) as refusal:
        ask(case, reviewer, **wrong)

    assert field in refusal.value.message_dict and now(case).paused_since is None


@pytest.mark.parametrize("output_schema", [{"properties": {"decision": {"type": "string", "title": "What is decided"}}}])
def test_what_is_shown_is_called_by_its_title(client, case, reviewer):
    client.force_login(reviewer)

    shown = client.get(reverse("admin:cases_case_work", args=[case.pk])).context["form"]["inquire.shows"]
    inquiry = ask(case, reviewer, shows=["output.decision", "input.order"])

    assert dict(shown.field.choices)["output.decision"] == "Output: What is decided"
    assert [name for name, _ in inquiry.shown] == ["What is decided", "Order"]


def test_who_is_named_answers_without_seeing_the_case(client, case, reviewer):
    clerk = UserFactory(username="clerk")
    inquiry = ask(case, reviewer, whom="@clerk", shows=["input.order"])
    client.force_login(clerk)
    page = reverse("admin:cases_inquiry", args=[inquiry.pk])

    listed = client.get(reverse("admin:cases_asked")).content.decode()
    shown = client.get(page).content.decode()
    answered = client.post(page, {"text": "Paid once."})

    assert page in listed and "Was it paid twice?" in shown and "O-77" in shown and "quokka" not in shown
    assert answered.url == reverse("admin:cases_asked")
    assert client.get(reverse("admin:cases_case_change", args=[case.pk])).status_code == 404
    assert (told(clerk), told(reviewer)) == (["asked"], ["answer"])
    assert now(case).paused_since is None


def test_nobody_else_opens_it(client, case, reviewer, stranger):
    inquiry = ask(case, reviewer)
    client.force_login(stranger)
    page = reverse("admin:cases_inquiry", args=[inquiry.pk])

    assert client.get(page).status_code == client.post(page, {"text": "x"}).status_code == 404
    with pytest.raises(PermissionDenied):
        actions.answer(inquiry.pk, by=stranger, text="x")


def test_there_is_one_answer(case, reviewer, resolver):
    inquiry = ask(case, reviewer)
    actions.answer(inquiry.pk, by=resolver, text="No.")

    with pytest.raises(Conflict, match="answered already"):
        actions.answer(inquiry.pk, by=reviewer, text="Yes.")

    assert Inquiry.objects.get().answer == "No."


def test_answering_makes_nobody_a_maker(send, approver):
    case = send(0.5, action={"type": "refund", "amount": 5, "currency": "EUR"})
    actions.answer(ask(case, approver).pk, by=approver, text="So.")

    actions.approve(case.pk, by=approver)

    assert now(case).state == "closed"


# The link


def test_whoever_has_the_link_sees_the_question_and_what_was_chosen_and_nothing_else(browser, case, reviewer):
    inquiry = ask(case, reviewer, shows=["input.order", "context.account"], link_days=3)

    answer = outside(browser, inquiry)

    shown = answer.content.decode()
    assert answer.status_code == 200
    for seen in ("Was it paid twice?", "O-77", "A-9"):
        assert seen in shown
    for hidden in ("quokka", "parcel", case.external_id, str(reviewer), "Refunds", "/admin/"):
        assert hidden not in shown


def test_its_page_is_strict_kept_by_nobody_and_tells_nobody_its_address(browser, case, reviewer):
    answer = outside(browser, ask(case, reviewer, link_days=3))

    assert "script-src 'self'" in answer["Content-Security-Policy"] and "unsafe" not in answer["Content-Security-Policy"]
    assert "no-store" in answer["Cache-Control"]
    assert (answer["Referrer-Policy"], answer["X-Robots-Tag"]) == ("same-origin", "noindex, nofollow")
    assert "sessionid" not in answer.cookies


def test_it_is_answered_once_and_the_case_goes_on(browser, case, reviewer, machine):
    inquiry = ask(case, reviewer, link_days=3)

    first = outside(browser, inquiry, text="Paid once.", named="Bo of Finance")
    second = outside(browser, inquiry, text="Paid twice.")

    kept = Inquiry.objects.get()
    assert (first.status_code, second.status_code, outside(browser, inquiry).status_code) == (200, 410, 410)
    assert (kept.answer, kept.answered_as, kept.answered_by) == ("Paid once.", "Bo of Finance", machine)
    assert now(case).paused_since is None and told(reviewer) == ["answer"]
    assert AuditEvent.objects.get(verb="case.answer").actor_id == machine.pk


def test_whoever_goes_on_with_it_reads_the_answer_first(client, case, reviewer):
    inquiry = ask(case, reviewer)
    actions.answer(inquiry.pk, by=reviewer, text="Paid once.")
    client.force_login(reviewer)

    page = client.get(reverse("admin:cases_case_work", args=[case.pk])).content.decode()

    assert page.index("Finance answered:") < page.index("Paid once.") < page.index('id="output"')


def test_an_empty_answer_is_refused_and_a_long_one_keeps_what_was_typed(browser, case, reviewer):
    inquiry = ask(case, reviewer, link_days=3)

    empty, long = outside(browser, inquiry, text=" "), outside(browser, inquiry, text="x" * 10_001, named="Bo")

    assert (empty.status_code, long.status_code) == (422, 422)
    assert "Write the answer." in empty.content.decode() and "x" * 10_001 in long.content.decode()
    assert Inquiry.objects.get().answered_at is None


def forged(inquiry):
    signed = signing.Signer(salt=links.SALT).sign(f"{inquiry.pk}.{inquiry.link_number}")
    yield signed.replace(f"{inquiry.pk}.", f"{inquiry.pk + 1}.", 1)
    yield signed[:-1] + ("A" if signed[-1] != "A" else "B")
    yield f"{inquiry.pk}.1"
    yield signing.Signer(salt="another").sign(f"{inquiry.pk}.1")
    yield signing.Signer(key="guessed", salt=links.SALT).sign(f"{inquiry.pk}.1")
    yield "%00"


def test_a_forged_link_leads_nowhere(browser, case, reviewer):
    inquiry = ask(case, reviewer, link_days=3)

    for token in forged(inquiry):
        with acting.scope(acting.NOBODY):
            answer = browser.post(f"/answer/{token}/", {"text": "x"})
        assert answer.status_code == 404 and "Was it paid twice?" not in answer.content.decode()
    assert Inquiry.objects.get().answered_at is None


def test_without_a_link_none_opens_it(browser, case, reviewer):
    assert outside(browser, ask(case, reviewer)).status_code == 410


def test_an_expired_link_opens_nothing_and_keeps_nothing(browser, case, reviewer):
    inquiry = ask(case, reviewer, link_days=3)

    with clock.moved(clock.now() + timedelta(days=4)):
        answer = outside(browser, inquiry, text="Late")

    told = answer.content.decode()
    assert answer.status_code == 410 and "This link is over" in told
    assert f"until {inquiry.link_until:%-d %b %Y, %H:%M} UTC" in told and "Late" in told
    assert Inquiry.objects.get().answered_at is None


def test_a_link_that_was_taken_back_or_replaced_opens_nothing(browser, case, reviewer):
    inquiry = ask(case, reviewer, link_days=3)
    first = links.of(inquiry)
    second = links.of(actions.give_link(inquiry.pk, by=reviewer, days=3))
    assert [browser.get(each).status_code for each in (first, second)] == [404, 200]

    actions.revoke_link(inquiry.pk, by=reviewer)

    assert [browser.get(each).status_code for each in (first, second)] == [404, 404]


def test_whoever_floods_the_door_is_told_to_come_back(browser, case, reviewer, monkeypatch):
    monkeypatch.setattr(PACE, "each_minute", 3)
    inquiry = ask(case, reviewer, link_days=3)

    answers = [outside(browser, inquiry) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert int(answers[-1]["Retry-After"]) > 0


def test_whoever_works_the_case_finds_the_link_and_takes_it_back(client, case, reviewer, owner):
    inquiry = ask(case, reviewer, link_days=3)
    page, turn = reverse("admin:cases_case_change", args=[case.pk]), reverse("admin:cases_inquiry_link", args=[inquiry.pk])
    client.force_login(owner)
    assert links.of(inquiry) not in client.get(page).content.decode()  # he sees the case and does not work it
    client.post(turn)
    assert Inquiry.objects.get().has_link(clock.now())

    client.force_login(reviewer)
    assert links.of(inquiry) in client.get(page).content.decode()
    client.post(turn)

    assert not Inquiry.objects.get().has_link(clock.now())


# Vendors


@pytest.fixture
def theirs(send, vendor_reviewer):
    case = send(0.5, input={"text": f"My card is {CARD}.", "order": "O-1"})
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)
    return now(case)


def test_what_a_vendors_person_shows_is_what_he_sees(browser, theirs, vendor_reviewer):
    with acting_as(vendor_reviewer):
        inquiry = ask(theirs, vendor_reviewer, shows=["input.text"], link_days=1)

    shown = outside(browser, inquiry).content.decode()

    assert "[card 1]" in shown and CARD not in shown


def test_a_vendor_reads_questions_and_answers_masked(client, theirs, vendor_reviewer, reviewer, refunds, owner):
    with acting_as(vendor_reviewer):
        inquiry = ask(theirs, vendor_reviewer)
    actions.answer(inquiry.pk, by=reviewer, text=f"Charged to {CARD}.")
    client.force_login(vendor_reviewer)

    for page in ("change", "work"):
        shown = client.get(reverse(f"admin:cases_case_{page}", args=[theirs.pk])).content.decode()
        assert "Charged to [card 1]." in shown and CARD not in shown
    other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
    with acting_as(other):
        assert not Inquiry.objects.exists()
    client.force_login(other)
    assert client.get(reverse("admin:cases_inquiry", args=[inquiry.pk])).status_code == 404


def test_a_vendors_person_asks_no_other_vendors_and_nobody_is_asked_who_may_not_know(
    theirs, vendor_reviewer, refunds, owner, reviewer
):
    other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
    type(other).objects.filter(pk=other.pk).update(username="bolts")

    with pytest.raises(ValidationError, match="Nobody here is called @bolts"):
        ask(theirs, vendor_reviewer, whom="@bolts")
    with pytest.raises(ValidationError, match="may not see this case"):
        ask(theirs, reviewer, whom="@bolts")


# What the database keeps


def test_the_database_keeps_what_was_asked_and_the_one_answer(case, send, reviewer, resolver):
    inquiry = ask(case, reviewer)
    this = Inquiry.objects.filter(pk=inquiry.pk)
    tries = {
        "what an inquiry asks never changes": lambda: this.update(question="Another?"),
        "an inquiry is never deleted": lambda: this._raw_delete("default"),
        "an_answer_has_words_a_time_and_somebody": lambda: this.update(answer="x"),
        "a_ticket_is_an_address_of_the_web": lambda: Inquiry.objects.create(case=case, pause=_pause(case, reviewer), by=reviewer, question="x", ticket="ftp://x"),
        "an_inquiry_asks_something": lambda: Inquiry.objects.create(case=case, pause=_pause(case, reviewer), by=reviewer, question=" "),
        "an inquiry waits by a pause of its case": lambda: Inquiry.objects.create(case=send(0.1), pause=_pause(case, reviewer), by=reviewer, question="x"),
    }  # fmt: skip
    for sentence, change in tries.items():
        with pytest.raises(DatabaseError, match=sentence), transaction.atomic():
            change()

    actions.answer(inquiry.pk, by=resolver, text="So.")
    with pytest.raises(DatabaseError, match="answered once"), transaction.atomic():
        this.update(answer="Otherwise.")


def _pause(case, by):
    return case.pauses.create(kind="team", on_whom="x", desk="review", by=by, since=clock.now())


def test_the_database_takes_no_answer_to_what_is_no_longer_asked(case, reviewer):
    inquiry = ask(case, reviewer)
    actions.go_on(case.pk, by=reviewer)

    with pytest.raises(DatabaseError, match="what is no longer asked is not answered"), transaction.atomic():
        Inquiry.objects.filter(pk=inquiry.pk).update(answer="x", answered_at=clock.now(), answered_by=reviewer)


# By form and over REST


def test_the_workbench_asks_with_what_was_ticked_and_keeps_it_where_something_is_wrong(client, case, reviewer):
    client.force_login(reviewer)
    page = reverse("admin:cases_case_work", args=[case.pk])
    typed = {"verb": "inquire", "revision": case.revision, "inquire.on": "team", "inquire.question": "Paid?",
             "inquire.shows": ["input.order", "context.account"], "inquire.link_days": "7", "inquire.until": "tomorrow"}  # fmt: skip

    wrong = client.post(page, {**typed, "inquire.whom": ""})
    client.post(page, {**typed, "inquire.whom": "Finance"})

    assert wrong.status_code == 422 and wrong.content.decode().count("checked") >= 3
    kept = Inquiry.objects.get()
    assert kept.shown == [["Order", "O-77"], ["Account", "A-9"]] and kept.has_link(clock.now())
    assert kept.pause.until.hour == 9


def test_the_rarely_needed_is_folded_away_until_it_has_something_to_say(client, case, reviewer):
    client.force_login(reviewer)
    page = reverse("admin:cases_case_work", args=[case.pk])

    def folded(**typed):
        shown = client.post(page, {"verb": "inquire", "revision": case.revision, **typed}) if typed else client.get(page)
        panel = shown.content.decode().partition('data-ask="inquire"')[2].partition("data-ask=")[0]
        before, _, rest = panel.partition('<details class="rare"')
        assert 'name="inquire.question"' in before and "inquire.link_days" not in before
        assert all(f'name="inquire.{name}"' in rest for name in ("shows", "link_days", "ticket", "until", "until_other"))
        return rest.startswith(">")

    assert folded() and folded(**{"inquire.on": "team"})
    assert not folded(**{"inquire.shows": "input.order"}) and not folded(**{"inquire.ticket": "no address"})


def test_the_customer_need_not_be_named_where_the_case_names_him(client, send, reviewer):
    client.force_login(reviewer)
    case, other = (queues.claim(send(0.1, customer_reference=name).pk, by=reviewer) for name in ("C-7", ""))

    refused = decide(client, case, "inquire", on="team", question="Paid?")
    asked = decide(client, case, "inquire", on="customer", question="Paid?")
    nameless = decide(client, other, "inquire", on="customer", question="Paid?")

    assert (refused.status_code, asked.status_code, nameless.status_code) == (422, 302, 422)
    assert "Say whom you ask" in refused.content.decode() and 'data-customer="C-7"' in refused.content.decode()
    assert case.pauses.get().on_whom == "C-7"


def test_over_rest_it_is_asked_and_answered(client, key, case, reviewer):
    header, detail = key(reviewer), reverse("case", args=[case.pk])
    body = {"question": "Paid?", "whom": "Finance", "shows": ["input.order"], "link_days": 2}

    asked = client.post(reverse("case-inquire", args=[case.pk]), body, "application/json", **header)
    [shown] = client.get(detail, **header).json()["inquiries"]
    answered = client.post(
        reverse("case-answer", args=[case.pk]), {"inquiry": shown["id"], "text": "Once."}, "application/json", **header
    )
    [after] = client.get(detail, **header).json()["inquiries"]

    assert (asked.status_code, answered.status_code) == (200, 200) and asked.json()["paused_since"]
    assert shown["is_open"] and shown["link"].startswith("/answer/")
    assert (after["is_open"], after["answer"], after["link"]) == (False, "Once.", "")


def test_over_rest_nobody_answers_by_another_case(client, key, case, send, reviewer):
    inquiry = ask(case, reviewer)

    answer = client.post(
        reverse("case-answer", args=[send(0.1).pk]), {"inquiry": inquiry.pk, "text": "x"}, "application/json", **key(reviewer)
    )

    assert answer.status_code == 404 and Inquiry.objects.get().answered_at is None
