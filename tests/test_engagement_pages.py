"""The house's pages of engagements, the week's chart, and what a vendor's lead sees and does."""

from datetime import timedelta

import pytest
from django.urls import reverse

from accounts import actions as people
from audit import clock
from cases import actions, vendor_numbers
from cases.models import Case
from tests import factories
from tests.conftest import seated
from tests.factories import EngagementFactory, MandateFactory, VendorFactory
from workflows import actions as workflows
from workflows.models import Engagement, Mandate, Proposal

pytestmark = pytest.mark.django_db

TERMS = {
    "roles": ["reviewer"],
    "accepts": "house",
    "share": "40",
    "least_share": "10",
    "most_share": "60",
    "price": "0,90",
    "currency": "eur",
    "price_per": "decision",
    "answer_minutes": "240",
    "answer_percent": "95",
    "masked_fields": "input.email, context.order\ninput.phone",
    "masked_patterns": ["iban"],
    "reveals_a_day": "0",
    "languages": "de, fr",
    "skills": "",
}


@pytest.fixture
def mandate(refunds, vendor):
    return MandateFactory(engagement__vendor=vendor, workflow=refunds, share=40)


@pytest.fixture
def lead(vendor):
    return factories.lead(vendor)


def page(name, *args):
    return reverse(f"admin:workflows_{name}", args=args)


def text(response):
    return response.content.decode()


# The house


def test_a_contract_is_agreed_by_days_of_the_vendors_clock(client, owner, refunds, vendor):
    type(vendor).objects.update(time_zone="Asia/Manila")
    client.force_login(owner)

    answer = client.post(
        page("engagement_add"), {"vendor": vendor.pk, "name": "2027", "first_day": "2027-01-01", "last_day": "2027-12-31"}
    )

    made = Engagement.objects.get()
    assert answer.status_code == 302 and answer.url == page("engagement_change", made.pk)
    assert f"{made.since:%Y-%m-%d %H:%M}" == "2026-12-31 16:00" and f"{made.until:%Y-%m-%d %H:%M}" == "2027-12-31 16:00"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"last_day": "2026-12-01"}, "comes before the first"),
        ({"first_day": "2020-01-01", "last_day": "2020-12-31"}, "This time is over"),
        ({"last_day": "31.12.2027"}, "Write the day as"),
        ({"coverage": "99999"}, "valid choice"),
    ],
)
def test_what_is_wrong_with_a_contract_stands_at_its_field(client, owner, refunds, vendor, wrong, sentence):
    client.force_login(owner)
    typed = {"vendor": vendor.pk, "name": "2027", "first_day": "2027-01-01", "last_day": "2027-12-31", **wrong}

    answer = client.post(page("engagement_add"), typed)

    assert answer.status_code == 422 and sentence in text(answer) and "2027" in text(answer)


def test_a_mandate_is_given_and_changed_by_a_form_and_read_out(client, owner, vendor, refunds):
    contract = EngagementFactory(vendor=vendor)
    client.force_login(owner)

    client.post(page("engagement_mandate", contract.pk), {**TERMS, "workflow": refunds.pk})
    given = Mandate.objects.get()
    changed = {**TERMS, "share": "30", "price": "1.10", "reason": "Agreed anew."}
    answer = client.post(page("engagement_edit_mandate", given.pk), changed, follow=True)

    given.refresh_from_db()
    assert (given.share, str(given.price), given.currency, given.capacity) == (30, "1.100", "EUR", None)
    assert given.masked_fields == ["input.email", "context.order", "input.phone"] and given.languages == ["de", "fr"]
    shown = text(answer)
    assert "share: <del>40</del> <ins>30</ins>" in shown and "Agreed anew." in shown


def test_too_much_of_a_share_is_refused_in_words_and_what_was_typed_comes_back(client, owner, mandate, refunds):
    other = EngagementFactory(vendor=VendorFactory(name="Bravo"))
    client.force_login(owner)

    answer = client.post(
        page("engagement_mandate", other.pk), {**TERMS, "workflow": refunds.pk, "share": "61", "most_share": "70"}
    )

    assert answer.status_code == 422 and "Acme Support has 40 % of Refunds" in text(answer) and 'value="61"' in text(answer)


def test_ending_early_asks_why_and_tells_how_many_came_back(client, owner, mandate, send, vendor):
    Case.objects.filter(pk=send().pk).update(vendor=vendor)
    client.force_login(owner)
    end = page("engagement_end", mandate.engagement_id)

    assert "also those that somebody is working on" in text(client.get(end))
    shown = text(client.post(end, {"reason": "Too many errors."}, follow=True))

    assert "1 open case came back to the house" in shown and "Too many errors." in shown
    again = client.post(end, {"reason": "Again."})
    assert again.status_code == 422 and f"{owner} ended" in text(again)


def test_a_share_of_nothing_where_nobody_of_the_house_reviews_is_warned_of(client, owner, mandate):
    Mandate.objects.update(share=0)
    client.force_login(owner)

    assert "Nobody of the house reviews in Refunds" in text(client.get(page("engagement_change", mandate.engagement_id)))


def test_the_house_answers_a_proposal_on_the_engagements_page(client, owner, mandate, lead):
    proposal = workflows.propose(mandate, "reviewer", by=lead, name="Nia Costa", username="nia")
    client.force_login(owner)

    assert page("engagement_accept", proposal.pk) in text(client.get(page("engagement_change", mandate.engagement_id)))
    assert "nia" in text(client.get(page("engagement_accept", proposal.pk)))
    client.post(page("engagement_accept", proposal.pk))

    assert Proposal.objects.get().answer == "accepted"


