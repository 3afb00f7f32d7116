"""The doors: sign-in and the admin for people, /api/v1/ for integrations."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularJSONAPIView, SpectacularSwaggerView

from cases.talk import link_page, stop_page
from hitlsite import openapi  # noqa: F401  registers how keys are described
from jobs import health

handler500 = "hitlsite.faults.broke"
urlpatterns = [
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    path("sign-in/", include("accounts.urls")),
    path("answer/<str:token>/", link_page.page, name="inquiry_link"),
    path("no-more-mail/<str:token>/", stop_page.page, name="stop_mail"),
    path("healthz", health.healthz, name="healthz"),
    path("favicon.ico", RedirectView.as_view(url=static("hitlsite/icon.svg"), permanent=True)),
    path("api/v1/", include("cases.urls")),
    path("api/v1/openapi.json", SpectacularJSONAPIView.as_view(), name="openapi"),
    path("api/v1/docs/", SpectacularSwaggerView.as_view(url_name="openapi"), name="swagger"),
]
