"""What all commands have in common: wrong use, settings, databases that do not fit. And those for operators."""

import json
import os
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from roliascan.cli import COMMANDS, main
from roliascan.database import open_database
from tests.archives import cbz
from tests.cli.places import PASSWORD, Place, Ran, account
from tests.database import revisions
from tests.servers import program


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("imports",),
        ("import",),
        ("import", "--to", "x"),
        ("admin",),
        ("admin", "create"),
        ("admin", "create", "--email", "a@example.com"),
        ("audit",),
        ("migrate",),
        ("migrate", "down"),
        ("serve", "now"),
        ("demo", "x"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_2_and_says_what_is_right(words: tuple[str, ...], bare_place: Place) -> None:
    ran = bare_place.run(*words)
    assert (ran.status, ran.out) == (2, "")
    assert ran.err.startswith("usage: roliascan")
    assert not bare_place.data.exists()


@pytest.mark.parametrize("command", COMMANDS)
def test_help_is_0(command: str, bare_place: Place) -> None:
    ran = bare_place.run(command, "--help")
    assert (ran.status, ran.err) == (0, "")
    assert ran.out.startswith(f"usage: roliascan {command} ")
    assert command in bare_place.run("--help").out


def test_the_program_ends_with_the_status(bare_place: Place) -> None:
    ran = bare_place.ran("import", "absent")
    assert (ran.status, ran.err) == (1, "")
    assert ran.lines == [
        "refused: absent: No such file or directory".replace("absent", f"{bare_place.home}/absent"),
        *ran.lines[1:],
    ]
    assert bare_place.ran("import").status == 2
    assert bare_place.ran("migrate", "check").status == 0


# --- settings


def test_every_problem_with_the_settings_is_named_at_once(bare_place: Place) -> None:
    bare_place.environ |= {"DATABASE_URL": "oracle:x", "MAX_FILE_SIZE": "10 MB", "STORAGE_URL": "ftp:x"}
    ran = bare_place.run("import", ".")
    assert (ran.status, ran.out) == (1, "")
    assert ran.err.splitlines() == [
        "roliascan: These settings need mending:",
        "  - MAX_FILE_SIZE: write a whole number from 1 to 5368709120",
        "  - DATABASE_URL: it must start with sqlite:, postgresql: or mysql:",
        "  - STORAGE_URL: this version knows s3:, gs:, az:, file: and memory:",
    ]


def test_an_address_that_cannot_be_one_is_named(bare_place: Place) -> None:
    bare_place.environ["DATABASE_URL"] = "postgresql://user:p@ss@host:port/"
    ran = bare_place.run("migrate", "check")
    assert ran.status == 1
    assert ran.err.startswith("roliascan: the database's address cannot be used: ")
    assert "p@ss" not in ran.err


def test_settings_may_stand_in_a_file(bare_place: Place) -> None:
    bare_place.environ = {}
    (bare_place.home / ".env").write_text(
        "# Comments, and values in quotes.\nDATA_DIR='elsewhere'\nexport MAX_FILE_SIZE=100\n\nPORT=\n"
    )
    ran = bare_place.run("import", cbz(bare_place.home / "Series 1.cbz", {"1.png": os.urandom(101)}))
    assert ran.status == 1
    assert "1.png is larger than 100 bytes" in ran.out
    assert (bare_place.home / "elsewhere" / "roliascan.db").exists()
    assert not bare_place.data.exists()


def test_the_environment_goes_before_the_file(bare_place: Place) -> None:
    (bare_place.home / ".env").write_text("DATA_DIR=elsewhere\nDATABASE_URL=oracle:x\n")
    assert bare_place.run("migrate", "up").status == 0
    assert not (bare_place.home / "elsewhere").exists()


def test_a_file_in_another_encoding_is_named(bare_place: Place) -> None:
    (bare_place.home / ".env").write_bytes("PUBLIC_URL=http://é.example".encode("utf-16"))
    ran = bare_place.run("migrate", "check")
    assert (ran.status, ran.err.splitlines()[1:]) == (1, ["  - .env: save this file as UTF-8"])


def test_a_function_reads_no_file(bare_place: Place) -> None:
    bare_place.environ |= {"K_SERVICE": "x", "ALLOW_EPHEMERAL": "on"}
    (bare_place.home / ".env").write_text("MAX_FILE_SIZE=nonsense\n")
    assert bare_place.run("migrate", "check").err == ""


def test_only_who_signs_tokens_needs_a_secret(place: Place) -> None:
    """A deployment migrates, and an operator imports, without it."""
    place.environ["JWT_SECRET"] = ""
    assert place.run("migrate", "check").status == 0
    assert place.run("import", cbz(place.home / "Series 1.cbz")).status == 0
    assert not (place.data / "jwt-secret").exists()
    if not place.url.startswith("sqlite:"):
        served = place.ran("serve")
        assert (served.status, served.out) == (1, "")
        assert "JWT_SECRET: set it to at least 32 random bytes" in served.err


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_secret_is_made_once_for_its_owner_only(bare_place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    from roliascan.cli import surroundings

    for name, value in {**bare_place.environ, "JWT_SECRET": ""}.items():
        monkeypatch.setenv(name, value)
    made = surroundings.settings().jwt_secret
    file = bare_place.data / "jwt-secret"
    assert (file.read_text(), mode(file)) == (made, 0o600)
    assert len(made) >= 48
    monkeypatch.setenv("JWT_SECRET", "")
    assert surroundings.settings().jwt_secret == made
    assert [path.name for path in bare_place.data.iterdir()] == ["jwt-secret"]


# --- databases


def test_a_database_that_is_not_migrated_is_refused_with_the_command(
    empty_database_url: str, new_place: Callable[[str], Place]
) -> None:
    place = new_place(empty_database_url)
    path = cbz(place.home / "Series 1.cbz")
    commands = [("import", path), ("demo",), ("serve",), ("admin", "create", *account("amina"))]
    if place.url.startswith("sqlite:"):  # needs no operator
        assert place.run(*commands[0]).status == 0
        return
    for command in commands:
        ran = place.ran(*command)
        assert (ran.status, ran.out) == (1, "")
        assert ran.err == (
            f"roliascan: The database is at revision 0, and this version needs {revisions.NEWEST}."
            " Its operator must run: roliascan migrate up\n"
        )
    assert place.run("migrate", "up").status == 0
    assert place.run(*commands[0]).status == 0


@pytest.mark.parametrize("kind", ["postgresql", "mysql"])
def test_a_database_that_is_away_is_named_with_the_reason(kind: str, bare_place: Place) -> None:
    port = program.free_port()
    bare_place.environ |= {"DATABASE_URL": f"{kind}://rolia:secret@127.0.0.1:{port}/x", "JWT_SECRET": PASSWORD * 2}
    for command in (("import", "."), ("migrate", "up"), ("migrate", "check"), ("serve",)):
        ran = bare_place.run(*command) if command != ("serve",) else bare_place.ran(*command)
        assert (ran.status, ran.out) == (1, "")
        first, reason = ran.err.splitlines()
        assert first == "roliascan: The database cannot be reached right now; try again."
        assert "refused" in reason
        assert "secret" not in reason


def test_a_file_that_is_no_database_is_named(bare_place: Place) -> None:
    bare_place.data.mkdir()
    (bare_place.data / "roliascan.db").write_bytes(b"not a database" * 100)
    ran = bare_place.run("import", ".")
    assert (ran.status, ran.err.splitlines()[1]) == (1, "file is not a database")


def test_migrating(empty_database_url: str, new_place: Callable[[str], Place]) -> None:
    place = new_place(empty_database_url)
    behind = place.run("migrate", "check")
    assert (behind.status, behind.err) == (1, "")
    assert "roliascan migrate up" in behind.out
    assert document(place.run("migrate", "check", "--json"))["state"] == "behind"
    assert place.run("migrate", "plan").lines[0] == "1  The first schema"
    pending, *_ = document(place.run("migrate", "plan", "--json"))
    assert (pending["revision"], pending["title"]) == (1, "The first schema")
    assert {step["keepsWaiting"] for step in pending["steps"]} <= {"nobody"}  # there is nobody yet
    assert "series_stats" in place.run("migrate", "sql").out

    up = place.run("migrate", "up")
    assert (up.status, up.err) == (0, "")
    done = f"The database is at revision {revisions.NEWEST}, as this version needs."
    assert up.lines == [*revisions.TOLD, done]

    assert place.run("migrate", "up").lines == [done]
    assert place.run("migrate", "check").status == 0
    assert document(place.run("migrate", "check", "--json"))["state"] == "at"
    assert place.run("migrate", "plan").lines == ["Nothing is pending."]
    assert document(place.run("migrate", "plan", "--json")) == []
    assert place.run("migrate", "sql").out == ""


def test_the_text_for_review_needs_no_database(bare_place: Place) -> None:  # SC 78
    bare_place.environ["DATABASE_URL"] = "nonsense"
    text = bare_place.run("migrate", "sql", "--for", "mysql").out
    without = bare_place.run("migrate", "sql", "--for", "mysql", "--without-foreign-keys").out
    assert "FOREIGN KEY" in text
    assert without
    assert "FOREIGN KEY" not in without
    assert bare_place.run("migrate", "sql", "--for", "postgresql", "--since", "999").out == ""
    assert bare_place.run("migrate", "sql", "--for", "oracle").status == 2


def document(ran: Ran) -> Any:
    return json.loads(ran.out)


def test_a_pooler_is_no_place_to_migrate(bare_place: Place) -> None:
    bare_place.environ["DATABASE_DIRECT_URL"] = "postgresql://db-pooler.example/x"
    ran = bare_place.run("migrate", "up")
    assert ran.status == 1
    assert ran.err.startswith("roliascan: the database's address cannot be used: its host has -pooler in its name")
    assert "set DATABASE_DIRECT_URL" in ran.err


# --- administrators


def signs_in(place: Place, login: str, password: str) -> str:
    answer = place.ask("POST", "auth/login", json={"login": login, "password": password})
    return str(answer.json["user"]["role"]) if answer.status_code == 200 else answer.json["code"]


def test_an_administrator_can_sign_in(place: Place) -> None:
    ran = place.run("admin", "create", *account(" amina ", " amina@example.com "))
    assert ran == (0, "amina is an administrator now.\n", "")
    assert signs_in(place, "amina", PASSWORD) == "admin"
    assert signs_in(place, "AMINA@example.com", PASSWORD) == "admin"


def test_an_administrator_is_an_entry_of_nobody(place: Place) -> None:  # PR-06
    assert place.run("audit", "verify").lines == [f"All 0 entries hold; the last is {'0' * 64}."]
    place.run("admin", "create", *account("amina"))
    place.run("admin", "create", *account("amina"))  # refused
    (entry,) = place.select("SELECT action, target_kind, actor_id, hash FROM audit")
    assert tuple(entry)[:3] == ("create_admin", "user", None)
    assert place.run("audit", "verify").lines == [f"All 1 entries hold; the last is {entry[3]}."]
    told = document(place.run("audit", "verify", "--json"))
    assert told == {"ok": True, "entries": 1, "last": entry[3], "broken": ""}


def test_a_log_that_was_changed_fails(place: Place) -> None:  # PR-06
    place.run("admin", "create", *account("amina"))
    with closing(open_database(place.url)) as db:
        db.run(lambda tx: tx.write("UPDATE audit SET action = 'ban'"))
    ran = place.run("audit", "verify")
    assert (ran.status, ran.lines) == (1, ["Broken: entry 1 was changed. The 0 before it hold."])
    assert document(place.run("audit", "verify", "--json"))["ok"] is False


def test_a_name_or_address_that_is_taken_is_refused(simple_place: Place) -> None:
    simple_place.run("admin", "create", *account("amina"))
    name = simple_place.run("admin", "create", *account("Amina", "other@example.com"))
    address = simple_place.run("admin", "create", *account("other", "AMINA@example.com"))
    assert (name.status, address.status) == (1, 1)
    assert "username" in name.err
    assert "mail" in address.err
    assert simple_place.count("users") == 1


def test_everything_wrong_with_an_account_is_named(simple_place: Place) -> None:
    ran = simple_place.run("admin", "create", *account("a b", "nowhere", "short"))
    assert ran.status == 1
    assert [line.removeprefix("roliascan: ").partition(" ")[0] for line in ran.err.splitlines()] == [
        "username",
        "email",
        "password",
    ]
    assert simple_place.count("users") == 0


@pytest.mark.parametrize("ending", ["\n", "\r\n", ""])
def test_a_password_may_come_through_a_pipe(ending: str, simple_place: Place) -> None:
    ran = simple_place.run("admin", "create", *account("amina", password=""), stdin=f" pass  wörd {ending}")
    assert ran.status == 0
    assert signs_in(simple_place, "amina", " pass  wörd ") == "admin"


def test_an_empty_pipe_is_no_password(simple_place: Place) -> None:
    ran = simple_place.run("admin", "create", *account("amina", password=""))
    assert ran.status == 1
    assert ran.err.startswith("roliascan: password ")


def test_the_command_is_what_is_installed(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("roliascan ")
