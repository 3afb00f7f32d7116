"""What reaches whom: the bell, what one wants to hear of, and mails that each go out once and have no word of a case."""

from datetime import UTC, datetime, time, timedelta
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import DatabaseError, connection, transaction
from django.urls import reverse

from accounts import actions as people
from accounts.models import User
from audit import acting, clock
from cases import actions, jobs, queues
from cases.models import Case, Digest, Notice, Question, Wishes
from cases.talk import digests, rhythm
from tests import factories
from tests.conftest import HOUSE, acting_as, seated

CARD = "4111 1111 1111 1111"


@pytest.fixture
def case(send):
    return send(0.5, external_id="R-secret", input={"text": f"quokka {CARD}"})


def mention(case, by, person, words="quokka"):
    return actions.comment(case.pk, by=by, text=f"@{person.username} {words} {CARD}")


def kinds(person):
    return list(Notice.objects.filter(to=person).order_by("id").values_list("kind", flat=True))


def mailed(person, name="ana@example.com", **wishes):
    """Somebody with an address, who wants this."""
    User.objects.filter(pk=person.pk).update(email=name)
    if wishes:
        Wishes.objects.update_or_create(user=person, defaults=wishes)
    return User.objects.get(pk=person.pk)


def tomorrow(hours=0):
    return clock.moved(clock.now() + timedelta(days=1, hours=hours))


@pytest.mark.django_db
class TestWhoHears:
    def test_whoever_decided_hears_that_it_is_sent_back(self, case, reviewer, resolver):
        actions.escalate(case.pk, by=reviewer, reason="Too hard.")

        actions.send_back(case.pk, by=resolver, reason="Not at all.")

        assert kinds(reviewer) == ["sent_back"]

    def test_from_approval_it_is_whoever_sent_it_there(self, case, reviewer, resolver, approver):
        actions.escalate(case.pk, by=reviewer, reason="Too hard.")
        actions.escalate(case.pk, by=resolver, reason="Too dear.")

        actions.send_back(case.pk, by=approver, reason="Not at all.")

        assert (kinds(resolver)[-1], kinds(reviewer)) == ("sent_back", [])

    def test_whoever_owns_the_policy_or_stands_in_hears_a_question(
        self, client, case, reviewer, owner, vendor, vendor_reviewer
    ):
        deputy = factories.UserFactory()
        people.be_absent(owner, by=owner, until=clock.now() + timedelta(days=1), stand_in=deputy)
        actions.ask(case.pk, by=reviewer, reason="May a voucher be refunded?")
        Case.objects.filter(pk=case.pk).update(vendor=vendor)
        with acting_as(vendor_reviewer):
            actions.ask(case.pk, by=vendor_reviewer, reason="May it?")

        assert (kinds(owner), kinds(reviewer)) == (["to_rule", "to_rule"], [])
        client.force_login(owner)
        heard = owner.notices.first()
        assert client.get(reverse("admin:cases_notice_go", args=[heard.pk])).url == reverse("admin:cases_rulings")
        assert owner.notices.get(pk=heard.pk).read_at
        assert kinds(deputy) == ["to_rule", "to_rule"]

    def test_whoever_asked_and_who_has_the_case_hear_the_ruling(self, case, reviewer, refunds, owner, client):
        holder, named, stranger = (seated(refunds, "reviewer", owner) for _ in range(3))
        actions.ask(case.pk, by=reviewer, reason="May a voucher be refunded?")
        queues.claim(case.pk, by=holder)
        Case.objects.filter(pk=case.pk).update(assigned_to=named)

        actions.rule(Question.objects.get().pk, by=owner, reason="Never.")

        assert [kinds(each) for each in (reviewer, holder, named, stranger)] == [["ruled"], ["ruled"], ["ruled"], []]
        client.force_login(reviewer)
        assert "rules on a question about a case of yours" in client.get(reverse("admin:cases_notices")).content.decode()

    def test_the_only_one_at_a_desk_hears_of_an_escalation(self, case, send, reviewer, resolver, refunds, owner):
        actions.escalate(case.pk, by=reviewer, reason="Too hard.")
        assert kinds(resolver) == ["alone"]
        other = seated(refunds, "resolver", owner)

        actions.escalate(send(0.5).pk, by=reviewer, reason="Too hard.")
        assert (kinds(resolver), kinds(other)) == (["alone"], [])

        people.be_absent(other, by=other, until=clock.now() + timedelta(days=1))
        actions.escalate(send(0.5).pk, by=reviewer, reason="Too hard.")
        assert kinds(resolver) == ["alone", "alone"]

    def test_in_a_vendors_session_too(self, case, vendor_reviewer, resolver):
        Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)

        with acting_as(vendor_reviewer):
            actions.escalate(case.pk, by=vendor_reviewer, reason="Too hard.")

        assert kinds(resolver) == ["alone"]

    @pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}, "approval_minutes": 240}])
    def test_whoever_may_approve_hears_within_the_last_hour_and_once(
        self, send, approver, other_approver, reviewer, refunds, owner
    ):
        limited = seated(refunds, "approver", owner, EUR=1)
        send(0.5, action={"type": "refund", "amount": 5, "currency": "EUR"})
        jobs.tell_of_approvals_needed_soon()
        assert kinds(approver) == []

        with clock.moved(clock.now() + timedelta(minutes=200)):
            jobs.tell_of_approvals_needed_soon()
            jobs.tell_of_approvals_needed_soon()

        assert (kinds(approver), kinds(other_approver), kinds(limited), kinds(reviewer)) == (["approval"], ["approval"], [], [])


