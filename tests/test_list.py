"""The list of cases: what stands on it, in which order, however long it is; how a case is found; and the views that people keep."""

import re
from datetime import timedelta
from itertools import count
from urllib.parse import urlencode

import pytest
from django.db import IntegrityError, connection, transaction
from django.http import QueryDict
from django.urls import reverse

from accounts.actions import settle_in
from audit import clock
from cases import actions, finding, jobs, paging, queues
from cases.listing import Listing
from cases.models import Case, Findable, SavedView
from tests import factories
from tests.conftest import acting_as, seated

pytestmark = pytest.mark.django_db

ALL = reverse("admin:cases_case_changelist")
DESK = reverse("admin:cases_case_desk", args=["review"])
PHONE = "+49 170 1234567"


@pytest.fixture
def rules():
    trigger = {"kind": "keywords", "name": "Risk words", "words": ["lawyer"], "within": "input.text", "desk": "review"}
    return {"action_tiers": {"refund": "high", "note": "low"}, "triggers": [trigger]}


@pytest.fixture
def listed(client, reviewer):
    """The references that the list shows to the reviewer, in order."""
    client.force_login(reviewer)
    return lambda query="all=1", where=ALL: references(client.get(f"{where}?{query}"))


def references(answer) -> list[str]:
    assert answer.status_code == 200, answer.content
    return re.findall(r'<th scope="row"><a href="[^"]+">([^<]+)</a>', answer.content.decode())


def listing(user, query="", desk=""):
    return Listing(user, QueryDict(query), desk)


def pages(made, size, **more):
    """Every page of it, one after the other."""
    after, found = "", []
    while True:
        page = made.page(after, size=size, **more)
        found.append(page.ids)
        if not page.after:
            return found
        after = page.after


# what stands on it


def test_the_newest_come_first_and_nobody_elses(listed, send, owner):
    one, two = send(), send()
    factories.workflow("claims", owner=owner)

    assert listed() == [two.external_id, one.external_id]


@pytest.fixture
def named(client):
    """Under “What”: how the list names each of its cases for this person."""

    def named(person):
        client.force_login(person)
        return [row["named"] for row in client.get(ALL, {"all": "1"}).context["rows"]]

    return named


def test_a_case_without_an_action_is_named_by_what_stands_as_its_page_names_it(client, named, send, refunds, owner, reviewer):
    text = {"type": "string", "title": "Queue"}
    schema = {"type": "object", "required": ["reply", "queue"], "properties": {"queue": text, "reply": {"type": "string"}}}
    factories.policy(refunds, owner, output_schema=schema)
    outputs = (
        {"reply": "A" * 41, "queue": "transfers"},
        {"reply": "B" * 400, "queue": "cards"},
        {"reply": "C" * 41, "queue": "D" * 41},
    )
    cases = [send(output=output) for output in outputs] + [send(output=outputs[0], action={"type": "note"})]
    actions.correct(queues.claim(cases[0].pk, by=reviewer).pk, by=reviewer, output={**outputs[0], "queue": "fraud"})

    found = named(reviewer)

    assert found == ["Note", cases[2].external_id, "Queue: cards", "Queue: fraud"]
    headings = [client.get(reverse("admin:cases_case_change", args=[case.pk])).context["named"] for case in reversed(cases)]
    assert found == headings
    assert client.get(ALL, {"all": "1"}).text.count(cases[2].external_id) == 2, "once to open it, once to tick it"


def test_the_name_of_a_case_tells_a_vendors_person_nothing_that_is_masked(named, send, vendor, vendor_reviewer):
    Case.objects.filter(pk=send(output={"decision": "Write to anna@example.org"}).pk).update(vendor=vendor)

    with acting_as(vendor_reviewer):
        assert named(vendor_reviewer) == ["Decision: Write to [e-mail 1]"]


def test_nor_does_it_tell_the_machines_answer_to_who_owes_his_own(named, send, refunds, owner, rules, reviewer, resolver):
    factories.policy(refunds, owner, rules={**rules, "blind_first": True}, output_schema=refunds.policy.output_schema)
    case = send()

    assert (named(reviewer), named(resolver)) == ([case.external_id], ["Decision: refund"])


def test_a_stranger_sees_an_empty_list_that_says_so(client, send, stranger):
    send()
    client.force_login(stranger)

    answer = client.get(ALL)

    assert references(answer) == [] and "no case yet that you may see" in answer.content.decode()


