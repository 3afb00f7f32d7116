"""Files beside a case: what may be attached, how it is handed out, and to whom."""

import base64
import io
import zipfile

import pytest
from django.core.exceptions import PermissionDenied, ValidationError
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, transaction
from django.urls import reverse

from audit.models import AuditEvent
from cases import actions
from cases.models import AttachedFile, Attachment, Case
from cases.talk import files
from integrations.problems import Conflict
from tests import factories
from tests.conftest import acting_as, seated

pytestmark = pytest.mark.django_db
PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 40
PDF = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n"
CARD = "4111 1111 1111 1111"


def packed(*names, **more):
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as box:
        for name in names:
            box.writestr(name, more.get("says", "x"))
    return made.getvalue()


DOCX = packed("[Content_Types].xml", "word/document.xml")
ODT = packed("mimetype", says="application/vnd.oasis.opendocument.text")


@pytest.fixture
def case(send):
    return send(0.5)


@pytest.fixture
def theirs(send, vendor_reviewer):
    case = send(0.5, input={"text": f"My card is {CARD}."})
    Case.objects.filter(pk=case.pk).update(vendor=vendor_reviewer.vendor)
    return Case.objects.get(pk=case.pk)


def keep(case, by, name="receipt.pdf", content=PDF, **more):
    return actions.attach(case.pk, by=by, name=name, content=content, **more)


def at(case, attachment=None, page="open"):
    if attachment is None:
        return reverse("admin:cases_case_attach", args=[case.pk])
    return reverse(f"admin:cases_attachment_{page}", args=[case.pk, attachment.pk])


# What may be attached


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.pdf", PDF), ("a.PNG", PNG), ("a.jpg", b"\xff\xd8\xff\xe0" + b"\0" * 20), ("a.docx", DOCX), ("a.odt", ODT),
        ("a.txt", "Größe: 5 < 7\n".encode()), ("a.csv", b"a;b\n1;2\n"), ("a.txt", b"\xef\xbb\xbfwith a mark"),
    ],
)  # fmt: skip
def test_what_it_says_and_is_may_be_attached(name, content):
    assert files.kind_of(name, content)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<p>x"), ("picture.svg", b"<svg/>"), ("run.exe", b"MZ" + b"\0" * 60), ("run.js", b"alert(1)"), ("box.zip", DOCX), ("noend", b"x"),
        ("page.txt", b"<!DOCTYPE html><script>alert(1)</script>"), ("page.txt", b"\n <svg xmlns='x' onload='alert(1)'>"), ("page.csv", b"<?xml version='1.0'?>"),
        ("page.pdf", b"<html><script>"), ("page.png", b"<svg onload=alert(1)>"), ("a.png", PDF), ("a.pdf", PNG), ("a.txt", PNG), ("a.txt", b"\xff\xfe\x00"), ("a.txt", b"a\0b"),
        ("a.docx", packed("evil.txt")), ("a.docx", packed("[Content_Types].xml", "word/document.xml", "word/vbaProject.bin")), ("a.docx", b"PK\x03\x04broken"),
        ("a.odt", packed("mimetype", "Basic/x.xml", says="application/vnd.oasis.opendocument.text")), ("empty.txt", b""), ("a.docm", DOCX),
    ],
)  # fmt: skip
def test_what_it_is_not_or_might_run_is_refused(name, content):
    with pytest.raises(ValidationError):
        files.kind_of(name, content)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("../../etc/passwd.txt", "passwd.txt"), ("C:\\Users\\ana\\r.pdf", "r.pdf"), ("/abs/r.pdf", "r.pdf"), ("..", "file"), ("", "file"), (".htaccess", "htaccess"),
        ("a\r\nSet-Cookie: x.pdf", "aSet-Cookie_ x.pdf"), ("evil\u202efdp.exe", "evilfdp.exe"), ('a"b<c>.pdf', "a_b_c_.pdf"), ("  a  b .pdf", "a b .pdf"), ("a\0.pdf", "a.pdf"),
        ("ü" * 300 + ".pdf", "ü" * 146 + ".pdf"),
    ],
)  # fmt: skip
def test_a_name_is_a_name_and_no_path(given, kept):
    assert files.cleaned(given) == kept


