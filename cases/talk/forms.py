"""What is typed to say something."""

from django import forms
from django.utils.translation import gettext_lazy as _

BACK = ("work", "change", "approval")


class CommentForm(forms.Form):
    text = forms.CharField(
        label=_("Say something about this case"),
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={"required": _("Write something.")},
        help_text=_("@name reaches somebody who may see this case. Who only talks about it may still approve it."),
    )
    note = forms.BooleanField(label=_("A hand-over note: shown first to whoever takes it next"), required=False)
    house_only = forms.BooleanField(label=_("For the house only"), required=False)
    mends = forms.IntegerField(widget=forms.HiddenInput, required=False)
    back = forms.CharField(widget=forms.HiddenInput, required=False)

    def __init__(self, user, *typed, **more):
        super().__init__(*typed, label_suffix="", **more)
        if not user.is_in_house:
            del self.fields["house_only"]

    def arguments(self) -> dict:
        said = self.cleaned_data
        kind = "note" if said["note"] else "comment"
        return {"text": said["text"], "kind": kind, "house_only": said.get("house_only", False)}
