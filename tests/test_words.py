"""The words: every text of the code is in the catalogue, what is compiled is the catalogue, and each reads his own language."""

import ast
import asyncio
import json
import re
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from zoneinfo import ZoneInfo

import jsonschema_rs
import pytest
from allauth.mfa.base.forms import AuthenticateForm
from django.apps import apps
from django.conf import settings
from django.http import Http404
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.functional import Promise
from django.utils.translation import gettext

from accounts import actions
from accounts.models import User
from audit import clock, moments, phrases, terms, trail
from audit.models import AuditEvent
from audit.templatetags import wording
from audit.wording import of_json
from cases import allocation, gate, permissions, until
from cases.models import BreakGlassReview, Case
from cases.verbs import VERBS
from hitlsite import borrowed, words
from integrations import targets
from jobs import schedules
from jobs.models import Job, Schedule
from quality import pages
from tests.desk import page
from tests.doors import SIGN_IN, told
from workflows import cover
from workflows.editing.approvals import ReasonRow
from workflows.editing.forms import PartForm, Row
from workflows.models import Seat, Shift
from workflows.triggers.comparing import KEEPS

GERMAN = {"headers": {"accept-language": "de-AT,de;q=0.9"}}


@pytest.fixture(autouse=True)
def english_again():
    """A request leaves its language behind, for the next one settles its own."""
    yield
    translation.activate("en")


@pytest.fixture(scope="module")
def of_the_code():
    return words.of_the_code()


@pytest.mark.long
@pytest.mark.parametrize("language", words.translated())
def test_the_catalogue_has_every_text_of_the_code_and_no_other(language, of_the_code):
    catalog = {(message.context, message.id) for message in words.read(language) if message.id}

    assert catalog == {(message.context, message.id) for message in of_the_code if message.id}, "Run manage.py words."


@pytest.mark.parametrize("language", words.translated())
def test_every_text_is_translated_for_sure_and_with_its_placeholders(language):
    assert words.faults(words.read(language)) == []


@pytest.mark.parametrize("language", words.translated())
def test_what_is_compiled_is_the_catalogue(language):
    assert words.path(language, "mo").read_bytes() == words.as_mo(words.read(language)), "Run manage.py words."


def test_a_text_that_is_missing_unsure_or_lost_its_placeholder_is_a_fault():
    catalog = words.Catalog(locale="de")
    catalog.add("Say why.", "")
    catalog.add("{who} is away.", "{wer} ist abwesend.")
    catalog.add("On {day:%d %B}.", "Am {day:%d.%m.}")
    catalog.add("Back", "Zurück", flags=["fuzzy"])
    catalog.add(("{number} day", "{number} days"), ("Ein Tag", ""))

    assert [fault.split("'")[1] for fault in words.faults(catalog)] == ["Say why.", "{who} is away.", "Back", "{number} day"]


def test_the_browsers_language_is_spoken_to_a_stranger(client, db):
    page = client.get(SIGN_IN, **GERMAN)

    assert page["Content-Language"] == "de"
    assert '<html lang="de" dir="ltr">' in page.text
    assert "Anmelden" in page.text


def test_a_person_reads_what_he_chose_whatever_his_browser_says(client, reviewer):
    client.force_login(reviewer)
    client.post(reverse("my_settings"), {"language": "de", "time_zone": "Europe/Berlin"})

    page = client.get(reverse("admin:index"), headers={"accept-language": "en"})

    assert "<h1>Mein Arbeitsplatz</h1>" in page.text
    assert page["Content-Language"] == "de"
    assert told("settle_in", reviewer).get().body == {"changed": {"language": "de", "time_zone": "Europe/Berlin"}}


def test_a_vendors_person_chooses_his_own_too(client, vendor_reviewer):
    client.force_login(vendor_reviewer)

    answer = client.post(reverse("my_settings"), {"language": "de", "time_zone": "Asia/Manila"})

    assert answer.status_code == 302
    assert User.objects.get(pk=vendor_reviewer.pk).language == "de"


