import gzip
import json
import os
import re
from datetime import UTC, datetime

import pytest
import zstandard

from jenkins_scan.errors import ImageMoved, ImageNotFound, UnreadableImage, UsageError, WrongPlatform
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.oci_layout import LayoutSource
from jenkins_scan.images.archive.path import ArchivePath, parse_archive_path
from jenkins_scan.images.archive.source import fitting_scheme
from jenkins_scan.images.interface import SizeSemantics, Store, parse_platform
from tests.support.docker_archives import archive, link, packed_image, tar_of
from tests.support.oci_layouts import OciImage, attestation, blob, index, layout, write_folder

AMD, ARM = OciImage(), OciImage(platform="linux/arm64")
HEX = "ab" * 32


@pytest.fixture(params=["oci-dir", "oci-archive"])
def read(request, tmp_path):
    """Writes a layout as a folder and as a tar, and resolves it."""

    def resolve(files, selector="", platform=None):
        path = tmp_path / "app"
        if request.param == "oci-dir":
            write_folder(path, files)
        else:
            path.write_bytes(tar_of(files))
        return source(path, request.param, selector, platform).resolve()

    return resolve


def source(path, scheme="oci-dir", selector="", platform=None):
    where = parse_archive_path(f"{path}{selector}", scheme)
    return LayoutSource(where, platform and parse_platform(platform), typed=f"{scheme}://{path}{selector}")


@pytest.mark.parametrize("compression", ["", "+gzip", "+zstd"])
def test_an_image_is_identified_by_its_manifest_and_config(read, compression):
    image = OciImage([b"one" * 1000, b"two!"], compression)
    found = read(layout(image.blobs().named(name="example.com/team/app:1", ref_name="1")))
    identity = found.identity
    assert str(found.name) == identity.canonical == "example.com/team/app:1"
    assert (identity.store, identity.image_id) == (Store.ARCHIVE, None)
    assert identity.config_digest == image.config_blob.digest
    assert (identity.manifest_digest, identity.manifest_kind) == (image.blobs().digest, "manifest")
    assert (identity.registry_digest, identity.repo_digests) == (None, ())
    assert len(identity.diff_ids) == 2
    assert str(identity.platform) == "linux/amd64"
    assert identity.created == datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
    assert identity.size == sum(layer.descriptor["size"] for layer in image.layer_blobs)
    assert identity.size_semantics == SizeSemantics.ARCHIVE
    assert found.warnings == ()


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_a_compressed_oci_archive_is_read(tmp_path, compress):
    (tmp_path / "app").write_bytes(compress(tar_of(layout(AMD.blobs().named(ref_name="team/app:1")))))
    assert str(source(tmp_path / "app", "oci-archive").resolve().name) == "team/app:1"


def test_a_layer_named_twice_is_one_file_and_counts_once(read):
    image = OciImage([b"same", b"same"])
    assert read(layout(image.blobs())).identity.size == image.layer_blobs[0].descriptor["size"]


@pytest.mark.parametrize(
    ("annotations", "name", "warning"),
    [
        ({"ref_name": "1"}, None, "knows only the tag 1 "),
        ({"ref_name": "localhost:5000/team/app:1"}, "localhost:5000/team/app:1", None),
        ({"ref_name": "app:1"}, "app:1", None),
        ({"name": "docker.io/library/app:1", "ref_name": "1"}, "docker.io/library/app:1", None),
        ({"name": "app:1", "ref_name": "app:1"}, "app:1", None),
        ({"ref_name": "Bad Name/x"}, None, "names no repository"),
        ({}, None, "names no repository"),
    ],
)
def test_a_name_is_only_what_is_a_whole_reference(read, annotations, name, warning):
    found = read(layout(AMD.blobs().named(**annotations)))
    assert (found.name and str(found.name)) == name
    assert (found.identity.canonical is None) == (name is None)
    assert [warning in text for text in found.warnings] == ([] if warning is None else [True])


TWO = (AMD.blobs().named(ref_name="1"), ARM.blobs().named(name="example.com/app:2"))


@pytest.mark.parametrize(
    ("selector", "expected"),
    [
        (":1", AMD),
        (":2", ARM),
        (f"@{AMD.blobs().digest}", AMD),
        (f"@{ARM.config_blob.digest}", ARM),
    ],
)
def test_a_tag_or_any_digest_selects_the_image(read, selector, expected):
    assert read(layout(*TWO), selector).identity.config_digest == expected.config_blob.digest


