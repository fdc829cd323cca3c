"""The configuration file: what it may say, and how little of it a file found in the workspace may."""

import os
from pathlib import Path

import pytest

from jenkins_scan.config.file import FOUND_NAME, KEYS, LARGEST_FILE, FileSettings, read_file
from jenkins_scan.config.options import GLOBAL_OPTIONS, OPTIONS
from jenkins_scan.errors import ConfigurationError

ALLOWED_IN_FOUND_FILE = {
    *("image", "platform", "output", "report-dir", "color"),
    *("timeout", "fail-on", "warn-on", "policy", "waivers", "baseline"),
}
"""The contract's list."""
SAMPLES = {
    "image": '"app:1"',
    "color": '"never"',
    "output": '["json", "table=out/table.txt"]',
    "vpc": "true",
    "min-quota": "5",
    "jobs": "2",
    "engine-wait": "2.5",
    "pushed": "true",
    "describe-build": "true",
    "fail-on": '"high"',
    "warn-on": '"low"',
    "wait": "true",
    "fixable-only": "true",
    "policy": '{ deny = ["CVE-2024-0001"] }',
    "jenkins-env": '"release"',
    "report-dir": '"reports"',
    "sync": "true",
    "all-images": "true",
    "max-images": "7",
    "registry-type": '"acr"',
}


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "workspace"


@pytest.fixture
def found(folder):
    """Reads a file found in the workspace."""

    def read(content, **options):
        folder.mkdir()
        (folder / FOUND_NAME).write_text(content)
        return read_file(None, folder=folder, **{"from_fork": False, **options})

    return read


@pytest.fixture
def named(folder, tmp_path):
    """Reads a file named by `--config`."""

    def read(content):
        path = tmp_path / "scan.toml"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_file(str(path), folder=folder, from_fork=False)

    return read


def line(key: str) -> str:
    sample = SAMPLES.get(key, '"text"')
    return f"{key} = {sample}"


def test_without_a_file_nothing_is_set(tmp_path):
    assert read_file(None, folder=tmp_path, from_fork=True) == FileSettings()


@pytest.mark.parametrize("key", sorted(ALLOWED_IN_FOUND_FILE))
def test_a_found_file_may_set_what_cannot_redirect_or_weaken(found, folder, key):
    read = found(line(key))
    assert read.path == folder / FOUND_NAME
    assert list(read.values) == [key.replace("-", "_")]
    assert read.warnings == ()


@pytest.mark.parametrize("key", sorted(KEYS.keys() - ALLOWED_IN_FOUND_FILE))
def test_a_found_file_may_set_nothing_else(found, key):
    with pytest.raises(ConfigurationError, match=f"'{key}' may not be set by a file found in the workspace") as caught:
        found(line(key))
    assert f"--{key}" in caught.value.remedy
    assert caught.value.exit_code == 2


def test_a_forbidden_key_is_refused_beside_allowed_ones(found):
    with pytest.raises(ConfigurationError, match="'endpoint' may not be set"):
        found('image = "app:1"\nendpoint = "https://evil.example"\n')


@pytest.mark.parametrize("key", sorted(KEYS))
def test_a_named_file_is_trusted_with_every_option(named, key):
    assert list(named(line(key)).values) == [key.replace("-", "_")]


def test_every_option_but_config_itself_is_a_key():
    assert KEYS.keys() == {"image", "policy", *(option.name for option in (*OPTIONS, *GLOBAL_OPTIONS))} - {"config"}


def test_the_build_of_a_fork_ignores_the_found_file_whatever_it_says(found):
    read = found('endpoint = "https://evil.example"\nnot even TOML', from_fork=True)
    assert read.values == {}
    assert "fork" in read.warnings[0]


def test_the_build_of_a_fork_reads_a_named_file(named, folder, tmp_path):
    path = tmp_path / "named.toml"
    path.write_text('region = "cn-hangzhou"')
    assert read_file(str(path), folder=folder, from_fork=True).values == {"region": "cn-hangzhou"}


OUTSIDE = ["..", "../out", "/srv/out", "a/../../out", "link", "link/deep", "bad\\u0000path", "/" * 9]


@pytest.mark.parametrize("path", OUTSIDE)
@pytest.mark.parametrize("template", ['report-dir = "{}"', 'output = "json={}"', 'output = ["table", "json={}"]'])
def test_a_found_file_cannot_choose_a_place_outside_the_workspace(found, folder, tmp_path, path, template):
    (tmp_path / "elsewhere").mkdir()

    def linked(content):
        folder.mkdir()
        (folder / "link").symlink_to(tmp_path / "elsewhere")
        (folder / FOUND_NAME).write_text(content)
        return read_file(None, folder=folder, from_fork=False)

    with pytest.raises(ConfigurationError, match="points outside the working folder"):
        linked(template.format(path))