def test_what_he_decided_himself_is_found_again(listed, send, reviewer, refunds, owner):
    one, two, others, _open = (send() for _ in range(4))
    for case, who in ((one, reviewer), (two, reviewer), (others, seated(refunds, "reviewer", owner))):
        actions.accept(case.pk, by=who)

    assert listed("decided=today") == listed("decided=me") == [two.external_id, one.external_id]
    assert listed(f"decided=me&q={one.external_id}") == [one.external_id] and listed("decided=me&tier=high") == []
    with clock.moved(clock.now() + timedelta(days=1)):
        assert listed("decided=today") == [] and listed("decided=me") == [two.external_id, one.external_id]


def test_each_filter_leaves_what_fits_it_and_nothing_else(listed, send, refunds, resolver, vendor):
    factories.mandated(vendor, refunds)
    money = {"type": "refund", "amount": 9, "currency": "EUR"}
    special = {"segment": "business", "model_name": "m2", "input": {"text": "My lawyer says so."}, "action": money}
    made = {"through": send(0.99, output={"decision": "answer"}), **{name: send() for name in ("theirs", "paused", "held")}}
    made["special"] = send(**special)
    names, now = {case.external_id: name for name, case in made.items()}, clock.now()
    facts = {
        "theirs": {"vendor": vendor},
        "paused": {"paused_since": now, "vendor": None},
        "held": {"claimed_by": resolver, "claimed_until": now + timedelta(hours=1), "vendor": None},
        "special": {"category": refunds.categories.get(slug="duplicate"), "due_at": now - timedelta(hours=1), "vendor": None},
    }
    for name, about in facts.items():
        Case.objects.filter(pk=made[name].pk).update(**about)
    Case.objects.filter(pk=made["special"].pk).update(tier="high")

    def fitting(asked):
        return [names[reference] for reference in listed(asked)]

    everything = ["special", "held", "paused", "theirs", "through"]
    assert fitting("workflow=refunds") == everything
    assert fitting("state=open") == everything[:-1]
    assert fitting("state=closed") == fitting("closed_as=released") == ["through"]
    assert fitting("vendor=house") == ["special", "held", "paused", "through"]
    assert fitting(f"vendor={vendor.pk}") == ["theirs"]
    assert fitting("held=others") == ["held"] and fitting("held=mine") == []
    assert fitting("held=free") == ["special", "paused", "theirs"]
    assert fitting("due=paused") == ["paused"] and fitting("due=soon") == []
    only = ["due=over", "tier=high", "category=duplicate", "trigger=Risk words", "segment=business"]
    for asked in (*only, f"ai_release={made['special'].ai_release_id}", "tier=high&segment=business"):
        assert fitting(asked) == ["special"], asked


def test_a_filter_that_is_wrong_is_named_and_nothing_is_listed(client, send, reviewer):
    send()
    client.force_login(reviewer)

    answer = client.get(ALL, {"tier": "enormous"})

    assert answer.status_code == 400
    assert "enormous" in answer.content.decode() and "<table" not in answer.content.decode()


@pytest.mark.parametrize("after", ["x", "-1", "9" * 30, "1_2"])
def test_a_place_that_is_none_is_said(client, reviewer, after):
    client.force_login(reviewer)

    for where in (ALL, DESK):
        answer = client.get(where, {"after": after})
        assert answer.status_code == 400 and "Begin at its top." in answer.content.decode()


def test_it_says_who_holds_a_case_and_until_when(client, send, reviewer, resolver, refunds, owner):
    other = seated(refunds, "reviewer", owner)
    held = queues.claim(send().pk, by=other)
    client.force_login(reviewer)

    shown = client.get(DESK).content.decode()

    assert f"{other} until {held.claimed_until:%H:%M}" in shown


def test_it_says_to_whom_a_case_was_handed(client, send, reviewer, refunds, owner):
    other = seated(refunds, "reviewer", owner)
    actions.hand_over(queues.claim(send().pk, by=reviewer).pk, by=reviewer, reason="Yours", to=other.pk)
    client.force_login(reviewer)

    assert f"handed to {other}" in client.get(DESK).content.decode()


# however long it is


