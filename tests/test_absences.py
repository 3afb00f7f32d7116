"""Away from a day to come: until then nothing changes, from then on everything does; it can be called off until it begins."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.urls import reverse

from accounts import actions as people
from accounts.models import Absence, User
from audit import clock
from audit.models import AuditEvent
from cases import actions, forms, jobs, outlook, queues
from cases.models import Case
from tests.conftest import acting_as, seated
from tests.factories import UserFactory
from workflows import actions as workflows

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
DESK, AWAY = reverse("admin:index"), reverse("admin:away")


@pytest.fixture
def later():
    return clock.now() + 3 * DAY


def away_from(person, since, **more):
    return people.be_absent(person, by=person, since=since, until=since + 2 * DAY, **more)


def while_away(absence):
    return clock.moved(absence.since + timedelta(minutes=1))


# What reads it


@pytest.mark.long
def test_until_it_begins_he_is_given_work_and_from_then_on_none(send, reviewer, later):
    for _ in range(2):
        send()
    absence = away_from(reviewer, later)

    assert queues.next_case(reviewer)
    assert outlook.present(reviewer.seats.get().workflow, "review", None, clock.now()) == 1
    with while_away(absence):
        assert queues.next_case(reviewer) is None
        assert outlook.present(reviewer.seats.get().workflow, "review", None, clock.now()) == 0
    with clock.moved(absence.until + timedelta(minutes=1)):
        assert queues.next_case(reviewer)


@pytest.mark.parametrize("rules", [{"action_tiers": {"refund": "high"}}])
def test_until_it_begins_he_approves_and_from_then_on_not(send, approver):
    one, two = (send(action={"type": "refund", "amount": 5, "currency": "EUR", "payee": "C"}) for _ in range(2))
    absence = away_from(approver, clock.now() + timedelta(minutes=5))

    actions.approve(one.pk, by=approver)
    with while_away(absence), pytest.raises(PermissionDenied, match="You are marked absent until"):
        actions.approve(two.pk, by=approver)


def test_the_stand_in_owns_from_then_on_only(refunds, owner, stranger, later):
    absence = away_from(owner, later, stand_in=stranger)

    with pytest.raises(PermissionDenied):
        workflows.stop(refunds, by=stranger, reason="Wrong answers")
    with while_away(absence):
        workflows.stop(refunds, by=stranger, reason="Wrong answers")


def test_what_he_holds_stays_his_until_it_begins(send, reviewer, refunds, owner, later):
    other, case = seated(refunds, "reviewer", owner), send()
    Case.objects.filter(pk=case.pk).update(assigned_to=reviewer)
    absence = away_from(reviewer, later)

    def offered():
        jobs.end_expired_claims()
        return Case.objects.get(pk=case.pk).assigned_to is None

    def takes(person):
        return (person.pk, str(person)) in forms.To().fields(Case.objects.get(pk=case.pk), other)["to"].choices

    assert not offered() and takes(reviewer)
    with while_away(absence):
        assert offered() and not takes(reviewer)


# The verbs


def test_who_is_back_is_back_from_this_absence_and_not_from_the_next(reviewer, later):
    people.be_absent(reviewer, by=reviewer, until=clock.now() + DAY)
    away_from(reviewer, later)

    people.come_back(reviewer, by=reviewer)

    assert not reviewer.absences.at(clock.now()).exists()
    assert reviewer.absences.coming(clock.now()).get().since == later
    with pytest.raises(ValidationError, match="is not away now"):
        people.come_back(reviewer, by=reviewer)


def test_an_absence_to_come_is_called_off_once_and_before_it_begins(reviewer, later):
    one, two = away_from(reviewer, later), away_from(reviewer, later + 5 * DAY)

    people.call_off(one, by=reviewer)

    with clock.moved(one.since + DAY):
        assert not reviewer.absences.at(clock.now()).exists()
    with pytest.raises(ValidationError, match="has begun or was called off"):
        people.call_off(one, by=reviewer)
    with while_away(two), pytest.raises(ValidationError, match="has begun or was called off"):
        people.call_off(two, by=reviewer)
    event = AuditEvent.objects.get(verb="user.call_off")
    assert event.body["since"].startswith(f"{one.since:%Y-%m-%d}")


def test_nobody_elses_is_called_off(reviewer, stranger, later):
    absence = away_from(reviewer, later)

    with pytest.raises(PermissionDenied, match=r"Only .* or an administrator"):
        people.call_off(absence, by=stranger)
    people.call_off(absence, by=UserFactory(office="administrator"))


@pytest.mark.parametrize(("since", "until"), [(0, 3), (2, 3), (3, 4), (4, 9)])
def test_two_absences_do_not_overlap_and_the_other_one_is_named(reviewer, since, until, later):
    away_from(reviewer, later)  # from the third day to the fifth
    begins = clock.now() + timedelta(hours=1)

    with pytest.raises(ValidationError, match=r"is marked absent from .* until .* already") as refusal:
        people.be_absent(
            reviewer, by=reviewer, since=begins + since * DAY, until=begins + until * DAY + 12 * timedelta(hours=1)
        )
    assert f"{later:%Y, %H:%M}" in refusal.value.messages[0]
    people.be_absent(reviewer, by=reviewer, until=later)  # one may end where the next begins


def test_it_begins_now_or_later(reviewer):
    now = clock.now()
    with pytest.raises(ValidationError) as refusal:
        people.be_absent(reviewer, by=reviewer, since=now - DAY, until=now + DAY)
    assert refusal.value.message_dict == {"since": ["An absence begins now or later."]}

    absence = people.be_absent(reviewer, by=reviewer, since=now.replace(second=0, microsecond=0), until=now + DAY)
    assert absence.since >= now


# My desk


def desk(client, person, **typed):
    client.force_login(person)
    return client.post(AWAY, {f"away-{name}": value for name, value in typed.items()}, follow=True)


def test_from_one_day_to_another_by_ones_own_clock(client, reviewer):
    User.objects.filter(pk=reviewer.pk).update(time_zone="Asia/Tokyo")
    year = clock.now().year + 1

    answer = desk(
        client,
        User.objects.get(pk=reviewer.pk),
        since="other",
        since_other=f"{year}-06-01T09:00",
        back="other",
        back_other=f"{year}-06-08T09:00",
        reason="The sea.",
    )

    absence = reviewer.absences.get()
    assert absence.since == datetime(year, 6, 1, 9, tzinfo=ZoneInfo("Asia/Tokyo")) == datetime(year, 6, 1, 0, tzinfo=UTC)
    page = answer.content.decode()
    assert "You are going to be away" in page and f"1 Jun {year}, 09:00" in page and f"8 Jun {year}, 09:00" in page
    assert "Going away?" in page and "I am back" not in page


def test_it_is_called_off_there(client, reviewer, stranger, later):
    absence, anothers = away_from(reviewer, later), away_from(stranger, later)
    client.force_login(reviewer)

    page = client.post(AWAY, {"call_off": absence.pk}, follow=True).content.decode()
    again = client.post(AWAY, {"call_off": absence.pk}, follow=True).content.decode()

    assert "You are going to be away" not in page and "not away then" in page
    assert "has begun or was called off already" in again
    for other in (anothers.pk, "x", "9" * 30):
        assert client.post(AWAY, {"call_off": other}).status_code == 404
    assert Absence.objects.coming(clock.now()).get() == anothers


@pytest.mark.parametrize(
    ("typed", "says"),
    [
        ({"since": "week", "back": "tomorrow"}, "must be after the absence begins"),
        ({"since": "other", "back": "week"}, "Write from when you are away."),
        ({"since": "other", "since_other": "2020-01-01T09:00", "back": "week"}, "An absence begins now or later."),
        ({"since": "never", "back": "week"}, "Select a valid choice"),
        ({"back": "other", "back_other": "soon"}, "Write a date and a time"),
    ],
)
def test_what_is_wrong_is_said_at_its_field_and_what_was_typed_stays(client, reviewer, typed, says):
    answer = desk(client, reviewer, **typed, reason="The sea.")

    page = answer.content.decode()
    assert answer.status_code == 422 and says in page and "The sea." in page and 'aria-invalid="true"' in page
    assert not reviewer.absences.exists()


def test_a_vendors_person_reads_when_and_cannot_change_it(client, vendor_reviewer, administrator):
    begins = clock.now() + timedelta(minutes=5)
    people.be_absent(vendor_reviewer, by=administrator, since=begins, until=begins + DAY)
    client.force_login(vendor_reviewer)

    with acting_as(vendor_reviewer):
        page = client.get(DESK).content.decode()
        with while_away(Absence.objects.get()):
            during = client.get(DESK).content.decode()

    assert "You are going to be away" in page and 'name="call_off"' not in page
    assert "You are away" in during and 'name="is_back"' not in during


# The pages of people


def test_it_is_said_and_called_off_on_the_pages_of_people_too(client, administrator, reviewer):
    client.force_login(administrator)
    begins = clock.now() + 3 * DAY
    typed = {"since": f"{begins:%Y-%m-%d %H:%M}", "until": f"{begins + DAY:%Y-%m-%d %H:%M}"}

    client.post(reverse("admin:accounts_user_absent", args=[reviewer.pk]), typed)

    absence = reviewer.absences.get()
    off = reverse("admin:accounts_user_call_off", args=[reviewer.pk, absence.pk])
    assert absence.since > clock.now() and off in client.get(reverse("admin:accounts_user_away")).content.decode()
    assert f"{begins:%H:%M}" in client.get(off).content.decode()
    client.post(off)
    assert not reviewer.absences.not_over(clock.now()).exists()
    assert client.post(off).status_code == 422
    other = reverse("admin:accounts_user_call_off", args=[administrator.pk, absence.pk])
    assert client.get(other).status_code == 404


def test_the_return_date_is_after_the_first_day_on_that_page_too(client, reviewer):
    client.force_login(reviewer)
    begins = clock.now() + 3 * DAY

    answer = client.post(
        reverse("admin:accounts_user_absent", args=[reviewer.pk]),
        {"since": f"{begins:%Y-%m-%d %H:%M}", "until": f"{begins - DAY:%Y-%m-%d %H:%M}", "reason": "The sea."},
    )

    assert answer.status_code == 422 and "must be after the absence begins" in answer.content.decode()
    assert not reviewer.absences.exists()
