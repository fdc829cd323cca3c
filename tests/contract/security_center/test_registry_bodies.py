"""The operations on images in registries, as their API pages show them and as the official SDK writes them."""

import json
from urllib.parse import parse_qsl

import pytest

from jenkins_scan.security_center.interface import ListedImage
from jenkins_scan.security_center.registry_scans import ImageFilter, PreCheck, RegistryImage, RegistryTask
from tests.support.center import DIGEST, SAMPLES, UUID, FakeClock, Replies, as_json

DEADLINE = FakeClock().monotonic() + 30
SAMPLE_TASK = RegistryTask(
    task_id="a410bb3e68c217a3368bc0238c66886d",
    total=5,
    finished=5,
    progress=100,
    collected_at=1644286364.150,
    executed_at=1644286364.150,
    status="SUCCESS",
    result="SUCCESS",
    can_create=True,
)
FIELDS = {
    "registry_types": ("acr", "harbor"),
    "region_ids": ("cn-hangzhou", "cn-shanghai"),
    "instance_ids": ("cri-1", "cri-2"),
    "repo_namespaces": ("ns", "other"),
    "repo_ids": ("crr-1", "crr-2"),
    "repo_names": ("app", "a*b~c+中"),
    "digests": (DIGEST, "b" * 64),
    "tags": ("1.0", "1.1"),
}
"""Every list of a filter."""
EXAMPLE = (
    '[{"registryType":"acr","repoId":"crr-red9kgqqi0fh75d5","instanceId":"cri-1x2qtjd75ofqvfa8","repoNamespace":"1125",'
    '"regionId":"cn-hangzhou","repoName":"script1",'
    '"digest":"b1064a5007786b6f82a50772858e8156bc1e5fbddb7dd20af6922761ad197fe4","tag":"v0113-ver2",'
    '"createTime":1641267666666,"updateTime":1641267909090}]'
)
"""`Images`, as the API page of PublicSyncAndCreateImageScanTask shows it."""
EXAMPLE_IMAGE = RegistryImage(
    registry_type="acr",
    region_id="cn-hangzhou",
    instance_id="cri-1x2qtjd75ofqvfa8",
    repo_namespace="1125",
    repo_id="crr-red9kgqqi0fh75d5",
    repo_name="script1",
    digest="b1064a5007786b6f82a50772858e8156bc1e5fbddb7dd20af6922761ad197fe4",
    tag="v0113-ver2",
    create_time=1641267666666,
    update_time=1641267909090,
)


def asked(operation, ask):
    """The query of the one request by which `ask` asks this operation, and the answer to its sample."""
    replies = Replies(as_json(SAMPLES[operation]))
    answer = ask(replies.client().registries)
    (request,) = replies.requests
    assert replies.asked == [operation]
    assert request.content == b""
    assert "content-type" not in request.headers
    return dict(parse_qsl(request.url.query.decode(), strict_parsing=True)), answer


def create(registries, wanted):
    return registries.create(wanted, deadline=DEADLINE, on_the_way=lambda _: None)


def precheck(registries, wanted):
    return registries.precheck(wanted, deadline=DEADLINE)


OPERATIONS = {"PublicCreateImageScanTask": create, "PublicPreCheckImageScanTask": precheck}


@pytest.mark.slow
@pytest.mark.parametrize("source_ip", [None, "192.0.2.1"])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_all_nine_parameters_are_sent_as_the_sdk_sends_them(operation, source_ip):
    from alibabacloud_sas20181203 import models

    sent, _ = asked(
        operation, lambda registries: OPERATIONS[operation](registries, ImageFilter(**FIELDS, source_ip=source_ip))
    )
    lists = {name: ",".join(values) for name, values in FIELDS.items()}
    assert sent == getattr(models, f"{operation}Request")(**lists, source_ip=source_ip).to_map()
    assert len(sent) == (8 if source_ip is None else 9)


