"""API keys as DRF tutorials have them: one look-up through the ORM."""

import hashlib
import hmac

from django.utils import timezone
from rest_framework.authentication import BaseAuthentication, get_authorization_header
from rest_framework.exceptions import AuthenticationFailed

from accounts.keys import PREFIX_LENGTH
from accounts.models import ApiKey


class KeyAuthentication(BaseAuthentication):
    def authenticate(self, request):
        scheme, _, text = get_authorization_header(request).decode().partition(" ")
        if scheme.lower() != "bearer":
            return None
        key = ApiKey.objects.select_related("user").filter(prefix=text[:PREFIX_LENGTH]).first()
        if key is None or not hmac.compare_digest(bytes(key.digest), hashlib.sha256(text.encode()).digest()):
            raise AuthenticationFailed("This API key is not known.")
        if key.revoked_at or (key.expires_at and key.expires_at <= timezone.now()) or not key.user.is_active:
            raise AuthenticationFailed("This API key is no longer good.")
        return key.user, key

    def authenticate_header(self, request):
        return "Bearer"
