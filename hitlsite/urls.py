"""The doors: the admin for people, /api/v1/ for integrations."""

from django.contrib import admin
from django.urls import path

urlpatterns = [path("admin/", admin.site.urls)]
