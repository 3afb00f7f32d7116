"""People, vendors and API keys: in-house administrators change them, in-house people look, a vendor's people see none of it."""

from functools import partial

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.socialaccount.models import SocialAccount, SocialApp, SocialToken
from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db.models import Prefetch
from django.forms import Form
from django.http import Http404
from django.shortcuts import get_object_or_404
from django.urls import path, reverse
from django.utils.formats import date_format
from django.utils.timezone import localtime
from django.utils.translation import gettext, pgettext
from django.utils.translation import gettext_lazy as _
from unfold.admin import ModelAdmin
from unfold.decorators import display
from unfold.forms import AdminPasswordChangeForm

from accounts import actions, factors, identity, keys, lockout, signin
from accounts.asking import Asking
from accounts.forms import AbsenceForm, IdentityForm, NewKeyForm, NewPersonForm, PersonForm, ReasonForm, VendorForm
from accounts.models import Absence, ApiKey, User, Vendor
from accounts.permissions import administers, is_in_house_staff, may_look_at_keys
from audit import clock, trail
from audit.moments import when
from audit.onlooking import OnlyLookedAt

# Nobody edits these by hand: a seed, an address that opens an account.
admin.site.unregister([Group, Authenticator, EmailAddress, SocialAccount, SocialApp, SocialToken])


class LookedAt(OnlyLookedAt, ModelAdmin):
    """In-house people look; who may change is said by the class itself. Changes are told to the audit trail."""

    actions = None
    show_facets = admin.ShowFacets.NEVER
    told = ""  # the noun of its audit events; empty: its verbs tell
    personal = ()  # fields of which the history is told that they changed, and not what to

    def has_module_permission(self, request):
        return is_in_house_staff(request.user)

    def construct_change_message(self, request, form, formsets, add=False):
        shown = [name for name in form.changed_data if name in form.cleaned_data]
        request.before_and_after = {
            name: "changed" if name in self.personal else [form.initial.get(name), _told(form.cleaned_data[name])]
            for name in shown
        }
        return super().construct_change_message(request, form, formsets, add)

    def log_addition(self, request, obj, message):
        if self.told:
            trail.record(f"{self.told}.add", by=request.user, subject=obj)

    def log_change(self, request, obj, message):
        if self.told and message:
            changed = getattr(request, "before_and_after", None) or [str(message)]
            trail.record(f"{self.told}.change", by=request.user, subject=obj, changed=changed)

    def log_deletions(self, request, queryset):
        for obj in queryset if self.told else ():
            trail.record(f"{self.told}.delete", by=request.user, subject=obj)


def _told(value):
    """As the form's initial value tells it: another row by its key."""
    return getattr(value, "pk", value)


class Administered(LookedAt):
    """Administrators add and change; nothing is deleted, for history refers to it."""

    def has_add_permission(self, request):
        return administers(request.user)

    def has_change_permission(self, request, obj=None):
        return administers(request.user)


def _home(person) -> str:
    return reverse("admin:accounts_user_change", args=[person.pk])


