"""The doors over REST: validate the shape, call the verb, show the case. Nothing here decides anything."""

import threading
import time
from collections.abc import Iterable

import django_filters
import msgspec
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import Q
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.cache import get_conditional_response
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.exceptions import Throttled, UnsupportedMediaType, ValidationError
from rest_framework.generics import ListAPIView
from rest_framework.pagination import CursorPagination
from rest_framework.permissions import BasePermission, IsAuthenticated
from rest_framework.views import APIView

from audit import clock
from cases import actions, again, gate, queues, shapes, standard
from cases.intake import MOST_AT_ONCE, Answer, Intake, decoded, receive
from cases.models import Case, Inquiry, seen_workflows
from cases.seen import Sight, found_by, seen_by, whole
from cases.states import CLOSED, State
from cases.talk import attached
from cases.talk import reading as talk
from cases.talk.attached import handed_out
from integrations import pointers
from integrations.idempotency import idempotent
from integrations.problems import problem
from workflows.models import Delegation, Seat, Workflow

AT_ONCE = 8  # long polls in one process; more are told to come back
LONG_POLLS = threading.BoundedSemaphore(AT_ONCE)
PATIENCE = 60  # seconds: the longest a long poll may last


def said(body, status=200) -> HttpResponse:
    return HttpResponse(msgspec.json.encode(body), status=status, content_type="application/json")


def reads(request, kind):
    """The request's body as `kind`; raises msgspec's errors, which become 400 and 422."""
    if request.content_type and request.content_type.partition(";")[0].strip().lower() != "application/json":
        raise UnsupportedMediaType(request.content_type)
    body = request._request.body or b"{}"
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.ValidationError as error:
        raise msgspec.ValidationError(pointers.with_choices(str(error), kind)) from None
    except msgspec.DecodeError as error:
        raise msgspec.DecodeError(pointers.with_what_stands_there(str(error), body)) from None


def document(struct, **more):
    """For OpenAPI: a reference to a shape, collected into the components by hitlsite/openapi.py."""
    return {"$ref": f"#/components/schemas/{struct.__name__}", **more}


def documented(*, body=None, answers, **more):
    request = {"application/json": document(body)} if body else None
    return extend_schema(
        request=request, responses={code: document(shape) if shape else None for code, shape in answers.items()}, **more
    )


class KeyAllows(BasePermission):
    """An API key may do no more than the verbs it was made for."""

    def has_permission(self, request, view):
        verbs = getattr(request.user, "key_verbs", None)
        verb = getattr(view, "verb", None) if request.method == "POST" else "read"
        if verbs is not None and verb not in verbs:
            says = f"This API key may not {verb.replace('_', ' ')}."
            raise PermissionDenied(f"{says} A key keeps its verbs; an administrator makes another, under People → API keys.")
        return True


class Door(APIView):
    permission_classes = [IsAuthenticated, KeyAllows]
    parameters: Iterable[str] = ()  # of the address, that a GET knows

    def initial(self, request, *args, **kwargs):
        """What a GET is asked and nobody knows is refused: a filter that is not there would be taken for one that held."""
        super().initial(request, *args, **kwargs)
        if request.method == "GET" and (unknown := request.query_params.keys() - {*self.parameters}):
            there = f"There are {', '.join(self.parameters)}." if self.parameters else "There are none here."
            raise ValidationError(dict.fromkeys(sorted(unknown), f"There is no parameter of this name. {there}"))


class Newest(CursorPagination):
    ordering = "-id"
    page_size = 50
    page_size_query_param = "page_size"
    max_page_size = 500
    page_size_query_description = f"How many are on a page: {page_size} without, and never more than {max_page_size}."


BY_CONTENT = ("external_id", "segment", "customer_reference")


class CaseFilter(django_filters.FilterSet):
    workflow = django_filters.CharFilter(method="only_of", label="Its slug.")
    state = django_filters.ChoiceFilter(choices=State.choices)
    overdue = django_filters.BooleanFilter(method="only_overdue")
    paused = django_filters.BooleanFilter(field_name="paused_since", lookup_expr="isnull", exclude=True)
    received_after = django_filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="gte")
    received_before = django_filters.IsoDateTimeFilter(field_name="received_at", lookup_expr="lt")

    class Meta:
        model = Case
        fields = ["external_id", "tier", "segment", "customer_reference", "closed_as", "is_test"]

    def filter_queryset(self, queryset):
        """A vendor's person finds nothing by what is hidden from him."""
        found = super().filter_queryset(queryset)
        asked = {name: value for name in BY_CONTENT if (value := self.form.cleaned_data.get(name))}
        return found_by(found, self.request.user, **{name: value.__eq__ for name, value in asked.items()})

    @property
    def form(self):
        """With errors that say what may stand there."""
        form = super().form
        for field in form.fields.values():
            field.error_messages["invalid"] = "Write a time with its zone, such as 2026-06-01T07:16:59Z."
            if choices := [value for value, _ in getattr(field, "choices", ()) if value]:
                field.error_messages["invalid_choice"] = f"Say one of {', '.join(map(str, choices))}."
        return form

    def only_of(self, queryset, name, slug):
        found = queryset.filter(workflow__slug=slug)
        if not (seen_workflows(self.request.user).filter(slug=slug).exists() or found.exists()):
            raise ValidationError({name: f"There is no workflow “{slug}” of which you may see cases."})
        return found

    def only_overdue(self, queryset, name, wanted):
        return queryset.overdue() if wanted else queryset


