"""What a browser is told with every page, and what production settings say of themselves."""

from __future__ import annotations

import os
import secrets
import subprocess
import sys
from pathlib import Path

from django.test import Client

from core.actors import Actor

ROOT = Path(__file__).resolve().parent.parent.parent
PRODUCTION = {
    "MAJLIS_ENV": "production",
    "SECRET_KEY": secrets.token_urlsafe(60),
    "ALLOWED_HOSTS": "majlis.example",
    "BASE_URL": "https://majlis.example",
    "FIELD_KEYS": "bWFqbGlzLWxvY2FsLW9ubHktbm90LWEtc2VjcmV0LTE=",
    "BLIND_INDEX_KEY": "another",
    "PATH": os.environ["PATH"],
}
ASK = """
import django, json
django.setup()
from django.test import Client
answer = Client().get("/sign-in/", secure=True, headers={"host": "majlis.example", "x-forwarded-proto": "https"})
plain = Client().get("/sign-in/", headers={"host": "majlis.example"})
print(json.dumps([answer.status_code, dict(answer.headers), str(answer.cookies), plain.headers["Location"]]))
"""


def python(*arguments: str) -> str:
    """What our own Python says under production settings, with no server at hand."""
    settings = {**PRODUCTION, "DJANGO_SETTINGS_MODULE": "config.settings", "PYTHONWARNINGS": "ignore"}
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_django_finds_nothing_insecure_in_production_settings() -> None:
    said = python("manage.py", "check", "--deploy", "--tag", "security", "--fail-level", "WARNING")

    assert "no issues (0 silenced)" in said


def test_production_speaks_https_alone_and_keeps_its_cookies_to_it() -> None:
    said = python("-c", ASK)

    assert '"Strict-Transport-Security": "max-age=31536000; includeSubDomains; preload"' in said
    assert "csrftoken=" in said
    assert "Secure" in said
    assert "https://majlis.example/sign-in/" in said


def test_every_page_says_what_a_browser_may_do_with_it(client: Client, agent: Actor) -> None:
    for path in ["/sign-in/", "/password/reset/", "/o/palm/inbox/", "/o/palm/nowhere/", "/healthz"]:
        headers = client.get(path).headers

        policy = dict(each.strip().split(" ", 1) for each in headers["Content-Security-Policy"].split(";"))
        assert policy["default-src"] == "'self'"
        assert "'unsafe-inline'" not in policy["script-src"]
        assert "http" not in policy["script-src"]
        assert policy["frame-ancestors"] == policy["object-src"] == "'none'"
        assert policy["form-action"] == policy["base-uri"] == "'self'"
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "same-origin"
        assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
        assert headers["Permissions-Policy"] == "camera=(), geolocation=(), microphone=(), payment=(), usb=()"


def test_the_pages_before_one_is_in_are_kept_nowhere_and_run_no_script_of_their_own(client: Client, db: None) -> None:
    for path in ["/sign-in/", "/password/reset/"]:
        answer = client.get(path)

        assert "no-store" in answer.headers["Cache-Control"]
        assert "<script>" not in answer.content.decode()
        assert "onclick" not in answer.content.decode()
