"""An image from wherever its bytes are: found again by what was known of it, whole, and no other."""

import gzip
import io
import json
from dataclasses import replace

import pytest
import zstandard
from hypothesis import given, settings
from hypothesis import strategies as st

from jenkins_scan.errors import EngineUnreachable, ImageError, UnreadableImage
from jenkins_scan.images.archive.path import ArchivePath
from jenkins_scan.images.engine.endpoint import EngineEndpoint
from jenkins_scan.images.interface import Platform, Store
from jenkins_scan.local.analysis import analyse
from jenkins_scan.local.collection import Collection
from jenkins_scan.local.content import Part, Wanted, content_of
from jenkins_scan.local.files import Search
from jenkins_scan.local.layer import Bounds
from tests.support import images
from tests.support.canned_engine import engine_on_socket
from tests.support.docker_archives import archive, link, packed_image, tar_of
from tests.support.local_images import KEY, USUAL, Parts, analysis_of, digest_of
from tests.support.oci_layouts import OciImage, attestation, index, layout, write_folder

CLEAN, PLANTED = tar_of({"etc/x": b"x"}), tar_of({"app/id_rsa": KEY})
ID = "sha256:" + "1" * 64


def identity(config_digest, **changes):
    return images.identity(config_digest=config_digest, diff_ids=None, platform=None, image_id=ID, **changes)


def found_in(path, scheme, identified):
    return analyse(content_of(identified, ArchivePath(path, scheme=scheme)))


def paths(found):
    return [finding.path for finding in found.findings]


def oci(*layers, compression="+gzip", **more):
    return OciImage(layers, compression, config={"config": dict(USUAL)}, **more)


def config_digest(image):
    return image.config_blob.digest


@pytest.mark.parametrize("compress", [bytes, gzip.compress, zstandard.compress])
def test_a_docker_archive(tmp_path, compress):
    image = packed_image(layers=[CLEAN, PLANTED], config=USUAL)
    (tmp_path / "a.tar").write_bytes(compress(archive(packed_image(), image)))
    found = found_in(tmp_path / "a.tar", "docker-archive", identity(image.config_digest))
    assert (paths(found), found.layers) == (["/app/id_rsa"], 2)
    assert found.findings[0].layer == digest_of(PLANTED)


@pytest.mark.parametrize("kind", [b"1", b"2"])
def test_layers_that_are_links(tmp_path, kind):
    image = packed_image(layers=[PLANTED], config=USUAL)
    name = image.entry["Layers"][0]
    entry = image.entry | {"Layers": ["a/layer.tar"]}
    links = (
        link("a/layer.tar", "b/layer.tar" if kind == b"1" else "../b/layer.tar", kind),
        link("b/layer.tar", name if kind == b"1" else f"../{name}", kind),
    )
    (tmp_path / "a.tar").write_bytes(tar_of(image.files | {"manifest.json": json.dumps([entry]).encode()}, *links))
    assert paths(found_in(tmp_path / "a.tar", "docker-archive", identity(image.config_digest))) == ["/app/id_rsa"]


def test_links_in_a_circle_are_refused():
    image = packed_image(layers=[PLANTED])
    files = image.files | {"manifest.json": json.dumps([image.entry | {"Layers": ["a"]}]).encode()}
    with pytest.raises(UnreadableImage, match="Too many links"):
        analyse(Parts(files, Wanted(image.config_digest), {"a": "b", "b": "a"}))


@pytest.mark.parametrize("compression", ["", "+gzip", "+zstd"])
@pytest.mark.parametrize("scheme", ["oci-archive", "oci-dir"])
def test_an_oci_layout(tmp_path, compression, scheme):
    image, other = oci(CLEAN, PLANTED, compression=compression), oci(tar_of({"other": KEY}), platform="linux/arm64")
    blobs = image.described()
    files = layout(index(blobs, other.described(), attestation(blobs)))
    if scheme == "oci-dir":
        write_folder(tmp_path / "a", files)
    else:
        (tmp_path / "a").write_bytes(tar_of(files))
    found = found_in(tmp_path / "a", scheme, identity(config_digest(image)))
    assert (paths(found), found.layers) == (["/app/id_rsa"], 2)