class Cases(Door, ListAPIView):
    """The cases one may see, newest first; and the intake of one output."""

    verb = "receive"
    pagination_class = Newest
    filterset_class = CaseFilter
    parameters = (*CaseFilter.base_filters, "cursor", "page_size")

    queryset = Case.objects.select_related("workflow", "claimed_by")

    def get_queryset(self):
        return super().get_queryset().visible_to(self.request.user)

    @documented(answers={200: shapes.Summary}, operation_id="cases_list")  # of which the paginator makes pages
    def get(self, request):
        """The cases one may see, newest first."""
        page = self.paginate_queryset(self.filter_queryset(self.get_queryset()))
        return said(
            {
                "next": self.paginator.get_next_link(),
                "previous": self.paginator.get_previous_link(),
                "results": [*map(shapes.summary, Sight(request.user).of_all(page))],
            }
        )

    @documented(body=Intake, answers={201: Answer, 200: Answer}, operation_id="cases_receive")
    @idempotent
    def post(self, request):
        """Take in one output. 201 when it is new, 200 when the same id and body came before."""
        [answer] = receive([reads(request, Intake)], by=request.user, is_test=is_test(request))
        if answer.status == "refused":
            errors = [(fault.pointer, fault.detail) for fault in answer.errors]
            return problem(409 if answer.code == "external_id_reused" else 422, answer.code, answer.detail, errors)
        return said(answer, 201 if answer.status == "received" else 200)


def is_test(request) -> bool:
    return getattr(request.user, "key_mode", "live") == "test"


class BulkIntake(Door):
    """Up to 1,000 outputs in one request."""

    verb = "receive"

    @documented(body=shapes.Bulk, answers={200: shapes.BulkAnswer}, operation_id="cases_receive_bulk")
    @idempotent
    def post(self, request):
        """Each output is received, known already, or refused with its reason; the good ones are kept. Of a body that is no JSON none is."""
        try:
            raws = reads(request, RawBulk).cases
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError as error:
            raise msgspec.DecodeError(f"{error.args[0].rstrip('.')}. None of the outputs was taken in") from None
        if len(raws) > MOST_AT_ONCE:
            says = f"Send at most {MOST_AT_ONCE} outputs at once; these are {len(raws)}, and none was taken in."
            return problem(413, "too_many", says)
        answers = receive([decoded(raw) for raw in raws], by=request.user, is_test=is_test(request))
        results = [answer.as_item(index) for index, answer in enumerate(answers)]
        counts = [sum(result.status == status for result in results) for status in ("received", "known", "refused")]
        return said(shapes.BulkAnswer(results, *counts, _in_words(results)))


def _in_words(results) -> str:
    """What became of a batch: which output was refused first and why, and what that did to the others."""
    refused = [each for each in results if each.status == "refused"]
    if not refused:
        return "No output was refused."
    first = refused[0]
    called = f" (“{first.external_id[:200]}”)" if first.external_id else ""
    others = len(results) - len(refused)
    return " ".join(
        [
            f"{len(refused)} of {len(results)} outputs {'was' if len(refused) == 1 else 'were'} refused and not taken in.",
            f"{'It is' if len(refused) == 1 else 'The first is'} cases/{first.index}{called}: {first.detail}",
            {0: "None is in.", 1: "The other one is in."}.get(others, f"The other {others} are in."),
        ]
    )


class RawBulk(shapes.Body, kw_only=True):
    cases: list[msgspec.Raw]


class OneCase(Door):
    """One case, with its story."""

    @documented(answers={200: shapes.Detail}, operation_id="cases_detail")
    def get(self, request, pk):
        case = seen_by(one(request, pk), request.user)
        points = standard.to_tick(whole(case))
        etag = f'"{bytes(case.digest).hex()[:16]}-{case.state}-{case.claimed_by_id or 0}-{case.closed_as}-{case.settles_at}-{case.due_at}-{case.paused_since}-{talk.newest(case)}-{getattr(case, "mark", "")}-{standard.fingerprint(points)}"'
        if known := get_conditional_response(request._request, etag=etag):
            return known
        return _tagged(said(shapes.detail(case, request.user, gate.standing(whole(case), request.user), points)), etag)


