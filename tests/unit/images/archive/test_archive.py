import gzip
import io
import json
import os
import re
import tarfile
from datetime import UTC, datetime
from functools import partial

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ImageNotFound, UnreadableImage, UsageError, WrongPlatform
from jenkins_scan.images.archive import compression
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.layers import Layer, check_layers
from jenkins_scan.images.archive.oci_folder import open_folder
from jenkins_scan.images.archive.path import ArchivePath, parse_archive_path
from jenkins_scan.images.archive.tar_index import open_tar
from jenkins_scan.images.interface import SizeSemantics, Store, parse_platform
from jenkins_scan.images.manifests import digest_of
from tests.support.docker_archives import PackedImage, archive, link, packed_image, tar_of
from tests.support.oci_layouts import write_folder

HEX = "ab" * 32


@pytest.fixture
def read(tmp_path):
    """Writes an archive and resolves it."""

    def resolve(content, selector="", platform=None):
        path = tmp_path / "app.tar"
        path.write_bytes(content)
        where = parse_archive_path(f"{path}{selector}")
        typed = f"docker-archive://{path}{selector}"
        return ArchiveSource(where, platform and parse_platform(platform), typed=typed).resolve()

    return resolve


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_an_image_is_identified_by_its_config(read, compress):
    image = packed_image(layers=[b"one", b"two!"])
    found = read(compress(archive(image)))
    identity = found.identity
    assert str(found.name) == "team/app:1"
    assert identity.canonical == "docker.io/team/app:1"
    assert identity.reference.startswith("docker-archive:///")
    assert (identity.store, identity.config_digest) == (Store.ARCHIVE, image.config_digest)
    assert (identity.image_id, identity.manifest_digest, identity.registry_digest) == (None, None, None)
    assert identity.created == datetime(2026, 1, 2, 3, 4, 5, 123456, tzinfo=UTC)
    assert (identity.size, identity.size_semantics) == (7, SizeSemantics.ARCHIVE)
    assert str(identity.platform) == "linux/amd64"
    assert len(identity.diff_ids) == 2
    assert found.warnings == ()


def test_the_form_of_docker_25_and_later_is_read(read):
    image = packed_image()
    config, layer = image.entry["Config"], image.entry["Layers"][0]
    renamed = {config: f"blobs/sha256/{config[:-5]}", layer: f"blobs/sha256/{layer[:-4]}"}
    entry = image.entry | {"Config": renamed[config], "Layers": [renamed[layer]]}
    files = {renamed[name]: content for name, content in image.files.items()}
    assert read(archive(PackedImage(entry, files))).identity.config_digest == image.config_digest


def test_a_config_without_a_digest_for_a_name_is_hashed(read):
    image = packed_image()
    entry = image.entry | {"Config": "config.json"}
    files = {**image.files, "config.json": image.files[image.entry["Config"]]}
    assert read(archive(PackedImage(entry, files))).identity.config_digest == image.config_digest


def test_names_that_begin_with_a_dot_are_the_same_names(read):
    image = packed_image()
    files = {f"./{name}": content for name, content in image.files.items()}
    content = tar_of({**files, "./manifest.json": json.dumps([image.entry]).encode()})
    assert read(content).identity.size == 5


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE])
def test_a_layer_may_be_a_link_inside_the_archive_and_counts_once(read, kind):
    image = packed_image(layers=[b"layer", b"layer"])
    entry = image.entry | {"Layers": ["x/layer.tar", image.entry["Layers"][0]]}
    target = image.entry["Layers"][0] if kind == tarfile.LNKTYPE else f"../{image.entry['Layers'][0]}"
    content = tar_of({**image.files, "manifest.json": json.dumps([entry]).encode()}, link("x/layer.tar", target, kind))
    assert read(content).identity.size == 5


@pytest.mark.parametrize("names", [None, [], ["<none>:<none>"], ["Bad Name"]])
def test_an_image_without_a_name_has_none_and_a_warning(read, names):
    found = read(archive(packed_image(names)))
    assert (found.name, found.identity.canonical) == (None, None)
    assert "names no repository" in found.warnings[0]


def test_an_image_with_several_names_needs_a_selector(read):
    content = archive(packed_image(["team/app:1", "team/app:2"]))
    with pytest.raises(UsageError, match=r"several names: team/app:1, team/app:2") as caught:
        read(content)
    assert caught.value.exit_code == 2
    assert re.findall(r"docker-archive://\S+(:\d)", caught.value.remedy) == [":1", ":2"]
    assert str(read(content, ":2").name) == "team/app:2"


