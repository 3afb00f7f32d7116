"""What was said, asked and attached, together: beside the case on its pages."""

from django.db import connection

from cases.models import Alert, Attachment, Comment, Inquiry, Question, Unfinished
from cases.seen import whole
from cases.talk import attached, inquiries, reading
from cases.talk.forms import CommentForm

BESIDE = {
    "questions": Question,
    "comments": Comment,
    "inquiries": Inquiry,
    "attachments": Attachment,
    "alerts": Alert,
    "unfinished": Unfinished,
}
THERE_IS = (
    f"SELECT {', '.join(f'EXISTS (SELECT FROM {each._meta.db_table} WHERE case_id = %(case)s)' for each in BESIDE.values())}"
)


def ask_what_there_is(seen):
    """Of most cases there is nothing of all this: one statement says so, and a page asks for what there is alone."""
    case = whole(seen)
    with connection.planned_once() as cursor:
        cursor.execute(THERE_IS, {"case": case.pk})
        case.there_is = {name for name, there in zip(BESIDE, cursor.fetchone(), strict=True) if there}


def the_case(seen, user, standing) -> dict:
    return {
        "talk": {**reading.of(seen, user, standing), "form": CommentForm(user)},
        "inquiries": inquiries.of(seen, user, standing),
        "files": attached.of(seen, user, standing),
    }