def test_nobody_chooses_for_another(reviewer, administrator):
    with pytest.raises(actions.PermissionDenied):
        actions.settle_in(reviewer, by=administrator, language="de", time_zone="UTC")


def test_a_language_that_is_not_there_is_refused(client, reviewer):
    client.force_login(reviewer)

    answer = client.post(reverse("my_settings"), {"language": "tlh", "time_zone": "UTC"})

    assert answer.status_code == 422
    assert User.objects.get(pk=reviewer.pk).language == ""


def test_programs_read_english_whoever_runs_them(client, key, integration):
    User.objects.filter(pk=integration.pk).update(language="de")

    answer = client.get("/api/v1/cases/9999999/", **key(integration), **GERMAN)

    assert answer.json()["detail"] == "There is no such thing here, or you may not see it."


def test_history_is_kept_in_english_whoever_makes_it(reviewer, administrator):
    with translation.override("de"):
        with pytest.raises(actions.PermissionDenied, match=r"^Nur "):
            actions.come_back(administrator, by=reviewer)
        trail.write_refusals()

    assert AuditEvent.objects.get(verb="user.come_back_refused").body["why"].startswith("Only ")


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        (
            "Held for review: confidence 0.5 is below 0.8 (medium risk).",
            "Zurückgehalten für Prüfung: Konfidenz 0.5 ist unter 0.8 (Risiko „mittel“).",
        ),
        (
            "Held for approval: high risk needs an approval: the action is “refund”.",
            "Zurückgehalten für Freigabe: Risiko „hoch“ braucht eine Freigabe: die Maßnahme ist „refund“.",
        ),
        (
            "Held for review: high risk needs an approval: 31,400.00 EUR is at or above 1,000.00 EUR.",
            "Zurückgehalten für Prüfung: Risiko „hoch“ braucht eine Freigabe: 31,400.00 EUR ist mindestens 1,000.00 EUR.",
        ),
        (
            "Held for resolution: output.amount (2) must equal context.total (1).",
            "Zurückgehalten für Klärung: output.amount (2) muss gleich sein: context.total (1).",
        ),
        ("Acme, by lot: its share is 40 %.", "Acme, durch das Los: der Anteil ist 40 %."),
        ("It is at review now.", "Er ist jetzt bei: Prüfung."),
        (
            "a case with the same input came 3 hours before (R-1)",
            "ein Vorgang kam 3 Stunden davor: dieselbe Eingabe (R-1)",
        ),
        (
            "the customer wrote 2 times within the 7 days before",
            "der Kunde schrieb davor schon 2 Mal (Zeitraum: 7 Tage)",
        ),
        (
            "Too few can approve it. Of 3 approvers: 1 away; 2 limited below 500.00 EUR; its chain asks for 2 people, "
            "among them with the title “Director” and “Head”. Give a seat or a limit, delegate, or break the glass.",
            "Zu wenige können ihn freigeben. Von 3 Freigebern: 1 abwesend; 2 mit einer Grenze unter 500.00 EUR; die Kette "
            "verlangt 2 Personen, darunter mit dem Titel “Director” und “Head”. Vergeben Sie einen Platz oder eine Grenze, "
            "delegieren Sie, oder geben Sie per Notfreigabe frei.",
        ),
        ("“3 hours” is a risk word", "„3 hours“ ist ein Risikowort"),  # somebody's own words
        ("1 away", "1 away"),
        ("Somebody typed this.", "Somebody typed this."),
    ],
)
def test_a_sentence_kept_in_english_is_read_in_the_readers_language(kept, read):
    with translation.override("de"):
        assert phrases.retold(kept) == read

    assert phrases.retold(kept) == kept


