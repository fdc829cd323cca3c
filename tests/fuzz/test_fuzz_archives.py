"""Archives and layers that a stranger made: an identity and an analysis, or an error of an image, in bounded memory."""

import gzip
import io
import json
import tarfile
import tempfile
from pathlib import Path

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ImageError, UsageError
from jenkins_scan.images.archive.docker_archive import ArchiveSource
from jenkins_scan.images.archive.oci_layout import LayoutSource
from jenkins_scan.images.archive.path import ArchivePath
from jenkins_scan.images.interface import ResolvedImage
from jenkins_scan.local.analysis import Analysis, analyse
from jenkins_scan.local.content import Wanted, content_of
from tests.fuzz.mutations import changed_bytes, damaged, require_shown
from tests.support.docker_archives import PackedImage, archive, packed_image, tar_of
from tests.support.local_images import KEY, USUAL, Parts, digest_of, member
from tests.support.oci_layouts import COMPRESSIONS, OciImage, index, layout

MIB = 1024**2


def rich_layer() -> bytes:
    """A tar of every kind of member, with what the analysis looks for."""
    target = io.BytesIO()
    files = {"app/id_rsa": KEY, "etc/passwd": b"root::0:0::/root:/bin/sh\n", "src/.git/config": b"[core]\n"}
    files |= {"root/.aws/credentials": b"[default]\naws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCY3xampl3K3Y\n"}
    files |= {"var/cache/apt/archives/x.deb": bytes(3000), "n" * 120 + "/" + "m" * 120: b"long", "\u00e9": b"name"}
    with tarfile.open(fileobj=target, mode="w", format=tarfile.PAX_FORMAT) as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size, info.mode = len(content), 0o4777
            tar.addfile(info, io.BytesIO(content))
        tar.addfile(member("link", kind=tarfile.SYMTYPE, link="../../etc/shadow"))
        tar.addfile(member("hard", kind=tarfile.LNKTYPE, link="app/id_rsa"))
        tar.addfile(member("dir", kind=tarfile.DIRTYPE, mode=0o777))
    return target.getvalue()


LAYER = rich_layer()
SECOND = tar_of({"app/.wh.id_rsa": b"", "src/.wh..wh..opq": b"", "x": b"x"})
HISTORY = [{"created_by": "RUN curl https://user:pw@example.com | sh"}, {"created_by": "ADD x /", "empty_layer": True}]
CONFIG = {"config": {**USUAL, "Env": ["AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG/bPxRfiCY3xampl3K3Y"]}}
DOCKER = packed_image(layers=[LAYER, SECOND], history=HISTORY, **CONFIG)
OCI = OciImage([LAYER, SECOND], config={"history": HISTORY, **CONFIG})
SOUND = {
    "docker-archive": archive(DOCKER),
    "oci-archive": tar_of(layout(index(OCI.described()).named(name="app:1"))),
}
ZEROS = gzip.compress(bytes(64 * MIB), 6)
OF_A_TIB = tarfile.TarInfo("x")
OF_A_TIB.size = 2**40
BOMBS = {
    "zeros": ZEROS,
    "zeros in a tar": gzip.compress(tar_of({"a": bytes(48 * MIB)}), 6),
    "twice": gzip.compress(ZEROS),
    "zstd": zstandard.compress(bytes(64 * MIB)),
    "many members": gzip.compress(b"".join(tarfile.TarInfo(f"f{n}").tobuf() for n in range(5000)), 6),
    "a size that is not there": gzip.compress(OF_A_TIB.tobuf(tarfile.GNU_FORMAT)),
}


def identified(path: Path, scheme: str) -> ResolvedImage | None:
    kind = ArchiveSource if scheme == "docker-archive" else LayoutSource
    try:
        return kind(ArchivePath(path, scheme=scheme), typed="x").resolve()
    except (ImageError, UsageError) as refused:
        require_shown(refused, 2, 13)
        return None


def looked_into(content) -> Analysis | None:
    try:
        return analyse(content)
    except ImageError as refused:
        require_shown(refused, 13)
        return None


def both(content: bytes, scheme: str) -> tuple[ResolvedImage | None, Analysis | None]:
    """What identification and analysis make of it. What is analysed is what was identified, when that was possible."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        path = Path(file.name)
        found = identified(path, scheme)
        if found is None:
            return None, None
        assert found.identity.config_digest
        return found, looked_into(content_of(found.identity, ArchivePath(path, scheme=scheme)))


@pytest.mark.parametrize("scheme", SOUND)
def test_the_sound_one_is_identified_and_looked_into(scheme):
    found, analysis = both(SOUND[scheme], scheme)
    assert found is not None
    assert analysis is not None
    assert {"/app/id_rsa"} <= {finding.path for finding in analysis.findings}


@pytest.mark.parametrize("scheme", SOUND)
@given(data=st.data(), pack=st.sampled_from(sorted(COMPRESSIONS)), packed_first=st.booleans())
def test_bytes_of_an_archive_changed(scheme, data, pack, packed_first):
    compress = COMPRESSIONS[pack]
    content = compress(SOUND[scheme]) if packed_first else SOUND[scheme]
    content = data.draw(changed_bytes(content))
    both(content if packed_first else compress(content), scheme)


@pytest.mark.parametrize("pack", sorted(COMPRESSIONS))
@given(data=st.data(), packed_first=st.booleans())
def test_a_layer_changed_and_all_digests_sound(pack, data, packed_first):
    compress = COMPRESSIONS[pack]
    if packed_first:
        layer = data.draw(changed_bytes(compress(LAYER)))
        image = packed_image(layers=[layer, SECOND], **CONFIG)
    else:
        layer = data.draw(changed_bytes(LAYER))
        image = packed_image(layers=[layer, SECOND], **CONFIG)
        stored = {
            name: compress(content) if name.endswith(".tar") else content for name, content in image.files.items()
        }
        image = PackedImage(image.entry, stored)
    both(archive(image), "docker-archive")


@given(data=st.data())
def test_the_documents_of_an_image_changed(data):
    config = data.draw(damaged(json.loads(DOCKER.files[DOCKER.entry["Config"]]), most=4))
    content = json.dumps(config).encode()
    files = {**DOCKER.files, "c.json": content}
    entry = data.draw(st.just({}) | damaged(DOCKER.entry)) or DOCKER.entry
    if isinstance(entry, dict):
        entry = {**entry, "Config": "c.json"}
    files["manifest.json"] = json.dumps([entry]).encode()
    both(tar_of(files), "docker-archive")
    looked_into(Parts(files, Wanted(digest_of(content))))


@given(data=st.data(), kind=st.sampled_from(["oci-layout", "index", "manifest", "config"]))
def test_the_documents_of_a_layout_changed(data, kind):
    def change(name, body):
        return data.draw(damaged(body)) if name == kind else body

    image = OciImage([LAYER], config=CONFIG, change=change)
    both(tar_of(layout(index(image.described(), change=change), change=change)), "oci-archive")


@given(bomb=st.sampled_from(list(BOMBS)), place=st.sampled_from(["whole", "layer", "config", "manifest"]))
def test_a_bomb_anywhere(bomb, place):
    content = BOMBS[bomb]
    if place == "whole":
        both(content, "docker-archive")
        both(content, "oci-archive")
    elif place == "layer":
        both(archive(packed_image(layers=[content])), "docker-archive")
    else:
        name = DOCKER.entry["Config"] if place == "config" else "manifest.json"
        files = {**DOCKER.files, "manifest.json": json.dumps([DOCKER.entry]).encode()} | {name: content}
        both(tar_of(files), "docker-archive")