@pytest.mark.parametrize("scheme", ["oci-archive", "oci-dir"])
def test_an_artifact_beside_the_image_is_passed_over(tmp_path, scheme):
    def artifact(kind, body):
        empty = {"mediaType": "application/vnd.oci.empty.v1+json"}
        return body | {"config": body["config"] | empty} if kind == "manifest" else body

    image = oci(PLANTED)
    files = layout(OciImage((b"sbom",), change=artifact).blobs().named(ref_name="sbom"), image.blobs())
    if scheme == "oci-dir":
        write_folder(tmp_path / "a", files)
    else:
        (tmp_path / "a").write_bytes(tar_of(files))
    assert paths(found_in(tmp_path / "a", scheme, identity(config_digest(image)))) == ["/app/id_rsa"]


def test_of_two_platforms_with_the_same_layers_the_identified_one_is_meant():
    both = index(oci(PLANTED).described(), oci(PLANTED, platform="linux/arm64").described())
    wanted = Wanted(None, both.digest, (digest_of(PLANTED),), Platform("linux", "arm64"))
    assert paths(analyse(Parts(layout(both), wanted))) == ["/app/id_rsa"]


def test_a_folder_is_read_as_far_as_the_image_needs(tmp_path):
    image, other = oci(PLANTED), oci(CLEAN)
    folder = write_folder(tmp_path / "a", layout(image.blobs(), other.blobs(), image.blobs()))
    for layer in other.layer_blobs:
        for name in layer.files:
            (folder / name).write_bytes(b"damaged, and no matter")
    assert paths(found_in(folder, "oci-dir", identity(config_digest(image)))) == ["/app/id_rsa"]


def test_a_folder_without_its_mark_or_index_is_refused(tmp_path):
    files = layout(oci(CLEAN).blobs())
    for name in ("oci-layout", "index.json"):
        folder = write_folder(tmp_path / name, {key: content for key, content in files.items() if key != name})
        with pytest.raises(UnreadableImage):
            found_in(folder, "oci-dir", identity(ID))


def test_a_path_that_cannot_be_read_is_refused(tmp_path):
    for path in (tmp_path / "none", tmp_path):
        with pytest.raises(UnreadableImage, match="cannot be read"):
            found_in(path, "docker-archive", identity(ID))


# What an engine of the containerd store exports: a layout and a manifest.json beside it; of the identity it told the
# digest of the manifest or of the index, and the layers.


def exported(image, *others):
    """The index, and the files of the export."""
    top = index(image.described(), *(other.described() for other in others))
    names = [next(iter(blob.files)) for blob in image.layer_blobs]
    entry = {"Config": next(iter(image.config_blob.files)), "RepoTags": None, "Layers": names}
    return top, layout(top) | {"manifest.json": json.dumps([entry]).encode()}


def test_the_image_of_an_index_is_known_by_its_layers():
    image, other = oci(PLANTED), oci(CLEAN, platform="linux/arm64")
    top, files = exported(image, other)
    wanted = Wanted(None, top.digest, (digest_of(PLANTED),))
    assert paths(analyse(Parts(files, wanted))) == ["/app/id_rsa"]
    manifest = image.blobs()
    assert paths(analyse(Parts(files, Wanted(None, manifest.digest)))) == ["/app/id_rsa"]


@pytest.mark.parametrize(
    "wanted",
    [
        Wanted(ID),
        Wanted(None),
        Wanted(None, ID, (digest_of(PLANTED),)),
        Wanted(None, "the index"),
        Wanted(None, "the index", (ID,)),
    ],
)
def test_an_image_that_was_not_identified_is_not_analysed(wanted):
    top, files = exported(oci(PLANTED), oci(CLEAN, platform="linux/arm64"))
    if wanted.manifest_digest == "the index":
        wanted = replace(wanted, manifest_digest=top.digest)
    with pytest.raises(UnreadableImage, match="identified before"):
        analyse(Parts(files, wanted))


