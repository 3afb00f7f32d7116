"""Sides at work: intake, another desk, hand over, waiting work, and the end of a mandate."""

from datetime import timedelta
from decimal import Decimal

import msgspec
import pytest
from django.core.exceptions import ValidationError
from django.db import connection
from django.urls import reverse

from accounts.models import Absence, User
from audit import clock
from audit.models import AuditEvent
from cases import actions, ending, forms, queues, shapes, sides, taking_over
from cases.allocation import Allocation, replayed
from cases.intake import Intake, receive, routed, stored
from cases.models import Case
from tests import factories
from tests.conftest import seated
from tests.desk import asked, decide
from tests.test_promises import CHANGING, refused
from workflows import actions as workflows
from workflows.models import Calendar, Shift

pytestmark = pytest.mark.django_db


@pytest.fixture
def rules():
    return {"action_tiers": {"refund": "high"}, "language_from": "input.language"}


@pytest.fixture
def mandate(refunds, vendor):
    """Acme has everything, but for approvals, while its people are there."""
    return factories.MandateFactory(workflow=refunds, engagement__vendor=vendor, share=100)


@pytest.fixture
def acme(mandate, refunds, owner, vendor):
    """Its people: a reviewer and a resolver."""
    return seated(refunds, "reviewer", owner, vendor), seated(refunds, "resolver", owner, vendor)


@pytest.fixture
def house(reviewer, resolver):
    return reviewer, resolver


def hours(*spans, zone="UTC"):
    """Hours of every day, as (from, to)."""
    made = Calendar.objects.create(name=f"{spans} {Calendar.objects.count()}", time_zone=zone)
    for weekday in range(7):
        for opens, closes in spans:
            Shift.objects.create(calendar=made, weekday=weekday, opens=opens, closes=closes)
    return made


def closed_now():
    """Hours that begin again in some three hours."""
    now = clock.now()
    return hours(
        ((now + timedelta(hours=3)).time().replace(microsecond=0), (now + timedelta(hours=4)).time().replace(microsecond=0))
    )


def fresh(case):
    return Case.objects.get(pk=case.pk)


def change(thing, **facts):
    type(thing).objects.filter(pk=thing.pk).update(**facts)


def told(case, verb):
    return AuditEvent.objects.filter(subject_type="case", subject_id=case.pk, verb=f"case.{verb}")


def rule(case):
    return fresh(case).allocation["rule"]


def since(case, **ago):
    """As if it had come to its desk so long ago."""
    change(case, desk_since=clock.now() - timedelta(**ago))


# intake


def test_without_a_mandate_nothing_is_kept_and_nothing_is_asked(send, house, integration):
    assert (send().vendor_id, send().allocation) == (None, None)

    item = {"workflow": "refunds", "external_id": "N-1", "input": {}, "output": {"decision": "x"}, "confidence": 0.5}
    with connection.execute_wrapper(no_sides):
        receive([msgspec.convert(item, Intake)], by=integration)


def no_sides(execute, sql, *rest):
    assert "sides_of" not in sql
    return execute(sql, *rest)


def test_a_case_is_born_with_its_side_and_the_sentence_is_in_its_story(send, house, acme, vendor):
    case = send()

    assert case.vendor == vendor and case.allocation["sentence"] == "Acme Support, by lot: its share is 100 %."
    assert replayed(case.allocation).side == vendor.pk
    [(_, sentence), *_] = shapes.sentences(shapes.story(case))
    assert sentence.endswith("is below 0.8 (medium risk). Allocated: Acme Support, by lot: its share is 100 %")


def test_an_approval_is_the_houses_and_says_so(send, house, acme):
    case = send(action={"type": "refund", "amount": 5, "currency": "EUR"})

    assert (case.state, case.vendor, case.allocation["rule"]) == ("approval", None, "approval")


def test_what_goes_straight_through_is_nobodys(send, house, acme):
    assert send(confidence=0.95).allocation is None


def test_a_batch_stays_within_the_capacity(integration, house, acme, mandate, vendor):
    change(mandate, capacity=7)
    item = {"workflow": "refunds", "input": {}, "output": {"decision": "x"}, "confidence": 0.5}

    receive([msgspec.convert({**item, "external_id": f"B-{n}"}, Intake) for n in range(20)], by=integration)
    receive([msgspec.convert({**item, "external_id": f"C-{n}"}, Intake) for n in range(20)], by=integration)

    assert Case.objects.filter(vendor=vendor).count() == 7
    assert all(replayed(case.allocation).vendor_id == case.vendor_id for case in Case.objects.all())