def _tagged(response, etag):
    response["ETag"] = etag
    return response


class WhyThere(Door):
    """Why the case went where it went."""

    @documented(answers={200: shapes.Why}, operation_id="cases_why")
    def get(self, request, pk):
        return said(shapes.why(seen_by(one(request, pk), request.user), request.user))


class Wait(Door):
    """Long poll: answers when the decision has taken effect, or when the time is over."""

    parameters = ("timeout",)

    @documented(
        answers={200: shapes.Waited},
        operation_id="cases_wait",
        parameters=[OpenApiParameter("timeout", {"type": "number", "minimum": 0, "maximum": PATIENCE}, description="Seconds.")],
    )
    def get(self, request, pk):
        until = time.monotonic() + _seconds(request.query_params.get("timeout", "30"))
        if not LONG_POLLS.acquire(blocking=False):
            raise Throttled(wait=2, detail="Too many are waiting at once. Come back in a moment.")
        try:
            while True:
                with transaction.atomic():  # a transaction a look: none is held while waiting
                    case = seen_by(one(request, pk), request.user)
                    decided = case.state == CLOSED and case.settles_at is None
                    if decided or time.monotonic() >= until:
                        return said({"decided": decided, "case": shapes.shown(case)})
                time.sleep(min(0.5, max(0.0, until - time.monotonic())))
        finally:
            LONG_POLLS.release()


def _seconds(text) -> float:
    try:
        return msgspec.convert(float(text), type=shapes.Annotated[float, msgspec.Meta(ge=0, le=PATIENCE)])
    except ValueError as error:
        raise msgspec.ValidationError(f"Expected a number of seconds from 0 to {PATIENCE} - at `$.timeout`") from error


def one(request, pk) -> Case:
    related = ("workflow", "policy", "category", "claimed_by")
    return get_object_or_404(Case.objects.visible_to(request.user).select_related(*related), pk=pk)


def workflows_of(user):
    """Those where somebody has a seat of his own, or one that is lent to him."""
    mine = Seat.objects.live().filter(user=user).values("workflow")
    lent = Delegation.objects.at(clock.now()).filter(to=user).values("seat__workflow")
    return Workflow.objects.filter(Q(pk__in=mine) | Q(pk__in=lent))


class NextCase(Door):
    """Claim the most urgent case one may work. 204 when there is none."""

    verb = "claim"

    @documented(body=shapes.Next, answers={200: shapes.Shown, 204: None}, operation_id="cases_next")
    @idempotent
    def post(self, request):
        wanted = reads(request, shapes.Next).given()
        slug = wanted.pop("workflow", None)
        workflow = get_object_or_404(workflows_of(request.user), slug=slug) if slug else None
        case = queues.next_case(request.user, **wanted, workflow_id=workflow and workflow.pk)
        return answered(case, request.user) if case else HttpResponse(status=204)


class Verb(Door):
    """POST /cases/{id}/<verb>/: the body's fields are the verb's arguments."""

    verb: str
    body: type
    do = None

    def call(self, request, pk):
        if self.verb in again.ASKED_AGAIN and not hasattr(request._request, "key_user"):
            case = Case.objects.visible_to(request.user).filter(pk=pk).only("tier").first()
            again.refuse_until_asked_again(request._request, self.verb, case)
        given = reads(request, self.body).given()
        if "marks" in given:
            given["marks"] = msgspec.to_builtins(given["marks"])
        if "action" in given:
            given["action"] = _sent(given["action"])
        try:
            case = type(self).do(pk, by=request.user, **given)
        except PermissionDenied:
            if not Case.objects.visible_to(request.user).filter(pk=pk).exists():
                raise Http404 from None
            raise
        return answered(case, request.user)


def answered(case, user):
    """The answer to a verb. It is kept for a retry, so it never has what was revealed for a while."""
    return said(shapes.shown(seen_by(case, user, uncovered=False)))


def _sent(action):
    """An edited action: what was not sent stays as it is."""
    return {name: value for name, value in msgspec.structs.asdict(action).items() if value not in (None, "")}


def door(verb, do, body):
    """The view of one verb, with its own documentation."""

    @documented(body=body, answers={200: shapes.Shown}, operation_id=f"cases_{verb}", description=do.__doc__)
    @idempotent
    def post(self, request, pk):
        return self.call(request, pk)

    members = {
        "verb": {"heartbeat": "claim", "give_back": "claim"}.get(verb, verb),
        "body": body,
        "do": staticmethod(do),
        "post": post,
        "__doc__": do.__doc__,
    }
    return type(f"{verb.title().replace('_', '')}Door", (Verb,), members).as_view()