def test_several_images_need_a_selector_and_are_listed(read):
    with pytest.raises(UsageError, match=rf"several images: 1 \({AMD.blobs().digest}\); example\.com/app:2 ") as caught:
        read(layout(*TWO))
    first, second = re.findall(r"oci-(?:archive|dir)://\S*(:\w+)", caught.value.remedy)
    assert [read(layout(*TWO), each).identity.config_digest for each in (first, second)] == [
        AMD.config_blob.digest,
        ARM.config_blob.digest,
    ]
    with pytest.raises(ImageNotFound, match="no image 3, but: 1 "):
        read(layout(*TWO), ":3")
    with pytest.raises(ImageNotFound, match=f"no image sha256:{HEX}"):
        read(layout(*TWO), f"@sha256:{HEX}")


def test_a_layout_without_images_has_none(read):
    with pytest.raises(ImageNotFound, match="no image at all, but: nothing"):
        read(layout())


def test_one_image_with_two_names_needs_a_selector(read):
    files = layout(AMD.blobs().named(name="app:1"), AMD.blobs().named(name="app:2"))
    with pytest.raises(UsageError, match="several names: app:1, app:2"):
        read(files)
    assert str(read(files, ":2").name) == "app:2"
    assert "none is used" in read(files, f"@{AMD.blobs().digest}").warnings[0]


def test_the_image_in_an_index_is_found_and_attestations_are_not_images(read):
    image = AMD.described()
    found = read(layout(index(image, attestation(image)).named(name="app:1")))
    assert (found.identity.manifest_digest, str(found.name)) == (image.digest, "app:1")


def test_the_platform_chooses_in_an_index(read):
    files = layout(index(AMD.described(), ARM.described()).named(name="app:1"))
    assert read(files, platform="linux/arm64").identity.config_digest == ARM.config_blob.digest
    with pytest.raises(UsageError, match=r"several images: linux/amd64 .*linux/arm64") as caught:
        read(files)
    assert "--platform" in caught.value.remedy
    with pytest.raises(WrongPlatform, match=r"nothing for linux/s390x; it has linux/amd64 "):
        read(files, platform="linux/s390x")


def test_the_platform_chooses_among_the_entries_of_index_json(read):
    files = layout(AMD.described(), ARM.described())
    assert read(files, platform="linux/arm64").identity.config_digest == ARM.config_blob.digest
    with pytest.raises(UsageError, match="several images"):
        read(files, platform="linux/s390x")


def test_platforms_whose_bytes_are_not_there_are_no_choice(read):
    arm = ARM.described()
    files = layout(index(arm, AMD.described()))
    del files[f"blobs/sha256/{arm.digest[7:]}"]
    assert read(files).identity.config_digest == AMD.config_blob.digest
    assert read(files, f"@{AMD.config_blob.digest}").identity.config_digest == AMD.config_blob.digest
    with pytest.raises(WrongPlatform):
        read(files, platform="linux/arm64")


def test_a_digest_selects_below_an_index(read):
    inner = index(AMD.described(), ARM.described())
    files = layout(index(inner).named(name="app:1"))
    assert read(files, f"@{ARM.described().digest}").identity.config_digest == ARM.config_blob.digest
    assert read(files, f"@{ARM.config_blob.digest}").identity.manifest_digest == ARM.blobs().digest
    found = read(files, f"@{inner.digest}", "linux/amd64")
    assert (found.identity.config_digest, str(found.name)) == (AMD.config_blob.digest, "app:1")


@pytest.mark.slow
def test_a_search_for_a_digest_ends(tmp_path):
    images = [AMD.described().described(digest=f"sha256:{number:064}") for number in range(1000)]
    indexes = [index(*images[1:], image) for image in images[:18]]
    folder = write_folder(tmp_path / "app", layout(*indexes))
    with pytest.raises(UnreadableImage, match="more than 16384 images"):
        source(folder, selector=f"@sha256:{HEX}").resolve()


def test_indexes_are_followed_three_deep(read):
    deep = index(index(index(AMD.described())))
    assert read(layout(deep)).identity.config_digest == AMD.config_blob.digest
    with pytest.raises(UnreadableImage, match="deeper in each other than 3"):
        read(layout(index(deep)))
    with pytest.raises(ImageNotFound):
        read(layout(index(deep)), f"@{AMD.config_blob.digest}")


def test_the_config_decides_about_the_platform(read):
    with pytest.raises(WrongPlatform, match="asked for as linux/arm64; there is linux/amd64"):
        read(layout(AMD.blobs()), platform="linux/arm64")