def test_one_tag_of_several_repositories_selects_the_image_but_no_name(read):
    image = packed_image(["a:1", "b:1", "b:2"])
    found = read(archive(image), ":1")
    assert (found.name, found.identity.config_digest) == (None, image.config_digest)
    assert "several names of the image (a:1, b:1)" in found.warnings[0]
    assert "several names" in read(archive(image), f"@{image.config_digest}").warnings[0]


def test_several_images_need_a_selector(read):
    one, two = packed_image(["a:1"]), packed_image(["b:2"], [b"other"])
    content = archive(one, two)
    with pytest.raises(UsageError, match=f"several images: a:1 \\({one.config_digest}\\); b:2"):
        read(content)
    assert read(content, ":2").identity.config_digest == two.config_digest
    with pytest.raises(UsageError) as caught:
        read(content)
    assert re.findall(r"docker-archive://\S+:(\d)\b", caught.value.remedy) == ["1", "2"]
    assert str(read(content, f"@{one.config_digest}").name) == "a:1"
    with pytest.raises(ImageNotFound, match="no image 3, but: a:1"):
        read(content, ":3")
    with pytest.raises(ImageNotFound, match=f"no image sha256:{HEX}"):
        read(content, f"@sha256:{HEX}")


def test_of_images_with_one_tag_the_digest_is_what_selects_them(read):
    one, two = packed_image(["a:1"]), packed_image(["b:1"], [b"other"])
    with pytest.raises(UsageError) as caught:
        read(archive(one, two))
    selectors = re.findall(r"docker-archive://\S+?(@sha256:\w+)", caught.value.remedy)
    assert selectors == [f"@{one.config_digest}", f"@{two.config_digest}"]
    assert str(read(archive(one, two), selectors[1]).name) == "b:1"


def test_what_one_tag_of_several_repositories_means_is_said_in_general_words(read):
    with pytest.raises(UsageError) as caught:
        read(archive(packed_image(["a:1", "b:1"])))
    assert "docker-archive://PATH@sha256:CONFIGDIGEST" in caught.value.remedy


def test_another_platform_is_an_error_that_names_what_is_there(read):
    assert read(archive(packed_image()), platform="linux/amd64").name is not None
    with pytest.raises(WrongPlatform, match="asked for as linux/arm64; there is linux/amd64"):
        read(archive(packed_image()), platform="linux/arm64")
    with pytest.raises(WrongPlatform, match="does not say its platform"):
        read(archive(packed_image(os=None)), platform="linux/amd64")
    assert read(archive(packed_image(architecture=""))).identity.platform is None


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("app.tar", ("app.tar", None, None)),
        ("/x/app.tar:1.0", ("/x/app.tar", "1.0", None)),
        ("/job@2/app.tar", ("/job@2/app.tar", None, None)),
        ("/job:2/app.tar", ("/job:2/app.tar", None, None)),
        ("/job:2/app.tar:1", ("/job:2/app.tar", "1", None)),
        (f"app.tar@sha256:{HEX}", ("app.tar", None, f"sha256:{HEX}")),
        (f"/job@2/app.tar@sha256:{HEX}", ("/job@2/app.tar", None, f"sha256:{HEX}")),
        ("app.tar:-x", ("app.tar:-x", None, None)),
        ("app.tar:", ("app.tar:", None, None)),
    ],
)
def test_a_selector_is_only_what_can_be_no_part_of_the_path(text, where):
    found = parse_archive_path(text)
    assert (str(found.path), found.tag, found.digest) == where


def test_a_whole_text_that_is_a_file_has_no_selector(tmp_path):
    path = tmp_path / "app.tar:1"
    path.write_bytes(b"")
    assert parse_archive_path(str(path)) == ArchivePath(path)


@pytest.mark.parametrize("text", ["", "a\0b", "app.tar@sha256:abc", f"app.tar@sha256:{HEX.upper()}"])
def test_a_path_that_cannot_be_meant_is_a_usage_error(text):
    with pytest.raises(UsageError) as caught:
        parse_archive_path(text)
    assert caught.value.exit_code == 2


def resolve_path(path):
    return ArchiveSource(ArchivePath(path), typed=f"docker-archive://{path}").resolve()


