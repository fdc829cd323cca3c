"""The job with the standard library alone, nothing checked: the floor of a Python process. ENDPOINT REFERENCE"""

import http.client
import json
import os
import socket
import sys
from urllib.parse import quote, urlencode, urlsplit

from acs3 import signed


def inspected(reference: str) -> dict[str, object]:
    """What the engine of DOCKER_HOST says of the image."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(os.environ["DOCKER_HOST"].removeprefix("unix://"))
        engine = http.client.HTTPConnection("localhost")
        engine.sock = connection
        engine.request("GET", f"/images/{quote(reference)}/json")
        return dict(json.load(engine.getresponse()))


def main() -> None:
    endpoint, reference = sys.argv[1:]
    repository, _, tag = reference.rpartition(":")
    image = inspected(reference)
    form = {
        "Token": os.environ["JENKINS_SCAN_TOKEN"],
        "RepoName": repository.rpartition("/")[2],
        "Namespace": repository.split("/", 1)[1].rpartition("/")[0],
        "Tag": tag,
        "ImageId": str(image["Id"]).removeprefix("sha256:"),
        "ImageSize": str(image["Size"]),
    }
    host, body = urlsplit(endpoint).netloc, urlencode(form).encode()
    keys = os.environ["ALIBABA_CLOUD_ACCESS_KEY_ID"], os.environ["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]
    service = http.client.HTTPConnection(host)
    service.request("POST", "/", body, signed(host, "CreateJenkinsImageScanTask", body, *keys))
    print(json.load(service.getresponse())["Data"]["TaskId"])


if __name__ == "__main__":
    main()