def test_a_file_that_is_too_large_is_not_kept(client, case, reviewer, settings):
    settings.HITLDESK_ATTACHMENT_BYTES = 3 * 2**20
    client.force_login(reviewer)
    huge = SimpleUploadedFile("a.txt", b"x" * (3 * 2**20 + 1))

    answer = client.post(at(case), {"file": huge})

    assert answer.status_code == 422 and "at most 3 MB" in answer.content.decode()
    with pytest.raises(ValidationError, match="too large"):
        keep(case, reviewer, "a.txt", b"x" * (3 * 2**20 + 1))
    assert not Attachment.objects.exists()


def test_an_upload_is_read_no_further_than_that_at_any_address(browser, settings):
    settings.HITLDESK_ATTACHMENT_BYTES = 2**16

    answer = browser.post(reverse("account_login"), {"file": SimpleUploadedFile("a.txt", b"x" * 2**20)})

    assert answer.wsgi_request.upload_is_too_large and not answer.wsgi_request.FILES


def test_a_case_takes_so_many_files_and_no_more(case, reviewer, monkeypatch):
    monkeypatch.setattr(actions.attaching, "MOST", 2)
    keep(case, reviewer), keep(case, reviewer)

    with pytest.raises(ValidationError, match="as many files"):
        keep(case, reviewer)


# How it is handed out


def test_it_is_a_download_that_no_browser_opens_in_our_name(client, case, reviewer):
    client.force_login(reviewer)
    client.post(at(case), {"file": SimpleUploadedFile("../größe.txt", b"so big"), "back": "work"})

    answer = client.get(at(case, Attachment.objects.get()))

    assert answer.content == b"so big"
    assert answer["Content-Disposition"] == "attachment; filename*=utf-8''gr%C3%B6%C3%9Fe.txt"
    assert (answer["X-Content-Type-Options"], answer["Content-Type"]) == ("nosniff", "text/plain; charset=utf-8")
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox; frame-ancestors 'none'"
    assert "no-store" in answer["Cache-Control"] and answer["Cross-Origin-Resource-Policy"] == "same-origin"


def test_it_is_listed_where_one_works_and_what_is_wrong_is_said(client, case, reviewer):
    client.force_login(reviewer)
    wrong = client.post(at(case), {"file": SimpleUploadedFile("x.svg", b"<svg onload=alert(1)>", content_type="image/png")})
    right = client.post(at(case), {"file": SimpleUploadedFile("x.png", PNG, content_type="text/html"), "back": "work"})

    assert wrong.status_code == 422 and "of this type" in wrong.content.decode()
    assert right.url == reverse("admin:cases_case_work", args=[case.pk]) + "#files"
    for page in ("work", "change"):
        assert "x.png" in client.get(reverse(f"admin:cases_case_{page}", args=[case.pk])).content.decode()
    assert Attachment.objects.get().kind == "image/png"


def test_opening_and_attaching_are_events_without_its_name(client, case, reviewer, owner):
    made = keep(case, reviewer, "Anna Keller.pdf")
    client.force_login(owner)
    client.get(at(case, made))

    events = list(AuditEvent.objects.filter(subject_type="case", verb__in=["case.attach", "case.open_file"]).order_by("pk"))
    assert [(event.verb, event.actor_id) for event in events] == [("case.attach", reviewer.pk), ("case.open_file", owner.pk)]
    assert "Keller" not in str([(event.words, event.body) for event in events])


# Whose it is


@pytest.mark.parametrize("who", ["stranger", "administrator", "integration"])
def test_nobody_else_attaches(request, case, who):
    with pytest.raises(PermissionDenied):
        keep(case, request.getfixturevalue(who))


def test_another_vendors_people_and_strangers_find_nothing(client, key, theirs, vendor_reviewer, stranger, refunds, owner):
    made = keep(theirs, vendor_reviewer)
    other = seated(refunds, "reviewer", owner, factories.VendorFactory(name="Bolt Support"))
    by_rest = reverse("case-attachment", args=[theirs.pk, made.pk])

    for person in (other, stranger):
        client.force_login(person)
        assert [client.get(at(theirs, made)).status_code, client.get(at(theirs, made, "off")).status_code] == [404, 404]
        assert client.get(by_rest, **key(person)).status_code == 404
    with acting_as(other):
        assert not Attachment.objects.exists() and not AttachedFile.objects.exists()


def test_a_file_is_not_found_by_another_cases_address(client, case, send, reviewer):
    made = keep(case, reviewer)
    client.force_login(reviewer)

    assert client.get(at(send(0.5), made)).status_code == 404


