"""Every refusal under /api/ is a problem document, whoever refuses: DRF, Django, the database, the middleware or a crash."""

import msgspec
import psycopg
import pytest
from django.contrib import admin
from django.core import exceptions as django
from django.db import DataError, IntegrityError, connection, transaction
from django.http import Http404, HttpResponse
from django.urls import path
from django.views.decorators.http import require_POST
from django_fsm import TransitionNotAllowed
from rest_framework import exceptions as drf
from rest_framework import serializers
from rest_framework.response import Response
from rest_framework.views import APIView

from accounts import keys
from accounts.models import User, Vendor
from integrations import pointers, problems
from tests import factories


class Amount(msgspec.Struct):
    amount: int


class Shape(serializers.Serializer):
    name = serializers.CharField()
    lines = serializers.ListField(child=serializers.IntegerField())


RAISED = {}


class Raising(APIView):
    """Raises what the test put into RAISED; POST reads the body first."""

    def get(self, request):
        Vendor.objects.create(name="Written before the error")
        raise RAISED["exc"]

    def post(self, request):
        Shape(data=request.data).is_valid(raise_exception=True)
        return Response({})


def crashing(request):
    raise ZeroDivisionError("a secret of ours")


@require_POST
def plain_view(request):
    return HttpResponse("a page", status=418)


urlpatterns = [
    path("admin/", admin.site.urls),
    path("api/raising/", Raising.as_view()),
    path("api/crashing/", crashing),
    path("api/plain/", plain_view),
    path("elsewhere/crashing/", crashing),
]
pytestmark = [pytest.mark.urls(__name__), pytest.mark.usefixtures("db")]


@pytest.fixture(autouse=True)
def outermost(settings):
    ours = "integrations.middleware.ProblemMiddleware"
    settings.MIDDLEWARE = [ours, *(name for name in settings.MIDDLEWARE if name != ours)]


@pytest.fixture
def bearer():
    sender, _ = User.objects.get_or_create(username="sender", kind=User.Kind.INTEGRATION)
    _, text = keys.make(sender, by=factories.administrator(), name="k", verbs=["receive"])
    return {"Authorization": f"Bearer {text}"}


def told(response, status, code=None):
    """The document, once it is sure that it is one."""
    body = response.json()
    assert response.status_code == body["status"] == status
    assert response["Content-Type"] == "application/problem+json"
    assert body["type"] == f"/problems/{body['code']}"
    assert body["title"] and body["detail"].endswith(".") and isinstance(body["errors"], list)
    assert body["request_id"] == response["X-Request-Id"] != ""
    assert code in (None, body["code"])
    return body


def decoding_error(body, kind=Amount):
    try:
        msgspec.json.decode(body, type=kind)
    except Exception as error:
        return error


def refusal_of_the_database(statement):
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement)
    except Exception as error:
        return error