@pytest.mark.parametrize("name", FIELDS)
def test_each_parameter_goes_by_its_own_name(name):
    from alibabacloud_sas20181203 import models

    sent, _ = asked(
        "PublicCreateImageScanTask", lambda registries: create(registries, ImageFilter(**{name: FIELDS[name]}))
    )
    assert sent == models.PublicCreateImageScanTaskRequest(**{name: ",".join(FIELDS[name])}).to_map()


@pytest.mark.parametrize("source_ip", [None, "192.0.2.1"])
def test_images_to_synchronise_are_written_as_in_the_official_example(source_ip):
    from alibabacloud_sas20181203 import models

    sent, answer = asked(
        "PublicSyncAndCreateImageScanTask",
        lambda registries: registries.sync_and_create(
            (EXAMPLE_IMAGE,), source_ip=source_ip, deadline=DEADLINE, on_the_way=lambda _: None
        ),
    )
    request = models.PublicSyncAndCreateImageScanTaskRequest(images=EXAMPLE, source_ip=source_ip)
    assert sent == request.to_map()
    assert (answer.value.task_id, answer.value.status, answer.value.result) == (
        "a410bb3e68c217a3368bc0238c66886d",
        "INIT",
        None,
    )


def test_the_regions_are_asked_for_in_english():
    from alibabacloud_sas20181203 import models

    sent, answer = asked("ListImageRegistryRegion", lambda registries: registries.regions(deadline=DEADLINE))
    assert sent == models.ListImageRegistryRegionRequest(lang="en").to_map()
    assert answer.value == {"cn-hangzhou": "China (Hangzhou)", "us-east-1": "US (Virginia)"}


def test_the_list_of_images_is_asked_for_as_the_sdk_asks():
    from alibabacloud_sas20181203 import models

    wanted = ImageFilter(digests=(DIGEST,), registry_types=("CI/CD",))
    sent, answer = asked("DescribeImageInstances", lambda registries: registries.images(wanted, deadline=DEADLINE))
    criteria = [{"name": "digest", "value": DIGEST}, {"name": "registryType", "value": "CI/CD"}]
    request = models.DescribeImageInstancesRequest(
        criteria=json.dumps(criteria, separators=(",", ":")), logical_exp="AND", current_page=1, page_size=100
    )
    assert sent == {name: str(value) for name, value in request.to_map().items()}
    (image,) = answer.value.images
    assert answer.value.complete
    assert (image.status.uuid, image.status.word, image.status.digest) == (UUID, "SUCCESS", DIGEST)
    assert image == ListedImage(
        status=image.status,
        registry_type="CI/CD",
        region_id="cn-hangzhou",
        instance_id="cri-0gkaatghnmnt0001",
        repo_id="crr-upze3gcopm9c0001",
    )


def test_the_sample_response_of_the_page_is_read_to_the_same_values():
    from alibabacloud_sas20181203 import models

    _, answer = asked("PublicCreateImageScanTask", lambda registries: create(registries, ImageFilter(tags=("0.2",))))
    assert answer.value == SAMPLE_TASK
    assert answer.request_id == "F9353221-40F4-5F98-B73C-2803DC804033"
    data = models.PublicCreateImageScanTaskResponseBody().from_map(SAMPLES["PublicCreateImageScanTask"]).data
    assert (data.collect_time, data.exec_time) == (answer.value.collected_at * 1000, answer.value.executed_at * 1000)
    assert (data.task_id, data.total_count, data.finish_count, data.progress, data.status, data.result) == (
        answer.value.task_id,
        answer.value.total,
        answer.value.finished,
        answer.value.progress,
        answer.value.status,
        answer.value.result,
    )
    assert data.can_create is answer.value.can_create


def test_the_precheck_needs_the_larger_of_its_two_counts():
    _, answer = asked("PublicPreCheckImageScanTask", lambda registries: precheck(registries, ImageFilter(tags=("1",))))
    assert answer.value == PreCheck(need_auth_count=6, scan_image_count=3)
    assert answer.value.needed == 6