def changed(**documents):
    """A layout with some of its JSON documents changed, and every digest as it then is."""
    change = change_of(documents)
    return layout(OciImage(change=change).blobs(), change=change)


def change_of(documents):
    return lambda kind, body: documents[kind](body) if kind in documents else body


def without(files, digest):
    return {name: content for name, content in files.items() if digest[7:] not in name}


def replaced(files, digest, content):
    return files | {f"blobs/sha256/{digest[7:]}": content}


SOUND = layout(AMD.blobs())
LAYER = AMD.layer_blobs[0]
OTHER = blob(b"other", "x/y")


def with_layer(**changes):
    def change(manifest):
        return manifest | {"layers": [layer | changes for layer in manifest["layers"]]}

    return changed(manifest=change)


SPOILT = {
    "no oci-layout": ({"index.json": b"{}"}, "no file oci-layout"),
    "another version": (changed(**{"oci-layout": lambda _: {"imageLayoutVersion": "2"}}), "version '2'; 1.0.0 is read"),
    "no version": (changed(**{"oci-layout": lambda _: {}}), "version None"),
    "oci-layout is a list": (changed(**{"oci-layout": lambda _: []}), "not an object"),
    "no index.json": ({"oci-layout": SOUND["oci-layout"]}, r"no file 'index\.json'"),
    "index.json is no JSON": (SOUND | {"index.json": b"{"}, "not readable as JSON"),
    "index.json is deep": (SOUND | {"index.json": b"[" * 200_000}, "not readable as JSON"),
    "index.json is huge": (SOUND | {"index.json": b" " * (5 * 1024**2)}, "at most 4194304 are read"),
    "index.json is a manifest": (SOUND | {"index.json": AMD.blobs().files[next(iter(AMD.blobs().files))]}, "sender"),
    "no manifest": (without(SOUND, AMD.blobs().digest), "no file 'blobs/sha256/"),
    "manifest of another digest": (replaced(SOUND, AMD.blobs().digest, b"{}"), "The manifest sha256:.* has 2 bytes"),
    "manifest of another size": (layout(AMD.blobs().described(size=5)), "promised were 5"),
    "manifest of a negative size": (layout(AMD.blobs().described(size=-1)), "size is not a whole number"),
    "no config": (without(SOUND, AMD.config_blob.digest), "no file 'blobs/sha256/"),
    "config of another digest": (replaced(SOUND, AMD.config_blob.digest, b"{}"), "The config sha256:"),
    "more layers than the config names": (changed(config=lambda body: body | {"rootfs": {}}), "names 0 layers"),
    "another DiffID": (
        changed(config=lambda body: body | {"rootfs": {"diff_ids": [f"sha256:{HEX}"]}}),
        f"uncompressed, the digest sha256:.*; the config names sha256:{HEX}",
    ),
    "layer of another digest": (
        replaced(SOUND, LAYER.digest, bytes(LAYER.descriptor["size"])),
        "has the digest sha256:.*, not sha256:",
    ),
    "layer of another size": (replaced(SOUND, LAYER.digest, b"x"), "has 1 bytes, not"),
    "layer that is cut short": (
        layout(OciImage(compression="").blobs()) | dict.fromkeys(OciImage(compression="").layer_blobs[0].files, b"lay"),
        "has 3 bytes, not 5",
    ),
    "layer that is missing": (without(SOUND, LAYER.digest), "does not hold its layer"),
    "layer that is encrypted": (
        with_layer(mediaType="application/vnd.oci.image.layer.v1.tar+gzip+encrypted"),
        "cannot be checked",
    ),
    "layer that is an artifact": (with_layer(mediaType="text/plain"), "cannot be checked"),
    "layer whose compression is broken": (
        layout(OciImage([b"\x1f\x8b\x08\0 no gzip"], "").blobs()),
        "cannot be decompressed",
    ),
    "layer whose gzip is cut": (
        layout(OciImage([gzip.compress(b"layer")[:-4]], "").blobs()),
        "cannot be decompressed",
    ),
    "layer whose zstd is broken": (
        layout(OciImage([zstandard.compress(b"layer")[:4] + b"no zstd"], "").blobs()),
        "cannot be decompressed",
    ),
}


@pytest.mark.parametrize(("files", "why"), SPOILT.values(), ids=SPOILT)
def test_a_spoilt_layout_is_unreadable_and_says_why(read, files, why):
    with pytest.raises(UnreadableImage, match=why) as caught:
        read(files)
    assert caught.value.exit_code == 13


