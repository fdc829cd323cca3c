"""What the host of a registry of Alibaba Cloud tells."""

import pytest

from jenkins_scan.images.registry.acr import AcrHost, acr_host


@pytest.mark.parametrize(
    ("host", "told"),
    [
        ("registry.cn-hangzhou.aliyuncs.com", AcrHost("cn-hangzhou", "personal")),
        ("registry-vpc.cn-hangzhou.aliyuncs.com", AcrHost("cn-hangzhou", "personal")),
        ("registry-intl.ap-southeast-1.aliyuncs.com", AcrHost("ap-southeast-1", "personal")),
        ("crpi-x8jmi4.cn-shanghai.personal.cr.aliyuncs.com", AcrHost("cn-shanghai", "personal", "crpi-x8jmi4")),
        ("crpi-x8jmi4-vpc.cn-shanghai.personal.cr.aliyuncs.com", AcrHost("cn-shanghai", "personal", "crpi-x8jmi4")),
        ("team-registry.cn-shenzhen.cr.aliyuncs.com", AcrHost("cn-shenzhen", "enterprise")),
        ("a-b-registry-vpc.cn-heyuan-acdr-1.cr.aliyuncs.com", AcrHost("cn-heyuan-acdr-1", "enterprise")),
        ("Team-Registry.CN-Shenzhen.cr.aliyuncs.com:443", AcrHost("cn-shenzhen", "enterprise")),
    ],
)
def test_a_host_tells_region_and_edition(host, told):
    assert acr_host(host) == told


@pytest.mark.parametrize(
    "host",
    [
        "registry.example.com",
        "docker.io",
        "registry.cn-hangzhou.aliyuncs.com.evil.example",
        "evil.example/registry.cn-hangzhou.aliyuncs.com",
        "registry.cn-hangzhou.aliyuncs.com:5000",
        "xregistry.cn-hangzhou.aliyuncs.com",
        "team-registry.cn-hangzhou.aliyuncs.com",
        "cr.aliyuncs.com",
        "",
    ],
)
def test_another_host_tells_nothing(host):
    assert acr_host(host) is None
