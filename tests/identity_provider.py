"""A small OpenID Connect provider on loopback, which tells the truth unless a test asks it not to."""

import base64
import hashlib
import json
import time
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import parse_qs, urlencode, urlsplit

import jwt
from cryptography.hazmat.primitives.asymmetric import rsa

CLIENT, SECRET = "desk", "the-clients-own-secret-at-the-provider"


@cache
def key(name):
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class IdentityProvider:
    """Discovery, authorization (which asks nobody), token and keys. `person` is who signs in; `lies` are put into the token."""

    def __init__(self):
        self.person = {"sub": "s-1", "email": "rita@example.com", "email_verified": True}
        self.lies, self.userinfo, self.signs_with, self.denies = {}, {}, ("RS256", key("ours")), False
        self.asked = {}
        provider = self

        class Answers(BaseHTTPRequestHandler):
            def do_GET(self):
                address = urlsplit(self.path)
                provider.answer(self, address.path, {name: value for name, [value] in parse_qs(address.query).items()})

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                provider.answer(self, self.path, {name: value for name, [value] in parse_qs(body).items()})

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        self.server.shutdown()
        self.server.server_close()

    def answer(self, request, path, said):
        body = {
            "/.well-known/openid-configuration": self.discovery,
            "/authorize": self.authorize,
            "/token": self.token,
            "/keys": self.keys,
            "/userinfo": self.about,
        }[path](said)
        if isinstance(body, str):
            request.send_response(302)
            request.send_header("Location", body)
            request.end_headers()
            return
        text = json.dumps(body).encode()
        request.send_response(400 if "error" in body else 200)
        request.send_header("Content-Type", "application/json")
        request.end_headers()
        request.wfile.write(text)

    def discovery(self, _):
        places = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "keys"}
        return {"issuer": self.url, "userinfo_endpoint": f"{self.url}/userinfo"} | {
            name: f"{self.url}/{place}" for name, place in places.items()
        }

    def authorize(self, said):
        self.asked = said
        answer = {"error": "access_denied"} if self.denies else {"code": "c-1"}
        return f"{said['redirect_uri']}?{urlencode({**answer, 'state': said['state']})}"

    def token(self, said):
        challenge = base64.urlsafe_b64encode(hashlib.sha256(said["code_verifier"].encode()).digest()).decode().rstrip("=")
        if (said["client_id"], said["client_secret"], challenge) != (CLIENT, SECRET, self.asked["code_challenge"]):
            return {"error": "invalid_grant"}
        return {"access_token": "a-1", "token_type": "Bearer", "id_token": self.id_token()}

    def id_token(self):
        now = int(time.time())
        claims = {"iss": self.url, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": self.asked["nonce"], **self.person}
        claims = {name: value for name, value in {**claims, **self.lies}.items() if value is not None}
        algorithm, secret = self.signs_with
        return jwt.encode(claims, secret, algorithm, headers={"kid": "k-1"})

    def keys(self, _):
        public = jwt.algorithms.RSAAlgorithm.to_jwk(key("ours").public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "k-1", "use": "sig", "alg": "RS256"}]}

    def about(self, _):
        return {**self.person, **self.userinfo}
