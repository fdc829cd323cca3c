"""Whatever bytes an archive holds, it ends with an identity or with an exit code."""

import gzip
import json
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from jenkins_scan.errors import ScanError, UnreadableImage
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.oci_layout import LayoutSource
from jenkins_scan.images.archive.path import ArchivePath
from tests.support.docker_archives import PackedImage, archive, packed_image, tar_of
from tests.support.oci_layouts import OciImage, index, layout, write_folder

COMPRESSED = st.sampled_from([bytes, lambda content: gzip.compress(content, 1), zstandard.compress])
ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(),
    st.sampled_from(["", "sha256:", "sha256:" + "0" * 64, "../../etc/passwd", "/etc/passwd", "\ud800", "a\0b"]),
    st.text(max_size=20),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
)
"""What may stand in the place of any value of a document."""

IMAGE = OciImage([b"one", b"two"])
SOUND = {
    "docker-archive": archive(packed_image(layers=[b"one", b"two"])),
    "oci-archive": tar_of(layout(index(IMAGE.described()).named(name="app:1"))),
}
MORE = settings(max_examples=2 * settings.default.max_examples)
"""Than other tests search: what is read here comes from strangers."""


def ends(path, scheme):
    """0 for an identity, else the exit code."""
    kind = ArchiveSource if scheme == "docker-archive" else LayoutSource
    try:
        found = kind(ArchivePath(path, scheme=scheme), typed="x").resolve()
    except ScanError as exc:
        return exc.exit_code
    assert found.identity.config_digest
    return 0


def ends_as_archive(content, scheme):
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        return ends(Path(file.name), scheme)


@pytest.mark.parametrize("scheme", SOUND)
@pytest.mark.parametrize("first", [True, False], ids=["changed, then compressed", "compressed, then changed"])
@MORE
@given(st.data(), COMPRESSED)
def test_changed_bytes(scheme, first, data, compress):
    content = bytearray(SOUND[scheme] if first else compress(SOUND[scheme]))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content) - 1))
        change = data.draw(st.binary(max_size=8))
        content[position : position + data.draw(st.integers(0, 8))] = change
    changed = compress(bytes(content)) if first else bytes(content)
    assert ends_as_archive(changed, scheme) in (0, 2, 13)


@pytest.mark.parametrize("scheme", SOUND)
@MORE
@given(st.binary(max_size=1500), COMPRESSED)
def test_arbitrary_bytes(scheme, content, compress):
    assert ends_as_archive(compress(content), scheme) == UnreadableImage("").exit_code


def spoilt(data, body):
    """The document with one value, at any depth, replaced or removed."""
    places = list(places_in(body))
    holder, key = data.draw(st.sampled_from(places))
    if data.draw(st.booleans()):
        holder[key] = data.draw(ODD)
    else:
        del holder[key]
    return body


def places_in(body):
    items = body.items() if isinstance(body, dict) else enumerate(body)
    for key, value in items:
        yield body, key
        if isinstance(value, dict | list):
            yield from places_in(value)


@pytest.mark.parametrize("kind", ["oci-layout", "index", "manifest", "config"])
@MORE
@given(st.data())
def test_documents_of_a_layout_with_values_replaced_and_all_digests_sound(kind, data):
    def change(name, body):
        return spoilt(data, json.loads(json.dumps(body))) if name == kind else body

    with tempfile.TemporaryDirectory() as folder:
        files = layout(index(OciImage(change=change).described(), change=change), change=change)
        assert ends(write_folder(Path(folder), files), "oci-dir") in (0, 2, 13)


@pytest.mark.parametrize("kind", ["entry", "config"])
@MORE
@given(st.data())
def test_documents_of_a_docker_archive_with_values_replaced(kind, data):
    image = packed_image()
    if kind == "entry":
        image = PackedImage(image.entry, image.files)
        entries = spoilt(data, [dict(image.entry)])
    else:
        config = spoilt(data, json.loads(image.files[image.entry["Config"]]))
        image = PackedImage(image.entry | {"Config": "c"}, image.files | {"c": json.dumps(config).encode()})
        entries = [image.entry]
    content = tar_of(image.files | {"manifest.json": json.dumps(entries).encode()})
    assert ends_as_archive(content, "docker-archive") in (0, 2, 13)