@admin.register(User)
class PersonAdmin(Asking, UserAdmin, Administered):
    form, add_form, change_password_form = PersonForm, NewPersonForm, AdminPasswordChangeForm
    told, personal = "user", {"username", "first_name", "last_name", "email", "password1", "password2"}
    add_form_template = "admin/change_form.html"
    change_form_outer_before_template = "accounts/person_buttons.html"
    list_display = ["username", "name", "kind_told", "vendor", "office", "away_told", "is_active"]
    list_filter = ["kind", "vendor", "office", "is_active"]
    list_select_related = ["vendor"]
    search_fields = ["username__startswith", "last_name__istartswith", "first_name__istartswith"]
    ordering = ["username"]
    filter_horizontal = []
    autocomplete_fields = []
    who = [
        ("username", "kind"),
        ("first_name", "last_name"),
        "email",
        ("vendor", "office"),
        "answers_for",
        ("time_zone", "language"),
    ]
    fieldsets = [(None, {"fields": [*who, "is_active"]})]
    add_fieldsets = [(None, {"fields": [*who, "usable_password", "password1", "password2"]})]

    def get_urls(self):
        page, view = "accounts_user_", self.admin_site.admin_view
        ways = {"unlock": self.unlock, "sign_out": self.sign_out, "remove_factors": self.remove_factors}
        ways |= {"absent": self.absent, "back": self.back, "identity": self.identity}
        away = path("away/", view(self.away), name=page + "away")
        off = path("<int:user_id>/absences/<int:absence_id>/", view(self.call_off), name=page + "call_off")
        return [
            away,
            off,
            *(path(f"<int:user_id>/{way}/", view(do), name=page + way) for way, do in ways.items()),
            *super().get_urls(),
        ]

    def away(self, request):
        """Everybody's absences that are not over, on one page."""
        if not is_in_house_staff(request.user):
            raise PermissionDenied
        now = clock.now()
        absences = Absence.objects.not_over(now).select_related("user", "stand_in").order_by("since", "pk")
        shown = {"title": gettext("Who is away"), "absences": absences, "now": now, "minds": administers(request.user)}
        return self.page(request, "accounts/away.html", shown)

    def absent(self, request, user_id):
        person = self._minded(request, user_id)
        form = AbsenceForm(request.POST if request.method == "POST" else None, label_suffix="")
        told = {
            "title": gettext("{person} is away").format(person=person),
            "button": gettext("Mark absent"),
            "said": gettext("{person} is marked absent.").format(person=person),
            "original": person,
        }
        return self.ask(request, form, partial(actions.be_absent, person, by=request.user), back=_home(person), **told)

    def back(self, request, user_id):
        person = self._minded(request, user_id)
        form = Form(request.POST if request.method == "POST" else None)
        told = {
            "title": gettext("{person} is back").format(person=person),
            "button": gettext("Say so"),
            "said": gettext("{person} is back.").format(person=person),
            "original": person,
        }
        return self.ask(request, form, partial(actions.come_back, person, by=request.user), back=_home(person), **told)

    def call_off(self, request, user_id, absence_id):
        """An absence that has not begun is called off."""
        person = self._minded(request, user_id)
        absence = get_object_or_404(person.absences.select_related("user"), pk=absence_id)
        told = {
            "title": gettext("Call off the absence of {person}").format(person=person),
            "sentence": gettext("From {since} until {until}.").format(since=when(absence.since), until=when(absence.until)),
            "button": gettext("Call off"),
            "said": gettext("It is called off: {person} is not going to be away then.").format(person=person),
            "original": person,
        }
        form = Form(request.POST if request.method == "POST" else None)
        return self.ask(request, form, partial(actions.call_off, absence, by=request.user), back=_home(person), **told)

    def _minded(self, request, user_id):
        """The person, for himself or an administrator."""
        person = self.get_object(request, str(user_id)) if is_in_house_staff(request.user) else None
        if person is None or (person.pk != request.user.pk and not administers(request.user)):
            raise PermissionDenied
        return person

    def change_view(self, request, object_id, form_url="", extra_context=None):
        mine = {"minds": administers(request.user) or object_id == str(request.user.pk), "provider": bool(identity.providers())}
        return super().change_view(request, object_id, form_url, {**mine, **(extra_context or {})})

    def has_change_permission(self, request, obj=None):
        return super().has_change_permission(request, obj) and (obj is None or obj.kind != User.Kind.MACHINE)

    def unlock(self, request, user_id):
        told = {"title": gettext("Unlock {}"), "button": gettext("Unlock"), "said": gettext("{} may try again.")}
        return self._about_signin(request, user_id, lockout.unlock, **told)

    def sign_out(self, request, user_id):
        told = {
            "title": gettext("Sign {} out everywhere"),
            "button": gettext("Sign out"),
            "said": gettext("{} is signed out everywhere."),
        }
        return self._about_signin(request, user_id, signin.end_sessions, **told)

    def remove_factors(self, request, user_id):
        told = {
            "title": gettext("Remove the second factors of {}"),
            "button": gettext("Remove"),
            "said": gettext("{} has no second factor now."),
        }
        sentence = gettext(
            "For somebody who lost them: until new ones are set up, the password alone opens the account. Ask who it is first."
        )
        return self._about_signin(request, user_id, factors.remove_all, sentence=sentence, **told)

    def identity(self, request, user_id):
        """Which identity of the house's provider opens the account, where one is set."""
        if not identity.providers():
            raise Http404(_("No identity provider is set."))
        told = {"title": gettext("Identity of {}"), "button": gettext("Save"), "said": gettext("The identity of {} is saved.")}
        sentence = gettext(
            "Whoever the identity provider knows by this subject signs in here as this person. "
            "Empty: whoever has the account’s address there, and from then on nobody else."
        )
        form = partial(IdentityForm, subject=identity.subject_of(User(pk=user_id)))
        return self._about_signin(request, user_id, identity.link, sentence=sentence, form=form, **told)

    def _about_signin(self, request, user_id, verb, *, title, button, said, sentence="", form=ReasonForm):
        person = self.get_object(request, str(user_id))
        if person is None or not self.has_change_permission(request, person):
            raise PermissionDenied
        form = form(request.POST if request.method == "POST" else None, label_suffix="")
        act, back = partial(verb, person, by=request.user), reverse("admin:accounts_user_change", args=[person.pk])
        words = {"title": title.format(person), "said": said.format(person), "sentence": sentence, "original": person}
        return self.ask(request, form, act, button=button, back=back, **words)

    def get_fieldsets(self, request, obj=None):
        return self.fieldsets if obj else self.add_fieldsets

    def formfield_for_foreignkey(self, db_field, request, **kwargs):
        if db_field.name == "answers_for":
            kwargs["queryset"] = User.objects.filter(kind=User.Kind.PERSON, is_active=True).order_by("username")
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    @display(description=_("Name"))
    def name(self, person):
        return person.get_full_name()

    def get_queryset(self, request):
        return (
            super()
            .get_queryset(request)
            .prefetch_related(Prefetch("absences", Absence.objects.at(clock.now()).select_related("stand_in"), "absences_now"))
        )

    @display(description=_("Away"))
    def away_told(self, person):
        """Until when, and who stands in."""
        return "; ".join(
            gettext("until {date_format}").format(date_format=date_format(localtime(each.until), "j M, H:i"))
            + (gettext(", {stand_in} stands in").format(stand_in=each.stand_in) if each.stand_in else "")
            for each in person.absences_now
        )

    @display(description=_("Kind"), ordering="kind", label={"person": "info", "integration": "warning", "machine": ""})
    def kind_told(self, person):
        return person.kind, person.get_kind_display()