@pytest.mark.parametrize(
    ("schema", "value"),
    [
        ({"type": "string"}, 1),
        ({"type": ["string", "null"]}, 1),
        ({"type": "string", "format": "date"}, "2026-02-30"),
        ({"enum": ["a", None]}, "b"),
        ({"const": 1}, 2),
        ({"required": ["amount"]}, {}),
        ({"properties": {}, "additionalProperties": False}, {"a": 1}),
        ({"properties": {}, "additionalProperties": False}, {"a": 1, "b": 2}),
        ({"minimum": 0}, -1),
        ({"maximum": 0}, 1),
        ({"exclusiveMinimum": 0}, 0),
        ({"exclusiveMaximum": 0}, 0),
        ({"multipleOf": 2}, 3),
        ({"minLength": 1}, ""),
        ({"minLength": 2}, "a"),
        ({"maxLength": 1}, "ab"),
        ({"maxLength": 2}, "abc"),
        ({"pattern": "^b"}, "a"),
        ({"minItems": 1}, []),
        ({"minItems": 2}, []),
        ({"maxItems": 1}, [1, 2]),
        ({"maxItems": 2}, [1, 2, 3]),
        ({"uniqueItems": True}, [1, 1]),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 1),
        ({"oneOf": [{"type": "string"}, {"type": "null"}]}, 1),
    ],
)
def test_what_a_value_breaks_of_its_schema_is_read_in_the_readers_language(schema, value):
    [fault] = [each.message for each in jsonschema_rs.validator_for(schema, validate_formats=True).iter_errors(value)]

    with translation.override("de"):
        read = phrases.retold(fault, "fault")
        why = phrases.retold(f"Held for resolution: output.a breaks the schema ({fault}).")

    assert read != fault and why.endswith(f"({read}).")
    assert phrases.retold(fault, "fault") == fault


@pytest.mark.parametrize("must", KEEPS)
def test_how_two_values_must_stand_to_each_other_is_read_whole(must):
    asks = must.replace("_", " ")

    with translation.override("de"):
        read = phrases.retold(f"output.a (2) must {asks} context.b (1)")
        assert read == f"output.a (2) muss {terms.known(asks)}: context.b (1)"


@pytest.mark.parametrize("rule", [*allocation.RULES.values(), *allocation.SAID.values()])
def test_why_a_side_has_a_case_is_a_phrase(rule):
    phrase = rule.replace("{it.name} takes", "{name} takes").replace("{it.", "{").replace("{name}", "{side}", 1)

    assert phrase in phrases.PHRASES or phrase.replace("{side}", "{name}") in phrases.PHRASES


def test_why_the_demo_s_kinds_of_cases_are_where_they_are_is_a_phrase(send, reviewer):
    cases = [send(0.5), send(None), send(0.99, action={"type": "refund", "amount": 50, "currency": "EUR"})]

    with translation.override("de"):
        assert [case.sentence for case in cases if phrases.retold(case.sentence) == case.sentence] == []
        reasons = [reason["says"] for case in cases for reason in case.reasons]
        assert [says for says in reasons if phrases.retold(says) == says] == []


def test_why_somebody_may_not_is_read_in_his_language(client, send, stranger, reviewer, approver):
    case = send(0.9, action={"type": "refund", "amount": "5000.00", "currency": "EUR"})
    whys = [
        permissions.why_not(person, "approve", case, gate.standing(case, person)) for person in (reviewer, approver, stranger)
    ]

    with translation.override("de"):
        assert all(whys) and [why for why in whys if phrases.retold(why) == why] == []


@pytest.mark.parametrize("output_schema", [{"properties": {"amount": {"type": "number"}}}])
def test_a_number_that_nobody_touched_is_unchanged_in_any_language(client, send, reviewer):
    reviewer.language = "de"
    reviewer.save()
    client.force_login(reviewer)

    shown = client.get(page(send(output={"decision": "refund", "amount": 1491.24}))).text

    assert 'value="1491.24"' in shown and 'data-was="1491.24"' in shown