def test_a_link_that_turns_round_is_outside(folder):
    folder.mkdir()
    (folder / "round").symlink_to("round")
    (folder / FOUND_NAME).write_text('report-dir = "round"')
    with pytest.raises(ConfigurationError, match="outside"):
        read_file(None, folder=folder, from_fork=False)


@pytest.mark.parametrize("path", [".", "reports", "a/b/../c", "./x", "link-inside"])
def test_a_found_file_may_choose_a_place_below_the_workspace(folder, path):
    folder.mkdir()
    (folder / "inner").mkdir()
    (folder / "link-inside").symlink_to("inner")
    (folder / FOUND_NAME).write_text(f'report-dir = "{path}"\noutput = ["json={path}/r.json", "table"]')
    assert read_file(None, folder=folder, from_fork=False).values["report_dir"] == path


def test_a_named_file_may_choose_any_place(named):
    assert named('report-dir = "/srv/out"').values == {"report_dir": "/srv/out"}


@pytest.mark.parametrize(
    ("key", "suggestion"),
    [("regoin", "region"), ("min_quota", "min-quota"), ("Image", "image"), ("fail_on", "fail-on"), ("config", None)],
)
def test_an_unknown_key_is_refused_with_a_suggestion(named, key, suggestion):
    with pytest.raises(ConfigurationError, match="unknown key") as caught:
        named(f'{key} = "x"')
    assert suggestion is None or f"did you mean '{suggestion}'" in caught.value.message


def test_a_long_or_evil_key_is_shown_short_and_plain(named):
    with pytest.raises(ConfigurationError) as caught:
        named('"\\u001b[31m' + "x" * 500 + '" = 1')
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 200


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("region = 1", "a text"),
        ('region = ["a"]', "a text"),
        ("platform = true", "a text"),
        ("min-quota = true", "a whole number"),
        ('min-quota = "5"', "a whole number"),
        ("min-quota = 1.5", "a whole number"),
        ('engine-wait = "5"', "a number"),
        ("engine-wait = true", "a number"),
        ("policy = 1", "a table"),
        ("timeout = 900", "a time span such as '15m'"),
        ('wait = "yes"', "true or false"),
        ('vpc = "yes"', "true or false"),
        ("vpc = 1", "true or false"),
        ("output = 1", "a text or a list of texts"),
        ('output = ["json", 1]', "a text or a list of texts"),
        ("[image]\na = 1", "a text or a list of texts"),
        ("color = true", "one of 'auto', 'always', 'never'"),
        ('color = "purple"', "one of 'auto', 'always', 'never'"),
        ('color = ["auto"]', "one of 'auto', 'always', 'never'"),
        ('jenkins-env = "prod"', "one of '', 'release'"),
    ],
)
def test_a_value_of_another_type_is_refused(named, text, expected):
    with pytest.raises(ConfigurationError) as caught:
        named(text)
    assert caught.value.message.endswith(f"must be {expected}.")


def test_one_output_may_be_written_without_a_list(named):
    assert named('output = "json"').values == {"output": ["json"]}


@pytest.mark.parametrize(
    ("content", "where"),
    [
        ('region = "x"\nregion = "y"\n', "line 2"),
        ("\n\n  = 1", "line 3, column 3"),
        (b"region = '\xff'", "utf-8"),
        ("a = " + "[" * 5000, "nested too deeply"),
    ],
)
def test_what_is_no_toml_is_refused_with_its_place(named, content, where):
    with pytest.raises(ConfigurationError, match="not TOML") as caught:
        named(content)
    assert where in caught.value.message
    assert caught.value.__cause__ is not None


def test_a_file_of_more_than_256_kib_is_refused(named):
    with pytest.raises(ConfigurationError, match="larger than 256 KiB"):
        named("#" * (LARGEST_FILE + 1))
    assert named("#" * LARGEST_FILE).values == {}


@pytest.mark.parametrize("kind", ["missing", "folder", "pipe", "dangling link"])
def test_what_is_no_regular_file_is_refused(folder, kind):
    folder.mkdir()
    path = folder / FOUND_NAME
    if kind == "folder":
        path.mkdir()
    elif kind == "pipe":
        os.mkfifo(path)
    elif kind == "dangling link":
        path.symlink_to("nowhere")
    with pytest.raises(ConfigurationError, match="no such file, or not a regular one"):
        read_file(str(path), folder=folder, from_fork=False)
    if kind != "missing":
        with pytest.raises(ConfigurationError, match=FOUND_NAME):
            read_file(None, folder=folder, from_fork=False)


def test_a_file_that_cannot_be_read_is_refused(folder):
    class Locked(type(Path())):
        def open(self, *args, **kwargs):
            raise PermissionError(13, "Permission denied")

    folder.mkdir()
    (folder / FOUND_NAME).write_text("")
    with pytest.raises(ConfigurationError, match="cannot be read: Permission denied"):
        read_file(None, folder=Locked(folder), from_fork=False)
