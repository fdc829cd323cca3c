"""Between the submit and the verdict a tag is moved, removed, or left alone; the engine is a canned one."""

import pytest

from tests.support.canned_engine import engine_on_socket

IDS = ("ab" * 32, "cd" * 32)
SANDBOX = ("--endpoint", "sandbox")
INSPECT = "/v1.41/images/app:1/json"


class Moving(dict):
    """Answers of which the inspect changes from one question to the next; the last one stays."""

    def __init__(self, *inspected):
        super().__init__({"/version": {"ApiVersion": "1.41", "Components": [{"Name": "Engine"}]}})
        self["/v1.41/info"] = {"Driver": "overlay2"}
        self._inspected = list(inspected)

    def get(self, path, default=None):
        if path != INSPECT:
            return super().get(path, default)
        return self._inspected.pop(0) if len(self._inspected) > 1 else self._inspected[0]


def image(number):
    return {"Id": f"sha256:{IDS[number]}", "RepoTags": ["app:1"]}


@pytest.mark.parametrize(
    ("later", "code", "said"),
    [
        (image(0), 0, "SUBMITTED"),
        (image(1), 17, IDS[1]),
        ((404, {"message": "no such image"}), 17, "nobody can tell whether its name still means it"),
        ((500, {"message": "the disk is gone"}), 17, "the disk is gone"),
    ],
    ids=["the same", "moved", "removed", "an engine in trouble"],
)
def test_what_the_name_means_before_the_verdict_decides(cli, tmp_path, later, code, said):
    with engine_on_socket(tmp_path / "e.sock", Moving(image(0), later)) as engine:
        run = cli("scan", "app:1", *SANDBOX, "--docker-host", engine.url)
    assert (run.code, run.result["images"][0]["task"]["status"]) == (code, "submitted")
    assert said in run.err
    assert run.result["images"][0]["identity"]["image_id"] == f"sha256:{IDS[0]}"
    assert len(run.result["tasks"]) == 1


def test_a_soft_incomplete_is_a_warning(cli, tmp_path):
    with engine_on_socket(tmp_path / "e.sock", Moving(image(0), image(1))) as engine:
        run = cli("scan", "app:1", *SANDBOX, "--docker-host", engine.url, "--soft", "incomplete")
    assert (run.code, run.result["verdict"]) == (11, "WARN")
