"""Where keys and token come from, what they may look like, and that no message shows one."""

import os
import threading

import pytest
from pydantic import SecretStr

from jenkins_scan.errors import CredentialsMissing
from jenkins_scan.security_center.credentials import Credentials, from_environment, read_secret, read_token
from jenkins_scan.security_center.variables import KEY_ID, KEY_SECRET, SECRET_VARIABLES, SECURITY_TOKEN

CANARY = "canary-0123456789"
PAIR = {KEY_ID: "LTAI-key", KEY_SECRET: CANARY}


def secret_of(found):
    return None if found is None else found.get_secret_value()


@pytest.fixture
def file(tmp_path):
    """Writes a secret file and returns its path."""

    def write(content):
        path = tmp_path / "secret"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return str(path)

    return write


def test_a_pair_is_read_from_the_environment():
    found = from_environment(PAIR)
    assert (found.access_key_id, found.access_key_secret.get_secret_value()) == ("LTAI-key", CANARY)
    assert (found.security_token, found.provider) == (None, "environment")
    assert found.secrets() == ("LTAI-key", CANARY)


def test_a_temporary_key_has_its_token():
    found = from_environment({**PAIR, SECURITY_TOKEN: "sts-token"})
    assert secret_of(found.security_token) == "sts-token"
    assert found.secrets() == ("LTAI-key", CANARY, "sts-token")


@pytest.mark.parametrize("name", SECRET_VARIABLES)
def test_every_secret_may_lie_in_a_file(name, file):
    assert secret_of(read_secret({f"{name}_FILE": file(f"{CANARY}\n")}, name)) == CANARY


def test_a_pair_may_be_half_in_a_file(file):
    found = from_environment({KEY_ID: "LTAI-key", f"{KEY_SECRET}_FILE": file(CANARY)})
    assert found.access_key_secret.get_secret_value() == CANARY


def test_the_variable_wins_over_the_file(file):
    assert secret_of(read_secret({KEY_ID: "value", f"{KEY_ID}_FILE": file("other")}, KEY_ID)) == "value"


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_an_empty_variable_leaves_the_file_its_turn(empty, file):
    assert secret_of(read_secret({KEY_ID: empty, f"{KEY_ID}_FILE": file("value")}, KEY_ID)) == "value"
    assert read_secret({KEY_ID: empty, f"{KEY_ID}_FILE": file(empty)}, KEY_ID) is None
    assert read_secret({KEY_ID: empty}, KEY_ID) is None


@pytest.mark.parametrize("around", ["{}\n", "{}\r\n", "  {}  ", "\t{}\n\n"])
def test_white_space_around_a_secret_is_dropped(around, file):
    text = around.format(CANARY)
    assert secret_of(read_secret({KEY_SECRET: text}, KEY_SECRET)) == CANARY
    assert secret_of(read_secret({f"{KEY_SECRET}_FILE": file(text)}, KEY_SECRET)) == CANARY


@pytest.mark.parametrize(
    "bad", [f"{CANARY}\nsecond", f"{CANARY} x", f"{CANARY}\x00", f"{CANARY}é", f"\ufeff{CANARY}", f"{CANARY}\udcff"]
)
def test_a_character_that_no_key_has_is_refused_without_showing_it(bad, file):
    with pytest.raises(CredentialsMissing) as caught:
        read_secret({KEY_SECRET: bad}, KEY_SECRET)
    assert caught.value.exit_code == 14
    assert KEY_SECRET in caught.value.message
    assert CANARY not in caught.value.message + caught.value.remedy
    with pytest.raises(CredentialsMissing, match=f"{KEY_SECRET}_FILE"):
        read_secret({f"{KEY_SECRET}_FILE": file(bad.encode("utf-8", "surrogateescape"))}, KEY_SECRET)


@pytest.mark.parametrize("path", ["/nonexistent/secret", "/", "bad\x00path"])
def test_a_secret_file_that_cannot_be_read_is_named_by_its_variable(path):
    with pytest.raises(CredentialsMissing, match=f"{KEY_SECRET}_FILE: the file it names cannot be read") as caught:
        from_environment({KEY_ID: "k", f"{KEY_SECRET}_FILE": path})
    assert caught.value.__cause__ is not None


@pytest.mark.parametrize(("here", "missing"), [(KEY_ID, KEY_SECRET), (KEY_SECRET, KEY_ID)])
def test_half_a_pair_is_refused_and_names_the_other_half(here, missing):
    with pytest.raises(CredentialsMissing, match=f"{here} is set, {missing} is not"):
        from_environment({here: CANARY, SECURITY_TOKEN: "t"})


def test_an_environment_without_keys_has_no_credentials():
    assert from_environment({"JENKINS_SCAN_TOKEN": CANARY, KEY_ID: " "}) is None


def test_the_token_is_required_where_it_is_asked_for(file):
    assert secret_of(read_token({"JENKINS_SCAN_TOKEN_FILE": file(CANARY)})) == CANARY
    with pytest.raises(CredentialsMissing, match="JENKINS_SCAN_TOKEN_FILE") as caught:
        read_token({})
    assert "CI/CD" in caught.value.remedy


def test_no_representation_shows_a_secret():
    shown = repr(Credentials("key-" + CANARY, SecretStr(CANARY), SecretStr("sts" + CANARY)))
    assert CANARY not in shown


def test_the_file_of_a_secret_may_be_a_pipe(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    writing = threading.Thread(target=(tmp_path / "pipe").write_text, args=(CANARY,))
    writing.start()
    assert secret_of(read_secret({f"{KEY_SECRET}_FILE": str(tmp_path / "pipe")}, KEY_SECRET)) == CANARY
    writing.join()


def test_a_secret_file_without_an_end_is_not_cut_but_refused():
    with pytest.raises(CredentialsMissing, match=f"{KEY_SECRET}_FILE: .* larger than 64 KiB"):
        read_secret({f"{KEY_SECRET}_FILE": "/dev/zero"}, KEY_SECRET)
