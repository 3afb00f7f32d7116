"""As many cases as a large operation has after two months, put there by SQL: to measure what people see of them, not intake.

Set-based and as the database's owner, with the promises' triggers asleep: each row is one that the product could have written (so an
amount that the policy calls high risk has that tier), but nothing is routed and no history is chained except for what waits. The same
number gives the same row at every run.

What is spread how: four workflows (50, 30, 15, 5 %), eight AI releases one after the other, two vendors, three tiers (40, 45, 15 %),
six categories on 12 % and five triggers on 22 % down to 1 in 5,000, a customer for every four cases, texts of 12 to 39 words of a
vocabulary of 2,000 in which few words are common. Of the newest 6 % more than half still wait; of the older ones 1 in 1,000.
"""

import random
from dataclasses import dataclass
from datetime import timedelta

from django.db import connection, transaction

from accounts.models import User, Vendor
from accounts.roles import Office, Ownership
from audit import acting, clock
from bench import samples
from cases import finding
from hitlsite.scoped.owner import as_owner
from workflows import actions as workflows
from workflows.models import Engagement, Mandate, Workflow

SLUGS = ("refunds", "tickets", "invoices", "claims")
BATCH = 50_000
RELEASES = 8
PHRASES = 5_000
TRIGGERS = ("Risk words", "Unsure of the label", "Large payment", "Markets", "Expression 3")
RARE = "zaffre"  # a word that one case in 10,000 says
ASLEEP = ("cases_case", "cases_decision", "cases_claim")

