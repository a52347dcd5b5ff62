"""Databases for tests: cloned from one migrated template (a tenth of a second), pointed at, dropped."""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from functools import cache
from pathlib import Path

import psycopg
from django.conf import settings
from django.core.management import call_command
from django.db import connections
from psycopg import sql

PATIENCE = 20  # rounds, of which PostgreSQL itself waits five seconds in each
MINE = f"majlis_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"

# What a migrated database follows from.
ROOT = Path(__file__).resolve().parent.parent
SOURCES = ["*/migrations/*.py", "*/models/*.py", "core/protection.py", "config/settings.py", "requirements.txt"]


@cache
def template() -> str:
    """The migrated database of this schema, made by whichever process of a test run comes first; nobody ever connects to it.

    Its name is the schema's, so test runs on a PostgreSQL that is kept (DATABASE_URL) find it ready.
    """
    digest = hashlib.sha256()
    for pattern in SOURCES:
        for file in sorted(ROOT.glob(pattern)):
            digest.update(file.read_bytes())
    name = f"majlis_template_{digest.hexdigest()[:16]}"
    with _owner() as connection:
        connection.execute("SELECT pg_advisory_lock(hashtextextended(%s, 0))", [name])  # until we disconnect
        found = connection.execute("SELECT datallowconn FROM pg_database WHERE datname = %s", [name]).fetchone()
        if found is None or found[0]:  # never made, or not finished
            drop(name)
            clone("template1", name)
            point_at(name)
            call_command("migrate", verbosity=0)
            connections.close_all()
            connection.execute(sql.SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(sql.Identifier(name)))
    return name


def _owner() -> psycopg.Connection:
    wanted = settings.DATABASES["owner"]
    return psycopg.connect(
        host=wanted["HOST"],
        port=wanted["PORT"] or None,
        user=wanted["USER"],
        password=wanted["PASSWORD"],
        dbname="postgres",
        autocommit=True,
    )


def clone(template: str, name: str) -> None:
    """A new database, owned by the owner of the tables, that is a copy of the template."""
    with _owner() as connection:
        connection.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(template))
        )


def drop(name: str) -> None:
    """Drop it, whoever is still there: what this test run started may take a moment to leave."""
    statement = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    with _owner() as connection:
        for _ in range(PATIENCE):
            # Autovacuum may be at work there. Only a superuser may end it by force (InsufficientPrivilege); a plain DROP
            # asks it to stop, but gives up while anybody else is connected (ObjectInUse).
            for force in (sql.SQL(" WITH (FORCE)"), sql.SQL("")):
                with suppress(psycopg.errors.InsufficientPrivilege, psycopg.errors.ObjectInUse):
                    connection.execute(statement + force)
                    return
            time.sleep(0.2)
    raise TimeoutError(f"somebody still uses the database {name}")


def point_at(name: str) -> None:
    """Let this process's connections speak to that database from now on."""
    connections.close_all()
    for alias in connections:
        connections[alias].settings_dict["NAME"] = name
        connections.settings[alias]["NAME"] = name


def url_of(name: str, alias: str = "default") -> str:
    """The address of a database for another process."""
    wanted = settings.DATABASES[alias]
    return f"postgresql://{wanted['USER']}:{wanted['PASSWORD']}@{wanted['HOST']}:{wanted['PORT']}/{name}"
