"""A version over past cases: the same as live, case by case, and what would be different under a draft."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import msgspec
import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.management import CommandError, call_command
from django.db import transaction
from django.urls import reverse

from audit import clock
from audit.models import AuditEvent
from cases import actions, jobs, replay, replaying
from cases.models import Case, Replay
from cases.tally import Past, routed_again
from jobs.models import Job
from tests import factories, streams
from tests.test_promises import CHANGING, refused
from workflows import actions as workflows

pytestmark = pytest.mark.django_db
LOW = {"pattern": "sampling"}


def over(policy, days=30):
    """The sums of a replay over the last days."""
    since, until = replay.span(days)
    return replay.result_of(replay.draft_of(policy), policy.workflow, since, until)


def draft(workflow, owner, **rules):
    return workflows.draft(workflow, by=owner, rules={"tiers": factories.TIERS, **rules})


# the same as live


REFUND = {"type": "refund", "amount": "240.00", "currency": "EUR", "payee": "C-1042"}
SENT = [
    {"confidence": 0.9},
    {"confidence": 0.2},
    {"confidence": "high"},
    {"output": {"nothing": 1}, "confidence": 0.9},
    {"action": REFUND, "confidence": 0.99},
    {"action": REFUND, "output": {"decision": "refund", "amount": 300}},  # at odds with what was sent apart
    {"action": REFUND, "output": {"decision": "refund", "amount": "a lot"}},
    {"output": {"decision": "refund", "amount": 1e3, "currency": "EUR", "type": "refund"}},
    {"input": {"text": "My lawyer", "a": {"b": [1, 2.5, None, True]}}, "context": {"vip": True}, "confidence": 0.95},
    {"confidence": 0.9, "confidences": {"label": 0.3, "other": 7}, "segment": "retail", "channel": "mail"},
]


@pytest.fixture
def rules():
    return {
        "action_tiers": {"refund": "high"},
        "action_from": {"type": "type", "amount": "amount", "currency": "currency"},
        "triggers": [
            {"kind": "keywords", "name": "Risk words", "words": ["lawyer"], "desk": "review"},
            {"kind": "low_confidence", "name": "Unsure of the label", "field": "label", "below": 0.5, "tag": "unsure"},
        ],
    }


@pytest.mark.parametrize("sent", SENT)
def test_the_version_that_routed_a_case_routes_it_the_same_again(send, refunds, sent):
    case = send(**sent)

    result = over(refunds.policy)

    assert (result["counted"], result["changed"], result["reworded"]) == (1, 0, 0)
    assert result["was"]["ways"] == result["now"]["ways"]
    anew = again(case, refunds.policy)
    assert (anew.sentence, anew.reasons, anew.tags) == (case.sentence, case.reasons, case.tags)
    assert (anew.probability, anew.draw, anew.sampled) == (case.probability, case.draw, case.sampled)


def again(case, policy):
    """The route of this case under a version, from what is stored of it."""
    about = {"workflow": case.workflow_id, "since": case.received_at, "until": clock.now(), "last": case.pk}
    [row] = [row for page in replay.pages(about, 0) for row in page if row[0] == case.pk]
    compiled = replay.draft_of(policy)
    return routed_again(msgspec.convert(row, Past), compiled.compiled(), compiled.dial())


def test_what_somebody_made_of_a_case_since_changes_nothing_of_how_it_was_routed(send, refunds, reviewer, owner):
    case = send(confidence=0.2)
    actions.correct(case.pk, by=reviewer, output={"decision": "refund", "type": "refund", "amount": 10, "currency": "EUR"})
    assert Case.objects.get(pk=case.pk).tier == "high"

    result = over(refunds.policy)

    assert (result["changed"], result["was"]["ways"]) == (0, [["medium", "review", 1]])


def test_of_a_case_from_before_it_was_kept_what_was_sent_apart_the_action_as_read_then_counts(send, refunds):
    case = send(action=REFUND)
    stored = msgspec.convert(row_of(case), Past)

    stored.sent_action = None

    version = replay.draft_of(refunds.policy)
    assert routed_again(stored, version.compiled(), version.dial()).tier == "high"


def test_a_case_keeps_the_moment_it_was_received_at(send):
    case = send(received_at="2026-05-31T23:59:59.123456+05:30")

    past = msgspec.convert(row_of(case), Past)

    assert past.received_at == case.received_at == datetime(2026, 5, 31, 18, 29, 59, 123456, tzinfo=UTC)


def row_of(case):
    about = {"workflow": case.workflow_id, "since": case.received_at, "until": clock.now(), "last": case.pk}
    [[row]] = list(replay.pages(about, 0))
    return row


# what would be different


def test_a_changed_case_says_what_it_was_and_what_it_would_be(send, refunds, owner):
    case = send(confidence=0.85)
    stricter = draft(refunds, owner, default_tier="high")

    result = over(stricter)

    [change] = result["changes"]
    assert change["id"] == case.pk
    assert (change["was"]["way"], change["now"]["way"], change["now"]["approvals"]) == ("straight", "approval", 1)
    assert change["was"]["sentence"] == case.sentence
    assert change["now"]["sentence"] == "Held for approval: high risk needs an approval."
    assert result["moves"] == [["medium", "straight", "high", "approval", "Approval", 1]]
    assert (result["changed"], result["elsewhere"]) == (1, 1)
    assert (result["was"]["approvals"], result["now"]["approvals"]) == (0, 1)


def test_the_same_way_for_another_reason_is_no_change_but_is_told(send, refunds, owner):
    send(confidence=0.2)
    other = draft(refunds, owner, triggers=[{"kind": "keywords", "name": "Parcel", "words": ["parcel"], "desk": "review"}])

    result = over(other)

    assert (result["changed"], result["reworded"]) == (0, 1)
    assert (result["was"]["reasons"], result["now"]["reasons"]) == ([["Threshold", 1]], [["Parcel", 1]])


def test_it_counts_what_would_escape_and_whose_look_is_saved(send, refunds, reviewer, owner):
    wrong, right, unseen = send(confidence=0.5), send(confidence=0.5), send(confidence=0.9)
    actions.correct(wrong.pk, by=reviewer, output={"decision": "none"})
    actions.accept(right.pk, by=reviewer, active_seconds=120)
    laxer = draft(refunds, owner, default_tier="low")

    result = over(laxer)

    assert (result["wrong"], result["right"]) == (1, 1)
    assert (result["was"]["escapes"], result["now"]["escapes"]) == (0, 1)
    assert (result["looks_saved"], result["looks_added"]) == (1, 0)
    assert result["minutes"]["review"] == {"minutes": 2.0, "from": "the median of 1 decisions"}
    assert (result["was"]["minutes"], result["now"]["minutes"]) == (4.0, 0)
    assert Case.objects.get(pk=unseen.pk).state == "closed"


def test_the_stop_switch_of_then_is_no_part_of_it_and_the_rates_are_those_of_now(send, refunds, owner):
    with transaction.atomic():
        workflows.stop(refunds, by=owner, reason="Odd outputs.")
    send(confidence=0.9)
    workflows.set_rate(refunds, "medium", 1.0, by=owner)

    result = over(refunds.policy)

    assert result["was"]["ways"] == [["medium", "review", 1]]
    assert result["now"]["ways"] == [["medium", "sampled", 1]]


def test_test_mode_probes_other_workflows_and_other_days_do_not_count(send, refunds, owner):
    old = clock.now() - timedelta(days=40)
    send(received_at=old.isoformat())
    send()

    assert over(refunds.policy)["counted"] == 1
    assert over(refunds.policy, days=60)["counted"] == 2
    assert over(factories.workflow("other", owner=owner).policy)["counted"] == 0


# asking for one


def test_a_replay_is_asked_for_made_by_a_worker_and_kept(send, refunds, owner):
    send(confidence=0.9)
    stricter = draft(refunds, owner, default_tier="high")

    asked = replay.replay(stricter, by=owner, days=7)
    said = jobs.make_replay(asked.pk)

    kept = stricter.replays.get()
    assert said == "1 cases replayed."
    assert kept.finished_at and kept.counted == 1 and kept.result["changed"] == 1
    assert replay.is_of_what_stands(kept)
    assert AuditEvent.objects.filter(verb="policy.replay", subject_id=stricter.pk, actor_id=owner.pk).count() == 1


def test_made_twice_it_is_made_once(send, refunds, owner):
    asked = replay.replay(refunds.policy, by=owner)
    jobs.make_replay(asked.pk)
    send()

    jobs.make_replay(asked.pk)

    assert Replay.objects.get().counted == 0


def test_a_draft_that_changed_since_is_told_apart(refunds, owner):
    changing = draft(refunds, owner)
    made = replay.make(replay.replay(changing, by=owner))

    changing.rules = {**changing.rules, "default_tier": "high"}
    changing.save(update_fields=["rules"])

    assert not replay.is_of_what_stands(Replay.objects.get(pk=made.pk))


@pytest.mark.parametrize("who", ["stranger", "reviewer", "vendor_reviewer"])
def test_who_may_not_define_asks_for_none(request, refunds, who):
    with pytest.raises(PermissionDenied), transaction.atomic():
        replay.replay(refunds.policy, by=request.getfixturevalue(who))

    assert not Replay.objects.exists()


@pytest.mark.parametrize(("asked", "said"), [({"days": 0}, "from 1 to 366"), ({"days": 367}, "from 1 to 366")])
def test_the_days_are_checked(refunds, owner, asked, said):
    with pytest.raises(ValidationError, match=said):
        replay.replay(refunds.policy, by=owner, **asked)


def test_a_time_that_ends_before_it_begins_is_refused(refunds, owner):
    now = clock.now()

    with pytest.raises(ValidationError, match="ends before it begins"):
        replay.replay(refunds.policy, by=owner, since=now, until=now - timedelta(days=1))


# many cases, in processes of their own


def test_processes_of_their_own_count_the_same(send, refunds, owner, monkeypatch):
    for number in range(12):
        send(confidence=number / 12)
    stricter = draft(refunds, owner, tiers={**factories.TIERS, "medium": {"pattern": "threshold", "threshold": 0.5}})
    here = over(stricter)

    monkeypatch.setattr(replay, "FEW", 0)
    monkeypatch.setattr(replay, "PAGE", 5)
    apart = over(stricter)

    assert apart == here
    assert 0 < apart["changed"] < 12


def test_a_part_that_breaks_off_breaks_the_replay(refunds):
    with pytest.raises(replaying.BrokenOff, match="broke off"), replaying.Apart(replay.draft_of(refunds.policy), 1) as apart:
        apart.children[0].kill()
        apart.children[0].wait()
        apart.told()


# the database's part


def test_a_finished_replay_never_changes(refunds, owner):
    made = replay.make(replay.replay(refunds.policy, by=owner))

    for door in CHANGING:
        for change in ({"counted": 5}, {"result": {}}, {"finished_at": None}):
            with refused("a_finished_replay_never_changes"):
                door(Replay.objects.get(pk=made.pk), **change)
    with refused("a_replay_is_never_deleted", "permission denied"):
        made.delete()


def test_what_a_replay_is_about_never_changes(refunds, owner):
    asked = replay.replay(refunds.policy, by=owner)

    for door in CHANGING:
        for change in ({"since": asked.since - timedelta(days=1)}, {"policy_id": draft(refunds, owner).pk}):
            with refused("what_a_replay_is_about_never_changes"):
                door(Replay.objects.get(pk=asked.pk), **change)


def test_how_it_was_sent_and_routed_never_changes(send):
    case = send()

    for door in CHANGING:
        for change in ({"sent_action": {"type": "x"}}, {"routed": {}}):
            with refused("how_it_was_sent_and_routed_never_changes"):
                door(Case.objects.get(pk=case.pk), **change)


# the whole stream, under all three patterns at once


@pytest.fixture(params=["generated", "real"])
def stream(request, tmp_path):
    return streams.generated(tmp_path) if request.param == "generated" else streams.real()


SMALL = ("atm_support", "exchange_rate", "intent_1", "intent_2")
THRESHOLD = 0.8


@pytest.fixture
def triage(owner, stream):
    """Small talk goes straight through, money needs an approval, the rest is gated by confidence."""
    [slug] = {output["workflow"] for output in stream.outputs}
    raising = [("Money", streams.MONEY, "high"), ("Anything but small talk", everything_but(stream, SMALL), "medium")]
    triggers = [
        {"kind": "field_is_one_of", "name": name, "field": "output.label", "values": sorted(values), "raises": tier}
        for name, values, tier in raising
    ]
    tiers = {**factories.TIERS, "medium": {"pattern": "threshold", "threshold": THRESHOLD}}
    made = factories.workflow(slug, owner=owner, rules={"tiers": tiers, "default_tier": "low", "triggers": triggers})
    robot = factories.IntegrationFactory(username="classifier")
    workflows.seat(robot, made, "integration", by=owner)
    return made


def everything_but(stream, labels):
    return {output["output"]["label"] for output in stream.outputs} - set(labels)


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_replaying_the_version_that_routed_the_stream_changes_nothing_and_the_sums_are_those_of_the_file(stream, triage):
    call_command("import_cases", stream.path)
    first = min(Case.objects.values_list("received_at", flat=True))
    expected = sums_of_the_file(stream, triage.secret)

    result = replay.result_of(replay.draft_of(triage.policy), triage, first, clock.now())

    assert (result["counted"], result["changed"], result["reworded"]) == (len(stream.outputs), 0, 0)
    for side in (result["was"], result["now"]):
        assert {(tier, way): n for tier, way, n in side["ways"]} == expected["ways"]
        assert dict(side["reasons"]) == expected["reasons"]
        assert sum(dict(side["reasons"]).values()) == len(stream.outputs)
    states = Counter(Case.objects.values_list("state", flat=True))
    assert states == expected["states"]
    if len(stream.outputs) > replay.FEW:
        assert_each_alone_is_the_same(triage, first)


def assert_each_alone_is_the_same(workflow, first):
    """Not only the sums: every sentence, every reason."""
    version = replay.draft_of(workflow.policy)
    policy, dial = version.compiled(), version.dial()
    stored = {pk: rest for pk, *rest in Case.objects.values_list("pk", "sentence", "reasons", "probability", "sampled")}
    about = {"workflow": workflow.pk, "since": first, "until": clock.now(), "last": max(stored)}
    for page in replay.pages(about, 0):
        for past in msgspec.convert(page, list[Past]):
            anew = routed_again(past, policy, dial)
            assert [anew.sentence, anew.reasons, anew.probability, anew.sampled] == stored[past.id]


def sums_of_the_file(stream, secret) -> dict:
    """Counted from the file and the workflow's secret alone: no routing of ours."""
    ways, reasons, states = Counter(), Counter(), Counter()
    for output in stream.outputs:
        label, drawn = output["output"]["label"], streams.lot(secret, output["external_id"]) < 0.05
        if label in streams.MONEY:
            tier, way, reason = "high", "approval", "Money"
        elif label in SMALL:
            tier, way, reason = "low", "sampled" if drawn else "straight", "Straight through"
        elif output["confidence"] >= THRESHOLD:
            tier, way, reason = "medium", "sampled" if drawn else "straight", "Straight through"
        else:
            tier, way, reason = "medium", "review", "Threshold"
        ways[tier, way] += 1
        reasons[reason] += 1
        states[{"straight": "closed", "sampled": "review"}.get(way, way)] += 1
    return {"ways": ways, "reasons": reasons, "states": states}