CAUSES = [
    (drf.ParseError(), 400, "parse_error"),
    (drf.ValidationError("Too many.", "too_many"), 400, "too_many"),
    (drf.ValidationError({"name": ["Wrong."]}), 400, "invalid"),
    (drf.NotAuthenticated(), 401, "not_authenticated"),
    (drf.AuthenticationFailed(), 401, "authentication_failed"),
    (keys.BadKey("This API key was revoked.", "key_revoked"), 401, "key_revoked"),
    (drf.PermissionDenied(), 403, "permission_denied"),
    (drf.NotFound(), 404, "not_found"),
    (drf.MethodNotAllowed("PUT"), 405, "method_not_allowed"),
    (drf.NotAcceptable(), 406, "not_acceptable"),
    (drf.UnsupportedMediaType("text/x"), 415, "unsupported_media_type"),
    (drf.Throttled(wait=7.2), 429, "throttled"),
    (problems.Conflict("Anna approved it first.", "already_decided", by="Anna"), 409, "already_decided"),
    (TransitionNotAllowed("Can't switch from state 'closed' using method 'approve'"), 409, "transition_not_allowed"),
    (django.PermissionDenied("Only an approver may approve."), 403, "permission_denied"),
    (django.PermissionDenied(), 403, "permission_denied"),
    (Http404("No Case matches the given query."), 404, "not_found"),
    (User.DoesNotExist("User matching query does not exist."), 404, "not_found"),
    (django.ValidationError("A reason is needed."), 422, "invalid"),
    (django.ValidationError({"reason": ["A reason is needed."]}), 422, "invalid"),
    (django.ValidationError("Over the limit.", "over_limit"), 422, "over_limit"),
    (django.RequestDataTooBig(), 413, "body_too_large"),
    (django.DisallowedHost(), 400, "bad_request"),
    (django.BadRequest(), 400, "bad_request"),
    (decoding_error(b'{"amount": "x"}'), 422, "invalid"),
    (decoding_error(b"{"), 400, "parse_error"),
    (decoding_error(b'"\xff"', str), 400, None),
    (UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid start byte"), 400, "not_utf_8"),
    (UnicodeEncodeError("utf-8", "\ud800", 0, 1, "surrogates not allowed"), 400, "not_utf_8"),
    (RecursionError("while decoding"), 400, "nested_too_deeply"),
    (DataError("value out of range"), 422, "unstorable_value"),
    (IntegrityError("without a constraint's name"), 500, "internal_error"),
    (ZeroDivisionError("a secret of ours"), 500, "internal_error"),
]


@pytest.mark.parametrize(
    ("exc", "status", "code"), CAUSES, ids=[f"{status}-{type(e).__name__}-{code}" for e, status, code in CAUSES]
)
def test_each_cause_has_one_answer_and_undoes_what_was_written(client, bearer, exc, status, code):
    RAISED["exc"] = exc

    body = told(client.get("/api/raising/", headers=bearer), status, code)

    assert "secret" not in str(body) and "matching query" not in str(body)
    assert not Vendor.objects.exists()


def test_a_refused_sign_in_says_how_to_sign_in(client):
    response = client.get("/api/raising/")

    told(response, 401, "not_authenticated")
    assert response["WWW-Authenticate"].startswith("Bearer")


def test_an_unknown_key_says_so(client):
    told(client.get("/api/raising/", headers={"Authorization": "Bearer hd_live_nonsense"}), 401, "key_unknown")


def test_a_throttled_caller_learns_when_to_come_back(client, bearer):
    RAISED["exc"] = drf.Throttled(wait=7.2)

    assert client.get("/api/raising/", headers=bearer)["Retry-After"] == "8"


def test_a_lost_race_names_who_and_when(client, bearer, monday):
    RAISED["exc"] = problems.Conflict("Anna approved it first.", by="Anna", at=monday)

    body = told(client.get("/api/raising/", headers=bearer), 409, "conflict")

    assert (body["by"], body["at"]) == ("Anna", "2026-06-01 09:00:00+00:00")


def test_facts_cannot_take_the_place_of_the_standard_members(client, bearer):
    RAISED["exc"] = problems.Conflict("Closed.", status="closed", type="refund")

    told(client.get("/api/raising/", headers=bearer), 409)


def test_a_constraint_named_as_a_sentence_is_the_answer(client, bearer):
    RAISED["exc"] = refusal_of_the_database(
        "UPDATE accounts_user SET vendor_id = 1, office = 'manager' WHERE username = 'machine'"
    )

    body = told(client.get("/api/raising/", headers=bearer), 409, "managers_auditors_and_administrators_are_in_house")

    assert body["detail"] == "Managers auditors and administrators are in house."


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("INSERT INTO accounts_vendor (name, time_zone) VALUES ('A', 'UTC'), ('A', 'UTC')", "already_exists"),
        (
            "SET CONSTRAINTS ALL IMMEDIATE; UPDATE accounts_user SET vendor_id = 99 WHERE username = 'sender'",
            "reference_broken",
        ),
    ],
)
def test_a_constraint_without_a_sentence_names_no_table(client, bearer, statement, code):
    RAISED["exc"] = refusal_of_the_database(statement)

    body = told(client.get("/api/raising/", headers=bearer), 409, code)

    assert "accounts" not in str(body)


def test_a_bare_psycopg_error_is_told_like_djangos():
    raised = refusal_of_the_database(
        "INSERT INTO accounts_vendor (name, time_zone) VALUES ('A', 'UTC'), ('A', 'UTC')"
    ).__cause__

    assert isinstance(raised, psycopg.IntegrityError)
    assert problems.problem_of(raised).status_code == 409


def test_every_wrong_field_has_a_pointer(client, bearer):
    response = client.post("/api/raising/", {"lines": [1, "x"]}, content_type="application/json", headers=bearer)

    body = told(response, 400, "invalid")
    assert [error["pointer"] for error in body["errors"]] == ["#/name", "#/lines/1"]


