"""The job with docker SDK and official SDK: inspect each image, submit it, print the task id. ENDPOINT REFERENCE..."""

import os
import sys
from urllib.parse import urlsplit

import docker
from alibabacloud_sas20181203 import models
from alibabacloud_sas20181203.client import Client
from alibabacloud_tea_openapi.models import Config


def main() -> None:
    endpoint, *references = sys.argv[1:]
    engine = docker.from_env()
    client = Client(
        Config(
            access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            endpoint=urlsplit(endpoint).netloc,
            protocol="http",
        )
    )
    for reference in references:
        repository, _, tag = reference.rpartition(":")
        image = engine.images.get(reference).attrs
        request = models.CreateJenkinsImageScanTaskRequest(
            token=os.environ["JENKINS_SCAN_TOKEN"],
            repo_name=repository.rpartition("/")[2],
            namespace=repository.split("/", 1)[1].rpartition("/")[0],
            tag=tag,
            image_id=image["Id"].removeprefix("sha256:"),
            image_size=image["Size"],
        )
        print(client.create_jenkins_image_scan_task(request).body.data.task_id)


if __name__ == "__main__":
    main()
