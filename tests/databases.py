"""Databases for tests: cloned from one migrated template (a tenth of a second), pointed at, dropped."""

from __future__ import annotations

import os

import psycopg
from django.conf import settings
from django.db import connections
from psycopg import sql

TEMPLATE = f"majlis_test_{os.environ.get('PYTEST_XDIST_WORKER', 'main')}_{os.getpid()}"


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
    statement = sql.SQL("DROP DATABASE IF EXISTS {}").format(sql.Identifier(name))
    with _owner() as connection:
        try:
            connection.execute(statement + sql.SQL(" WITH (FORCE)"))
        except psycopg.errors.InsufficientPrivilege:
            # Autovacuum is at work there, and only a superuser may end it by force; a plain DROP asks it to stop.
            connection.execute(statement)


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
