"""The job with docker SDK and the official generic client, which knows no operation. ENDPOINT REFERENCE"""

import os
import sys
from urllib.parse import urlsplit

import docker
from alibabacloud_tea_openapi.client import Client
from alibabacloud_tea_openapi.models import Config
from alibabacloud_tea_openapi.utils_models import OpenApiRequest, Params
from darabonba.runtime import RuntimeOptions


def main() -> None:
    endpoint, reference = sys.argv[1:]
    repository, _, tag = reference.rpartition(":")
    image = docker.from_env().images.get(reference).attrs
    client = Client(
        Config(
            access_key_id=os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"],
            access_key_secret=os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
            endpoint=urlsplit(endpoint).netloc,
            protocol="http",
        )
    )
    operation = Params(
        action="CreateJenkinsImageScanTask",
        version="2018-12-03",
        protocol="HTTP",
        pathname="/",
        method="POST",
        auth_type="AK",
        style="RPC",
        req_body_type="formData",
        body_type="json",
    )
    form = {
        "Token": os.environ["JENKINS_SCAN_TOKEN"],
        "RepoName": repository.rpartition("/")[2],
        "Namespace": repository.split("/", 1)[1].rpartition("/")[0],
        "Tag": tag,
        "ImageId": image["Id"].removeprefix("sha256:"),
        "ImageSize": str(image["Size"]),
    }
    print(client.call_api(operation, OpenApiRequest(body=form), RuntimeOptions())["body"]["Data"]["TaskId"])


if __name__ == "__main__":
    main()