class Speak(Door):
    """POST /cases/{id}/comment/ and /mend/: what was said comes back, with whom it did not reach."""

    verb = "comment"

    @documented(body=shapes.Comment, answers={201: shapes.Commented}, operation_id="cases_comment")
    @idempotent
    def post(self, request, pk):
        """Say something about the case. It moves nothing and decides nothing."""
        one(request, pk)
        return spoken(actions.comment(pk, by=request.user, **reads(request, shapes.Comment).given()), request, pk)


class Mend(Door):
    verb = "comment"

    @documented(body=shapes.Mend, answers={201: shapes.Commented}, operation_id="cases_mend")
    @idempotent
    def post(self, request, pk):
        """Say one's own comment better. What stood before stays to be seen."""
        given = reads(request, shapes.Mend)
        get_object_or_404(one(request, pk).comments.visible_to(request.user), pk=given.comment)
        return spoken(actions.mend(given.comment, by=request.user, text=given.text), request, pk)


def spoken(made, request, pk):
    """As its writer reads it; nothing of what was revealed to him for a while."""
    seen = seen_by(one(request, pk), request.user, uncovered=False)
    [shown] = [each for each in talk.said(seen, request.user) if each.now.pk == made.pk]
    return said(shapes.Commented(shapes.comment(shown), made.not_told), 201)


class Attach(Door):
    """POST /cases/{id}/attach/: one file, in JSON."""

    verb = "attach"

    @documented(body=shapes.Attach, answers={201: shapes.AttachmentShown}, operation_id="cases_attach")
    @idempotent
    def post(self, request, pk):
        """Keep a file with the case. Its type is told by its content, and it is handed out as a download only."""
        one(request, pk)
        made = actions.attach(pk, by=request.user, **reads(request, shapes.Attach).given())
        seen = seen_by(one(request, pk), request.user, uncovered=False)
        [shown] = [each for each in attached.listed(seen, request.user) if each["row"].pk == made.pk]
        return said(shapes.attachment(shown), 201)


class AttachedFile(Door):
    """The content of one file."""

    @extend_schema(responses={(200, "application/octet-stream"): bytes}, operation_id="cases_attachment")
    def get(self, request, pk, attachment):
        case = one(request, pk)
        get_object_or_404(case.attachments.there(), pk=attachment)
        found, content = actions.open_file(attachment, by=request.user)
        return handed_out(found, seen_by(case, request.user), content)


def answered_question(case_id, *, by, inquiry, text):
    """The answer to one of the case's requests for information: there is one, and with the last of them the case goes on."""
    get_object_or_404(Inquiry, pk=inquiry, case__in=Case.objects.visible_to(by).filter(pk=case_id))
    actions.answer(inquiry, by=by, text=text)
    return Case.objects.one(case_id)


VERBS = {
    "ask": (actions.ask, shapes.Reasoned),
    "claim": (queues.claim, shapes.Empty),
    "heartbeat": (queues.heartbeat, shapes.Empty),
    "give_back": (queues.give_back, shapes.Empty),
    "skip": (queues.skip, shapes.Reasoned),
    "pause": (actions.pause, shapes.Pause),
    "inquire": (actions.inquire, shapes.Inquire),
    "answer": (answered_question, shapes.AnAnswer),
    "snooze": (actions.snooze, shapes.Snooze),
    "go_on": (actions.go_on, shapes.GoOn),
    "own_answer": (actions.own_answer, shapes.OwnAnswered),
    "reveal": (actions.reveal, shapes.ToReveal),
    "accept": (actions.accept, shapes.Accept),
    "correct": (actions.correct, shapes.Correct),
    "escalate": (actions.escalate, shapes.Escalate),
    "resolve": (actions.resolve, shapes.Resolve),
    "no_action": (actions.no_action, shapes.NoAction),
    "approve": (actions.approve, shapes.Approve),
    "retract": (actions.retract, shapes.Reasoned),
    "reject": (actions.reject, shapes.Timed),
    "send_back": (actions.send_back, shapes.Timed),
    "extend": (actions.extend, shapes.Extend),
    "review_break_glass": (actions.review_break_glass, shapes.Reviewed),
    "recall": (actions.recall, shapes.Reasoned),
    "hand_over": (actions.hand_over, shapes.HandOver),
    "undo": (actions.undo, shapes.Excused),
    "withdraw": (actions.withdraw, shapes.Excused),
    "reopen": (actions.reopen, shapes.Measured),
    "rework": (actions.rework, shapes.Measured),
}
