"""Asking the owner of policy from a case, his answer, and the section of the playbook that it becomes."""

from django.db import transaction
from django.utils.translation import gettext_lazy as _

from audit import clock, trail
from cases.actions.reasons import said
from cases.gate import asking, move
from cases.models import Case, Example, Question, Ruling
from cases.talk import notices
from integrations.problems import Conflict
from workflows import actions as workflows
from workflows.models import PlaybookSection

LONGEST_TITLE = 160


def ask(case_id, *, by, reason) -> Case:
    """Ask the owner of policy. The case waits for nobody: pause it where you cannot go on without the answer."""
    with asking(case_id, "ask", by=by) as case:
        words = said(reason).strip()
        question = Question.objects.create(case=case, by=by, vendor_id=by.vendor_id, at=clock.now(), words=words)
        notices.tell_of_the_question(case, by=by)
        trail.record("case.ask", by=by, subject=case, words=words, question=question.pk, **move(case, case.state))
    return case


def rule(question_id, *, by, reason) -> Ruling:
    """The owner of policy answers; whoever asked hears of it, and finds it on his desk and on the case."""
    case_id = Question.objects.values_list("case", flat=True).get(pk=question_id)
    with asking(case_id, "rule", by=by) as case:
        words = said(reason).strip()
        question = Question.objects.get(pk=question_id)
        if Ruling.objects.filter(question=question).exists():
            raise Conflict(_("This question was answered already."), code="answered_already")
        ruling = Ruling.objects.create(question=question, by=by, at=clock.now(), words=words)
        notices.tell_of_the_ruling(case, question.by_id, by=by)
        trail.record("case.rule", by=by, subject=case, words=words, question=question.pk, **move(case, case.state))
    return ruling


def write_down(ruling_id, *, by) -> PlaybookSection:
    """The ruling as a draft section of the playbook, its case as the example. Whoever defines the workflow does it, once."""
    ruling = Ruling.objects.select_related("question__case__workflow").get(pk=ruling_id)
    with transaction.atomic():
        title = ruling.question.words.splitlines()[0][:LONGEST_TITLE]
        section = PlaybookSection(workflow=ruling.question.case.workflow, title=title, text=ruling.words, is_draft=True)
        workflows.add(section, by=by)
        if Example.objects.filter(ruling=ruling).exists():
            raise Conflict(_("This ruling stands in the playbook already."), code="written_down_already")
        Example.objects.create(ruling=ruling, section=section)
    return section