def test_a_batch_of_any_size_asks_once(integration, house, acme):
    item = {"workflow": "refunds", "input": {}, "output": {"decision": "x"}, "confidence": 0.5}
    asked = []

    def count(execute, sql, *rest):
        asked.append("sides_of" in sql)
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        receive([msgspec.convert({**item, "external_id": f"B-{n}"}, Intake) for n in range(50)], by=integration)

    assert sum(asked) == 1


def test_the_language_is_read_where_the_policy_says(send, house, acme, mandate, vendor):
    change(mandate, languages=["es"])

    assert send(input={"language": "es-MX"}).vendor == vendor
    assert send(input={"language": "de"}).vendor is None
    assert send(input={"text": "?"}).vendor is None


def test_segment_and_tags_are_the_kinds_of_work(send, house, acme, mandate, vendor):
    change(mandate, skills=["retail"])

    assert (send(segment="retail").vendor, send(segment="business").vendor) == (vendor, None)


def test_outside_its_hours_the_house_has_it_and_outside_the_houses_the_vendor(send, house, acme, mandate, refunds, vendor):
    change(mandate.engagement, coverage=closed_now())
    assert send().allocation["sentence"] == "In-house, the only side on shift with room."

    change(mandate.engagement, coverage=None)
    change(refunds, staffed=closed_now())
    assert send().allocation["sentence"] == "Acme Support, the only side on shift with room."


def test_nobody_is_on_shift_and_somebody_is_responsible(send, house, acme, mandate, refunds):
    change(mandate.engagement, coverage=closed_now())
    change(refunds, staffed=closed_now())

    case = send()

    assert case.allocation["rule"] == "next" and "begins next" in case.allocation["sentence"]


def test_whoever_is_away_is_not_there(send, house, acme):
    reviewer, _ = acme
    Absence.objects.create(user=reviewer, until=clock.now() + timedelta(days=1))

    case = send()

    acmes = case.allocation["sides"][1]
    assert case.vendor is None and (acmes["seats"], acmes["here"]) == (1, 0)


def test_a_stopped_workflow_holds_for_somebody(refunds, owner, integration, house, acme, vendor):
    item = {"workflow": "refunds", "external_id": "S-1", "input": {}, "output": {"decision": "x"}, "confidence": 0.99}
    rows = routed([msgspec.convert(item, Intake)], by=integration)
    workflows.stop(refunds, by=owner, reason="Stop.")
    stored(rows, by=integration)

    case = Case.objects.get(external_id="S-1")
    assert (case.state, case.vendor) == ("review", vendor)


# another desk


def test_a_case_stays_with_the_vendor_that_has_it(send, house, acme, mandate, vendor):
    case = send()
    change(mandate, share=0)

    actions.escalate(case.pk, by=acme[0], reason="Unclear.")

    assert fresh(case).vendor == vendor and rule(case) == "kept"
    assert told(case, "escalate").get().body["to_vendor"] == vendor.pk


@pytest.mark.parametrize("why", ["no resolver", "no such role", "full", "off shift"])
def test_a_vendor_that_cannot_keep_it_does_not(send, house, acme, mandate, why):
    case = send()
    if why == "no resolver":
        acme[1].seats.update(ended_at=clock.now())
    elif why == "no such role":
        change(mandate, roles=["reviewer"])
    elif why == "full":
        change(mandate, capacity=0)
    else:
        change(mandate.engagement, coverage=closed_now())

    actions.escalate(case.pk, by=acme[0], reason="Unclear.")

    assert fresh(case).vendor is None and fresh(case).state == "resolution"
    assert replayed(fresh(case).allocation).vendor_id is None


def test_back_at_a_desk_it_is_whose_it_was_there(send, house, acme, mandate, vendor):
    case = send()
    actions.escalate(case.pk, by=acme[0], reason="Unclear.")
    actions.hand_over(case.pk, by=acme[1], reason="Not ours.", side="house")
    change(mandate, share=0)

    actions.send_back(case.pk, by=house[1], reason="Look again.")

    assert fresh(case).vendor == vendor and rule(case) == "kept"


def test_approval_is_the_houses_and_a_recall_is_whose_who_recalls(send, house, acme, mandate):
    change(mandate, share=0)
    case = send()
    actions.correct(
        case.pk, by=house[0], output={"decision": "x"}, action={"type": "refund", "amount": Decimal(5), "currency": "EUR"}
    )
    assert (fresh(case).state, rule(case)) == ("approval", "approval")

    actions.recall(case.pk, by=house[0], reason="Wrong amount.")

    assert (fresh(case).state, fresh(case).vendor, rule(case)) == ("review", None, "returned")