def test_a_missing_archive_is_not_found(tmp_path):
    with pytest.raises(ImageNotFound, match="There is no archive") as caught:
        resolve_path(tmp_path / "gone.tar")
    assert "docker save" in caught.value.remedy


def test_a_folder_is_no_archive(tmp_path):
    with pytest.raises(UnreadableImage, match="is a folder"):
        resolve_path(tmp_path)


def test_a_pipe_is_no_archive_and_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(UnreadableImage, match="not a regular file"):
        resolve_path(tmp_path / "pipe")


def test_a_path_through_a_file_is_unreadable(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(UnreadableImage, match="cannot be opened: Not a directory"):
        resolve_path(tmp_path / "file" / "app.tar")


def spoilt(**changes):
    """A sound image with its manifest entry changed; a value None removes the field."""
    image = packed_image()
    entry = {key: value for key, value in (image.entry | changes).items() if value is not None}
    return archive(PackedImage(entry, image.files))


def with_manifest(manifest):
    return tar_of({**packed_image().files, "manifest.json": manifest})


def negative_size(kind=tarfile.REGTYPE):
    member = tarfile.TarInfo("manifest.json")
    member.type = kind
    header = bytearray(member.tobuf())
    header[124:136] = b"\xff" * 10 + b"\xf0\x00"
    header[483:495] = b"00000000001\0"  # of a sparse file the size to show, which tarfile puts in place of the other
    header[148:156] = b"        "
    header[148:156] = b"%06o\0 " % sum(header[:512])
    return bytes(header) + b"\0" * 1024


def huge_pax_header():
    member = tarfile.TarInfo("x")
    member.type, member.size = tarfile.XHDTYPE, 1024**3
    return member.tobuf() + b"1" * 100_000


GOOD = packed_image()
OTHER_CONFIG = packed_image(layers=[b"layer", b"more"])

HOSTILE = {
    "empty": (b"", "no tar archive"),
    "text": (b"hello\n" * 500, "no tar archive"),
    "zip": (b"PK\x03\x04" + b"x" * 600, "no tar archive"),
    "cut gzip": (gzip.compress(archive(GOOD))[:-40], "cannot be decompressed"),
    "cut zstd": (zstandard.compress(archive(GOOD))[:-40], "no tar archive"),
    "broken zstd": (zstandard.compress(archive(GOOD))[:20] + b"x" * 500, "cannot be decompressed"),
    "broken gzip": (gzip.compress(archive(GOOD))[:60] + b"x" * 500, "cannot be decompressed"),
    "cut in a layer": (tar_of({"x": b"y" * 5000})[:2000], "no tar archive"),
    "no manifest": (tar_of({"x": b""}), "no manifest.json"),
    "manifest twice": (tar_of({"manifest.json": b"[]", "./manifest.json": b"[]"}), "more than once"),
    "manifest is no JSON": (with_manifest(b"["), "manifest.json is not readable as JSON"),
    "manifest is deep": (with_manifest(b"[" * 200_000), "manifest.json is not readable as JSON"),
    "manifest is an object": (with_manifest(b"{}"), "an object, not a list"),
    "manifest is huge": (with_manifest(b" " * (5 * 1024 * 1024)), "at most 4194304 are read"),
    "no images": (with_manifest(b"[]"), "lists 0 images"),
    "too many images": (with_manifest(json.dumps([{}] * 1001).encode()), "lists 1001 images"),
    "image is a text": (with_manifest(b'["x"]'), "a text, not an object"),
    "no config": (spoilt(Config=None), "names no Config"),
    "config is a number": (spoilt(Config=5), "a number, not a text"),
    "config is not there": (spoilt(Config="x.json"), "no file 'x.json'"),
    "config leads out": (spoilt(Config="../../etc/passwd"), r"no file '\.\./\.\./etc/passwd'"),
    "config is absolute": (spoilt(Config="/etc/passwd"), "no file '/etc/passwd'"),
    "config of another digest": (
        archive(PackedImage(GOOD.entry, GOOD.files | {GOOD.entry["Config"]: b"{}"})),
        "has the digest sha256:44136fa",
    ),
    "config is a list": (
        archive(PackedImage(GOOD.entry | {"Config": "c"}, GOOD.files | {"c": b"[]"})),
        "not an object",
    ),
    "layers are missing": (spoilt(Layers=[]), "names 1 layers, its manifest.json 0"),
    "a layer is not there": (spoilt(Layers=["gone.tar"]), "no file 'gone.tar'"),
    "more layers than promised": (spoilt(Layers=GOOD.entry["Layers"] * 2), "names 1 layers, its manifest.json 2"),
    "layers are a text": (spoilt(Layers="x"), "not a list"),
    "names are numbers": (spoilt(RepoTags=[1]), "not a text"),
    "diff ids are no digests": (archive(packed_image(rootfs={"diff_ids": ["x"]})), "not a sha256 digest"),
    "rootfs is a list": (archive(packed_image(rootfs=[])), "rootfs is a list"),
    "a link that leads out": (tar_of({}, link("a", "../../etc/passwd")), "is no name inside an archive"),
    "an absolute link": (tar_of({}, link("a", "/etc/passwd")), "is no name inside an archive"),
    "a hard link that leads out": (tar_of({}, link("a", "../x", tarfile.LNKTYPE)), "is no name inside an archive"),
    "a name that leads out": (tar_of({"../x": b""}), "is no name inside an archive"),
    "an absolute name": (tar_of({"/x": b""}), "is no name inside an archive"),
    "a name without end": (tar_of({"x" * 5000: b""}), "is no name inside|too large"),
    "links in a ring": (tar_of({}, link("manifest.json", "b"), link("b", "manifest.json")), "Too many links"),
    "a folder for a manifest": (tar_of({}, link("manifest.json", "", tarfile.DIRTYPE)), "no manifest.json"),
    "a pipe for a manifest": (tar_of({}, link("manifest.json", "", tarfile.FIFOTYPE)), "no manifest.json"),
    "a sparse file for a manifest": (tar_of({}, link("manifest.json", "", tarfile.GNUTYPE_SPARSE)), "no manifest.json"),
    "a negative size": (negative_size(), "one of a negative size"),
    "a sparse file that leads back": (negative_size(tarfile.GNUTYPE_SPARSE), "a size is negative"),
    "a header of a gigabyte": (huge_pax_header(), "too large"),
}


@pytest.mark.parametrize(("content", "why"), HOSTILE.values(), ids=HOSTILE)
def test_a_spoilt_archive_is_unreadable_and_says_why(read, content, why):
    with pytest.raises(UnreadableImage, match=why) as caught:
        read(content)
    assert caught.value.exit_code == 13


@pytest.mark.slow
def test_too_many_members_are_refused(read):
    block = tarfile.TarInfo("x").tobuf()
    with pytest.raises(UnreadableImage, match="too many files"):
        read(gzip.compress(block * 16_400, 1))


def test_a_gzip_bomb_is_refused_at_its_limit(read):
    header = tarfile.TarInfo("x")
    header.size = 8 * 1024**3
    with pytest.raises(UnreadableImage, match="grows too large"):
        read(gzip.compress(header.tobuf() + b"\0" * 4096))


@pytest.mark.slow
def test_many_long_headers_are_refused_before_they_cost_time(read):
    member = tarfile.TarInfo("x")
    member.pax_headers = {"comment": "1" * 1400}
    content = member.tobuf(tarfile.PAX_FORMAT) * 400
    with pytest.raises(UnreadableImage, match="too large"):
        read(content)


@pytest.mark.parametrize(("compress", "why"), [(bytes, "is cut short"), (gzip.compress, "cannot be decompressed")])
def test_an_archive_that_shrinks_while_it_is_read_is_unreadable(tmp_path, compress, why):
    path = tmp_path / "app.tar"
    path.write_bytes(compress(tar_of({"a": os.urandom(2_000_000), "b": os.urandom(50_000)})))
    with open_tar(path) as tar:
        os.truncate(path, 600)
        with pytest.raises(UnreadableImage, match=why):
            tar.read("a", 2_000_000)


def test_an_archive_that_is_written_while_it_is_read_is_unreadable(tmp_path):
    path = tmp_path / "app.tar"
    path.write_bytes(archive(packed_image()))

    class Disturbed(ArchiveSource):
        def _identify(self, files):
            found = super()._identify(files)
            path.touch()
            return found

    with pytest.raises(UnreadableImage, match="was changed while it was read"):
        Disturbed(ArchivePath(path), typed="x").resolve()


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_layers_may_be_compressed_in_the_archive_and_the_config_with_its_digest_named_as_kaniko_does(read, compress):
    image = packed_image(layers=[b"one" * 1000, b"two"])
    config, *layers = image.files.values()
    files = {image.config_digest: config, "0.tar.gz": compress(layers[0]), "1.tar.gz": compress(layers[1])}
    entry = image.entry | {"Config": image.config_digest, "Layers": ["0.tar.gz", "1.tar.gz"]}
    identity = read(archive(PackedImage(entry, files))).identity
    assert identity.config_digest == image.config_digest
    assert identity.size == len(files["0.tar.gz"]) + len(files["1.tar.gz"])


def test_layers_in_another_order_than_their_config_are_refused(read):
    image = packed_image(layers=[b"one", b"two"])
    entry = image.entry | {"Layers": image.entry["Layers"][::-1]}
    with pytest.raises(UnreadableImage, match="uncompressed, the digest"):
        read(archive(PackedImage(entry, image.files)))


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_layers_may_not_grow_beyond_a_bound_for_all_of_them(tmp_path, compress):
    files = {f"{number}.tar": compress(bytes([number]) * 600_000) for number in range(3)}
    layers = [Layer(name, digest_of(bytes([number]) * 600_000)) for number, name in enumerate(files)]
    with open_folder(write_folder(tmp_path / "app", files)) as folder:
        assert check_layers(folder, layers, most=1_800_000) == sum(map(len, files.values()))
        with pytest.raises(UnreadableImage, match="grows too large when decompressed: beyond 599999 ") as caught:
            check_layers(folder, layers, most=1_799_999)
    assert "without compression" in caught.value.remedy


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress])
def test_files_in_the_worst_order_are_read_all_the_same(read, compress):
    images = [packed_image([f"app:{number}"], [b"%d" % number]) for number in range(40)]
    files = {name: content for image in images[::-1] for name, content in image.files.items()}
    manifest = json.dumps([image.entry for image in images]).encode()
    found = read(compress(tar_of({"manifest.json": manifest, "pad": os.urandom(3_000_000), **files})), ":7")
    assert found.identity.config_digest == images[7].config_digest


