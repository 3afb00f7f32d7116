"""What is open for the same customer about the same action is shown beside a case, at whatever desk it stands."""

import pytest

from cases import actions, customers
from cases.models import Case
from cases.seen import seen_by
from tests import factories
from tests.desk import page
from workflows import actions as workflows

pytestmark = pytest.mark.django_db
VOUCHER = {"type": "voucher", "amount": 5, "currency": "EUR", "payee": "anna.keller@example.com"}


def open_beside(case, person):
    return [each.pk for each in customers.also_open(seen_by(case, person), person)]


def test_an_open_case_of_the_same_customer_and_action_is_shown_wherever_it_stands(client, send, reviewer):
    """Whether it came before or after, and said with its desk; another customer's, another action's and a closed one are none."""
    about = {"customer_reference": "C-7", "action": VOUCHER}
    before, case, after = (send(0.5, **about) for _ in range(3))
    done, other = send(0.5, **about), send(0.5, **about | {"customer_reference": "C-8"})
    answer = send(0.5, customer_reference="C-7")
    actions.escalate(before.pk, by=reviewer, reason="Unclear")
    actions.accept(done.pk, by=reviewer)
    client.force_login(reviewer)

    shown = client.get(page(case)).content.decode()

    assert open_beside(case, reviewer) == [after.pk, before.pk]
    assert open_beside(answer, reviewer) == open_beside(other, reviewer) == []
    told = shown.partition('id="also-open"')[2].partition("</ul>")[0]
    assert "at resolution" in told and "at review" in told and page(before, "change") in told
    assert "2 more are open for this customer" in shown


def test_the_story_shows_it_too_and_what_came_before(client, send, reviewer):
    about = {"customer_reference": "C-7", "action": VOUCHER}
    done, twin, case = (send(0.5, **about) for _ in range(3))
    actions.accept(done.pk, by=reviewer)
    client.force_login(reviewer)

    shown = client.get(page(case, "change")).content.decode()
    actions.accept(case.pk, by=reviewer)
    closed = client.get(page(case, "change")).content.decode()

    told, before = (shown.partition(f'id="{name}"')[2].partition("</section>")[0] for name in ("also-open", "earlier"))
    assert "at review" in told and page(twin, "change") in told and "Look before you decide" in told
    assert page(done, "change") in before and "released" in before
    assert 'id="also-open"' in closed and "Look before you decide" not in closed


def test_in_any_workflow_that_one_may_see_and_of_answers_alone_in_the_same(send, reviewer, owner, integration):
    loans = factories.workflow("loans", owner=owner)
    workflows.seat(integration, loans, "integration", by=owner)
    about = {"customer_reference": "C-7", "action": VOUCHER}
    [case, there], [answer, here, _] = (
        [send(0.5, **about), send(0.5, workflow="loans", **about)],
        [send(0.5, customer_reference="C-7", workflow=slug) for slug in ("refunds", "refunds", "loans")],
    )

    assert open_beside(case, reviewer) == []
    workflows.seat(reviewer, loans, "reviewer", by=owner)
    assert (open_beside(case, reviewer), open_beside(answer, reviewer)) == ([there.pk], [here.pk])


def test_a_vendors_person_learns_nothing_of_what_he_may_not_see(client, send, vendor, vendor_reviewer, reviewer):
    """Neither the house's, nor his own vendor's at a desk where he has no seat; and of what he may see, nothing that is masked."""
    about = {"customer_reference": "C-7", "action": VOUCHER}
    house, elsewhere, mine, case = (send(0.5, **about) for _ in range(4))
    actions.escalate(elsewhere.pk, by=reviewer, reason="Unclear")
    Case.objects.filter(pk__in=[elsewhere.pk, mine.pk, case.pk]).update(vendor=vendor)
    Case.objects.filter(pk=house.pk).update(vendor=None)
    client.force_login(vendor_reviewer)

    for name in ("work", "change"):
        shown = client.get(page(case, name)).content.decode()

        told = shown.partition('id="also-open"')[2].partition("</section>")[0]
        assert told.count("<li>") == 1 and page(mine, "change") in told
        assert "anna.keller" not in shown


@pytest.mark.parametrize("rules", [{"blind_first": True}])
def test_who_owes_his_own_answer_is_not_told_by_the_action(send, reviewer, rules):
    """The AI's."""
    about = {"customer_reference": "C-7", "action": VOUCHER}
    send(0.5, **about)

    assert open_beside(send(0.5, **about), reviewer) == []