# on the command line


def test_the_command_prints_the_table_and_keeps_nothing(send, refunds, owner, capsys):
    send(confidence=0.85)
    send(confidence=0.2)
    draft(refunds, owner, default_tier="high")

    call_command("replay", "refunds", "--days", "7")

    said = capsys.readouterr().out
    assert "Refunds v2 (draft), over the last 7 days" in said
    assert "2 cases replayed, 2 would take another way." in said
    assert "Straight through, medium risk  Approval, high risk  Approval        1" in said
    assert not Replay.objects.exists()


def test_the_command_replays_the_version_named(send, refunds, owner, capsys):
    send(confidence=0.85)
    draft(refunds, owner, default_tier="high")

    call_command("replay", "refunds", "--policy", "1")

    assert "1 case replayed, 0 would take another way." in capsys.readouterr().out


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (["nowhere"], "no workflow “nowhere”"),
        (["refunds", "--policy", "9"], "no version 9"),
        (["refunds", "--days", "0"], "from 1 to 366"),
    ],
)
def test_the_command_says_what_is_wrong(refunds, asked, said):
    with pytest.raises(CommandError, match=said):
        call_command("replay", *asked)


# its pages


@pytest.fixture
def page(client, owner):
    """Open an address of the admin as the owner."""
    client.force_login(owner)

    def page(name, *about, **query):
        answer = client.get(reverse(f"admin:{name}", args=about), query)
        assert answer.status_code == 200
        return answer.content.decode()

    return page