@pytest.mark.parametrize("rules", [{"grace_seconds": 600}])
def test_an_undo_is_whose_who_undoes_off_shift_too(send, house, acme, mandate, vendor):
    case = send()
    actions.accept(case.pk, by=acme[0])
    assert fresh(case).vendor == vendor
    change(mandate.engagement, coverage=closed_now())

    actions.undo(case.pk, by=acme[0])

    assert (fresh(case).state, fresh(case).vendor, rule(case)) == ("review", vendor, "returned")


def test_what_was_wrong_goes_back_to_whose_it_was(send, house, acme, owner, vendor):
    case = send()
    actions.accept(case.pk, by=acme[0])

    actions.reopen(case.pk, by=owner, reason="It was wrong.")

    assert (fresh(case).state, fresh(case).vendor, rule(case)) == ("resolution", vendor, "kept")


def test_without_mandates_another_desk_asks_nothing_more(send, house):
    case = send()

    with connection.execute_wrapper(no_sides):
        actions.escalate(case.pk, by=house[0], reason="Unclear.")

    assert (fresh(case).vendor, fresh(case).allocation) == (None, None)


# hand over


def test_the_house_hands_to_any_side(send, house, acme, mandate, vendor):
    change(mandate, share=0)
    case = send()

    actions.hand_over(case.pk, by=house[0], reason="Too many here.", side=vendor.pk)

    assert fresh(case).vendor == vendor
    assert fresh(case).allocation["sentence"] == "Acme Support: somebody handed it over, with a reason."
    assert told(case, "hand_over").get().words == "Too many here."


def test_a_vendor_hands_back_to_the_house_and_not_to_another_vendor(send, house, acme, refunds, owner, mandate):
    bright = factories.MandateFactory(workflow=refunds, share=0)
    seated(refunds, "reviewer", owner, bright.vendor)
    case = send()

    with pytest.raises(ValidationError, match="own people or back to the house"):
        actions.hand_over(case.pk, by=acme[0], reason="Not ours.", side=bright.vendor.pk)
    actions.hand_over(case.pk, by=acme[0], reason="Not ours.", side="house")

    assert fresh(case).vendor is None


@pytest.mark.parametrize("wrong", ["without a mandate", "without a seat", "without the role"])
def test_a_side_that_cannot_work_it_gets_nothing(send, house, acme, mandate, vendor, wrong):
    change(mandate, share=0)
    case = send()
    if wrong == "without a mandate":
        change(mandate.engagement, since=clock.now() + timedelta(days=1))
    elif wrong == "without a seat":
        acme[0].seats.update(ended_at=clock.now())
    else:
        change(mandate, roles=["resolver"])

    with pytest.raises(ValidationError, match="no mandate or nobody at review"):
        actions.hand_over(case.pk, by=house[0], reason="Too many here.", side=vendor.pk)


def test_a_named_person_brings_his_side_and_it_never_goes_back_to_whoever_passed_it_on(
    send, house, acme, mandate, vendor, refunds, owner
):
    change(mandate, share=0)
    case, other = send(), seated(refunds, "reviewer", owner)

    actions.hand_over(case.pk, by=house[0], reason="Yours.", to=acme[0].pk)

    assert (fresh(case).vendor, fresh(case).assigned_to) == (vendor, acme[0])
    with pytest.raises(ValidationError, match="passed this case on already"):
        actions.hand_over(case.pk, by=acme[0], reason="Back.", to=house[0].pk)
    with pytest.raises(ValidationError, match="works for another side"):
        actions.hand_over(case.pk, by=acme[0], reason="Back.", to=other.pk, side=vendor.pk)


# waiting work


@pytest.fixture
def peaks(mandate):
    change(mandate, share=0, peak_minutes=60)


def test_above_its_age_a_vendor_takes_what_waits(send, house, acme, peaks, vendor, machine):
    old, new = send(), send()
    since(old, minutes=90)

    assert taking_over.sweep(by=machine) == 1

    assert (fresh(old).vendor, fresh(new).vendor) == (vendor, None)
    assert (
        fresh(old).allocation["sentence"]
        == "Acme Support: it waited 90 minutes elsewhere, and above 60 Acme Support takes it over."
    )
    assert replayed(fresh(old).allocation).vendor_id == vendor.pk and told(old, "reallocate").count() == 1


