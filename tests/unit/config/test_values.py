"""Values of options that need more than a type: what is taken, and how the rest is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.config.options import SOFT_REASONS
from jenkins_scan.config.values import address, digest, label, region, soft_reasons
from jenkins_scan.errors import ConfigurationError, Reason
from tests.support.center import DIGEST

CHECKS = (label, digest, region, address)


@pytest.mark.parametrize("check", CHECKS)
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_text_is_no_value(check, empty):
    assert check("--x", empty) is None


@pytest.mark.parametrize("check", CHECKS)
@given(text=st.text(max_size=80))
def test_any_text_is_a_value_or_refused_by_its_flag(check, text):
    try:
        value, refused = check("--x", text), None
    except ConfigurationError as error:
        value, refused = None, error
    assert value is None or (value.isprintable() and " " not in value)
    assert refused is None or (refused.message.startswith("--x: ") and refused.message.isprintable() and refused.remedy)


@pytest.mark.parametrize("text", ["a", "x" * 255, "team/sub/app", "1.0_rc-1", "中文"])
def test_a_plain_name_stays_as_it_is(text):
    assert label("--x", text) == text


@pytest.mark.parametrize("text", ["x" * 256, "a b", "a\tb", "a\x00", "\u202e", "\udcff"])
def test_other_names_are_refused(text):
    with pytest.raises(ConfigurationError):
        label("--x", text)


@pytest.mark.parametrize("text", [DIGEST, f"sha256:{DIGEST}", f"  SHA256:{DIGEST.upper()}\r\n"])
def test_a_digest_is_bare_hex(text):
    assert digest("--x", text) == DIGEST


@pytest.mark.parametrize(
    "text", [DIGEST[1:], f"{DIGEST}0", "g" * 64, f"sha256:sha256:{DIGEST}", f"@sha256:{DIGEST}", " "]
)
def test_other_digests_are_refused(text):
    with pytest.raises(ConfigurationError, match="not a SHA-256 digest"):
        digest("--x", text)


@pytest.mark.parametrize("text", ["cn-hangzhou", "ap-southeast-1", "cn-hangzhou-finance"])
def test_a_region_is_taken_whether_or_not_it_is_known(text):
    assert region("--x", text) == text


@pytest.mark.parametrize("text", ["CN-HANGZHOU", "cn_hangzhou", "x", "x" * 65, "cn-hangzhou\n", "cn hangzhou", "a.b"])
def test_other_regions_are_refused(text):
    with pytest.raises(ConfigurationError, match="not the form of a region id"):
        region("--x", text)


@pytest.mark.parametrize(("text", "value"), [("192.0.2.1", "192.0.2.1"), ("2001:DB8:0::1", "2001:db8::1")])
def test_an_address_is_written_in_one_way(text, value):
    assert address("--x", text) == value


@pytest.mark.parametrize("text", ["192.0.2.1/24", "localhost", "192.0.2.1,192.0.2.2", "1", " 192.0.2.1"])
def test_other_addresses_are_refused(text):
    with pytest.raises(ConfigurationError, match="not an IP address"):
        address("--x", text)


@pytest.mark.parametrize(
    ("text", "reasons"),
    [
        (None, set()),
        (" , ,", set()),
        ("image", {Reason.IMAGE}),
        (" Policy,TIMEOUT, policy", {Reason.POLICY, Reason.TIMEOUT}),
        (",".join(SOFT_REASONS), {reason for reason in Reason if reason.slug in SOFT_REASONS}),
    ],
)
def test_soft_reasons_are_named_by_their_slugs(text, reasons):
    assert soft_reasons(text) == reasons


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("polizy", "did you mean 'policy'?"),
        ("internal", "not a reason"),
        ("usage", "not a reason"),
        ("xyz", "softened."),
    ],
)
def test_another_reason_is_refused(text, said):
    with pytest.raises(ConfigurationError, match=r"^--soft: ") as caught:
        soft_reasons(text)
    assert said in caught.value.message
    assert "timeout" in caught.value.remedy