@admin.register(Vendor)
class VendorAdmin(Administered):
    form, told = VendorForm, "vendor"
    change_form_outer_before_template = "accounts/vendor_buttons.html"
    list_display = ["name", "time_zone"]
    search_fields = ["name__istartswith"]


@admin.register(ApiKey)
class KeyAdmin(Asking, LookedAt):
    """A key is made and revoked by its verbs; its text is shown on one page, once."""

    list_display = ["name", "prefix_told", "user", "mode", "opens", "last_used_at", "expires_at", "state"]
    list_filter = ["mode"]
    list_select_related = ["user"]
    search_fields = ["prefix__startswith", "name__istartswith"]
    fields = [
        "name",
        "user",
        "prefix_told",
        "mode",
        "opens",
        "created_at",
        "created_by",
        "last_used_at",
        "expires_at",
        "revoked_at",
    ]
    readonly_fields = fields
    change_form_outer_before_template = "accounts/key_buttons.html"

    def has_module_permission(self, request):
        return may_look_at_keys(request.user)

    def has_view_permission(self, request, obj=None):
        return may_look_at_keys(request.user)

    def has_add_permission(self, request):
        return administers(request.user)

    def get_urls(self):
        revoke = path("<int:key_id>/revoke/", self.admin_site.admin_view(self.revoke), name="accounts_apikey_revoke")
        return [revoke, *super().get_urls()]

    def change_view(self, request, object_id, form_url="", extra_context=None):
        mine = {"may_revoke": administers(request.user)}
        return super().change_view(request, object_id, form_url, {**mine, **(extra_context or {})})

    def add_view(self, request, form_url="", extra_context=None):
        if not administers(request.user):
            raise PermissionDenied
        back = reverse("admin:accounts_apikey_changelist")
        form = NewKeyForm(request.POST if request.method == "POST" else None, label_suffix="")
        make, show = partial(keys.make, by=request.user), partial(self._shown_once, request)
        return self.ask(
            request, form, make, title=gettext("New API key"), button=gettext("Make the key"), back=back, after=show
        )

    def _shown_once(self, request, made):
        key, text = made
        response = self.page(request, "accounts/key_made.html", {"title": gettext("New API key"), "key": key, "text": text})
        response["Cache-Control"] = "no-store"
        return response

    def revoke(self, request, key_id):
        key = self.get_object(request, str(key_id))
        if key is None or not administers(request.user):
            raise PermissionDenied
        back = reverse("admin:accounts_apikey_change", args=[key.pk])
        form = ReasonForm(request.POST if request.method == "POST" else None, label_suffix="")
        revoke = partial(keys.revoke, key, by=request.user)
        told = {
            "sentence": gettext("From the next request on the key opens nothing. This cannot be taken back."),
            "original": key,
        }
        return self.ask(
            request,
            form,
            revoke,
            title=gettext("Revoke {key}").format(key=key),
            button=gettext("Revoke"),
            back=back,
            said=gettext("{key} is revoked.").format(key=key),
            **told,
        )

    @display(description=_("Begins with"))
    def prefix_told(self, key):
        return f"{key.prefix}…"

    @display(description=_("Opens"))
    def opens(self, key):
        return ", ".join(verb.replace("_", " ") for verb in key.verbs)

    @display(description=_("State"), label={"live": "success", "revoked": "danger", "expired": "warning"})
    def state(self, key):
        if key.revoked_at:
            return "revoked", gettext("revoked")
        if key.expires_at and key.expires_at <= clock.now():
            return "expired", gettext("expired")
        return "live", pgettext("key", "live")
