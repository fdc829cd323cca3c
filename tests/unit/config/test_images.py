"""Which images are meant: each once, in order, and none that lets a workspace choose a host."""

import io

import pytest

from jenkins_scan.config.images import MOST_IMAGES, named_images
from jenkins_scan.config.origin import Origin
from jenkins_scan.errors import ConfigurationError


def named(*images, from_file=None, pushed=False, origin=Origin.FLAG, from_workspace=False, fork=False, stdin=None):
    return named_images(
        {"image": images, "from_file": from_file, "pushed": pushed},
        image_origin=origin,
        from_workspace=from_workspace,
        from_fork=fork,
        stdin=None if stdin is None else io.BytesIO(stdin),
    )


def test_images_stay_in_their_order_and_come_once():
    assert named("b:1", "a:1", "b:1") == ("b:1", "a:1")


def test_a_list_adds_its_lines(tmp_path):
    path = tmp_path / "images.txt"
    path.write_bytes(b"\xef\xbb\xbf# built here\r\n\r\n  app:2  \r\ndocker-archive://my file.tar\n")
    assert named("app:1", from_file=str(path)) == ("app:1", "app:2", "docker-archive://my file.tar")


def test_a_list_may_come_from_stdin():
    assert named(from_file="-", stdin=b"app:1\napp:2") == ("app:1", "app:2")


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "no image"),
        (b"# nothing\n\n", "no image"),
        (b"\xff\xfe", "not UTF-8"),
        (b"app:1\n" + b"#" * 1024 * 1024, "larger"),
    ],
)
def test_a_list_that_is_none_is_refused(content, why):
    with pytest.raises(ConfigurationError, match=f"standard input.*{why}"):
        named(from_file="-", stdin=content)


@pytest.mark.parametrize("place", ["missing.txt", ".", "a\0b"])
def test_a_list_that_cannot_be_read_is_refused(place, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        named(from_file=place)


def test_a_closed_stdin_holds_no_image():
    with pytest.raises(ConfigurationError, match="no image in it"):
        named(from_file="-")


def test_an_image_has_to_be_named():
    with pytest.raises(ConfigurationError, match="no image was named"):
        named()


def test_a_run_has_a_bound():
    with pytest.raises(ConfigurationError, match="at most 1000"):
        named(*[f"app:{number}" for number in range(MOST_IMAGES + 1)])


@pytest.mark.parametrize(
    ("image", "pushed"), [("registry://evil.example.com/app", False), ("REGISTRY://x/app", False), ("app:1", True)]
)
def test_a_file_of_the_workspace_sends_no_request_to_a_host_of_its_choice(image, pushed):
    with pytest.raises(ConfigurationError, match="found in the workspace"):
        named(image, pushed=pushed, origin=Origin.FILE, from_workspace=True)
    assert named(image, pushed=pushed, origin=Origin.FILE, from_workspace=False) == (image,)
    assert named(image, pushed=pushed, origin=Origin.FLAG, from_workspace=True) == (image,)


def test_a_file_of_the_workspace_names_images_of_this_agent():
    assert named("app:1", origin=Origin.FILE, from_workspace=True) == ("app:1",)


def test_a_list_stands_in_for_the_images_of_a_file():
    assert named("app:1", from_file="-", origin=Origin.FILE, stdin=b"app:2") == ("app:2",)


def test_a_list_in_the_build_of_a_fork_sends_no_request_to_a_host_of_its_choice():
    with pytest.raises(ConfigurationError, match="build of a fork"):
        named(from_file="-", fork=True, stdin=b"registry://evil.example.com/app")
    assert named(from_file="-", fork=True, stdin=b"app:1") == ("app:1",)
    assert named(from_file="-", stdin=b"registry://r.example.com/app") == ("registry://r.example.com/app",)