def test_it_is_asked_for_on_the_versions_page_and_shows_its_progress(page, client, refunds, owner):
    assert "was not replayed yet" in page("cases_replay_policy", refunds.policy.pk)

    answer = client.post(reverse("admin:cases_replay_policy", args=[refunds.policy.pk]), {"days": "7"})

    asked = Replay.objects.get()
    assert answer.url == reverse("admin:cases_replay_change", args=[asked.pk])
    shown = page("cases_replay_change", asked.pk)
    assert '<meta http-equiv="refresh"' in shown and "Waiting for a worker" in shown
    Job.objects.filter(pk=asked.job).update(state="running", done=400, total=1000)
    assert "400 of 1000 cases replayed." in page("cases_replay_change", asked.pk)
    Job.objects.filter(pk=asked.job).update(state="dead")
    assert "broke off" in page("cases_replay_change", asked.pk)


def test_bad_days_are_named_and_come_back(client, refunds, owner):
    client.force_login(owner)

    answer = client.post(reverse("admin:cases_replay_policy", args=[refunds.policy.pk]), {"days": "0"})

    assert answer.status_code == 422
    assert "greater than or equal to 1" in answer.content.decode()


def test_a_finished_one_shows_both_sides_and_links_the_changed_cases(page, send, refunds, owner):
    case = send(confidence=0.85)
    stricter = draft(refunds, owner, default_tier="high")
    made = replay.make(replay.replay(stricter, by=owner))

    shown = page("cases_replay_change", made.pk)

    assert "1 case, 1 would take another way" in shown
    assert reverse("admin:cases_case_change", args=[case.pk]) in shown
    assert case.sentence in shown and "Held for approval: high risk needs an approval." in shown


