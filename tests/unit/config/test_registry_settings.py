"""The settings of `scan-registry`: which images are meant, and what is refused before anything is sent."""

import pytest

from jenkins_scan.config.origin import Origin
from jenkins_scan.config.registry_settings import registry_settings
from jenkins_scan.errors import ConfigurationError, Reason
from jenkins_scan.security_center.registry_scans import ImageFilter
from tests.support.center import DIGEST

OTHER = "b" * 64
FILTERS = {
    "registry_type": "acr",
    "region_id": "cn-hangzhou",
    "instance_id": "cri-1",
    "repo_namespace": "team",
    "repo_id": "crr-1",
    "repo_name": "app",
    "digest": DIGEST,
    "tag": "1.0",
}
DEFAULTS = {
    **dict.fromkeys(FILTERS, ()),
    "region": "cn-hangzhou",
    "source_ip": None,
    "all_images": False,
    "max_images": None,
    "sync": False,
    "timeout": 900.0,
    "min_quota": 1,
    "soft": None,
}


def settings(*images, judging=None, **values):
    """The settings of these images and values; one of a repeatable option may be a text."""
    given = {name: (value,) if name in FILTERS and isinstance(value, str) else value for name, value in values.items()}
    return registry_settings({**DEFAULTS, **given}, images, judging, endpoint_origin=Origin.DEFAULT, in_jenkins=False)


def refused(*images, **values):
    with pytest.raises(ConfigurationError) as caught:
        settings(*images, **values)
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    assert caught.value.message.isprintable()
    return caught.value


def test_everything_that_it_can_be_told():
    chosen = settings(
        registry_type=("acr", "harbor"),
        region_id=("cn-hangzhou", "cn-shanghai"),
        instance_id=("cri-1", "cri-2"),
        repo_namespace=("a", "b"),
        repo_id=("crr-1", "crr-2"),
        repo_name=("app", "web"),
        digest=(f" SHA256:{DIGEST.upper()}\n", OTHER),
        tag=("1", "2"),
        source_ip="2001:DB8::1",
        max_images=7,
        timeout=60.0,
        min_quota=3,
        soft="image, quota",
    )
    assert chosen.wanted == ImageFilter(
        registry_types=("acr", "harbor"),
        region_ids=("cn-hangzhou", "cn-shanghai"),
        instance_ids=("cri-1", "cri-2"),
        repo_namespaces=("a", "b"),
        repo_ids=("crr-1", "crr-2"),
        repo_names=("app", "web"),
        digests=(DIGEST, OTHER),
        tags=("1", "2"),
        source_ip="2001:db8::1",
    )
    assert (chosen.max_images, chosen.timeout, chosen.min_quota) == (7, 60.0, 3)
    assert chosen.soft == {Reason.IMAGE, Reason.QUOTA}
    assert (chosen.everything, chosen.sync, chosen.images, chosen.judging) == (False, False, (), None)
    assert chosen.service.endpoint.url == "https://tds.cn-shanghai.aliyuncs.com"


NARROW = [
    {"digest": DIGEST},
    {"digest": (DIGEST, OTHER)},
    {"digest": DIGEST, "registry_type": "acr"},
    {"tag": "1", "repo_id": "crr-1"},
    {"tag": ("1", "2"), "repo_id": ("crr-1", "crr-2")},
    {"tag": "1", "repo_namespace": "team", "repo_name": "app"},
]
WIDE = [
    {"registry_type": "acr"},
    {"region_id": "cn-hangzhou"},
    {"instance_id": "cri-1"},
    {"repo_id": "crr-1"},
    {"repo_namespace": "team", "repo_name": "app"},
    {"tag": "1"},
    {"tag": "1", "repo_name": "app"},
    {"tag": "1", "repo_namespace": "team"},
    {"tag": "1", "registry_type": "acr", "region_id": "cn-hangzhou", "instance_id": "cri-1"},
    {name: value for name, value in FILTERS.items() if name not in ("digest", "tag")},
]


@pytest.mark.parametrize("values", NARROW)
def test_a_narrow_filter_is_taken(values):
    assert not settings(**values).everything


@pytest.mark.parametrize("values", WIDE)
def test_a_wide_one_is_refused(values):
    assert "more than one named image" in refused(**values).message
    assert "--all-images --max-images N" in refused(**values).remedy


def test_none_at_all_is_refused():
    assert "every image of the account" in refused().message


@pytest.mark.parametrize("values", [NARROW[0], *WIDE[:4], {}])
def test_all_images_takes_every_filter_with_a_bound_and_none_without(values):
    chosen = settings(all_images=True, max_images=3, **values)
    assert (chosen.everything, chosen.max_images) == (True, 3)
    assert "without --max-images" in refused(all_images=True, **values).message


def test_a_bound_alone_allows_nothing_wider():
    refused(max_images=3)
    refused(max_images=3, registry_type="acr")


@pytest.mark.parametrize("empty", ["", ("", "")])
@pytest.mark.parametrize("name", [name for name in FILTERS if name != "digest"])
def test_an_empty_value_is_refused_as_leaving_it_out_could_mean_more(name, empty):
    """A variable that is not set must not turn one repository into all of them."""
    error = refused(**{"digest": DIGEST, name: empty})
    assert error.message.startswith(f"--{name.replace('_', '-')} is empty")
    refused(all_images=True, max_images=100, **{name: empty})


