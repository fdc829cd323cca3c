"""The same job with the official SDK: inspect the image, submit it, print the task id. The peer in the benchmark."""

import os
import sys
from urllib.parse import urlsplit

import docker
from alibabacloud_sas20181203 import models
from alibabacloud_sas20181203.client import Client
from alibabacloud_tea_openapi.models import Config


def main() -> None:
    reference, endpoint = sys.argv[1:]
    repository, _, tag = reference.rpartition(":")
    image = docker.from_env().images.get(reference).attrs
    config = Config(
        access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
        access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
        endpoint=urlsplit(endpoint).netloc,
        protocol="http",
    )
    request = models.CreateJenkinsImageScanTaskRequest(
        token=os.environ["JENKINS_SCAN_TOKEN"],
        repo_name=repository.rpartition("/")[2],
        namespace=repository.split("/", 1)[1].rpartition("/")[0],
        tag=tag,
        image_id=image["Id"].removeprefix("sha256:"),
        image_size=image["Size"],
    )
    print(Client(config).create_jenkins_image_scan_task(request).body.data.task_id)


if __name__ == "__main__":
    main()