def test_what_fires_at_none_of_the_cases_is_named_for_the_replay_says_nothing_of_it(page, send, refunds, owner):
    send(confidence=0.85)
    word = {"kind": "keywords", "raises": "high"}
    stricter = draft(
        refunds, owner, triggers=[{**word, "name": "Open", "words": ["open"]}, {**word, "name": "Court", "words": ["court"]}]
    )
    made = replay.make(replay.replay(stricter, by=owner))

    shown = page("cases_replay_change", made.pk)

    assert "the replay says nothing of them: Court.</p>" in shown


def test_without_cases_it_says_so(page, refunds, owner):
    made = replay.make(replay.replay(refunds.policy, by=owner))

    assert "No case came in in these days." in page("cases_replay_change", made.pk)


def test_who_does_not_see_the_cases_sees_the_sums_alone(client, send, refunds, owner):
    case = send(confidence=0.85)
    made = replay.make(replay.replay(draft(refunds, owner, default_tier="high"), by=owner))
    client.force_login(factories.UserFactory(office="administrator"))

    shown = client.get(reverse("admin:cases_replay_change", args=[made.pk])).content.decode()

    assert "1 would take another way" in shown and "1 more are not yours to see" in shown
    assert case.external_id not in shown


def test_a_reviewer_looks_and_asks_for_none(client, refunds, reviewer):
    client.force_login(reviewer)
    address = reverse("admin:cases_replay_policy", args=[refunds.policy.pk])

    assert client.get(address).status_code == 200
    assert client.get(address, {"ask": "1"}).status_code == 403
    assert client.post(address, {"days": "7"}).status_code == 403
    assert not Replay.objects.exists()