def test_a_foreign_layer_that_is_not_there_is_named_as_such(read):
    media_type = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
    files = without(with_layer(mediaType=media_type, urls=["https://example.com/layer"]), LAYER.digest)
    with pytest.raises(UnreadableImage, match=r"foreign\.diff\.tar\.gzip\): a layer that has to be fetched"):
        read(files)


def test_bytes_behind_a_compressed_layer_belong_to_its_digest(tmp_path):
    padded = blob(gzip.compress(b"layer") + bytes(3_000_000), LAYER.descriptor["mediaType"])

    def change(manifest):
        return manifest | {"layers": [padded.descriptor]}

    files = layout(OciImage(change=change_of({"manifest": change})).blobs()) | padded.files
    assert source(write_folder(tmp_path / "app", files)).resolve().identity.size > 3_000_000


def test_a_zstd_layer_may_begin_with_a_frame_to_skip(tmp_path):
    frame = bytes.fromhex("502a4d18") + b"\4\0\0\0abcd"
    chunked = blob(frame + zstandard.compress(b"layer") + frame, "application/vnd.oci.image.layer.v1.tar+zstd")

    def change(manifest):
        return manifest | {"layers": [chunked.descriptor]}

    files = layout(OciImage(change=change_of({"manifest": change})).blobs()) | chunked.files
    assert source(write_folder(tmp_path / "app", files)).resolve().identity.config_digest == AMD.config_blob.digest


def test_a_zstd_layer_that_asks_for_much_memory_is_refused(tmp_path):
    parameters = zstandard.ZstdCompressionParameters(window_log=27, compression_level=1)
    compressor = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    greedy = compressor.compress(b"layer") + compressor.flush()
    files = layout(OciImage([greedy], "").blobs())
    with pytest.raises(UnreadableImage, match="too much memory"):
        source(write_folder(tmp_path / "app", files)).resolve()


@pytest.mark.parametrize("place", ["index.json", "blobs", f"blobs/sha256/{LAYER.digest[7:]}"])
def test_no_link_in_a_folder_is_followed(tmp_path, place):
    inside = write_folder(tmp_path / "app", SOUND) / place
    inside.rename(tmp_path / "outside")
    inside.symlink_to(tmp_path / "outside")
    with pytest.raises(UnreadableImage, match="cannot be opened") as caught:
        source(tmp_path / "app").resolve()
    assert "cp -rL" in caught.value.remedy


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
def test_only_regular_files_in_a_folder_are_read(tmp_path, make):
    (write_folder(tmp_path / "app", SOUND) / "index.json").unlink()
    make(tmp_path / "app" / "index.json")
    with pytest.raises(UnreadableImage, match=r"'index\.json' cannot be opened: It is"):
        source(tmp_path / "app").resolve()


def test_a_link_in_an_archive_that_leads_out_is_refused(tmp_path):
    (tmp_path / "app").write_bytes(tar_of(SOUND, link("blobs/x", "../../etc/passwd")))
    with pytest.raises(UnreadableImage, match="no name inside"):
        source(tmp_path / "app", "oci-archive").resolve()


def write_both(tmp_path):
    (tmp_path / "docker.tar").write_bytes(archive(packed_image()))
    (tmp_path / "oci.tar").write_bytes(tar_of(SOUND))
    write_folder(tmp_path / "folder", SOUND)
    (tmp_path / "text").write_text("hello")
    (tmp_path / "empty").mkdir()


@pytest.mark.parametrize(
    ("scheme", "name", "what", "remedy"),
    [
        ("oci-archive", "docker.tar", "no file oci-layout", "docker-archive://PATH"),
        ("docker-archive", "oci.tar", "no manifest.json", "oci-archive://PATH"),
        ("docker-archive", "folder", "It is a folder", "oci-dir://PATH"),
        ("oci-archive", "folder", "It is a folder", "oci-dir://PATH"),
        ("oci-dir", "oci.tar", "It is a file, not a folder", "Write it as oci-archive://PATH"),
        ("oci-dir", "docker.tar", "It is a file, not a folder", "Write it as docker-archive://PATH"),
        ("oci-dir", "text", "It is a file, not a folder", "docker-archive://PATH"),
        ("oci-dir", "empty", "no file oci-layout", "skopeo"),
        ("oci-dir", "text/x", "cannot be opened: Not a directory", "skopeo"),
    ],
)
def test_an_error_says_which_scheme_fits(tmp_path, scheme, name, what, remedy):
    write_both(tmp_path)
    kind = ArchiveSource if scheme == "docker-archive" else LayoutSource
    with pytest.raises(UnreadableImage, match=what) as caught:
        kind(ArchivePath(tmp_path / name, scheme=scheme), typed=name).resolve()
    assert remedy in caught.value.remedy