# what is marked


def refusals():
    """What verbs say when they refuse a person, as it is written; what only the machine is refused is for no reader."""
    for module in sorted(settings.BASE_DIR.glob("*/actions/*.py")) + sorted(settings.BASE_DIR.glob("*/actions.py")):
        for node in ast.walk(ast.parse(module.read_text())):
            if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
                name = ast.unparse(node.exc.func)
                for_the_machine = any(
                    each.arg == "code" and ast.unparse(each.value) == "'not_due'" for each in node.exc.keywords
                )
                if name in ("Conflict", "ValidationError", "PermissionDenied") and not for_the_machine:
                    yield f"{module.relative_to(settings.BASE_DIR)}:{node.lineno}", node.exc.args


def sentences_within(node):
    """The sentences that stand in it plainly, not as the argument of a function."""
    if isinstance(node, ast.Call):
        return []
    if isinstance(node, ast.Constant):
        return [node.value] if isinstance(node.value, str) and " " in node.value else []
    inner = node.values if isinstance(node, ast.Dict | ast.JoinedStr) else ast.iter_child_nodes(node)
    return [sentence for each in inner for sentence in sentences_within(each)]


def test_every_refusal_of_a_verb_can_be_translated():
    found = dict(refusals())

    assert len(found) > 50
    assert {where: plain for where, args in found.items() for each in args if (plain := sentences_within(each))} == {}


def test_every_choice_of_our_models_is_told_in_the_readers_language():
    fields = [field for model in apps.get_models() for field in model._meta.get_fields() if getattr(field, "choices", None)]
    ours = [field for field in fields if (settings.BASE_DIR / field.model._meta.app_label).is_dir()]
    themselves = dict(settings.LANGUAGES).values()  # a language is called as it calls itself

    def english(field):
        labels = (label for value, label in field.flatchoices if value and label not in themselves)
        return [label for label in labels if not isinstance(label, Promise)]

    assert len(ours) > 30
    assert {str(field): told for field in ours if (told := english(field))} == {}


def test_every_name_of_our_models_and_fields_is_told_in_the_readers_language():
    def names(model):
        yield from (model._meta.verbose_name, model._meta.verbose_name_plural)
        yield from (field.verbose_name for field in (*model._meta.local_fields, *model._meta.local_many_to_many))

    assert len(words.ours()) > 50
    assert {str(model): told for model in words.ours() if (told := [name for name in names(model) if type(name) is str])} == {}
    with translation.override("de"):
        assert str(Seat._meta.verbose_name_plural) == "Plätze"
        assert str(Shift._meta.get_field("closes").verbose_name) == "bis"  # named apart, and marked
        assert str(Case._meta.get_field("ai_release").verbose_name) == "KI-Version"  # named apart, and not marked


@pytest.mark.long
@pytest.mark.parametrize("text", borrowed.TEXTS)
def test_what_is_borrowed_of_other_packages_is_still_said_by_them(text):
    """Once no package says it any more, it is not ours to keep."""
    folders = [
        Path(import_module(package).__file__).parent for package in ("unfold", "django.contrib.admin", "django.contrib.auth")
    ]
    said = "".join(file.read_text() for folder in folders for kind in ("*.py", "*.html") for file in sorted(folder.rglob(kind)))
    said = re.sub(r'"\s*\n\s*"', "", said)  # one text over several lines

    assert text in said
    with translation.override("de"):
        assert gettext(text) in {message.string for message in words.read("de") if message.id == text}


@pytest.mark.parametrize(
    ("name", "seconds", "every"), [("settle decided cases", 1, "Sekunde"), ("list what is stuck", 900, "15 Minuten")]
)
def test_what_a_schedule_does_and_how_often_is_read_in_the_readers_language(name, seconds, every):
    schedule = Schedule(name=name, every_seconds=seconds)

    with translation.override("de"):
        assert str(schedule) != name and schedule.rhythm == every
    assert str(schedule) == name