@pytest.mark.parametrize("documents", ["manifest.json", "index.json"])
def test_either_list_of_images_will_do(documents):
    image = oci(PLANTED)
    _, files = exported(image)
    del files[documents]
    assert paths(analyse(Parts(files, Wanted(config_digest(image))))) == ["/app/id_rsa"]


def test_an_index_that_is_none_and_entries_of_other_things_are_passed_over():
    image = oci(PLANTED)
    blobs = image.blobs()
    _, files = exported(image)
    entries = [blobs.descriptor, blobs.descriptor, {**blobs.descriptor, "digest": ID}, attestation(blobs).descriptor]
    files["index.json"] = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    assert paths(analyse(Parts(files, Wanted(config_digest(image))))) == ["/app/id_rsa"]
    files["index.json"] = json.dumps(json.loads(blobs.files[next(iter(blobs.files))])).encode()
    with pytest.raises(UnreadableImage):
        analyse(Parts(files, Wanted(config_digest(image))))


def test_an_index_whose_config_is_not_there_gives_nothing():
    image = oci(PLANTED)
    files = layout(image.blobs())
    del files[next(iter(image.config_blob.files))]
    with pytest.raises(UnreadableImage, match="no image"):
        analyse(Parts(files, Wanted(config_digest(image))))


def test_a_layer_of_other_bytes_is_refused():
    image = packed_image(layers=[PLANTED])
    files = {**image.files, image.entry["Layers"][0]: CLEAN, "manifest.json": json.dumps([image.entry]).encode()}
    with pytest.raises(UnreadableImage, match="the config names"):
        analyse(Parts(files, Wanted(image.config_digest)))


@pytest.mark.parametrize(
    ("layer", "reason"),
    [
        (b"no tar", "no tar archive"),
        (PLANTED[:700], "cut short"),
        (gzip.compress(PLANTED)[:-4], "cannot be decompressed"),
        (None, "not there"),
    ],
)
def test_a_layer_that_cannot_be_read_is_refused_where_the_image_needs_it(layer, reason):
    image, other = packed_image(layers=[PLANTED]), packed_image(layers=[CLEAN], config=USUAL)
    files = image.files | {image.entry["Layers"][0]: layer}
    files = {name: content for name, content in files.items() if content is not None} | other.files
    files["manifest.json"] = json.dumps([image.entry, other.entry]).encode()
    with pytest.raises(UnreadableImage, match=reason):
        analyse(Parts(files, Wanted(image.config_digest)))
    assert analyse(Parts(files, Wanted(other.config_digest))).findings == ()


def test_an_empty_layer_is_one():
    image = packed_image(layers=[b"", bytes(1024)], config=USUAL)
    files = image.files | {"manifest.json": json.dumps([image.entry]).encode()}
    assert analyse(Parts(files, Wanted(image.config_digest))).layers == 2


def test_layers_and_config_have_to_agree_on_their_number():
    image = packed_image(layers=[PLANTED])
    files = image.files | {"manifest.json": json.dumps([image.entry | {"Layers": []}]).encode()}
    with pytest.raises(UnreadableImage, match="names 1 layers"):
        analyse(Parts(files, Wanted(image.config_digest)))


def test_documents_have_a_bound_in_all():
    document = b'{"rootfs": 1' + b" " * (4 * 1024**2 - 13) + b"}"
    with pytest.raises(UnreadableImage, match="in all"):
        Collection().add(parts_of(document))


def parts_of(document):
    return [Part(f"{number}", len(document), io.BufferedReader(io.BytesIO(document))) for number in range(5)]


def test_what_attestations_say_does_not_count():
    collection = Collection()
    collection.add(parts_of(b'{"predicateType": 1' + b" " * (4 * 1024**2 - 20) + b"}"))
    assert collection.documents == {}