@pytest.mark.django_db
class TestOnTheDesk:
    def test_the_bell_counts_what_is_unread_and_looking_reads_it(self, client, case, reviewer, resolver):
        mention(case, reviewer, resolver)
        client.force_login(resolver)
        home, listed = (
            client.get(reverse("admin:index")).content.decode(),
            client.get(reverse("admin:cases_notices")).content.decode(),
        )
        assert (
            "Notices, 1 unread" in home
            and f"{reviewer} mentions you." in listed
            and "R-secret" in listed
            and "quokka" not in listed
        )

        answer = client.get(reverse("admin:cases_notice_go", args=[Notice.objects.get().pk]))

        assert answer.url == reverse("admin:cases_case_work", args=[case.pk])
        assert "Notices, 0 unread" in client.get(reverse("admin:index")).content.decode()

    def test_one_or_all_are_marked_read_and_nobody_elses(self, client, case, reviewer, resolver, owner):
        for _ in range(2):
            mention(case, reviewer, resolver)
        mention(case, reviewer, owner)
        client.force_login(resolver)
        mine, others = resolver.notices.first(), owner.notices.get()
        read = reverse("admin:cases_notices_read")

        client.post(read, {"notice": others.pk})
        client.post(read, {"notice": mine.pk})
        assert (owner.notices.unread().count(), resolver.notices.unread().count()) == (1, 1)
        client.post(read)

        assert (owner.notices.unread().count(), resolver.notices.unread().count()) == (1, 0)
        assert client.get(reverse("admin:cases_notice_go", args=[others.pk])).status_code == 404

    def test_what_one_does_not_want_to_hear_of_is_not_counted(self, client, case, reviewer, resolver):
        mention(case, reviewer, resolver)
        client.force_login(resolver)
        wishes = {"mail": "hourly", "mail_at": "07:30", "heard": ["handed", "alone"], "mailed": ["alone"]}

        client.post(reverse("admin:cases_wishes"), wishes)

        assert "Notices, 0 unread" in client.get(reverse("admin:index")).content.decode()
        kept = Wishes.objects.get(user=resolver)
        assert (kept.mail, kept.mail_at, kept.wants_by_mail()) == ("hourly", time(7, 30), ["alone"])
        assert client.post(reverse("admin:cases_wishes"), {**wishes, "mail_at": "25:00"}).status_code == 422

    def test_a_case_that_one_sees_no_more_is_not_named(self, client, case, reviewer, resolver, refunds):
        mention(case, reviewer, resolver)
        resolver.seats.update(ended_at=clock.now())
        client.force_login(resolver)

        shown = client.get(reverse("admin:cases_notices")).content.decode()
        answer = client.get(reverse("admin:cases_notice_go", args=[Notice.objects.get().pk]), follow=True)

        assert "R-secret" not in shown and "with somebody else now" in answer.content.decode()

    def test_a_vendors_person_reads_the_reference_masked(self, client, send, reviewer, vendor_reviewer):
        case = send(0.5, external_id=f"R {CARD}")
        Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)
        User.objects.filter(pk=vendor_reviewer.pk).update(username="acmes")
        mention(case, reviewer, User.objects.get(pk=vendor_reviewer.pk))
        client.force_login(vendor_reviewer)

        shown = client.get(reverse("admin:cases_notices")).content.decode()

        assert "[card 1]" in shown and CARD not in shown


