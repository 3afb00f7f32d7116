"""Before a decision is made its reader knows whether it can be taken back."""

import pytest

from cases import actions, gate, queues, way_back
from tests.desk import page
from tests.test_approvals import LIST, REFUND, text

pytestmark = pytest.mark.django_db
NONE = "It takes effect at once: there is no undo."
MINUTE = "You can undo it for 1 minute."
FIRST = "It goes to approval first: until it is approved you can recall it."
GRACE = {"grace_seconds": 60, "action_tiers": {"refund": "high"}}


def said(case, person, *names):
    return way_back.of_each(case, names, gate.standing(case, person))


@pytest.mark.parametrize(("rules", "told"), [({}, NONE), (GRACE, MINUTE)])
def test_the_workbench_says_it_of_the_verbs_that_decide_and_of_no_other(client, send, reviewer, rules, told):
    case = queues.claim(send(0.5).pk, by=reviewer)
    client.force_login(reviewer)

    shown = text(client.get(page(case)))

    assert shown.count(told) == 2, "accept and correct"
    assert f"Accept. The output may stand as it is. {told}" in shown


@pytest.mark.parametrize("rules", [GRACE])
def test_what_has_to_be_approved_first_can_be_recalled(send, reviewer, rules):
    case = send(0.1, action=REFUND)
    assert said(case, reviewer, "accept", "reject", "escalate") == {"accept": FIRST, "reject": MINUTE}


@pytest.mark.parametrize("rules", [GRACE])
def test_whoever_works_for_a_vendor_does_not_see_it_there(send, vendor, vendor_reviewer, rules):
    case = send(0.1, action=REFUND)
    case.vendor = vendor
    assert said(case, vendor_reviewer, "accept") == {"accept": "It goes to the house for its approval: there is no undo."}


@pytest.mark.parametrize("rules", [GRACE | {"chains": [{"steps": [{"name": "Lead"}, {"name": "Finance"}]}]}])
def test_of_a_chain_the_last_approval_decides(client, send, approver, other_approver, rules):
    case = send(action=REFUND)
    client.force_login(approver)

    assert text(client.get(LIST)).count(MINUTE) == 1, "of the rejection alone"
    actions.approve(case.pk, by=other_approver)
    assert text(client.get(LIST)).count(MINUTE) == 3


@pytest.mark.parametrize("rules", [GRACE])
def test_what_was_released_before_cannot_be_undone(send, reviewer, rules):
    case = send(0.5)
    case.released_at = case.received_at

    assert said(case, reviewer, "correct") == {"correct": NONE}