@pytest.mark.parametrize("values", [{"digest": ""}, {"tag": "1", "repo_id": ""}, {"tag": "", "repo_id": "crr-1"}])
def test_a_variable_of_the_pipeline_that_is_not_set_makes_no_filter_narrow(values):
    refused(**values)


def test_each_value_counts_once():
    chosen = settings(digest=(DIGEST, f"sha256:{DIGEST}", DIGEST.upper()), tag=("1", "1"))
    assert (chosen.wanted.digests, chosen.wanted.tags) == ((DIGEST,), ("1",))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *((name, "a,b") for name in FILTERS if name not in ("digest", "region_id")),
        *(("tag", value) for value in (",", "a,", "a b", " ", "a\tb", "a\nb", "a\u00a0b", "\x1b[31m", "x" * 256)),
    ],
)
def test_a_value_that_would_be_several_or_none_is_refused_by_its_flag(name, value):
    error = refused(**{"digest": DIGEST, name: value})
    assert error.message.startswith(f"--{name.replace('_', '-')}: ")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digest", f"{DIGEST},{OTHER}"),
        ("digest", f"{DIGEST} {OTHER}"),
        ("digest", f"app@sha256:{DIGEST}"),
        ("digest", f"sha512:{DIGEST}"),
        ("digest", DIGEST[1:]),
        ("region_id", "cn-hangzhou,cn-shanghai"),
        ("region_id", "CN-Hangzhou"),
        ("source_ip", "192.0.2.1,192.0.2.2"),
        ("source_ip", "localhost"),
        ("soft", "everything"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_its_flag(name, value):
    error = refused(**{"digest": DIGEST, name: value})
    assert error.message.startswith(f"--{name.replace('_', '-')}: ")


class TestImages:
    """Images by reference: what they say themselves is not said again."""

    @pytest.mark.parametrize("name", ["digest", "tag", "repo_namespace", "repo_name"])
    def test_what_the_image_says_is_refused_beside_it(self, name):
        error = refused("registry.example.com/team/app:1", **{name: FILTERS[name]})
        assert error.message.startswith(f"--{name.replace('_', '-')} beside an image")

    @pytest.mark.parametrize("name", ["digest", "tag", "repo_namespace", "repo_name"])
    def test_an_empty_value_is_refused(self, name):
        refused("registry.example.com/team/app:1", **{name: ""})

    @pytest.mark.parametrize("name", ["registry_type", "region_id", "instance_id", "repo_id"])
    def test_what_it_does_not_say_narrows(self, name):
        assert not settings("registry.example.com/team/app:1", **{name: FILTERS[name]}).wanted.is_empty

    def test_they_are_narrow_in_themselves(self):
        chosen = settings("registry.example.com/team/app:1", "registry.example.com/team/web:1")
        assert len(chosen.images) == 2
        assert chosen.wanted == ImageFilter()


class TestSync:
    """--sync needs the place of one image in full."""

    def test_a_place_in_full_is_taken(self):
        assert settings(sync=True, **FILTERS).sync

    @pytest.mark.parametrize("missing", [name for name in FILTERS if name not in ("digest", "tag")])
    def test_each_part_of_it_is_needed(self, missing):
        values = FILTERS | {missing: ()}
        assert f"--{missing.replace('_', '-')} is missing" in refused(sync=True, **values).message

    @pytest.mark.parametrize("missing", ["digest", "tag"])
    def test_so_are_digest_and_tag(self, missing):
        values = {name: value for name, value in FILTERS.items() if name != missing}
        assert f"--{missing} is missing" in refused(sync=True, **values).message

    def test_all_that_is_missing_is_named(self):
        message = refused(sync=True, digest=DIGEST).message
        assert "--registry-type, --region-id" in message
        assert "--tag are missing" in message

    @pytest.mark.parametrize("name", FILTERS)
    def test_of_two_nobody_knows_which(self, name):
        two = {"digest": (DIGEST, OTHER), "registry_type": ("acr", "quay")}.get(name, (FILTERS[name], "other"))
        assert "given more than once" in refused(sync=True, **FILTERS | {name: two}).message

    def test_the_same_twice_is_one(self):
        assert settings(sync=True, **FILTERS | {"tag": ("1", "1")}).sync

    def test_an_image_tells_most_of_its_place(self):
        acr = "team-registry.cn-hangzhou.cr.aliyuncs.com/team/app:1"
        assert settings(acr, sync=True, instance_id="cri-1", repo_id="crr-1").sync
        assert "--instance-id, --repo-id are missing" in refused(acr, sync=True).message
        assert "one image at a time" in refused(acr, f"{acr}0", sync=True, instance_id="c", repo_id="c").message


def test_more_images_than_a_run_can_hold_are_refused():
    with pytest.raises(ConfigurationError, match="more than 1000 images"):
        settings(digest=tuple(f"{number:064x}" for number in range(1001)))