# When a mail is due


@pytest.mark.parametrize(
    ("now", "at", "zone", "slot"),
    [
        ("2026-06-01T09:00", "08:00", "UTC", "2026-06-01T08:00"),
        ("2026-06-01T07:59", "08:00", "UTC", "2026-05-31T08:00"),
        ("2026-06-01T07:00", "08:00", "Europe/Berlin", "2026-06-01T06:00"),
        ("2026-06-01T03:00", "08:00", "Asia/Kolkata", "2026-06-01T02:30"),
        ("2026-06-01T00:30", "23:00", "America/New_York", "2026-05-31T03:00"),
        ("2026-03-29T12:00", "02:30", "Europe/Berlin", "2026-03-29T01:30"),  # an hour that the clocks leave out
        ("2026-10-25T12:00", "02:30", "Europe/Berlin", "2026-10-25T00:30"),  # one that comes twice: the first
        ("2026-06-01T09:00", "08:00", "No/Where", "2026-06-01T08:00"),
    ],
)
def test_the_moment_of_a_day_is_by_the_persons_own_clock(now, at, zone, slot):
    found = rhythm.last_day(datetime.fromisoformat(now).replace(tzinfo=UTC), time.fromisoformat(at), zone)

    assert found == datetime.fromisoformat(slot).replace(tzinfo=UTC)