def test_why_it_is_here_calls_fields_by_their_titles_in_the_readers_language(client, send, refunds, owner, reviewer):
    schema = {"properties": {"amount": {"type": "number", "title": "Amount due"}}}
    missing = {"kind": "required_fields", "name": "Missing", "fields": ["output.amount"]}
    factories.policy(refunds, owner, rules={"triggers": [missing]}, output_schema=schema)
    send(0.9)
    client.force_login(reviewer)

    shown = client.get(ALL).content.decode()
    settle_in(reviewer, by=reviewer, language="de", time_zone="UTC")
    german = client.get(ALL).content.decode()

    assert 'title="Held for resolution: Amount due is missing."' in shown
    assert "es fehlt: Amount due" in german and "output.amount" not in german


def test_page_after_page_every_case_comes_once(send, reviewer):
    sent = [send().pk for _ in range(7)]

    assert pages(listing(reviewer), 3) == [sent[:3:-1], sent[3:0:-1], sent[0:1]]


def test_a_desk_has_the_most_urgent_first_over_all_its_workflows(send, refunds, owner, reviewer, integration):
    factories.workflow("claims", owner=owner)
    claims = refunds.__class__.objects.get(slug="claims")
    for person, role in ((reviewer, "reviewer"), (integration, "integration")):
        factories.workflows.seat(person, claims, role, by=owner)
    sent = [send(workflow=("refunds", "claims")[number % 2]) for number in range(9)]
    for number, case in enumerate(sent):
        Case.objects.filter(pk=case.pk).update(priority=number % 3, due_at=clock.now() + timedelta(hours=number // 4))

    found = [pk for page in pages(listing(reviewer, desk="review"), 2) for pk in page]

    assert found == list(Case.objects.order_by("-priority", "due_at", "pk").values_list("pk", flat=True))


def test_where_few_fit_it_looks_back_as_far_as_its_patience_goes_and_then_says_so(client, send, reviewer, monkeypatch):
    rare = send(segment="business")
    for _ in range(12):
        send()
    monkeypatch.setattr(paging, "WINDOW", 2)
    monkeypatch.setattr(paging, "PATIENCE", 0)
    made = listing(reviewer, "segment=business")

    first = paging.newest(made.cases, patience=0)

    assert first.ids == [] and first.looked_back_to
    assert [pk for page in pages(made, 5) for pk in page] == [rare.pk]
    assert paging.newest(made.cases, patience=60).ids == [rare.pk]  # patience is enough, in windows that grow
    client.force_login(reviewer)
    monkeypatch.setattr(paging.newest, "__kwdefaults__", {**paging.newest.__kwdefaults__, "patience": 0})
    assert "Look further back" in client.get(ALL, {"segment": "business"}).content.decode()


def test_a_window_is_no_wider_than_its_patience_reaches_going_by_the_last(send, reviewer, monkeypatch):
    rare = send(segment="business")
    sent = [send().pk for _ in range(25)]
    ticking = count()
    monkeypatch.setattr(paging, "monotonic", lambda: next(ticking) / 100)  # each window takes a hundredth of a second
    monkeypatch.setattr(paging, "WINDOW", 1)
    made = listing(reviewer, "segment=business")

    page = paging.newest(made.cases, patience=0.05)

    assert (
        sent[-1] - page.looked_back_to + 1 == 1 + 3 + 3
    )  # three more fitted into the time that was left; 1 + 4 + 16 would not have
    assert paging.newest(made.cases, patience=60).ids == [rare.pk]


@pytest.mark.parametrize("asked", ["category=duplicate", "ai_release={release}"])
def test_a_filter_with_an_index_of_its_own_leads_through_the_list(send, refunds, reviewer, asked):
    sent = [send(model_name="old").pk for _ in range(5)]
    Case.objects.update(category=refunds.categories.get(slug="duplicate"))
    send(model_name="new")
    Case.objects.filter(ai_release__model_name="new").update(category=None)
    release = Case.objects.get(pk=sent[0]).ai_release_id

    assert pages(listing(reviewer, asked.format(release=release)), 2) == [sent[:2:-1], sent[2:0:-1], sent[0:1]]


@pytest.mark.parametrize("where", [ALL, DESK])
def test_the_number_of_queries_is_the_same_however_long_it_is(client, send, reviewer, django_assert_max_num_queries, where):
    for _ in range(12):
        queues.claim(send().pk, by=reviewer)
    client.force_login(reviewer)
    client.get(where, {"all": "1"})

    with django_assert_max_num_queries(18) as asked:
        client.get(where, {"all": "1"})
    assert not [
        query["sql"] for query in asked.captured_queries if "SELECT DISTINCT " in query["sql"].replace("DISTINCT ON", "")
    ]


def test_counts_stop_where_nobody_reads_on(send, reviewer, monkeypatch):
    monkeypatch.setattr(paging, "WINDOW", 10**9)
    for _ in range(5):
        send()
    made = listing(reviewer)

    assert made.count(made.page()) == made.count(made.page(size=2)) == made.count(made.page(size=4)) == (5, True)
    monkeypatch.setattr(paging, "COUNTED", 5)
    assert made.count(made.page(size=2)) == (5, True)
    monkeypatch.setattr(paging, "COUNTED", 4)
    assert made.count(made.page(size=2)) == (4, False)


@pytest.mark.parametrize(("most", "said"), [(5, "5 cases."), (4, "At least 4 cases.")])
def test_the_list_says_how_many_there_are_or_how_many_at_least(client, send, reviewer, monkeypatch, most, said):
    for _ in range(5):
        send()
    client.force_login(reviewer)
    monkeypatch.setattr(paging, "COUNTED", most)
    monkeypatch.setattr(paging, "WINDOW", 10**9)
    monkeypatch.setattr(Listing.page, "__kwdefaults__", {**Listing.page.__kwdefaults__, "size": 2})

    assert re.search(r'role="status">\s*([^<]*?)\s*</p>', client.get(ALL).content.decode())[1] == said


def test_of_a_list_longer_than_the_window_it_is_said_that_there_may_be_more(send, reviewer, monkeypatch):
    for _ in range(5):
        send()
    monkeypatch.setattr(paging, "WINDOW", 3)
    made = listing(reviewer)

    assert made.count(made.page(size=2)) == (3, False)


# how a case is found


@pytest.fixture
def noted(send):
    """Send one and note it, as the job does."""

    def noted(**facts):
        case = send(**facts)
        finding.note_new()
        return case

    return noted


def test_by_how_its_reference_begins_or_its_customers_whatever_the_case(listed, noted):
    one, two = noted(external_id="Ref-100"), noted(external_id="x", customer_reference="REF-1009")
    noted(external_id="Ref-2")

    assert listed("q=ref-100") == [two.external_id, one.external_id]
    assert listed("q=Ref-100&state=closed") == []


def test_by_its_number(listed, noted):
    case = noted(external_id="one")
    noted(external_id="two")

    assert listed(f"q={case.pk}") == ["one"]


@pytest.mark.parametrize("typed", ["%", "_", "Ref_1", "R%", "\\"])
def test_what_is_typed_is_no_pattern(listed, noted, typed):
    noted(external_id="Ref-1", input={"text": "x"})

    assert listed(urlencode({"q": typed})) == []


def test_by_the_words_of_what_came_in(listed, noted):
    case = noted(external_id="one", input={"text": "The parcel arrived open.", "nested": [{"note": "Zaffre"}]})
    noted(external_id="two", input={"text": "The parcel is late."})

    assert listed("q=zaffre+parcel") == [case.external_id]
    assert listed("q=parcel") == ["two", "one"]
    assert listed("q=nowhere") == []


def test_a_word_that_many_of_the_newest_say_is_found_without_gathering_all_of_them(listed, noted, monkeypatch):
    for name in ("one", "two", "three"):
        noted(external_id=name, input={"text": "The parcel is late."})
    noted(external_id="four", input={"text": "Thank you."})
    monkeypatch.setattr(finding, "ENOUGH", 3)

    assert finding.few_saying("parcel") is None and len(finding.few_saying("thank")) == 1
    assert listed("q=parcel") == ["three", "two", "one"] and listed("q=thank") == ["four"]


def test_a_text_that_a_reference_begins_can_be_looked_for_in_the_texts(listed, noted):
    noted(external_id="parcel-7", input={"text": "x"})
    noted(external_id="two", input={"text": "The parcel-7 arrived."})

    assert listed("q=parcel-7") == ["parcel-7"]
    assert listed("q=parcel-7&text=on") == ["two"]


def test_what_came_this_moment_is_found_by_its_whole_reference(listed, send):
    case = send(external_id="just-now")

    assert not Findable.objects.exists()
    assert listed("q=just-now") == [case.external_id]


def test_noting_goes_on_where_it_was_and_misses_nothing(send, monkeypatch):
    first = send()
    jobs.note_what_cases_are_found_by()
    late, newer = send(), send()
    Findable.objects.create(case=newer, external_id=newer.external_id, words="")  # the other was committed after it
    monkeypatch.setattr(finding, "AT_ONCE", 1)

    assert finding.note_new() == 1
    assert finding.note_new() == 0
    assert set(Findable.objects.values_list("pk", flat=True)) == {first.pk, late.pk, newer.pk}


def test_the_sweep_notes_what_was_passed_over(send, monkeypatch):
    passed_over = send()
    newest = send()
    Findable.objects.create(case=newest, external_id=newest.external_id, words="")
    monkeypatch.setattr(finding, "RECENT", 0)
    monkeypatch.setattr(finding, "AT_ONCE", 1)

    assert finding.note_new() == 0
    assert jobs.note_what_was_missed() == "1 noted."
    assert Findable.objects.filter(pk=passed_over.pk).exists()


def test_a_very_long_text_is_noted_by_its_beginning(send):
    send(input={"text": "begin " + " ".join(f"w{number}" for number in range(120_000))})

    assert finding.note_new() == 1
    assert Findable.objects.extra(where=["words @@ 'begin'"]).count() == 1


# what a vendor's people find


@pytest.fixture
def theirs(send, vendor):
    def theirs(**facts):
        case = send(**facts)
        Case.objects.filter(pk=case.pk).update(vendor=vendor)
        finding.note_new()
        return case

    return theirs


def test_a_vendor_finds_by_what_it_sees_and_not_by_what_is_hidden_from_it(client, theirs, vendor_reviewer, reviewer):
    case = theirs(input={"text": f"Please call {PHONE} about the zaffre parcel."}, customer_reference=PHONE)
    client.force_login(vendor_reviewer)

    def finds(person, typed):
        client.force_login(person)
        with acting_as(person):
            return references(client.get(ALL, {"q": typed})) == [case.external_id]

    assert finds(reviewer, "1234567") and finds(reviewer, "+49 170")
    assert finds(vendor_reviewer, "zaffre") and finds(vendor_reviewer, case.external_id[:3])
    assert not any(finds(vendor_reviewer, typed) for typed in ("1234567", "+49 170", "170 zaffre", PHONE))


def test_a_vendor_finds_nothing_of_another_side(client, send, vendor_reviewer):
    send(external_id="ours-1", input={"text": "zaffre"})
    Case.objects.update(vendor=None)
    finding.note_new()
    client.force_login(vendor_reviewer)

    with acting_as(vendor_reviewer):
        assert not Findable.objects.exists()
        for typed in ("ours", "zaffre"):
            assert references(client.get(ALL, {"q": typed})) == []


@pytest.mark.parametrize("asked", ["segment=none", "trigger=none", "category=none", "vendor=house", "ai_release=0"])
def test_filters_that_would_tell_it_what_is_hidden_are_none_for_a_vendor(client, theirs, vendor_reviewer, asked):
    case = theirs()
    client.force_login(vendor_reviewer)

    assert references(client.get(f"{ALL}?{asked}")) == [case.external_id]
    assert f'name="{asked.partition("=")[0]}"' not in client.get(ALL).content.decode()


# views


@pytest.fixture
def keep(client):
    def keep(person, name="Urgent", query="tier=high&q=R-", **more):
        client.force_login(person)
        return client.post(reverse("admin:cases_case_save_view"), {"name": name, "query": query, **more})

    return keep


def test_a_view_keeps_the_filters_under_a_name(keep, reviewer, client):
    answer = keep(reviewer, query="tier=high&after=9&evil=1&q=R-")

    view = SavedView.objects.get()
    assert (view.owner, view.query, view.workflow) == (reviewer, "q=R-&tier=high", None)
    shown = client.get(answer.url)
    assert "All cases · Urgent" in shown.content.decode() and shown.context["listing"].chosen == {"q": "R-", "tier": "high"}


def test_kept_again_under_its_name_it_is_changed(keep, reviewer):
    keep(reviewer)
    keep(reviewer, query="tier=low", desk="review")

    assert [(view.query, view.desk) for view in SavedView.objects.all()] == [("tier=low", "review")]


def test_the_first_view_is_what_all_cases_opens_with(keep, reviewer, client):
    keep(reviewer, "One", is_first="on")
    keep(reviewer, "Two", query="tier=low", is_first="on")

    assert SavedView.objects.filter(is_default=True).count() == 1
    assert "tier=low" in client.get(ALL).url
    assert client.get(ALL, {"all": "1"}).status_code == 200


def test_a_shared_view_is_seen_by_the_workflows_people_of_ones_own_side(
    keep, client, reviewer, resolver, stranger, vendor_reviewer
):
    keep(reviewer, "Ours", shared_with="refunds")
    keep(reviewer, "Mine")

    def seen(person):
        client.force_login(person)
        return [view.name for view in client.get(ALL, {"all": "1"}).context["views"]]

    assert seen(reviewer) == ["Mine", "Ours"] and seen(resolver) == ["Ours"]
    assert seen(stranger) == seen(vendor_reviewer) == []
    with acting_as(vendor_reviewer):
        assert not SavedView.objects.exists()


@pytest.mark.parametrize(
    "wrong", [{"name": " "}, {"name": "x" * 61}, {"query": "tier=no"}, {"shared_with": "claims"}, {"desk": "nowhere"}]
)
def test_a_view_that_cannot_be_kept_is_refused_in_words(keep, reviewer, owner, client, wrong):
    factories.workflow("claims", owner=owner)

    answer = keep(reviewer, **wrong)

    assert not SavedView.objects.exists()
    assert 'class="said error"' in client.get(answer.url).content.decode()


def test_only_whoever_made_a_view_removes_it(keep, reviewer, resolver, client):
    keep(reviewer, shared_with="refunds")
    where = reverse("admin:cases_case_remove_view", args=[SavedView.objects.get().pk])
    client.force_login(resolver)
    assert client.post(where).status_code == 404

    client.force_login(reviewer)
    client.post(where)

    assert not SavedView.objects.exists()


@pytest.mark.parametrize("same", [{"name": "One"}, {"is_default": True}])
def test_the_database_keeps_names_and_the_first_place_apart(reviewer, same):
    SavedView.objects.create(owner=reviewer, name="One", is_default=True)
    other = SavedView.objects.create(owner=reviewer, name="Two")
    anew = {"owner": reviewer, "name": "Three", **same}

    for write in (
        lambda: SavedView.objects.create(**anew),
        lambda: SavedView.objects.bulk_create([SavedView(**anew)]),
        lambda: SavedView.objects.filter(pk=other.pk).update(**same),
        lambda: connection.cursor().execute(
            "UPDATE cases_savedview SET name = 'One', is_default = true WHERE id = %s", [other.pk]
        ),
    ):
        with (
            pytest.raises(IntegrityError, match=r"a_persons_views_have_names_of_their_own|a_person_has_one_default_view"),
            transaction.atomic(),
        ):
            write()


# Ctrl-K


def test_one_box_finds_a_case_a_workflow_or_a_person(client, noted, reviewer, approver):
    case = noted(external_id="ref-7")
    client.force_login(reviewer)

    def options(text):
        return client.get(reverse("admin:cases_case_find"), {"q": text}, headers={"X-Find": "1"}).content.decode()

    assert reverse("admin:cases_case_work", args=[case.pk]) in options("ref-7")
    assert "Refunds" in options("refu") and approver.username in options(approver.username)
    assert "Nothing that you may see" in options("nowhere") and 'role="option"' not in options("nowhere")


def test_without_a_script_it_is_a_page_and_a_single_find_opens_at_once(client, noted, reviewer):
    case = noted(external_id="ref-7")
    noted(external_id="ref-8")
    client.force_login(reviewer)
    where = reverse("admin:cases_case_find")

    assert client.get(where, {"q": "ref-7"}).url == reverse("admin:cases_case_work", args=[case.pk])
    shown = client.get(where, {"q": "ref-"}).content.decode()
    assert "ref-7" in shown and "ref-8" in shown


def test_it_finds_for_nobody_what_he_may_not_see(client, noted, stranger, vendor_reviewer):
    noted(external_id="ref-7")
    Case.objects.update(vendor=None)
    where = reverse("admin:cases_case_find")

    for person, typed in (
        (stranger, "ref-7"),
        (stranger, "refu"),
        (vendor_reviewer, "ref-7"),
        (vendor_reviewer, stranger.username),
    ):
        client.force_login(person)
        assert "Nothing that you may see" in client.get(where, {"q": typed}).content.decode(), (person, typed)


def test_a_machine_or_an_integration_is_no_person_to_be_found(client, reviewer, integration):
    client.force_login(reviewer)

    shown = client.get(reverse("admin:cases_case_find"), {"q": "sho"}).content.decode()

    assert integration.username == "shop" and "Nothing that you may see" in shown