def test_a_hard_link_leads_on_from_the_root_alone():
    collection = Collection()
    collection.add([Part("y/layer.tar", 0, None, "x/layer.tar"), Part("z/layer.tar", 0, None, "x/layer.tar", True)])
    assert (collection.named("y/layer.tar"), collection.named("z/layer.tar")) == ("x/layer.tar", "z/x/layer.tar")


def test_compressed_layers_have_a_bound_in_all():
    packed = gzip.compress(bytes(10_000), 1)
    collection = Collection(_unpacked=1024**3 - 1000)
    collection.add([Part(name, len(packed), io.BufferedReader(io.BytesIO(packed))) for name in ("a", "b")])
    assert all("grows too large" in reason for reason in collection.damaged.values())
    assert collection.damaged.keys() == {"a", "b"}


def test_entries_have_a_bound_in_all():
    collection = Collection()
    collection.bounds.entries = 3
    content = tar_of({f"{number}": b"" for number in range(4)})
    collection.add([Part("a", len(content), io.BufferedReader(io.BytesIO(content)))])
    assert "files" in collection.damaged["a"]


def test_files_of_an_archive_have_a_bound(tmp_path):
    (tmp_path / "a.tar").write_bytes(tar_of({}, link("a", "x"))[:512] * 16_385)
    with pytest.raises(UnreadableImage, match="16384 files"):
        found_in(tmp_path / "a.tar", "docker-archive", identity(ID))


VERSION = {"ApiVersion": "1.48", "Version": "28.0", "Components": [{"Name": "Engine"}]}


def from_engine(folder, answer, asked=f"/v1.48/images/{ID}/get", **changes):
    with engine_on_socket(folder / "e.sock", {"/version": VERSION, asked: answer}) as engine:
        endpoint = EngineEndpoint(engine.url, "DOCKER_HOST")
        image = packed_image(layers=[PLANTED], config=USUAL)
        return analyse(content_of(replace(identity(image.config_digest), **changes), endpoint))


def test_an_engines_export(tmp_path):
    content = archive(packed_image(layers=[PLANTED], config=USUAL))
    assert paths(from_engine(tmp_path, content)) == ["/app/id_rsa"]


def test_the_containerd_store_is_asked_for_the_platform(tmp_path):
    content = archive(packed_image(layers=[PLANTED], config=USUAL))
    query = "?platform=%7B%22os%22%3A+%22linux%22%2C+%22architecture%22%3A+%22arm64%22%7D"
    asked = {"store": Store.CONTAINERD, "platform": Platform("linux", "arm64")}
    assert paths(from_engine(tmp_path, content, f"/v1.48/images/{ID}/get{query}", **asked)) == ["/app/id_rsa"]


@pytest.mark.parametrize("answer", [(404, {"message": "no such image"}), (500, {"message": "no space left"})])
def test_an_engine_that_refuses_the_export_is_quoted(tmp_path, answer):
    with pytest.raises(EngineUnreachable, match=answer[1]["message"]):
        from_engine(tmp_path, answer)


def test_an_export_that_is_cut_is_refused(tmp_path):
    with pytest.raises(ImageError):
        from_engine(tmp_path, archive(packed_image(layers=[PLANTED]))[:2000])


IMAGE = packed_image(layers=[CLEAN, PLANTED])
SOUND = archive(IMAGE)
WANTED = Wanted(IMAGE.config_digest)
LAYOUT = tar_of(layout(index(oci(CLEAN, PLANTED).described())))
MORE = settings(max_examples=3 * settings.default.max_examples)


def outcome(path, content, wanted):
    """The layers of the image, or 13."""
    path.write_bytes(content)
    try:
        return analyse(content_of(identity(wanted), ArchivePath(path))).layers
    except ImageError as exc:
        return exc.exit_code