@pytest.mark.parametrize(
    ("message", "said", "pointer"),
    [
        ("Expected `int`, got `str` - at `$.lines[0].amount`", "Expected `int`, got `str`", "#/lines/0/amount"),
        ("Expected `int`, got `str` - at `$[...].a/b`", "Expected `int`, got `str`", "#/*/a~1b"),
        ("Expected `int`, got `str` - at `key` in `$.facts`", "Expected `int`, got `str`", "#/facts"),
        ("Expected `object`, got `array`", "Expected `object`, got `array`", "#"),
    ],
)
def test_msgspecs_path_becomes_a_pointer(message, said, pointer):
    assert pointers.of_msgspec(message) == (said, pointer)


def raw(client, bearer, body, content_type="application/json", **environ):
    return client.post("/api/raising/", body, content_type=content_type, headers=bearer, **environ)


def test_an_unknown_url(client):
    told(client.get("/api/nowhere/"), 404, "not_found")


def test_an_unknown_url_while_debugging(client, settings):
    settings.DEBUG = True

    told(client.get("/api/nowhere/"), 404, "not_found")


def test_an_unknown_method(client, bearer):
    response = client.put("/api/raising/", headers=bearer)

    told(response, 405, "method_not_allowed")
    assert "POST" in response["Allow"]


def test_a_method_refused_outside_drf(client):
    response = client.get("/api/plain/")

    told(response, 405, "method_not_allowed")
    assert response["Allow"] == "POST"


def test_a_page_with_an_error_status_is_retold(client):
    told(client.post("/api/plain/"), 418)


def test_an_unknown_media_type(client, bearer):
    told(raw(client, bearer, b"<a/>", "text/xml"), 415, "unsupported_media_type")


def test_an_answer_we_cannot_give_in_that_language(client, bearer):
    told(client.get("/api/raising/", headers={**bearer, "Accept": "text/html"}), 406, "not_acceptable")


@pytest.mark.parametrize("body", [b"{", b'"\xff\xfe"', b"", b'{"a": "' + b"\xc3", b"nul"], ids=repr)
def test_a_body_that_is_no_json(client, bearer, body):
    told(raw(client, bearer, body), 400)


def test_a_body_nested_too_deeply(client, bearer):
    told(raw(client, bearer, b"[" * 100_000), 400, "nested_too_deeply")


def test_a_loop_of_our_own_is_not_blamed_on_the_caller():
    def loop():
        return loop()

    with pytest.raises(RecursionError) as caught:
        loop()

    assert problems.problem_of(caught.value).status_code == 500


def test_a_huge_body_is_refused_unread(client, bearer, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 1000

    told(raw(client, bearer, b" " * 1001), 413, "body_too_large")


def test_a_bad_host(client, bearer):
    told(client.get("/api/raising/", headers={**bearer, "Host": "evil.example"}), 400, "bad_request")


def test_a_session_without_its_csrf_token(client, bearer):
    client.handler.enforce_csrf_checks = True
    client.force_login(User.objects.get(username="sender"))

    told(client.post("/api/raising/", {}, content_type="application/json"), 403, "permission_denied")
    told(client.post("/api/plain/"), 403, "permission_denied")


@pytest.mark.parametrize("debug", [True, False])
def test_a_crash_outside_drf_says_nothing_of_our_insides(client, settings, debug):
    settings.DEBUG = debug

    body = told(client.get("/api/crashing/"), 500, "internal_error")

    assert "secret" not in str(body)


def test_a_crash_is_logged_with_the_id_that_the_caller_was_given(client, caplog):
    body = told(client.get("/api/crashing/"), 500)

    assert body["request_id"] in caplog.text and "ZeroDivisionError" in caplog.text


def test_people_keep_djangos_pages(client):
    client.raise_request_exception = False

    assert client.get("/elsewhere/crashing/")["Content-Type"].startswith("text/html")
    assert client.get("/elsewhere/nowhere/")["Content-Type"].startswith("text/html")


@pytest.mark.django_db(transaction=True)
def test_a_promise_broken_at_commit_is_told_too(client, bearer, monkeypatch):
    def get(view, request):
        User.objects.filter(username="sender").update(vendor_id=99)  # a deferred constraint: it speaks at COMMIT
        return Response({})

    monkeypatch.setattr(Raising, "get", get)

    told(client.get("/api/raising/", headers=bearer), 409, "reference_broken")
