"""What a person reads where there is no page: in his language, with a way back, and nothing of what broke."""

import pytest
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpResponse, HttpResponseNotAllowed
from django.test import Client
from django.urls import include, path, reverse

pytestmark = pytest.mark.django_db


def raised(error):
    def page(request):
        raise error

    return page


urlpatterns = [
    path("", include("hitlsite.urls")),
    path("broken/", raised(RuntimeError("the secret of C-7"))),
    path("bad/", raised(BadRequest("the secret of C-7"))),
    path("barred/", raised(PermissionDenied("The approvals are for approvers."))),
    path("taken/", lambda request: HttpResponse("Taken.") if request.method == "POST" else HttpResponseNotAllowed(["POST"])),
    path("api/v1/taken/", lambda request: HttpResponseNotAllowed(["POST"])),
]
handler500 = "hitlsite.faults.broke"


@pytest.fixture
def read(settings, reviewer):
    settings.ROOT_URLCONF = __name__
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(reviewer)

    def read(address, language="en", method="get"):
        answer = getattr(browser, method)(address, headers={"accept-language": language})
        return answer, answer.content.decode()

    return read


@pytest.mark.parametrize(
    ("address", "status", "says", "in_german"),
    [
        ("/broken/", 500, "Something broke on our side.", "Bei uns ist etwas kaputtgegangen."),
        ("/bad/", 400, "This request cannot be read.", "Diese Anfrage lässt sich nicht lesen."),
        ("/barred/", 403, "You may not open this page.", "Sie dürfen diese Seite nicht öffnen."),
        ("/nowhere/", 404, "There is no such page here", "Diese Seite gibt es hier nicht"),
        ("/taken/", 405, "This address only takes forms.", "Diese Adresse nimmt nur Formulare an."),
    ],
)
def test_every_fault_has_a_page_in_the_readers_language_with_a_way_back(read, address, status, says, in_german):
    answer, shown = read(address)
    _, german = read(address, "de")

    assert answer.status_code == status
    assert f"<h1>{says}" in shown and f"<h1>{in_german}" in german
    assert f'href="{reverse("admin:index")}"' in shown and "secret" not in shown


def test_a_form_that_is_too_old_says_that_nothing_was_done(read):
    answer, shown = read("/taken/", method="post")

    assert answer.status_code == 403
    assert "This form is not taken." in shown and "Nothing was done." in shown


def test_what_broke_is_found_by_the_number_on_its_page(read, caplog):
    _, shown = read("/broken/")

    logged = [line.facts["request"] for line in caplog.records if line.getMessage() == "request"]
    assert logged and f"by which it is found: {logged[-1]}" in shown


def test_an_address_for_forms_still_says_what_it_takes(read):
    answer, _ = read("/taken/")
    told, document = read("/api/v1/taken/")

    assert answer["Allow"] == "POST"
    assert told.status_code == 405 and "<h1>" not in document
