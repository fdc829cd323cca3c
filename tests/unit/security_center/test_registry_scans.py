"""Which images are meant: what a filter may hold, what it allows, and the regions in words."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.security_center.regions import OFFLINE, REGIONS, in_words
from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryImage
from tests.support.center import DIGEST

LISTS = (
    *("registry_types", "region_ids", "instance_ids", "repo_namespaces"),
    *("repo_ids", "repo_names", "digests", "tags"),
)
WHOLE = {
    "registry_type": "acr",
    "region_id": "cn-hangzhou",
    "instance_id": "cri-1",
    "repo_namespace": "ns",
    "repo_id": "crr-1",
    "repo_name": "app",
    "digest": DIGEST,
    "tag": "1.0",
}
ODD = ["", " ", "a,b", ",", "a b", " a", "a\n", "a\tb", "a\x00", "\x1b[31m", "a\u202eb", "a\u00a0b", "\ud800"]


@pytest.mark.parametrize("value", ODD)
@pytest.mark.parametrize("name", LISTS)
def test_a_value_that_a_comma_list_cannot_hold_is_refused(name, value):
    with pytest.raises(ValueError, match=r"comma or a space|empty|64 hex"):
        ImageFilter(**{name: ("b" * 64, value)})


@pytest.mark.parametrize("value", ODD)
def test_so_is_such_a_source_address(value):
    with pytest.raises(ValueError, match="sourceIp"):
        ImageFilter(source_ip=value)


@pytest.mark.parametrize("digest", [f"sha256:{DIGEST}", DIGEST.upper(), DIGEST[:-1], f"{DIGEST}0", "6a5e"])
def test_a_digest_is_64_hex_digits_in_lower_case(digest):
    with pytest.raises(ValueError, match="64 hex"):
        ImageFilter(digests=(digest,))
    with pytest.raises(ValueError, match="64 hex"):
        RegistryImage(**{**WHOLE, "digest": digest})


def test_a_filter_is_empty_where_nothing_is_named_and_the_source_address_names_nothing():
    assert ImageFilter().is_empty
    assert ImageFilter(source_ip="192.0.2.1").is_empty
    for name in LISTS:
        assert not ImageFilter(**{name: ("a" * 64,)}).is_empty


@pytest.mark.parametrize(
    ("image", "allowed"),
    [
        ({"tag": "1.0", "repoName": "app"}, True),
        ({"tag": "1.1", "repoName": "APP"}, True),
        ({"tag": "1.2", "repoName": "app"}, False),
        ({"tag": "1.0", "repoName": "other"}, False),
        ({"tag": None, "repoName": "app"}, True),
        ({}, True),
        ({"repoName": "other"}, False),
    ],
)
def test_a_filter_allows_what_nothing_speaks_against(image, allowed):
    assert ImageFilter(tags=("1.0", "1.1"), repo_names=("app",)).allows(image) is allowed


@pytest.mark.parametrize("odd", ["", "  ", "a\nb", "\u202e", "\ud800"])
@pytest.mark.parametrize("name", sorted(set(WHOLE) - {"digest"}))
def test_an_image_has_every_part_in_print(name, odd):
    with pytest.raises(ValueError, match="empty, or has a character"):
        RegistryImage(**{**WHOLE, name: odd})


def test_an_image_says_only_what_is_known_of_it():
    assert RegistryImage(**WHOLE).parts.keys() & {"createTime", "updateTime"} == set()
    assert RegistryImage(**WHOLE, create_time=0).parts["createTime"] == 0


@given(need=st.none() | st.integers(0, 9), images=st.none() | st.integers(0, 9))
def test_what_is_needed_is_the_larger_count_that_is_known(need, images):
    known = [count for count in (need, images) if count is not None]
    if known:
        assert PreCheck(need, images).needed == max(known)
    else:
        with pytest.raises(ValueError, match="neither"):
            PreCheck(need, images)


def test_the_offline_table_is_the_one_of_the_page():
    assert len(REGIONS) == len(OFFLINE) == 14
    assert all(region.city in region.name for region in REGIONS)
    assert OFFLINE["cn-huhehaote"] == "China (Hohhot)"


def test_regions_are_named_by_id_and_name():
    assert in_words().startswith("cn-hangzhou China (Hangzhou), cn-shanghai China (Shanghai), ")
    assert in_words({"eu-west-1": "UK (London)", "mars-1": "mars-1"}) == "eu-west-1 UK (London), mars-1"