@pytest.mark.django_db
class TestMails:
    def test_what_is_unread_comes_once_without_a_word_of_the_case(self, case, reviewer, resolver):
        mailed(resolver)
        mention(case, reviewer, resolver)
        with tomorrow():
            jobs.send_mails()
            jobs.send_mails()

        [sent] = mail.outbox
        assert sent.to == ["ana@example.com"] and sent.subject == "1 thing for you in HITL Desk"
        assert f"Refunds: {reviewer} mentions you." in sent.body
        for word in ("quokka", CARD, "R-secret"):
            assert word not in sent.body + sent.subject + str(sent.extra_headers)
        with tomorrow(24):
            jobs.send_mails()
        assert len(mail.outbox) == 1

    @pytest.mark.parametrize("wishes", [{"mail": "off"}, {"unmailed": ["mention"]}, {"muted": ["mention"]}])
    def test_who_wants_none_gets_none(self, case, reviewer, resolver, wishes):
        mailed(resolver, **wishes)
        mention(case, reviewer, resolver)

        with tomorrow():
            jobs.send_mails()

        assert mail.outbox == [] and not Digest.objects.exists()

    def test_what_was_read_meanwhile_is_not_mailed_nor_is_anybody_without_an_address_or_gone(
        self, case, reviewer, resolver, owner
    ):
        mailed(resolver)
        mention(case, reviewer, resolver)
        mention(case, reviewer, owner)
        Notice.objects.filter(to=resolver).update(read_at=clock.now())

        with tomorrow():
            jobs.send_mails()

        assert mail.outbox == []

    def test_it_comes_at_the_hour_that_one_wants(self, case, reviewer, resolver, monday):
        mailed(resolver, mail="daily", mail_at=time(17))
        with clock.moved(monday):
            mention(case, reviewer, resolver)
        for hours, mails in ((7.9, 0), (8.1, 1)):
            with clock.moved(monday + timedelta(hours=hours)):
                jobs.send_mails()
            assert len(mail.outbox) == mails

    def test_every_hour_for_who_wants_that(self, case, reviewer, resolver, monday):
        mailed(resolver, mail="hourly")
        for minutes, mails in ((10, 0), (70, 1), (80, 1), (130, 2)):
            with clock.moved(monday + timedelta(minutes=minutes)):
                jobs.send_mails()
                assert len(mail.outbox) == mails
                mention(case, reviewer, resolver)

    def test_to_a_vendors_person_no_other_vendors_is_named(self, case, reviewer, vendor_reviewer, refunds, owner):
        other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
        person = mailed(vendor_reviewer)
        Notice.objects.create(to=person, kind="mention", case=case, by=other, at=clock.now())

        with tomorrow():
            jobs.send_mails()

        assert "somebody of another vendor mentions you." in mail.outbox[0].body and other.username not in mail.outbox[0].body

    def test_a_mail_server_that_refuses_is_asked_again_with_the_same_mail(self, case, reviewer, resolver, monkeypatch):
        mailed(resolver)
        mention(case, reviewer, resolver)
        tried = []

        def refuse(message, **_):
            tried.append(message.message().as_bytes())
            raise ConnectionRefusedError("ana@example.com")

        with tomorrow():
            with monkeypatch.context() as away:
                away.setattr(digests.EmailMessage, "send", refuse)
                jobs.send_mails()
            jobs.send_mails()
            assert mail.outbox == [] and "ana@" not in Digest.objects.get().last_error
        with tomorrow(0.1):
            jobs.send_mails()

        assert [sent.message().as_bytes() for sent in mail.outbox] == tried
        assert Digest.objects.get().sent_at

    def test_a_worker_that_dies_before_it_sends_leaves_the_mail_to_the_next(self, case, reviewer, resolver):
        mailed(resolver)
        mention(case, reviewer, resolver)
        with tomorrow():
            digests.make_due(clock.now())
            [claimed] = digests.claim(10)  # and dies
            jobs.send_mails()
            assert mail.outbox == []  # it may be about to
        with tomorrow(0.2):
            jobs.send_mails()
            jobs.send_mails()

        assert len(mail.outbox) == 1 and claimed.attempts == 1 and Digest.objects.get().attempts == 2

    def test_one_that_dies_while_it_makes_the_mail_leaves_none(self, case, reviewer, resolver, monkeypatch):
        mailed(resolver)
        mention(case, reviewer, resolver)
        with tomorrow():
            with monkeypatch.context() as dying:
                dying.setattr(Digest.objects, "create", lambda **_: 1 / 0)
                with pytest.raises(ZeroDivisionError):
                    jobs.send_mails()
            assert not Notice.objects.exclude(digest=None).exists()
            jobs.send_mails()

        assert len(mail.outbox) == 1

    def test_a_mail_of_which_nobody_knows_whether_it_was_taken_goes_again_under_its_own_name(
        self, case, reviewer, resolver, monkeypatch
    ):
        mailed(resolver)
        mention(case, reviewer, resolver)
        with tomorrow(), monkeypatch.context() as dying:
            dying.setattr(digests, "note", lambda *_, **__: None)  # it dies after the server took it
            jobs.send_mails()
        with tomorrow(0.2):
            jobs.send_mails()

        first, second = mail.outbox
        assert first.message()["Message-ID"] == second.message()["Message-ID"]
        assert first.message().as_bytes() == second.message().as_bytes()

    def test_the_database_keeps_each_notice_in_one_mail_and_each_mail_as_sent(self, case, reviewer, resolver):
        mailed(resolver)
        mention(case, reviewer, resolver)
        with tomorrow():
            jobs.send_mails()
        other = Digest.objects.create(to=resolver, slot=clock.now(), made_at=clock.now())

        for sentence, change in {
            "a notice is in one mail": lambda: Notice.objects.update(digest=other),
            "a mail is sent once": lambda: Digest.objects.exclude(pk=other.pk).update(sent_at=None),
            "one_mail_per_person_and_moment": lambda: Digest.objects.create(to=resolver, slot=other.slot, made_at=clock.now()),
        }.items():
            with pytest.raises(DatabaseError, match=sentence), transaction.atomic():
                change()


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_it_once(committed):
    send, reviewer, resolver = committed("send", "reviewer", "resolver")
    with transaction.atomic():
        mention(send(0.5), reviewer, mailed(resolver))
    together, moment = Barrier(2), clock.now() + timedelta(days=1)

    def work():
        with acting.scope(HOUSE), clock.moved(moment):
            together.wait()
            jobs.send_mails()
        connection.close()

    workers = [Thread(target=work) for _ in range(2)]
    for each in workers:
        each.start()
    for each in workers:
        each.join()

    assert len(mail.outbox) == 1
    with transaction.atomic():
        assert Digest.objects.count() == 1