@MORE
@given(st.data(), st.sampled_from([bytes, gzip.compress, zstandard.compress]), st.booleans())
def test_changed_archives_end_with_a_result_or_with_13(tmp_path_factory, data, compress, first):
    sound, wanted = data.draw(
        st.sampled_from([(SOUND, WANTED.config_digest), (LAYOUT, config_digest(oci(CLEAN, PLANTED)))])
    )
    content = bytearray(sound if first else compress(sound))
    for _ in range(data.draw(st.integers(1, 3))):
        position = data.draw(st.integers(0, len(content) - 1))
        content[position : position + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    folder = tmp_path_factory.getbasetemp()
    assert outcome(folder / "fuzz.tar", compress(bytes(content)) if first else bytes(content), wanted) in (2, 13)


@MORE
@given(st.data())
def test_changed_layers_with_sound_digests_end_with_a_result_or_with_13(data):
    layer = bytearray(PLANTED)
    position = data.draw(st.integers(0, len(layer) - 1))
    layer[position : position + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=8))
    image = packed_image(layers=[bytes(layer)])
    files = image.files | {"manifest.json": json.dumps([image.entry]).encode()}
    try:
        layers = analyse(Parts(files, Wanted(image.config_digest))).layers
    except UnreadableImage as exc:
        layers = exc.exit_code
    assert layers in (1, 13)


def test_a_layer_that_is_named_twice_is_looked_at_where_it_comes_last():
    found = analysis_of(PLANTED, {"app/.wh.id_rsa": b""}, PLANTED)
    assert [(finding.path, finding.title) for finding in found.findings] == [
        ("/app/id_rsa", "A private key (in the final image)")
    ]
    assert found.layers == 3


def test_more_layers_than_any_engine_makes_are_refused():
    with pytest.raises(UnreadableImage, match="1001 layers"):
        analysis_of(*[CLEAN] * 1001)


@pytest.mark.parametrize(("rest", "count"), [(b"", 0), (bytes(5000), 0), (bytes(512) + b"x", 1)])
def test_what_stands_behind_the_end_of_a_layer_is_said(rest, count):
    notes = analysis_of(CLEAN + rest).notes
    assert len(notes) == count
    assert all("Behind the end of layer sha256:" in note for note in notes)


def test_a_whiteout_that_has_a_content_is_looked_at_too():
    assert paths(analysis_of({"app/.wh.id_rsa": KEY})) == ["/app/.wh.id_rsa"]


def test_a_hard_link_may_set_a_bit_and_a_symbolic_one_cannot():
    links = [link(name, "app", kind) for name, kind in (("hard", b"1"), ("soft", b"2"))]
    for each in links:
        each.mode = 0o4755
    assert paths(analysis_of(tar_of({"app": b"x"}, *links))) == ["/hard"]


def test_known_files_have_a_bound_in_all_and_it_is_said():
    files = {f"{number}/.npmrc": b"_authToken=abcdef123" for number in range(5)}
    found = analysis_of(files, bounds=Bounds(Search(most_known_bytes=70)))
    assert (len(found.findings), found.notes) == (
        3,
        ("Files with names of credentials that were not looked into, being too many: 2.",),
    )


@pytest.mark.parametrize(
    ("scheme", "writer"), [("docker-archive", "docker save"), ("oci-archive", "oci-archive:"), ("oci-dir", "oci:")]
)
def test_an_error_names_the_place_and_what_writes_such(tmp_path, scheme, writer):
    image = oci(CLEAN + b"x" * 512)
    files = image_files(image)
    if scheme == "oci-dir":
        write_folder(tmp_path / "a", files)
    else:
        (tmp_path / "a").write_bytes(tar_of(files))
    with pytest.raises(UnreadableImage) as caught:
        found_in(tmp_path / "a", scheme, identity(config_digest(image)))
    assert str(tmp_path / "a") in caught.value.message
    assert writer in caught.value.remedy


def image_files(image):
    """A layout without its layers."""
    files = layout(image.blobs())
    for layer in image.layer_blobs:
        for name in layer.files:
            del files[name]
    return files