@pytest.mark.parametrize(
    ("name", "scheme"),
    [
        ("docker.tar", "docker-archive"),
        ("oci.tar", "oci-archive"),
        ("folder", "oci-dir"),
        ("text", None),
        ("empty", None),
        ("gone", None),
    ],
)
def test_the_scheme_that_fits_a_path_is_known_by_what_is_there(tmp_path, name, scheme):
    write_both(tmp_path)
    assert fitting_scheme(tmp_path / name) == scheme


def test_a_tar_without_any_image_fits_no_scheme(tmp_path):
    (tmp_path / "some.tar").write_bytes(tar_of({"x": b""}))
    assert fitting_scheme(tmp_path / "some.tar") is None


def test_a_missing_folder_is_not_found(tmp_path):
    with pytest.raises(ImageNotFound, match="There is no folder"):
        source(tmp_path / "gone").resolve()


def test_what_docker_25_writes_is_read_as_either_kind(tmp_path):
    image = OciImage(compression="")
    names = [f"blobs/sha256/{part.digest[7:]}" for part in (image.config_blob, *image.layer_blobs)]
    entry = {"Config": names[0], "RepoTags": ["app:1"], "Layers": names[1:]}
    path = tmp_path / "app"
    path.write_bytes(tar_of(layout(image.blobs()) | {"manifest.json": json.dumps([entry]).encode()}))
    by_docker = ArchiveSource(ArchivePath(path), typed="x").resolve().identity
    by_layout = source(path, "oci-archive").resolve().identity
    assert by_docker.config_digest == by_layout.config_digest
    assert by_docker.diff_ids == by_layout.diff_ids
    assert (by_docker.manifest_digest, by_layout.manifest_digest) == (None, image.blobs().digest)


@pytest.fixture(params=["docker-archive", "oci-archive", "oci-dir"])
def rewritten(request, tmp_path):
    """A source with a function that writes other images in the place of its own."""

    def write(*configs):
        images = [OciImage(compression="", config=config) for config in configs]
        if request.param == "docker-archive":
            content = archive(*(packed_image(**config) for config in configs))
        else:
            content = tar_of(files := layout(*(image.blobs() for image in images)))
        if request.param == "oci-dir":
            write_folder(path, files)
        else:
            path.write_bytes(content)

    path = tmp_path / "app"
    write({})
    where = parse_archive_path(str(path), request.param)
    kind = ArchiveSource if request.param == "docker-archive" else LayoutSource
    return kind(where, typed="x"), write, path


def test_a_second_look_at_what_was_not_touched_reads_nothing(rewritten):
    image, _, _ = rewritten

    class Counting(type(image)):
        times = 0

        def _identify(self, files):
            self.times += 1
            return super()._identify(files)

    counting = Counting(image._where, typed="x")
    identity = counting.resolve().identity
    counting.look_again(identity)
    counting.look_again(identity)
    assert counting.times == 1


def test_a_second_look_at_the_same_image_written_again_is_content(rewritten):
    image, write, _ = rewritten
    identity = image.resolve().identity
    write({})
    image.look_again(identity)
    image.look_again(identity)


def test_a_second_look_finds_another_image(rewritten):
    image, write, _ = rewritten
    identity = image.resolve().identity
    write({"author": "another"})
    with pytest.raises(ImageMoved, match=r"held the image sha256:.*, and holds sha256:") as caught:
        image.look_again(identity)
    assert caught.value.exit_code == 17


def test_a_second_look_finds_several_images(rewritten):
    image, write, _ = rewritten
    identity = image.resolve().identity
    write({}, {"author": "another"})
    with pytest.raises(ImageMoved, match=r"was written anew: .* has several images"):
        image.look_again(identity)


def test_a_second_look_finds_nothing(rewritten):
    image, _, path = rewritten
    identity = image.resolve().identity
    path.rename(f"{path}.gone")
    with pytest.raises(ImageNotFound):
        image.look_again(identity)


def test_a_second_look_by_a_source_that_took_no_first_one_compares_digests(rewritten):
    image, write, _ = rewritten
    identity = type(image)(image._where, typed="x").resolve().identity
    image.look_again(identity)
    write({"author": "another"})
    with pytest.raises(ImageMoved):
        type(image)(image._where, typed="x").look_again(identity)