@pytest.mark.django_db
class TestNoMoreMail:
    def links(self, case, reviewer, resolver):
        mailed(resolver)
        mention(case, reviewer, resolver)
        with tomorrow():
            jobs.send_mails()
        return mail.outbox[0].extra_headers

    def test_one_press_stops_it_without_signing_in(self, browser, case, reviewer, resolver):
        headers = self.links(case, reviewer, resolver)
        address = headers["List-Unsubscribe"].strip("<>")
        assert headers["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
        path = address.removeprefix("http://127.0.0.1:8000")

        with acting.scope(acting.NOBODY):
            looked = browser.get(path)
        assert looked.status_code == 200 and not Wishes.objects.exists()
        with acting.scope(acting.NOBODY):
            pressed = browser.post(path, {"List-Unsubscribe": "One-Click"})

        assert pressed.status_code == 200 and Wishes.objects.get(user=resolver).mail == "off"

    def test_a_forged_one_stops_nothing(self, browser, case, reviewer, resolver):
        address = self.links(case, reviewer, resolver)["List-Unsubscribe"].strip("<>").removeprefix("http://127.0.0.1:8000")
        forged = address.replace(f"/{resolver.pk}:", f"/{reviewer.pk}:")

        assert forged != address
        assert browser.post(forged).status_code == browser.post(address[:-3] + "/").status_code == 404
        assert not Wishes.objects.exists()

    def test_what_was_made_before_is_not_sent_after(self, case, reviewer, resolver):
        mailed(resolver)
        mention(case, reviewer, resolver)
        with tomorrow():
            digests.make_due(clock.now())
            Wishes.objects.create(user=resolver, mail="off")
            digests.send_due()

        assert mail.outbox == [] and Digest.objects.get().next_try_at is None


@pytest.mark.django_db
class TestAway:
    """The switch on My desk."""

    def test_who_goes_away_is_given_nothing_and_what_he_holds_is_offered_to_others(
        self, client, case, reviewer, refunds, owner
    ):
        other = seated(refunds, "reviewer", owner)
        queues.claim(case.pk, by=reviewer)
        client.force_login(reviewer)

        client.post(reverse("admin:away"), {"away-back": "week", "away-reason": "The sea."})
        jobs.end_expired_claims()

        assert queues.next_case(reviewer) is None and queues.next_case(other).pk == case.pk
        assert "I am back" in client.get(reverse("admin:index")).content.decode()

    def test_who_is_back_is_given_work_again(self, client, case, reviewer):
        client.force_login(reviewer)
        client.post(reverse("admin:away"), {"away-back": "week"})

        client.post(reverse("admin:away"), {"is_back": "1"})

        assert queues.next_case(reviewer).pk == case.pk
        assert "Going away?" in client.get(reverse("admin:index")).content.decode()

    def test_it_ends_by_itself_on_the_return_date(self, client, case, reviewer):
        client.force_login(reviewer)
        client.post(reverse("admin:away"), {"away-back": "tomorrow"})

        assert queues.next_case(reviewer) is None
        with clock.moved(clock.now() + timedelta(days=2)):
            assert queues.next_case(reviewer).pk == case.pk

    @pytest.mark.parametrize(
        "typed",
        [{}, {"away-back": "other"}, {"away-back": "other", "away-back_other": "2020-01-01T09:00"}, {"away-back": "never"}],
    )
    def test_what_is_wrong_is_said_and_nobody_is_away(self, client, reviewer, typed):
        client.force_login(reviewer)

        answer = client.post(reverse("admin:away"), {**typed, "away-reason": "The sea."})

        assert (
            answer.status_code == 422 and 'class="wrong"' in answer.content.decode() and "The sea." in answer.content.decode()
        )
        assert not reviewer.absences.exists()

    def test_a_vendors_person_asks_the_house(self, client, vendor_reviewer):
        client.force_login(vendor_reviewer)

        shown = client.post(reverse("admin:away"), {"away-back": "week"}, follow=True).content.decode()

        assert "Ask an administrator of the house" in shown and not vendor_reviewer.absences.exists()
