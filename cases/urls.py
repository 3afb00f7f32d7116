"""The addresses under /api/v1/cases/."""

from django.db import transaction
from django.urls import path

from cases import api

urlpatterns = [
    path("cases/", api.Cases.as_view(), name="cases"),
    path("cases/bulk/", api.BulkIntake.as_view(), name="cases-bulk"),
    path("cases/next/", api.NextCase.as_view(), name="cases-next"),
    path("cases/<int:pk>/", api.OneCase.as_view(), name="case"),
    path("cases/<int:pk>/why/", api.WhyThere.as_view(), name="case-why"),
    path("cases/<int:pk>/wait/", transaction.non_atomic_requests(api.Wait.as_view()), name="case-wait"),
    path("cases/<int:pk>/comment/", api.Speak.as_view(), name="case-comment"),
    path("cases/<int:pk>/attach/", api.Attach.as_view(), name="case-attach"),
    path("cases/<int:pk>/attachments/<int:attachment>/", api.AttachedFile.as_view(), name="case-attachment"),
    path("cases/<int:pk>/mend/", api.Mend.as_view(), name="case-mend"),
    *[
        path(f"cases/<int:pk>/{verb.replace('_', '-')}/", api.door(verb, do, body), name=f"case-{verb.replace('_', '-')}")
        for verb, (do, body) in api.VERBS.items()
    ],
]