def test_while_cases_wait_so_long_new_ones_are_taken_too(send, house, acme, peaks, vendor):
    since(send(), minutes=90)

    case = send()

    assert case.vendor == vendor and case.allocation["rule"] == "peak"


@pytest.mark.parametrize("stays", ["claimed", "handed over", "full", "off shift", "named"])
def test_not_everything_that_waits_is_taken(send, house, acme, peaks, mandate, vendor, refunds, owner, stays, machine):
    case = send()
    if stays == "claimed":
        queues.claim(case.pk, by=house[0])
    elif stays == "handed over":
        actions.hand_over(case.pk, by=house[0], reason="Yours.", side=vendor.pk)
        actions.hand_over(case.pk, by=acme[0], reason="Yours.", side="house")
    elif stays == "full":
        change(mandate, capacity=0)
    elif stays == "named":
        other = seated(refunds, "reviewer", owner)
        actions.hand_over(case.pk, by=house[0], reason="Yours.", to=other.pk)
    else:
        change(mandate.engagement, coverage=closed_now())
    since(case, minutes=90)

    assert taking_over.sweep(by=machine) == 0
    assert fresh(case).vendor is None


def test_a_sweep_stays_within_the_capacity(send, house, acme, peaks, mandate, vendor, machine):
    change(mandate, capacity=2)
    for case in [send() for _ in range(5)]:
        since(case, minutes=90)

    taking_over.sweep(by=machine)

    assert Case.objects.filter(vendor=vendor).count() == 2


def test_what_a_shift_leaves_and_is_due_before_the_next_goes_to_whoever_is_there(send, house, acme, mandate, vendor, machine):
    soon, later = send(), send()
    change(mandate.engagement, coverage=closed_now())
    change(soon, due_at=clock.now() + timedelta(hours=1))
    change(later, due_at=clock.now() + timedelta(hours=9))

    taking_over.sweep(by=machine)

    assert (fresh(soon).vendor, fresh(later).vendor) == (None, vendor)
    assert "is not there before" in fresh(soon).allocation["sentence"]
    assert replayed(fresh(soon).allocation).side == 0


def test_what_a_side_without_people_has_goes_to_whoever_is_there(send, house, acme, mandate, machine):
    case = send()
    acme[0].seats.update(ended_at=clock.now())

    taking_over.sweep(by=machine)

    assert fresh(case).vendor is None and rule(case) == "deserted"


# the end of a mandate (tests/test_engagements.py has the rest)


def test_what_is_taken_back_says_so(send, house, acme, mandate, owner):
    case, lot = send(), send().allocation["lot"]

    ending.end_engagement(mandate.engagement, by=owner, reason="It is over.")

    kept = fresh(case).allocation
    assert kept["sentence"] == "In-house: the mandate of Acme Support does not cover it any more."
    assert (kept["side"], kept["rule"], kept["lot"] != lot) == (0, "ended", True)


def test_what_is_closed_stays_with_whoever_closed_it(send, house, acme, mandate, owner, vendor):
    case = send()
    actions.accept(case.pk, by=acme[0])

    ending.end_engagement(mandate.engagement, by=owner, reason="It is over.")

    assert fresh(case).vendor == vendor


def test_after_the_end_nothing_is_allocated_to_it(send, house, acme, mandate, owner):
    ending.end_engagement(mandate.engagement, by=owner, reason="It is over.")

    assert (send().vendor, send().allocation) == (None, None)


@pytest.mark.parametrize("why", ["never had one", "has not begun", "is over", "is for another desk", "the case is at approval"])
def test_a_vendor_gets_work_under_a_live_mandate_only(send, house, acme, mandate, vendor, why):
    change(mandate, share=0)
    case = send(**({"action": {"type": "refund", "amount": 5, "currency": "EUR"}} if why == "the case is at approval" else {}))
    if why == "has not begun":
        change(mandate.engagement, since=clock.now() + timedelta(days=1))
    elif why == "is over":
        change(mandate, ended_at=clock.now())
    elif why == "is for another desk":
        change(mandate, roles=["resolver"])
    to = factories.VendorFactory() if why == "never had one" else vendor

    for give in CHANGING:
        with refused("a_vendor_gets_work_under_a_live_mandate_only"):
            give(case, vendor_id=to.pk)


def test_no_case_is_born_a_vendors_without_a_mandate(send, house, acme, mandate, monkeypatch):
    monkeypatch.setattr(
        sides, "allocate", lambda facts: Allocation(factories.VendorFactory().pk, "lot", "A vendor of nobody's.")
    )

    with refused("a_vendor_is_born_work_under_a_live_mandate_only"):
        send()