@pytest.mark.parametrize("name", schedules.declared())
def test_every_schedule_is_named_in_german(name):
    with translation.override("de"):
        assert str(Schedule(name=name)) != name


@pytest.mark.parametrize(("typed", "line", "column"), [("", 1, 1), ('{"a": 1,\n  b}', 2, 3)])
def test_what_is_no_json_is_said_with_its_place_and_in_no_english_of_the_parser(typed, line, column):
    with pytest.raises(ValueError) as error:
        json.loads(typed)

    assert str(of_json(error.value)) == f"look at line {line}, at its sign {column}"
    with translation.override("de"):
        assert str(of_json(error.value)) == f"siehe Zeile {line}, Zeichen {column}"
    assert str(of_json(ValueError("NaN is no number"))) == "NaN is no number"


def test_every_job_that_is_asked_for_is_named_in_german():
    said = "".join(file.read_text() for file in words.sources() if file.suffix == ".py")
    tasks = re.findall(r'enqueue\("([\w.]+)"', said)

    assert len(tasks) > 3
    with translation.override("de"):
        german = {task: Job(task=task).what for task in tasks}
    assert {task: what for task, what in german.items() if what == Job(task=task).what} == {}


def test_a_span_of_a_week_is_read_in_the_readers_language():
    span = (datetime(2026, 3, 2, 20, tzinfo=UTC), datetime(2026, 3, 3, 1, tzinfo=UTC))

    with translation.override("de"):
        assert cover.told(span, UTC) == "Montag 20:00 bis Dienstag 01:00"
    assert cover.told(span, UTC) == "Monday 20:00 to Tuesday 01:00"


def test_until_when_is_offered_in_the_readers_language():
    with translation.override("de"):
        offered = until.choices(datetime(2026, 4, 30, 9, tzinfo=UTC))

    assert offered["tomorrow"][0].endswith(", 1 Mai, 09:00")


def test_every_field_of_the_policy_s_forms_is_told_in_the_readers_language():
    """They are made at import: a word that is translated there is English for ever."""
    forms = [*PartForm.__subclasses__(), *Row.__subclasses__()]
    fields = {f"{form.__name__}.{name}": field for form in forms for name, field in form.base_fields.items()}
    told = {
        name: [text for text in (field.label, field.help_text) if type(text) is str and text] for name, field in fields.items()
    }

    assert len(fields) > 30
    assert {name: texts for name, texts in told.items() if texts} == {}


def test_the_second_factor_asks_for_a_code_and_a_reason_has_a_short_name():
    """One English word that is two in German: the catalogue of another package has its own for it."""
    with translation.override("de"):
        assert AuthenticateForm.base_fields["code"].label == "Code"
        assert ReasonRow.base_fields["code"].label == "Kürzel"


@pytest.mark.parametrize("name", VERBS)
def test_every_verb_is_named_in_the_readers_language(name):
    verb = VERBS[name]

    assert [text for text in (verb.label, verb.done, verb.says) if not isinstance(text, Promise)] == []


@pytest.mark.parametrize(
    ("kept", "read"),
    [
        ("It is due on 2026-06-01 at 22:30 UTC.", "It is due on 2 Jun 2026 at 00:30 CEST."),
        ("It has waited on X since 2026-01-05 at 08:00 UTC, planned until 2026-07-05 at 08:00 UTC.",
         "It has waited on X since 5 Jan 2026 at 09:00 CET, planned until 5 Jul 2026 at 10:00 CEST."),
        ("It closed at 23:00:05 UTC on 2026-01-05.", "It closed at 00:00:05 CET on 6 Jan 2026."),
        ("It begins next, Mon 1 Jun 2026, 23:00 UTC.", "It begins next, Tue 2 Jun 2026, 01:00 CEST."),
        ("By 15:00 UTC, when the shift ends.", "By 16:00 CET, when the shift ends."),
        ("Until 05.01.2026, 23:00 UTC.", "Until 05.01.2026, 23:00 UTC."),
        ("Days in UTC, from 2026-13-40 at 99:99 UTC.", "Days in UTC, from 2026-13-40 at 99:99 UTC."),
    ],
)  # fmt: skip
def test_a_kept_time_is_read_in_the_readers_zone(kept, read):
    with timezone.override(ZoneInfo("Europe/Berlin")), clock.moved(datetime(2026, 1, 5, 9, tzinfo=UTC)):
        assert wording.retold(kept) == read
    hours = re.compile(r"\d\d:\d\d(?::\d\d)? UTC")
    assert hours.findall(wording.retold(kept)) == hours.findall(kept)


