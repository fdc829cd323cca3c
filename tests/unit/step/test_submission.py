"""What is sent about an image: overrides first, then what is known; what is not known is left out, never guessed."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.config.settings import Overrides
from jenkins_scan.images.interface import Store
from jenkins_scan.security_center.interface import ScanRequest
from jenkins_scan.step.submission import CLAIMED, PROVISIONAL, prepare
from tests.support.images import CONFIG, MANIFEST, identity, pushed, resolved

HEX_CONFIG, HEX_MANIFEST = CONFIG.removeprefix("sha256:"), MANIFEST.removeprefix("sha256:")
CLAIM = "e" * 64


def test_a_pushed_image_is_described_whole():
    submission = prepare(resolved(pushed()), Overrides())
    assert submission.request == ScanRequest(
        namespace="team/sub",
        repo_name="app",
        tag="1.0",
        digest=HEX_MANIFEST,
        image_id=HEX_CONFIG,
        image_size=1982256,
        image_create=1795287460286,
        image_update=1795287480000,
    )
    assert submission.digest_from == "graphdriver_repo_digest"
    assert submission.warnings == ()


def test_what_the_user_says_replaces_what_was_found():
    overrides = Overrides(
        namespace="ns", repo="other", tag="2", digest=CLAIM, uuid="6690", source_ip="192.0.2.1", jenkins_env="release"
    )
    submission = prepare(resolved(identity()), overrides)
    request = submission.request
    assert (request.namespace, request.repo_name, request.tag, request.digest) == ("ns", "other", "2", CLAIM)
    assert (request.uuid, request.source_ip, request.jenkins_env) == ("6690", "192.0.2.1", "release")
    assert (submission.digest_from, submission.warnings) == (CLAIMED, ())


@pytest.mark.parametrize(
    ("name", "namespace", "repo", "tag"),
    [
        ("registry.example.com:5000/team/sub/app:1.0", "team/sub", "app", "1.0"),
        ("team/app", "team", "app", "latest"),
        ("nginx:1.27", None, "nginx", "1.27"),
        ("localhost:5000/app", None, "app", "latest"),
        (f"team/app@{MANIFEST}", "team", "app", None),
        (f"team/app:1.0@{MANIFEST}", "team", "app", None),
    ],
)
def test_the_name_gives_namespace_repository_and_tag(name, namespace, repo, tag):
    request = prepare(resolved(pushed(), name), Overrides()).request
    assert (request.namespace, request.repo_name, request.tag) == (namespace, repo, tag)


def test_an_image_without_a_name_is_sent_without_one_and_says_so():
    submission = prepare(resolved(pushed(), None), Overrides())
    request = submission.request
    assert (request.namespace, request.repo_name, request.tag) == (None, None, None)
    assert "--repo" in " ".join(submission.warnings)
    assert prepare(resolved(pushed(), None), Overrides(repo="app")).warnings == ()


@pytest.mark.parametrize("store", Store)
def test_without_a_registry_digest_only_containerd_has_a_provisional_one(store):
    submission = prepare(resolved(identity(store=store, manifest_digest=MANIFEST)), Overrides())
    if store is Store.CONTAINERD:
        assert (submission.request.digest, submission.digest_from) == (HEX_MANIFEST, PROVISIONAL)
        assert submission.warnings == ()
    else:
        assert (submission.request.digest, submission.digest_from) == (None, None)
        assert "no registry digest is known" in submission.warnings[0]


@pytest.mark.parametrize("store", Store)
def test_what_a_registry_confirmed_wins_over_the_provisional_digest(store):
    image = identity(store=store, manifest_digest=CONFIG, registry_digest=MANIFEST, registry_digest_from="distribution")
    submission = prepare(resolved(image), Overrides())
    assert (submission.request.digest, submission.digest_from) == (HEX_MANIFEST, "distribution")


@pytest.mark.parametrize("image", [pushed(), identity(), identity(store=Store.CONTAINERD, manifest_digest=MANIFEST)])
def test_a_digest_by_flag_is_always_a_claim(image):
    submission = prepare(resolved(image), Overrides(digest=CLAIM))
    assert (submission.request.digest, submission.digest_from) == (CLAIM, CLAIMED)


def test_a_claim_that_differs_from_the_registrys_digest_is_told():
    assert MANIFEST in prepare(resolved(pushed()), Overrides(digest=CLAIM)).warnings[0]
    assert prepare(resolved(pushed()), Overrides(digest=HEX_MANIFEST)).warnings == ()


def test_repo_digests_and_image_id_never_stand_in_for_a_digest():
    image = identity(store=Store.PODMAN, repo_digests=(f"localhost/app@{MANIFEST}",), image_id=CONFIG)
    assert prepare(resolved(image), Overrides()).request.digest is None


def test_the_image_id_is_the_config_digest_and_never_the_engines_id():
    submission = prepare(resolved(pushed(store=Store.CONTAINERD, config_digest=None, image_id=MANIFEST)), Overrides())
    assert submission.request.image_id is None
    assert "containerd store" in submission.warnings[0]


def test_what_is_not_known_is_left_out():
    image = pushed(config_digest=None, size=None, created=None, last_tagged=None)
    request = prepare(resolved(image), Overrides()).request
    assert (request.image_id, request.image_size) == (None, None)
    assert (request.image_create, request.image_update) == (None, None)


def test_the_epoch_and_an_empty_image_are_values():
    epoch = datetime(1970, 1, 1, tzinfo=UTC)
    request = prepare(resolved(pushed(size=0, created=epoch, last_tagged=epoch)), Overrides()).request
    assert (request.image_size, request.image_create, request.image_update) == (0, 0, 0)


def test_a_time_of_another_zone_is_the_same_moment():
    moment = datetime(2024, 6, 4, tzinfo=timezone(timedelta(hours=8)))
    assert prepare(resolved(pushed(created=moment)), Overrides()).request.image_create == 1717430400000


@given(milliseconds=st.integers(0, 4_000_000_000_000), microseconds=st.integers(0, 999))
def test_a_time_is_cut_to_the_millisecond_and_never_below_it(milliseconds, microseconds):
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=milliseconds, microseconds=microseconds)
    assert prepare(resolved(pushed(created=moment)), Overrides()).request.image_create == milliseconds