# `u(n, k)`: the k-th chance of the n-th case, from 0 to 1.
CHANCE = """
CREATE FUNCTION u(n bigint, k integer) RETURNS float8 LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN (hashint8extended(n, k) & 1073741823) / 1073741824.0;
CREATE FUNCTION said(n bigint, k integer, phrases text[]) RETURNS text LANGUAGE sql IMMUTABLE PARALLEL SAFE
  RETURN phrases[1 + floor(cardinality(phrases) * u(n, k))::int];
"""
FILL = """
WITH drawn AS (
  SELECT n, %(workflows)s::bigint[] AS workflows, CASE WHEN u(n, 1) < .5 THEN 1 WHEN u(n, 1) < .8 THEN 2 WHEN u(n, 1) < .95 THEN 3 ELSE 4 END AS w,
    CASE WHEN u(n, 2) < .4 THEN 'low' WHEN u(n, 2) < .85 THEN 'medium' ELSE 'high' END AS tier,
    CASE WHEN u(n, 3) >= CASE WHEN n > %(of)s * .94 THEN .55 ELSE .001 END THEN 'closed'
      WHEN u(n, 4) < .6 THEN 'review' WHEN u(n, 4) < .85 THEN 'resolution' ELSE 'approval' END AS state,
    CASE WHEN u(n, 5) < .25 THEN 1 WHEN u(n, 5) < .4 THEN 2 END AS v,
    CASE WHEN u(n, 6) < .12 THEN 1 + floor(u(n, 7) * 6)::int END AS k,
    CASE WHEN u(n, 8) < .08 THEN 1 WHEN u(n, 8) < .16 THEN 2 WHEN u(n, 8) < .21 THEN 3 WHEN u(n, 8) < .2198 THEN 4 WHEN u(n, 8) < .22 THEN 5 END AS t,
    CASE WHEN u(n, 9) < .85 THEN 'released' WHEN u(n, 9) < .95 THEN 'corrected' WHEN u(n, 9) < .98 THEN 'no_action' WHEN u(n, 9) < .995 THEN 'rejected'
      ELSE 'withdrawn' END AS ended,
    round((20 + CASE WHEN u(n, 2) < .85 THEN 270 ELSE 3000 END * power(u(n, 10), 6))::numeric, 2) AS amount, u(n, 11) < .35 AS refunds,
    %(now)s::timestamptz - (%(of)s - n) * %(step)s::interval AS received, 1 + floor(n * %(releases)s / (%(of)s + 1.0))::int AS r,
    'C-' || floor(u(n, 12) * greatest(%(of)s / 4, 1))::int AS customer,
    concat_ws(' ', said(n, 24, %(phrases)s), said(n, 25, %(phrases)s), said(n, 26, %(phrases)s)) || CASE WHEN u(n, 13) < .0001 THEN %(rare)s ELSE '' END AS text
   FROM generate_series(%(first)s::bigint, %(last)s::bigint) n)
INSERT INTO cases_case (workflow_id, external_id, sender_id, received_at, intake_digest, input, output, sent_action, received_action, confidence,
  ai_release_id, segment, channel, customer_reference, fingerprint, is_test, is_probe, policy_id, tier, requires_approval, approvals_needed, chain,
  born_released, sentence, reasons, tags, category_id, probability, draw, sampled, routed, state, vendor_id, passed_by, priority, desk_since, due_at,
  expires_at, revision, action_type, amount, currency, payee, proposes_no_action, closed_as, closed_at, released_at)
SELECT workflows[w], (%(prefixes)s::text[])[w] || '-' || to_char(n, 'FM0000000'), %(sender)s, received, ''::bytea,
  jsonb_build_object('text', text, 'customer', customer, 'country', 'DE'),
  jsonb_build_object('label', (ARRAY['refund', 'exchange', 'answer', 'cancel'])[1 + floor(u(n, 14) * 4)::int],
    'reason', 'As the customer asks and the terms allow.', 'score', round(u(n, 15)::numeric, 4)),
  '{}', CASE WHEN refunds THEN jsonb_build_object('type', 'refund', 'amount', amount::text, 'currency', 'EUR', 'payee', customer) END,
  round((1 - power(u(n, 15), 4))::numeric, 4)::float8, (%(ai_releases)s::bigint[])[r],
  CASE WHEN u(n, 16) < .2 THEN 'business' WHEN u(n, 16) < .9 THEN 'retail' ELSE '' END, 'mail', customer, hashint8extended(n, 17), false, false,
  (%(policies)s::bigint[])[w], tier, tier = 'high' OR state = 'approval', CASE WHEN tier = 'high' OR state = 'approval' THEN 1 ELSE 0 END,
  CASE WHEN tier = 'high' OR state = 'approval' THEN '[{"name": "Approval", "people": 1, "title": ""}]'::jsonb ELSE '[]' END,
  state = 'closed' AND ended = 'released', CASE WHEN state = 'closed' THEN 'Confidence reaches the threshold.' ELSE 'Somebody is to look at it first.' END,
  CASE WHEN t IS NULL THEN '[]' ELSE jsonb_build_array(jsonb_build_object('name', (%(triggers)s::text[])[t], 'kind', 'keywords', 'says', 'It says so.')) END,
  '{}', (%(categories)s::bigint[])[(w - 1) * 6 + k], .5, u(n, 18), false,
  jsonb_build_object('to', state, 'tier', tier, 'released', false, 'approvals', 0), state,
  CASE WHEN state <> 'approval' THEN (%(vendors)s::bigint[])[v] END, '{}', CASE WHEN u(n, 19) < .05 THEN 1 ELSE 0 END,
  CASE WHEN state <> 'closed' THEN received END, CASE WHEN state <> 'closed' THEN received + interval '60 hours' END,
  CASE WHEN state = 'approval' THEN received + interval '9000 hours' END, 1,
  CASE WHEN refunds THEN 'refund' ELSE '' END, CASE WHEN refunds THEN amount END, CASE WHEN refunds THEN 'EUR' ELSE '' END,
  CASE WHEN refunds THEN customer ELSE '' END, false, CASE WHEN state = 'closed' THEN ended ELSE '' END,
  CASE WHEN state = 'closed' THEN received + u(n, 20) * interval '20 hours' END,
  CASE WHEN state = 'closed' AND ended IN ('released', 'corrected') THEN received + u(n, 20) * interval '20 hours' END
 FROM drawn ORDER BY n
"""
# One in three of what is closed was decided by somebody; one in fifty of what waits is in somebody's hands.
DECIDED = """
INSERT INTO cases_decision (case_id, by_id, vendor_id, at, verb, desk, "to", digest, reason, reason_code, break_glass, active_seconds)
SELECT id, (%(people)s::bigint[])[1 + id %% cardinality(%(people)s::bigint[])], vendor_id, closed_at,
    CASE closed_as WHEN 'released' THEN 'accept' ELSE 'correct' END, 'review', 'closed', digest, '', '', false, 20 + floor(u(id, 21) * 90)::int
  FROM cases_case WHERE state = 'closed' AND u(id, 22) < .33 AND closed_as IN ('released', 'corrected') AND closed_at <= %(now)s ORDER BY id
"""
HELD = """
WITH held AS (UPDATE cases_case SET claimed_by_id = %(holder)s, claimed_until = %(now)s::timestamptz + interval '1 day'
  WHERE state = 'review' AND vendor_id IS NULL AND u(id, 23) < .02 RETURNING id)
INSERT INTO cases_claim (case_id, user_id, desk, since, until, ended_by)
SELECT id, %(holder)s, 'review', %(now)s, %(now)s::timestamptz + interval '1 day', '' FROM held
"""
TOLD = """
INSERT INTO audit_auditevent (subject_type, subject_id, actor_id, actor_name, request_id, verb, body, words)
SELECT 'case', id, %(sender)s, 'crowd', '', 'case.received', jsonb_build_object('to', state, 'sentence', sentence), ''
  FROM cases_case WHERE state <> 'closed' ORDER BY id
"""


@dataclass
class Crowd:
    """Who looks at them."""

    reviewer: User
    manager: User
    vendors_reviewer: User
    workflows: list[Workflow]