def test_a_kept_day_is_read_as_every_other_day_of_a_page():
    with timezone.override("UTC"):
        assert wording.retold("It is due on 2026-06-01 at 22:30 UTC.") == "It is due on 1 Jun 2026 at 22:30 UTC."
    with timezone.override("UTC"), translation.override("de"):
        assert wording.retold("It is due on 2026-05-01 at 22:30 UTC.") == "Er ist am 1 Mai 2026 um 22:30 UTC fällig."


def test_until_when_a_bulk_put_a_case_off_is_read_whole_in_the_readers_language():
    kept = f"It goes on at review on {moments.kept(datetime(2026, 5, 1, 22, 30, tzinfo=UTC))}."

    with timezone.override(ZoneInfo("Europe/Berlin")), translation.override("de"):
        assert wording.retold(kept) == "Er geht weiter am 2 Mai 2026 um 00:30 CEST, hier: Prüfung."


def test_a_moment_that_an_event_kept_is_read_as_one_in_any_zone():
    kept = "It was snoozed until 2026-06-01 22:30:00.123456+00:00 by X."

    with timezone.override(ZoneInfo("Europe/Berlin")):
        assert wording.retold(kept) == "It was snoozed until 2 Jun 2026, 00:30 by X."
    assert wording.retold(kept) == "It was snoozed until 1 Jun 2026, 22:30 by X."


def test_a_kept_time_is_read_in_the_readers_zone_and_language_at_once():
    with timezone.override(ZoneInfo("Europe/Berlin")), translation.override("de"):
        assert wording.retold("It is due on 2026-06-01 at 22:30 UTC.") == "Er ist am 2 Jun 2026 um 00:30 CEST fällig."


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin"])
def test_a_weekday_within_a_kept_sentence_is_read_in_the_readers_language(zone):
    read = {"UTC": "Mo 1 Jun 2026, 21:00 UTC", "Europe/Berlin": "Mo 1 Jun 2026, 23:00 CEST"}[zone]

    with timezone.override(ZoneInfo(zone)), translation.override("de"):
        assert read in wording.retold("Acme: nobody with room is on shift, and it begins next, Mon 1 Jun 2026, 21:00 UTC.")


def test_how_a_broken_glass_was_judged_is_read_in_the_readers_language():
    with translation.override("de"):
        read = {wording.retold(verdict) for verdict in BreakGlassReview.Verdict.values}

    assert read == {"es war richtig", "es war falsch"}


@pytest.mark.long
def test_where_we_do_not_post_is_said_in_the_readers_language():
    with pytest.raises(targets.Refused) as refused:
        asyncio.run(targets.checked_address("127.0.0.1", 80))

    with translation.override("de"):
        assert str(refused.value) == "127.0.0.1 führt zu 127.0.0.1; das ist keine öffentliche Adresse."


def test_what_is_not_there_is_said_in_the_readers_language(rf, refunds, owner):
    asked = rf.get("/")
    asked.user = owner

    with pytest.raises(Http404) as nothing:
        pages.person_page(asked, refunds.slug, owner.pk, "review")

    with translation.override("de"):
        assert str(nothing.value) == "Dort hat diese Person nichts entschieden."
