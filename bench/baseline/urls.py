from django.urls import path

from bench.baseline import api

urlpatterns = [
    path("api/v1/cases/", api.ReceiveView.as_view()),
    path("api/v1/cases/bulk/", api.ReceiveManyView.as_view()),
    path("api/v1/cases/next/", api.NextView.as_view()),
    path("api/v1/cases/<int:pk>/correct/", api.CorrectView.as_view()),
]
