"""Settings from what click hands over: validated, frozen, and strict about who may name the sandbox."""

import dataclasses

import click
import pytest
from click.core import ParameterSource

from jenkins_scan.config.origin import Origin, check_variables, origin_of
from jenkins_scan.config.settings import Overrides, scan_settings, service_settings
from jenkins_scan.errors import ConfigurationError, Reason
from tests.support.center import DIGEST

DEFAULTS = {"region": "cn-hangzhou", "min_quota": 1, "vpc": False, "jobs": 8}


def scan(*images, endpoint_origin=Origin.DEFAULT, in_jenkins=False, **values):
    named = images or ("app:1",)
    return scan_settings({**DEFAULTS, **values}, named, endpoint_origin=endpoint_origin, in_jenkins=in_jenkins)


def service(*, endpoint_origin=Origin.FLAG, in_jenkins=False, **values):
    return service_settings(values, endpoint_origin=endpoint_origin, in_jenkins=in_jenkins)


def test_the_least_that_a_scan_needs():
    settings = scan()
    assert settings.images == ("app:1",)
    assert settings.service.endpoint.url == "https://tds.cn-shanghai.aliyuncs.com"
    assert settings.overrides == Overrides()
    assert (settings.min_quota, settings.soft) == (1, frozenset())


def test_everything_that_a_scan_can_be_told():
    settings = scan(
        namespace="ns",
        repo="app",
        tag="1.0",
        digest=f" SHA256:{DIGEST.upper()}\n",
        uuid="6690a46c",
        source_ip="192.0.2.1",
        jenkins_env="release",
        min_quota=0,
        soft="policy, Quota",
        jobs=2,
        ca_bundle="ca.pem",
        vpc=True,
    )
    assert settings.overrides == Overrides(
        namespace="ns",
        repo="app",
        tag="1.0",
        digest=DIGEST,
        uuid="6690a46c",
        source_ip="192.0.2.1",
        jenkins_env="release",
    )
    assert settings.soft == {Reason.POLICY, Reason.QUOTA}
    assert (settings.min_quota, settings.jobs) == (0, 2)
    assert settings.service.ca_bundle == "ca.pem"
    assert settings.service.endpoint.url == "https://tds.vpc-proxy.aliyuncs.com"


def test_settings_cannot_change():
    with pytest.raises(dataclasses.FrozenInstanceError):
        scan().min_quota = 5


@pytest.mark.parametrize("name", ["namespace", "repo", "tag", "digest", "uuid"])
def test_what_is_said_of_one_image_cannot_be_said_of_two(name):
    value = DIGEST if name == "digest" else "x"
    with pytest.raises(ConfigurationError, match=f"--{name} says something of one image, and 2 were named"):
        scan("app:1", "app:2", **{name: value})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("namespace", "a b"),
        ("repo", "a\nb"),
        ("tag", "\x1b[31m"),
        ("uuid", "x" * 256),
        ("namespace", "\udcff"),
        ("repo", "\u202e"),
        ("digest", "sha256:abc"),
        ("digest", "g" * 64),
        ("digest", f"app@sha256:{DIGEST}"),
        ("digest", f"sha512:{DIGEST}"),
        ("source_ip", "localhost"),
        ("source_ip", "192.0.2.1/24"),
        ("soft", "everything"),
        ("soft", "policy,internal"),
        ("soft", "usage"),
        ("soft", "warn"),
    ],
)
def test_a_value_that_cannot_be_meant_is_refused_by_its_flag(name, value):
    with pytest.raises(ConfigurationError, match=f"^--{name.replace('_', '-')}: ") as caught:
        scan(**{name: value})
    assert caught.value.exit_code == 2
    assert caught.value.remedy
    assert caught.value.message.isprintable()


@pytest.mark.parametrize("name", ["namespace", "repo", "tag", "digest", "uuid", "source_ip", "jenkins_env"])
@pytest.mark.parametrize("empty", [None, ""])
def test_an_empty_value_is_no_value(name, empty):
    assert scan(**{name: empty}).overrides == Overrides()


def test_an_empty_ca_bundle_is_no_value():
    assert scan(ca_bundle="").service.ca_bundle is None


def test_a_soft_reason_with_a_typing_error_gets_a_suggestion():
    with pytest.raises(ConfigurationError, match="did you mean 'timeout'"):
        scan(soft="time-out")


@pytest.mark.parametrize("soft", [None, "", ",", " , "])
def test_no_reason_is_soft_unless_named(soft):
    assert scan(soft=soft).soft == frozenset()


@pytest.mark.parametrize("address", ["192.0.2.1", "2001:db8::1"])
def test_a_source_address_may_be_of_either_version(address):
    assert scan(source_ip=address).overrides.source_ip == address