def test_a_vendor_opens_its_own_and_what_the_house_says_is_for_it(client, theirs, reviewer, vendor_reviewer):
    houses, shared, own = keep(theirs, reviewer), keep(theirs, reviewer, for_vendors=True), keep(theirs, vendor_reviewer)
    client.force_login(vendor_reviewer)

    with acting_as(vendor_reviewer):
        seen = [client.get(at(theirs, each)).status_code for each in (houses, shared, own)]
        kept = set(AttachedFile.objects.values_list("attachment", flat=True))

    assert seen == [403, 200, 200]
    assert kept == {shared.pk, own.pk}  # the database keeps the other from his session


def test_a_vendors_word_opens_nothing_to_others(theirs, vendor_reviewer):
    assert keep(theirs, vendor_reviewer, for_vendors=True).for_vendors is False


def test_a_vendor_reads_names_masked_on_pages_and_in_the_download(client, key, theirs, reviewer, vendor_reviewer):
    made = keep(theirs, reviewer, f"card {CARD}.pdf", for_vendors=True)
    client.force_login(vendor_reviewer)
    answers = [client.get(reverse(f"admin:cases_case_{page}", args=[theirs.pk])) for page in ("work", "change", "attach")]
    answers.append(client.get(reverse("case", args=[theirs.pk]), **key(vendor_reviewer)))

    for answer in answers:
        assert "card [card 1].pdf" in answer.content.decode() and CARD not in answer.content.decode()
    assert "card%20%5Bcard%201%5D" in client.get(at(theirs, made))["Content-Disposition"].replace(" ", "%20").replace(
        "[", "%5B"
    ).replace("]", "%5D")


# Taking it off


def test_taken_off_its_content_is_gone_and_its_line_stays(client, case, reviewer, resolver, owner):
    made = keep(case, reviewer)
    with pytest.raises(PermissionDenied, match="Only whoever attached it"):
        actions.take_off(made.pk, by=resolver, reason="x")
    client.force_login(reviewer)
    client.post(at(case, made, "off"), {"reason": "The wrong customer's."})

    assert not AttachedFile.objects.exists() and Attachment.objects.get().removed_by == reviewer
    assert client.get(at(case, made)).status_code == 404
    assert "taken off" in client.get(reverse("admin:cases_case_change", args=[case.pk])).content.decode()
    with pytest.raises(Conflict):
        actions.open_file(made.pk, by=owner)
    other = keep(case, reviewer)
    actions.take_off(other.pk, by=owner, reason="The owner of risk says so.")


def test_the_database_keeps_what_was_attached(case, reviewer):
    made = keep(case, reviewer)
    this, file = Attachment.objects.filter(pk=made.pk), AttachedFile.objects.filter(attachment=made)
    tries = {
        "what was attached never changes": lambda: this.update(for_vendors=True),
        "an attachment is never deleted": lambda: this._raw_delete("default"),
        "an attached file never changes": lambda: file.update(content=b"other"),
        "a file goes only when it is taken off": lambda: file.delete(),
        "an_attachments_name_is_no_path": lambda: Attachment.objects.create(case=case, by=reviewer, at=made.at, name="a/b.pdf", kind="x", size=1, digest=b""),
        "an_attachment_is_taken_off_by_somebody": lambda: this.update(removed_at=made.at),
    }  # fmt: skip
    for sentence, change in tries.items():
        with pytest.raises(DatabaseError, match=sentence), transaction.atomic():
            change()
    with pytest.raises(DatabaseError, match="is what its line says"), transaction.atomic():
        other = Attachment.objects.create(case=case, by=reviewer, at=made.at, name="b.pdf", kind="x", size=1, digest=b"\1" * 32)
        AttachedFile.objects.create(attachment=other, content=b"y")


# Over REST


def test_over_rest_it_is_attached_and_had_again(client, key, case, reviewer):
    header = key(reviewer)
    body = {"name": "a/b/receipt.pdf", "content": base64.b64encode(PDF).decode()}

    made = client.post(reverse("case-attach", args=[case.pk]), body, "application/json", **header)
    [listed] = client.get(reverse("case", args=[case.pk]), **header).json()["attachments"]
    had = client.get(reverse("case-attachment", args=[case.pk, listed["id"]]), **header)
    wrong = client.post(reverse("case-attach", args=[case.pk]), {**body, "name": "a.svg"}, "application/json", **header)

    assert (made.status_code, wrong.status_code) == (201, 422)
    assert (listed["name"], listed["kind"], listed["opens"]) == ("receipt.pdf", "application/pdf", True)
    assert had.content == PDF and had["Content-Disposition"].startswith("attachment")
