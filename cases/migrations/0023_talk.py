"""What people say, ask and attach stays as it was; each is told to whom it reaches; and a vendor speaks for its own people."""

import datetime

import django.contrib.postgres.fields
import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

SQL = """
CALL history_is_append_only('cases_comment');

CREATE FUNCTION what_it_replaces_is_its_writers_own() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_comment o WHERE o.id = NEW.replaces_id AND o.id < NEW.id AND o.by_id = NEW.by_id
      AND o.case_id = NEW.case_id AND o.kind = NEW.kind AND o.house_only = NEW.house_only) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER only_its_writer_mends_a_comment AFTER INSERT ON cases_comment FOR EACH ROW
  WHEN (NEW.replaces_id IS NOT NULL) EXECUTE FUNCTION what_it_replaces_is_its_writers_own();

-- A notice is read, and put into one mail.
CREATE TRIGGER what_a_notice_says_never_changes BEFORE UPDATE ON cases_notice FOR EACH ROW
  WHEN ((OLD.to_id, OLD.kind, OLD.case_id, OLD.by_id, OLD.at) IS DISTINCT FROM (NEW.to_id, NEW.kind, NEW.case_id, NEW.by_id, NEW.at))
  EXECUTE FUNCTION refuse();
CREATE TRIGGER a_notice_is_in_one_mail BEFORE UPDATE ON cases_notice FOR EACH ROW
  WHEN (OLD.digest_id IS NOT NULL AND OLD.digest_id IS DISTINCT FROM NEW.digest_id) EXECUTE FUNCTION refuse();
CREATE TRIGGER a_mail_is_sent_once BEFORE UPDATE ON cases_digest FOR EACH ROW
  WHEN (OLD.sent_at IS NOT NULL OR (OLD.to_id, OLD.slot, OLD.made_at) IS DISTINCT FROM (NEW.to_id, NEW.slot, NEW.made_at))
  EXECUTE FUNCTION refuse();

-- A vendor reads what is said of its cases, but for what the house says to itself, and speaks for its own people.
CALL vendors_see_only('cases_comment', 'NOT house_only AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)',
  'vendor_id = acting_vendor() AND NOT house_only AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)
   AND EXISTS (SELECT FROM accounts_user u WHERE u.id = by_id AND u.vendor_id = acting_vendor())');
-- It reads what its own people are told, and tells of its cases whom it likes.
CALL vendors_see_only('cases_notice', 'EXISTS (SELECT FROM accounts_user u WHERE u.id = to_id AND u.vendor_id = acting_vendor())',
  'EXISTS (SELECT FROM accounts_user u WHERE u.id = by_id AND u.vendor_id = acting_vendor())
   AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)
   OR EXISTS (SELECT FROM accounts_user u WHERE u.id = to_id AND u.vendor_id = acting_vendor())');

CREATE TRIGGER what_an_inquiry_asks_never_changes BEFORE UPDATE ON cases_inquiry FOR EACH ROW
  WHEN ((OLD.case_id, OLD.pause_id, OLD.by_id, OLD.vendor_id, OLD.to_id, OLD.question, OLD.shown, OLD.ticket)
      IS DISTINCT FROM (NEW.case_id, NEW.pause_id, NEW.by_id, NEW.vendor_id, NEW.to_id, NEW.question, NEW.shown, NEW.ticket)
    OR NEW.link_number < OLD.link_number) EXECUTE FUNCTION refuse();
CREATE TRIGGER an_inquiry_is_answered_once BEFORE UPDATE ON cases_inquiry FOR EACH ROW
  WHEN (OLD.answered_at IS NOT NULL) EXECUTE FUNCTION refuse();
CREATE TRIGGER an_inquiry_is_never_deleted BEFORE DELETE ON cases_inquiry FOR EACH ROW EXECUTE FUNCTION refuse();

-- It waits by a pause of its own case, of a customer or a team; and what nobody waits for any more is not answered.
CREATE FUNCTION its_pause_is_open_and_of_its_case() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_pause p WHERE p.id = NEW.pause_id AND p.case_id = NEW.case_id AND p.kind <> 'snooze'
      AND p.ended_at IS NULL) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_inquiry_waits_by_a_pause_of_its_case AFTER INSERT ON cases_inquiry FOR EACH ROW
  EXECUTE FUNCTION its_pause_is_open_and_of_its_case();
CREATE TRIGGER what_is_no_longer_asked_is_not_answered AFTER UPDATE OF answered_at ON cases_inquiry FOR EACH ROW
  WHEN (OLD.answered_at IS NULL AND NEW.answered_at IS NOT NULL) EXECUTE FUNCTION its_pause_is_open_and_of_its_case();
CALL vendors_see_only('cases_inquiry', 'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)');

-- A file stays what it was; taken off, its content goes and its line stays.
CREATE TRIGGER what_was_attached_never_changes BEFORE UPDATE ON cases_attachment FOR EACH ROW
  WHEN ((OLD.case_id, OLD.by_id, OLD.vendor_id, OLD.at, OLD.name, OLD.kind, OLD.size, OLD.digest, OLD.for_vendors)
      IS DISTINCT FROM (NEW.case_id, NEW.by_id, NEW.vendor_id, NEW.at, NEW.name, NEW.kind, NEW.size, NEW.digest, NEW.for_vendors)
    OR OLD.removed_at IS NOT NULL) EXECUTE FUNCTION refuse();
CREATE TRIGGER an_attachment_is_never_deleted BEFORE DELETE ON cases_attachment FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE TRIGGER an_attached_file_never_changes BEFORE UPDATE ON cases_attachedfile FOR EACH ROW EXECUTE FUNCTION refuse();
CREATE FUNCTION it_is_what_its_attachment_says() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_attachment a WHERE a.id = NEW.attachment_id AND a.removed_at IS NULL
      AND a.size = octet_length(NEW.content) AND a.digest = sha256(NEW.content)) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER an_attached_file_is_what_its_line_says AFTER INSERT ON cases_attachedfile FOR EACH ROW
  EXECUTE FUNCTION it_is_what_its_attachment_says();
CREATE FUNCTION its_attachment_is_taken_off() RETURNS trigger LANGUAGE plpgsql SECURITY DEFINER
  SET search_path = pg_catalog, public, pg_temp SET plan_cache_mode = force_generic_plan AS $$
BEGIN
  IF NOT EXISTS (SELECT FROM cases_attachment a WHERE a.id = OLD.attachment_id AND a.removed_at IS NOT NULL) THEN
    RAISE EXCEPTION '%.', replace(TG_NAME, '_', ' ') USING ERRCODE = '23514', CONSTRAINT = TG_NAME, TABLE = TG_TABLE_NAME;
  END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER a_file_goes_only_when_it_is_taken_off AFTER DELETE ON cases_attachedfile FOR EACH ROW
  EXECUTE FUNCTION its_attachment_is_taken_off();
CALL vendors_see_only('cases_attachment', 'EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)',
  'vendor_id = acting_vendor() AND EXISTS (SELECT FROM cases_case c WHERE c.id = case_id)
   AND EXISTS (SELECT FROM accounts_user u WHERE u.id = by_id AND u.vendor_id = acting_vendor())');
-- What is in a file cannot be masked: a vendor's session reads what its own side attached, and what the house says is for it.
CALL vendors_see_only('cases_attachedfile',
  'EXISTS (SELECT FROM cases_attachment a WHERE a.id = attachment_id AND (a.vendor_id = acting_vendor() OR a.for_vendors))',
  'EXISTS (SELECT FROM cases_attachment a WHERE a.id = attachment_id AND a.vendor_id = acting_vendor())');
CALL vendors_see_only('cases_digest', 'EXISTS (SELECT FROM accounts_user u WHERE u.id = to_id AND u.vendor_id = acting_vendor())');
CALL vendors_see_only('cases_wishes', 'EXISTS (SELECT FROM accounts_user u WHERE u.id = user_id AND u.vendor_id = acting_vendor())');
"""
UNDO = """
DROP TRIGGER a_file_goes_only_when_it_is_taken_off ON cases_attachedfile;
DROP FUNCTION its_attachment_is_taken_off();
DROP TRIGGER an_attached_file_is_what_its_line_says ON cases_attachedfile;
DROP FUNCTION it_is_what_its_attachment_says();
DROP TRIGGER an_attached_file_never_changes ON cases_attachedfile;
DROP TRIGGER an_attachment_is_never_deleted ON cases_attachment;
DROP TRIGGER what_was_attached_never_changes ON cases_attachment;
DROP TRIGGER a_mail_is_sent_once ON cases_digest;
DROP TRIGGER a_notice_is_in_one_mail ON cases_notice;
DROP TRIGGER what_is_no_longer_asked_is_not_answered ON cases_inquiry;
DROP TRIGGER an_inquiry_waits_by_a_pause_of_its_case ON cases_inquiry;
DROP FUNCTION its_pause_is_open_and_of_its_case();
DROP TRIGGER an_inquiry_is_never_deleted ON cases_inquiry;
DROP TRIGGER an_inquiry_is_answered_once ON cases_inquiry;
DROP TRIGGER what_an_inquiry_asks_never_changes ON cases_inquiry;
DROP TRIGGER what_a_notice_says_never_changes ON cases_notice;
DROP TRIGGER only_its_writer_mends_a_comment ON cases_comment;
DROP FUNCTION what_it_replaces_is_its_writers_own();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("cases", "0022_precedents"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Attachment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "vendor_id",
                    models.BigIntegerField(
                        help_text="The vendor whoever attached it worked for then; empty: the house.", null=True
                    ),
                ),
                ("at", models.DateTimeField()),
                ("name", models.CharField(help_text="As it was given, without any path, and cleaned.", max_length=150)),
                ("kind", models.CharField(help_text="What it is by its content.", max_length=100)),
                ("size", models.PositiveIntegerField()),
                ("digest", models.BinaryField(help_text="SHA-256 of its content.")),
                (
                    "for_vendors",
                    models.BooleanField(
                        default=False,
                        help_text="A vendor's people may open it: whoever attached it says that nothing in it is hidden from them.",
                    ),
                ),
                ("removed_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="attachments", to="cases.case"),
                ),
                (
                    "removed_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="AttachedFile",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("content", models.BinaryField()),
                (
                    "attachment",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.PROTECT, related_name="file", to="cases.attachment"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Comment",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[("comment", "Comment"), ("note", "Hand-over note")], default="comment", max_length=7
                    ),
                ),
                (
                    "vendor_id",
                    models.BigIntegerField(help_text="The vendor the writer worked for then; empty: the house.", null=True),
                ),
                ("at", models.DateTimeField()),
                ("text", models.TextField()),
                ("house_only", models.BooleanField(default=False, help_text="Not shown to a vendor's people.")),
                (
                    "mentioned",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.BigIntegerField(), default=list, help_text="Whom it named and reached.", size=None
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="comments", to="cases.case"),
                ),
                (
                    "replaces",
                    models.OneToOneField(
                        help_text="What it mends. Each is mended once.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="replaced_by",
                        to="cases.comment",
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Digest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "slot",
                    models.DateTimeField(help_text="The moment of the rhythm that it is for; it has what was there by then."),
                ),
                ("made_at", models.DateTimeField()),
                ("attempts", models.PositiveSmallIntegerField(default=0, help_text="Counted, and committed, before each try.")),
                (
                    "next_try_at",
                    models.DateTimeField(help_text="Empty: it is sent, given up, or not wanted any more.", null=True),
                ),
                ("sent_at", models.DateTimeField(null=True)),
                ("last_error", models.CharField(blank=True, max_length=200)),
                (
                    "to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="digests", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Inquiry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "vendor_id",
                    models.BigIntegerField(help_text="The vendor whoever asked worked for then; empty: the house.", null=True),
                ),
                ("question", models.TextField()),
                (
                    "shown",
                    models.JSONField(
                        default=list, help_text="What is shown beside the question, as it was when it was asked: name and text."
                    ),
                ),
                ("ticket", models.URLField(blank=True, help_text="The same question in another system.", max_length=500)),
                (
                    "link_number",
                    models.PositiveIntegerField(
                        default=0, help_text="Of the link that opens it; each new one ends the one before."
                    ),
                ),
                ("link_until", models.DateTimeField(help_text="Until then the link opens it; empty: none does.", null=True)),
                ("answer", models.TextField(blank=True)),
                ("answered_at", models.DateTimeField(null=True)),
                (
                    "answered_as",
                    models.CharField(blank=True, help_text="How whoever answered by the link names himself.", max_length=120),
                ),
                (
                    "answered_by",
                    models.ForeignKey(
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "case",
                    models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="inquiries", to="cases.case"),
                ),
                (
                    "pause",
                    models.OneToOneField(
                        help_text="On whom the case waits, and until when that is planned.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inquiry",
                        to="cases.pause",
                    ),
                ),
                (
                    "to",
                    models.ForeignKey(
                        help_text="The person, where one is named.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="inquiries",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "verbose_name": "request for information",
                "verbose_name_plural": "requests for information",
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="Notice",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "kind",
                    models.CharField(
                        choices=[
                            ("mention", "Somebody mentions me"),
                            ("handed", "A case is handed to me"),
                            ("asked", "I am asked for information"),
                            ("answer", "My request for information is answered"),
                            ("sent_back", "What I decided is sent back"),
                            ("approval", "My approval is needed soon"),
                            ("alone", "A case is escalated to a desk where I am the only one"),
                        ],
                        max_length=9,
                    ),
                ),
                ("at", models.DateTimeField()),
                ("read_at", models.DateTimeField(null=True)),
                (
                    "by",
                    models.ForeignKey(
                        db_index=False,
                        help_text="Whose doing it is.",
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                ("case", models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name="+", to="cases.case")),
                (
                    "digest",
                    models.ForeignKey(
                        help_text="The mail that it is in; it is in one at most.",
                        null=True,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="notices",
                        to="cases.digest",
                    ),
                ),
                (
                    "to",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.PROTECT, related_name="notices", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "ordering": ["-id"],
            },
        ),
        migrations.CreateModel(
            name="Wishes",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "muted",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("mention", "Somebody mentions me"),
                                ("handed", "A case is handed to me"),
                                ("asked", "I am asked for information"),
                                ("answer", "My request for information is answered"),
                                ("sent_back", "What I decided is sent back"),
                                ("approval", "My approval is needed soon"),
                                ("alone", "A case is escalated to a desk where I am the only one"),
                            ],
                            max_length=9,
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "mail",
                    models.CharField(
                        choices=[
                            ("off", "No mail"),
                            ("hourly", "Every hour, where there is something"),
                            ("daily", "Once a day, where there is something"),
                        ],
                        default="daily",
                        max_length=6,
                    ),
                ),
                ("mail_at", models.TimeField(default=datetime.time(8, 0), help_text="Of the day, in the person's own zone.")),
                (
                    "unmailed",
                    django.contrib.postgres.fields.ArrayField(
                        base_field=models.CharField(
                            choices=[
                                ("mention", "Somebody mentions me"),
                                ("handed", "A case is handed to me"),
                                ("asked", "I am asked for information"),
                                ("answer", "My request for information is answered"),
                                ("sent_back", "What I decided is sent back"),
                                ("approval", "My approval is needed soon"),
                                ("alone", "A case is escalated to a desk where I am the only one"),
                            ],
                            max_length=9,
                        ),
                        default=list,
                        size=None,
                    ),
                ),
                (
                    "user",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE, related_name="wishes", to=settings.AUTH_USER_MODEL
                    ),
                ),
            ],
            options={
                "verbose_name_plural": "wishes",
            },
        ),
        migrations.AddConstraint(
            model_name="attachment",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("removed_at", None), ("removed_by", None)),
                    models.Q(("removed_at__isnull", False), ("removed_by__isnull", False)),
                    _connector="OR",
                ),
                name="an_attachment_is_taken_off_by_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="attachment",
            constraint=models.CheckConstraint(
                condition=models.Q(("name__regex", "^[^/\\\\]*[^/\\\\.\\s][^/\\\\]*$")), name="an_attachments_name_is_no_path"
            ),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(condition=models.Q(("text__regex", "\\S")), name="a_comment_says_something"),
        ),
        migrations.AddConstraint(
            model_name="comment",
            constraint=models.CheckConstraint(
                condition=models.Q(("house_only", False), ("vendor_id", None), _connector="OR"),
                name="a_vendors_person_says_nothing_to_the_house_alone",
            ),
        ),
        migrations.AddIndex(
            model_name="digest",
            index=models.Index(
                condition=models.Q(("next_try_at__isnull", False)), fields=["next_try_at"], name="mails_to_send"
            ),
        ),
        migrations.AddConstraint(
            model_name="digest",
            constraint=models.UniqueConstraint(fields=("to", "slot"), name="one_mail_per_person_and_moment"),
        ),
        migrations.AddIndex(
            model_name="inquiry",
            index=models.Index(
                condition=models.Q(("answered_at", None), ("to__isnull", False)), fields=["to"], name="inquiries_of_a_person"
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(condition=models.Q(("question__regex", "\\S")), name="an_inquiry_asks_something"),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("answer", ""), ("answered_as", ""), ("answered_at", None), ("answered_by", None)),
                    models.Q(("answer__regex", "\\S"), ("answered_at__isnull", False), ("answered_by__isnull", False)),
                    _connector="OR",
                ),
                name="an_answer_has_words_a_time_and_somebody",
            ),
        ),
        migrations.AddConstraint(
            model_name="inquiry",
            constraint=models.CheckConstraint(
                condition=models.Q(("ticket", ""), ("ticket__regex", "^https?://"), _connector="OR"),
                name="a_ticket_is_an_address_of_the_web",
            ),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(condition=models.Q(("read_at", None)), fields=["to", "-id"], name="notices_unread"),
        ),
        migrations.AddIndex(
            model_name="notice",
            index=models.Index(condition=models.Q(("digest", None), ("read_at", None)), fields=["to"], name="notices_unmailed"),
        ),
        migrations.RunSQL(SQL, UNDO),
        migrations.RunSQL("CALL cases_are_asked_by_index()", migrations.RunSQL.noop),
    ]