def test_without_region_and_endpoint_the_site_is_not_guessed():
    with pytest.raises(ConfigurationError, match="no region was named") as caught:
        service(region=None)
    assert "--region" in caught.value.remedy
    assert "sandbox" in caught.value.remedy


def test_an_endpoint_wins_over_the_regions_host_and_keeps_the_region():
    endpoint = service(endpoint="https://tds.example.com", region="cn-hangzhou").endpoint
    assert (endpoint.url, endpoint.region) == ("https://tds.example.com", "cn-hangzhou")


@pytest.mark.parametrize("endpoint", ["https://tds.example.com", "sandbox"])
def test_vpc_and_an_endpoint_contradict_each_other(endpoint):
    with pytest.raises(ConfigurationError, match="--vpc"):
        service(endpoint=endpoint, vpc=True)


@pytest.mark.parametrize("name", ["scenario", "state"])
@pytest.mark.parametrize("where", [{"endpoint": "https://tds.example.com"}, {"region": "cn-hangzhou"}])
def test_what_belongs_to_the_sandbox_is_refused_elsewhere(name, where):
    with pytest.raises(ConfigurationError, match="belongs to --endpoint sandbox"):
        service(**where, **{name: "x"})


def test_the_sandbox_has_no_endpoint_and_takes_scenario_and_state():
    settings = service(endpoint="sandbox", scenario="clean", state="state.db")
    assert (settings.endpoint, settings.scenario, settings.state) == (None, "clean", "state.db")


@pytest.mark.parametrize("origin", Origin)
def test_in_jenkins_only_the_flag_names_the_sandbox(origin):
    if origin is Origin.FLAG:
        assert service(endpoint="sandbox", endpoint_origin=origin, in_jenkins=True).endpoint is None
    else:
        with pytest.raises(ConfigurationError, match=f"comes from the {origin}"):
            service(endpoint="sandbox", endpoint_origin=origin, in_jenkins=True)
    assert service(endpoint="sandbox", endpoint_origin=origin, in_jenkins=False).endpoint is None


@pytest.mark.parametrize("origin", Origin)
def test_in_jenkins_a_stand_in_may_answer_only_at_an_endpoint_named_by_the_flag(origin):
    named = service(endpoint="https://tds.example.com", endpoint_origin=origin, in_jenkins=True)
    assert named.sandbox_allowed == (origin is Origin.FLAG)
    assert service(endpoint="https://tds.example.com", endpoint_origin=origin).sandbox_allowed


@pytest.mark.parametrize(
    "name",
    [
        "JENKINS_SCAN_REGION",
        "JENKINS_SCAN_MIN_QUOTA",
        "JENKINS_SCAN_COLOR",
        "JENKINS_SCAN_CONFIG",
        "JENKINS_SCAN_TOKEN",
        "JENKINS_SCAN_TOKEN_FILE",
        "ALIBABA_CLOUD_ANYTHING",
        "JENKINS_URL",
    ],
)
def test_a_variable_that_something_reads_is_no_problem(name):
    check_variables({name: "x"})


@pytest.mark.parametrize(
    ("name", "suggestion"),
    [
        ("JENKINS_SCAN_MINQUOTA", "JENKINS_SCAN_MIN_QUOTA"),
        ("JENKINS_SCAN_REGOIN", "JENKINS_SCAN_REGION"),
        ("JENKINS_SCAN_TOKEN_PATH", "JENKINS_SCAN_TOKEN"),
        ("JENKINS_SCAN_", None),
    ],
)
def test_a_variable_that_nothing_reads_is_refused_without_its_value(name, suggestion):
    with pytest.raises(ConfigurationError, match=f"^{name}: no option reads this variable") as caught:
        check_variables({"PATH": "/bin", name: "canary"})
    assert suggestion is None or f"did you mean {suggestion!r}" in caught.value.message
    assert "canary" not in caught.value.message


@pytest.mark.parametrize(
    ("source", "origin"),
    [
        (ParameterSource.COMMANDLINE, Origin.FLAG),
        (ParameterSource.PROMPT, Origin.FLAG),
        (ParameterSource.ENVIRONMENT, Origin.ENVIRONMENT),
        (ParameterSource.DEFAULT_MAP, Origin.FILE),
        (ParameterSource.DEFAULT, Origin.DEFAULT),
        (None, Origin.DEFAULT),
    ],
)
def test_click_knows_where_a_value_came_from(source, origin):
    context = click.Context(click.Command("scan"))
    if source is not None:
        context.set_parameter_source("region", source)
    assert origin_of(context, "region") is origin