def test_a_compressed_archive_is_not_read_from_its_start_again_and_again(read):
    configs = {f"{number}.json": b"x" + os.urandom(100_000) for number in range(40)}
    entries = [{"Config": name, "Layers": []} for name in reversed(configs)]
    with pytest.raises(UnreadableImage, match="decompressed too often"):
        read(gzip.compress(tar_of({**configs, "manifest.json": json.dumps(entries).encode()}), 1))


def test_an_oci_layout_is_no_docker_archive_and_the_error_says_so(read):
    with pytest.raises(UnreadableImage) as caught:
        read(tar_of({"oci-layout": b"{}"}))
    assert "oci-archive://PATH" in caught.value.remedy


@given(st.lists(st.binary(max_size=300), min_size=1, max_size=4), st.integers(0, 50), st.integers(1, 400))
def test_members_of_gzip_and_the_zeros_behind_them_are_read_as_gzip_does(parts, zeros, size):
    packed = b"".join(map(gzip.compress, parts)) + bytes(zeros)
    whole = compression.unpacked(io.BufferedReader(io.BytesIO(packed)), 10**6)
    read = iter(partial(whole.read, size), b"")
    assert b"".join(read) == gzip.decompress(packed)


def test_a_place_behind_the_end_of_a_compressed_file_has_no_bytes():
    whole = compression.unpacked(io.BufferedReader(io.BytesIO(gzip.compress(b"content"))), 2_000_000)
    assert whole.seek(3) == 3
    assert whole.read() == b"tent"
    whole.seek(1_500_000)
    assert whole.read(1) == b""
    assert whole.seek(0) == 0
    assert whole.read() == b"content"
    with pytest.raises(io.UnsupportedOperation):
        whole.seek(0, io.SEEK_END)


def test_a_disk_that_fails_makes_an_archive_unreadable(tmp_path):
    class Failing(io.RawIOBase):
        def readable(self):
            return True

        def readinto(self, buffer):
            raise OSError(5, "Input/output error")

    path = tmp_path / "app.tar"
    path.write_bytes(tar_of({"a": b"content"}))
    with open_tar(path) as tar:
        tar._file = io.BufferedReader(Failing())
        tar._file.seek = lambda position: position
        with pytest.raises(UnreadableImage, match="'a' cannot be read: Input/output error"):
            tar.read("a", 100)