def test_the_list_tells_what_holds(client, owner, mandate, django_assert_max_num_queries):
    MandateFactory(workflow=factories.workflow("invoices", owner=owner), engagement=mandate.engagement)
    client.force_login(owner)

    with django_assert_max_num_queries(16):
        shown = text(client.get(page("engagement_changelist")))

    assert "Refunds 40 %" in shown and "live" in shown


def test_a_vendors_page_leads_to_its_engagements(client, owner, mandate, vendor):
    client.force_login(owner)

    shown = text(client.get(reverse("admin:accounts_vendor_change", args=[vendor.pk])))

    assert f"{page('engagement_changelist')}?vendor__id__exact={vendor.pk}" in shown


# Who covers when


def test_the_weeks_chart_names_the_gap_and_who_is_away(client, owner, refunds, mandate, reviewer):
    seated(refunds, "reviewer", owner, mandate.vendor)
    Engagement.objects.update(until=clock.now() + timedelta(minutes=1))
    people.be_absent(reviewer, by=reviewer, until=clock.now() + timedelta(days=30))
    client.force_login(owner)

    later = f"{clock.now() + timedelta(days=7):%Y-%m-%d}"
    shown = text(client.get(page("engagement_cover"), {"week": later}))

    assert "Nobody covers the whole week." in shown and f"{reviewer} is away" in shown
    assert "Acme Support" not in shown and "style=" not in shown.split('class="case cover"')[1].split("</section>")[0]
    assert "Acme Support" in text(client.get(page("engagement_cover")))
    assert client.get(page("engagement_cover"), {"week": "never"}).status_code == 200


# The lead


def test_a_lead_sees_his_vendors_people_work_and_prices_and_no_others(client, lead, mandate, vendor_reviewer, send, vendor):
    bravo = VendorFactory(name="Bravo")
    other = MandateFactory(engagement__vendor=bravo, engagement__name="Secret", workflow=mandate.workflow, price="77.77")
    Case.objects.filter(pk=send().pk).update(vendor=vendor)
    Case.objects.filter(pk=send().pk).update(vendor=bravo)
    client.force_login(lead)

    shown = text(client.get(page("proposal_changelist")))

    assert str(vendor_reviewer) in shown and "0.90 EUR per decision" in shown
    assert vendor_numbers.waiting(vendor)[0].open == 1
    assert "Bravo" not in shown and "Secret" not in shown and "77.77" not in shown
    assert client.get(page("proposal_propose", other.pk)).status_code == 403
    assert client.get(page("engagement_changelist")).status_code == 403
    assert client.get(page("engagement_cover")).status_code == 403


def test_a_lead_proposes_and_withdraws_by_forms(client, lead, mandate, vendor_reviewer, owner):
    client.force_login(lead)

    typed = {"role": "reviewer", "name": "Nia Costa", "username": "nia", "email": "nia@acme.example"}
    assert client.post(page("proposal_propose", mandate.pk), typed).status_code == 302
    proposal = Proposal.objects.get()
    again = client.post(page("proposal_propose", mandate.pk), typed)
    client.post(page("proposal_take_back", proposal.pk))
    client.post(page("proposal_withdraw", vendor_reviewer.pk), {"reason": "Left."})

    assert again.status_code == 422 and "waits for an answer" in text(again)
    assert Proposal.objects.get().answer == "withdrawn" and not vendor_reviewer.seats.live().exists()


def test_a_lead_touches_nobody_elses_people(client, lead, reviewer, refunds, owner):
    theirs = seated(refunds, "reviewer", owner, VendorFactory(name="Bravo"))
    client.force_login(lead)

    for person in (reviewer, theirs):
        assert client.get(page("proposal_withdraw", person.pk)).status_code == 403
        assert client.get(page("proposal_withdraw_seat", person.seats.get().pk)).status_code == 403
        assert client.get(page("proposal_link", person.pk)).status_code == 403


def test_the_link_for_somebody_new_is_shown_once(client, lead, mandate, owner):
    nia = workflows.accept(workflows.propose(mandate, "reviewer", by=lead, name="Nia Costa", username="nia"), by=owner).user
    client.force_login(lead)

    answer = client.post(page("proposal_link", nia.pk))

    assert f"/sign-in/welcome/{nia.pk}/" in text(answer) and "no-store" in answer["Cache-Control"]


# Numbers


def test_what_was_decided_counts_with_its_price_and_its_time(send, mandate, vendor, vendor_reviewer):
    Mandate.objects.update(answer_minutes=60)
    for minutes in (10, 90):
        case = send()
        Case.objects.filter(pk=case.pk).update(vendor=vendor)
        with clock.moved(case.received_at + timedelta(minutes=minutes)):
            actions.accept(case.pk, by=vendor_reviewer)
    mandate.refresh_from_db()

    met, cost = vendor_numbers.met(mandate), vendor_numbers.cost(mandate)

    assert (met.answered, met.in_time, met.percent, met.is_short) == (2, 1, 50, True)
    assert (cost.number, cost.told) == (2, "1.80 EUR")
    assert dict(vendor_numbers.today(vendor)) == {str(vendor_reviewer): 2}