# what is shown


def page_of(client, case, person):
    client.force_login(person)
    return client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()


def test_the_cases_page_says_why_this_side_and_that_the_facts_say_the_same_again(client, send, house, acme, mandate):
    change(mandate, share=0, languages=["es"])

    shown = page_of(client, send(input={"language": "it"}), house[0])

    assert "In-house, the only side on shift with room." in shown
    assert "does not work in it" in shown and "These facts give the same answer again." in shown


def test_what_no_longer_gives_the_same_answer_is_told(client, send, house, acme):
    case = send()
    change(case, allocation={**case.allocation, "side": 0})

    assert "These facts give another answer now" in page_of(client, case, house[0])


def test_a_vendor_reads_its_own_sentence_and_nothing_of_the_others(client, send, house, acme, refunds, owner, mandate, key):
    factories.MandateFactory(workflow=refunds, share=0, capacity=3, engagement__vendor__name="Bright")
    case = send()

    shown = page_of(client, case, acme[0])
    asked = client.get(f"/api/v1/cases/{case.pk}/why/", **key(acme[0])).json()

    assert "Acme Support, by lot: its share is 100 %." in shown and "Bright" not in shown
    assert asked["allocation"] == {"sentence": "Acme Support, by lot: its share is 100 %."}


def test_over_rest_the_house_hands_to_a_side(client, send, house, acme, mandate, vendor, key):
    change(mandate, share=0)
    case = send()

    answer = client.post(
        f"/api/v1/cases/{case.pk}/hand-over/",
        {"reason": "Too many here.", "side": vendor.pk},
        content_type="application/json",
        **key(house[0]),
    )

    assert answer.status_code == 200 and fresh(case).vendor == vendor
    why = client.get(f"/api/v1/cases/{case.pk}/why/", **key(house[0])).json()["allocation"]
    assert why == {"sentence": "Acme Support: somebody handed it over, with a reason.", "rule": "handed"}


def test_the_form_offers_the_sides_one_may_hand_to(client, send, house, acme, mandate, refunds, owner, vendor):
    change(mandate, share=0)
    seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bright"))
    case = send()
    client.force_login(house[0])
    assert {"Acme Support", "Bright"} <= set(names(client.get(asked(case, "hand_over")), "hand_over.side"))

    decide(client, case, "hand_over", reason="Yours.", side=vendor.pk)

    assert fresh(case).vendor == vendor
    client.force_login(acme[0])
    assert names(client.get(asked(case, "hand_over")), "hand_over.side")[1:] == ["In-house"]


def names(answer, field):
    return [name for _, name in answer.context["form"].fields[field].choices]


def test_whoever_is_on_the_desk_is_offered_by_name_and_a_vendors_people_their_own_and_the_house(
    send, refunds, owner, vendor, acme, reviewer
):
    """Not oneself, who passed it on, who left, who sits at another desk or at none any more, nor another vendor's to a vendor's."""
    theirs, colleague = acme[0], seated(refunds, "reviewer", owner, vendor)
    other_vendors = seated(refunds, "reviewer", owner, factories.VendorFactory())
    names = {"first_name": "Ada"}, {"first_name": "Ada", "last_name": "Byron"}, {"last_name": "Curie"}, {"first_name": " "}, {}
    named = [seated(refunds, "reviewer", owner) for _ in names]
    left, passed, _elsewhere, ended = (
        seated(refunds, role, owner) for role in ("reviewer", "reviewer", "resolver", "reviewer")
    )
    for person, name in zip([*named, left], [*names, {"is_active": False}], strict=True):
        User.objects.filter(pk=person.pk).update(**name)
    workflows.end_seat(ended.seats.get(), by=owner)
    case = send()
    Case.objects.filter(pk=case.pk).update(passed_by=[passed.pk])

    def offered(person):
        return forms.To().fields(Case.objects.get(pk=case.pk), person)["to"].choices[1:]

    def listed(*people):
        known = User.objects.filter(pk__in=[each.pk for each in people]).order_by("first_name", "username")
        return [(each.pk, str(each)) for each in known]

    assert offered(reviewer) == listed(*named, theirs, colleague, other_vendors)
    assert offered(theirs) == listed(*named, reviewer, colleague)
    assert {"Ada", "Ada Byron", "Curie", named[3].username} <= {name for _, name in offered(reviewer)}
