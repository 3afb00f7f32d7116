"""What was said, asked and attached, together: beside the case on its pages."""

from cases.talk import attached, inquiries, reading
from cases.talk.forms import CommentForm


def the_case(seen, user, standing) -> dict:
    return {
        "talk": {**reading.of(seen, user, standing), "form": CommentForm(user)},
        "inquiries": inquiries.of(seen, user, standing),
        "files": attached.of(seen, user, standing),
    }