def filled(count, told=lambda done, of: None) -> Crowd:
    """The database with so many cases in it; `told` hears how far it is."""
    with acting.scope(acting.Acting(in_house=True)), transaction.atomic():
        crowd, about = peopled()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("SET jit = off")  # compiling so long a statement takes longer than running it
        cursor.execute(CHANCE)
        asleep(cursor, "DISABLE")
        for first in range(1, count + 1, BATCH):
            last = min(first + BATCH - 1, count)
            step = timedelta(days=56) / count
            cursor.execute(FILL, {**about, "first": first, "last": last, "of": count, "step": step})
            told(last, count)
        for statement in (DECIDED, HELD, TOLD):
            cursor.execute(statement, about)
        asleep(cursor, "ENABLE")
    with acting.scope(acting.Acting(in_house=True)):
        finding.note_all()
    with as_owner(), connection.cursor() as cursor:
        cursor.execute("VACUUM (ANALYZE)")
    return crowd


def asleep(cursor, how):
    for table in ASLEEP:
        cursor.execute(f"ALTER TABLE {table} {how} TRIGGER USER")


def peopled() -> tuple[Crowd, dict]:
    """Workflows, vendors, people with seats, all by the verbs; and what the statements need of them."""
    administrator = person("crowd-admin", office=Office.ADMINISTRATOR)
    owner, manager = person("crowd-owner"), person("crowd-manager", office=Office.MANAGER)
    reviewers = [person(f"crowd-reviewer{n}") for n in range(4)]
    sender = User.objects.create(username="crowd", kind=User.Kind.INTEGRATION, answers_for=owner)
    made = [workflow(slug, owner, administrator) for slug in SLUGS]
    vendors = [Vendor.objects.create(name=f"Crowd vendor {n}") for n in (1, 2)]
    theirs = [person(f"crowd-vendor{n}", vendor=vendor) for n, vendor in enumerate(vendors, 1)]
    for each in made:
        for reviewer in reviewers[:3]:
            workflows.seat(reviewer, each, "reviewer", by=owner)
        workflows.seat(reviewers[0], each, "resolver", by=owner)
        workflows.seat(sender, each, "integration", by=owner)
    for vendor, reviewer in zip(vendors, theirs, strict=True):
        mandated(vendor, made, reviewer, owner)
    about = {
        "workflows": [each.pk for each in made],
        "policies": [each.policy.pk for each in made],
        "prefixes": ["REF", "TKT", "INV", "CLM"],
        "sender": sender.pk,
        "categories": [pk for each in made for pk in each.categories.order_by("pk").values_list("pk", flat=True)[:6]],
        "ai_releases": releases(),
        "releases": RELEASES,
        "triggers": list(TRIGGERS),
        "vendors": [vendor.pk for vendor in vendors],
        "people": [reviewer.pk for reviewer in reviewers[:3]],
        "holder": reviewers[1].pk,
        "phrases": phrases(),
        "rare": f" {RARE}",
        "now": clock.now(),
    }
    return Crowd(reviewers[0], manager, theirs[0], made), about


def person(username, **facts) -> User:
    return User.objects.create(username=username, is_staff=True, **facts)


def workflow(slug, owner, administrator) -> Workflow:
    made = workflows.create(slug, slug.capitalize(), by=administrator)
    for of in Ownership.values:
        workflows.own(made, of, owner, by=administrator)
    schemas = {"input_schema": samples.INPUT_SCHEMA, "output_schema": samples.OUTPUT_SCHEMA}
    draft = workflows.draft(made, by=owner, rules=samples.RULES, **schemas)
    workflows.publish(draft, by=owner, reason="The benchmarks need it.")
    return made


def mandated(vendor, made, reviewer, owner):
    since = clock.now() - timedelta(days=7)
    contract = Engagement.objects.create(vendor=vendor, name="Crowd", since=since, until=since + timedelta(days=400))
    for each in made:
        roles = ["reviewer", "resolver"]
        Mandate.objects.create(engagement=contract, workflow=each, roles=roles, share=0, price="0.90", currency="EUR")
        workflows.seat(reviewer, each, "reviewer", by=owner)


def releases() -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO workflows_airelease (model_name, model_version, prompt_version, first_seen_at)"
            " SELECT 'classifier', '2026-' || n, '1', now() FROM generate_series(1, %s) n RETURNING id",
            [RELEASES],
        )
        return [pk for (pk,) in cursor.fetchall()]


def phrases() -> list[str]:
    """Some thousand of 4 to 13 words, of which the first of the vocabulary are common."""
    chance, known = random.Random(1), vocabulary()
    return [
        " ".join(known[int(len(known) * chance.random() ** 3)] for _ in range(chance.randint(4, 13))) for _ in range(PHRASES)
    ]


def vocabulary() -> list[str]:
    """The common words first."""
    plain = sorted({word.strip(".,?¿").lower() for text in samples.TEXTS for word in text.split()})
    return [*plain, *(f"{a}{b}{c}" for a in ("ka", "mo", "ri", "tel", "sun", "fa", "dor", "vi") for b in ("ba", "le", "no", "pi", "ru", "za", "chi", "go")
             for c in ("l", "n", "r", "s", "t", "ck", "m", "d", "ng", "p", "st", "ve", "x", "ly", "th", "ne", "de", "ra", "ta", "mi", "sa", "lo", "ku", "be", "fe", "ge", "jo", "wa", "hy", "pa"))]  # fmt: skip
