"""Files that a stranger may have written: whatever bytes they hold, a valid value or a `ConfigurationError`."""

import json
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.config.file import FileSettings, read_file
from jenkins_scan.errors import ConfigurationError
from jenkins_scan.gate.baseline import read_baseline
from jenkins_scan.gate.policy import policy_from
from jenkins_scan.gate.waiver_file import read_waivers
from jenkins_scan.gate.waivers import Waiver
from jenkins_scan.report.earlier import read_earlier
from jenkins_scan.step.record import ImageRun
from tests.fuzz.mutations import changed_bytes, damaged, json_values, require_shown

GOLDEN = Path(__file__).parents[1] / "golden"
RESULTS = [path.read_bytes() for path in sorted(GOLDEN.glob("*/result.json"))]
WAIVERS = b"""# accepted
[[waiver]]
id = "CVE-2024-0001"
kind = "vulnerability"
package = "lib*"
reason = "not \\u0072eachable"
expires = 2999-12-31
owner = '''us'''
[[waiver]]
id = "x"
path = "/a/*"
image = "team/*"
reason = \"\"\"long
text\"\"\"
expires = "2999-01-01"
"""
CONFIG = b"""image = ["app:1", "b:2"]
fail-on = "high"
min-quota = 3
timeout = "15m"
soft = ["quota"]
wait = true
[policy]
deny = ["CVE-2024-0001"]
fixable_only = true
[policy.vulnerability]
fail_on = "high"
"""
WORDS = st.sampled_from(
    [
        b"[[waiver]]\n",
        b"[waiver]\n",
        b"[policy]\n",
        b"id",
        b"kind",
        b"expires",
        b"reason",
        b"image",
        b"timeout",
        b"=",
        b" = ",
        b'"',
        b"'",
        b'"""',
        b"'''",
        b"\n",
        b"#",
        b"[",
        b"]",
        b"{",
        b"}",
        b",",
        b"1e999",
        b"0x",
        b"nan",
        b"inf",
        b"true",
        b"2999-12-31",
        b"0000-00-00",
        b"9999-12-31T00:00:00Z",
        b"\\ud800",
        b"\xff",
        b"\xef\xbb\xbf",
        b"\x00",
        b"\r",
        b"\\",
        b"a.b.c",
        b"9" * 5000,
        b"[" * 3000,
        b"{a=" * 300,
        b'"' + b"x" * 2000 + b'"',
    ]
)
SOUP = st.lists(WORDS, max_size=30).map(b"".join)


def read_known(path):
    return read_baseline(path, sandbox=True)


def in_a_file(content, read):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "f"
        path.write_bytes(content)
        try:
            return read(path)
        except ConfigurationError as refused:
            require_shown(refused, 2)
            return None


@given(changed_bytes(WAIVERS) | SOUP | st.binary(max_size=200))
def test_a_waiver_file(content):
    found = in_a_file(content, read_waivers)
    assert found is None or all(isinstance(each, Waiver) and each.id and each.reason for each in found)


@pytest.mark.parametrize("is_named", [True, False])
@given(content=changed_bytes(CONFIG) | SOUP | st.binary(max_size=200))
def test_a_configuration_file(is_named, content):
    def read(path):
        if is_named:
            return read_file(str(path), folder=path.parent, from_fork=False)
        path.rename(path.parent / ".jenkins-scan.toml")
        return read_file(None, folder=path.parent, from_fork=False)

    found = in_a_file(content, read)
    assert found is None or isinstance(found, FileSettings)
    if found is not None and "policy" in found.values:
        try:
            policy_from(found.values["policy"])
        except ConfigurationError as refused:
            require_shown(refused, 2)


@given(st.data(), st.sampled_from(RESULTS))
def test_the_result_of_an_earlier_run(data, recorded):
    spoilt = data.draw(
        changed_bytes(recorded) | damaged(json.loads(recorded)).map(lambda body: json.dumps(body).encode())
    )
    earlier = in_a_file(spoilt, read_earlier)
    if earlier is not None:
        images = earlier.images()
        assert images
        assert all(isinstance(each, ImageRun) for each in images)
        earlier.mark(images)


@given(st.data(), st.sampled_from(RESULTS))
def test_a_baseline(data, recorded):
    spoilt = data.draw(
        changed_bytes(recorded) | damaged(json.loads(recorded)).map(lambda body: json.dumps(body).encode())
    )
    in_a_file(spoilt, read_known)


@pytest.mark.parametrize("read", [read_earlier, read_known])
@given(value=json_values())
def test_any_json(read, value):
    in_a_file(json.dumps(value).encode(), read)
