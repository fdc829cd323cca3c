"""Which images a registry scan is of: by reference, by digest, and as the service lists them."""

from dataclasses import replace

import pytest

from jenkins_scan import errors
from jenkins_scan.images.interface import ResolvedImage
from jenkins_scan.security_center.interface import ImageList
from jenkins_scan.security_center.registry_scans import ImageFilter
from jenkins_scan.step.record import ImageRun
from jenkins_scan.step.registry_images import (
    Place,
    different,
    filter_of,
    for_sync,
    images_listed,
    images_named,
    label_of,
    place_of,
    submission_of,
)
from jenkins_scan.step.submission import LISTED, LISTED_TAG, NAMED
from tests.support.images import identity, resolved
from tests.support.registry_center import HEX, found, listed

EVERYTHING = ImageFilter()
CONFIG = f"sha256:{'c' * 64}"


@pytest.mark.parametrize(
    ("reference", "types", "place"),
    [
        (
            "team-registry.cn-hangzhou.cr.aliyuncs.com/team/app:1",
            (),
            ("acr", "cn-hangzhou", "team", "app", "1"),
        ),
        (
            "team-registry-vpc.ap-southeast-1.cr.aliyuncs.com/team/app:1",
            ("acr",),
            ("acr", "ap-southeast-1", "team", "app", "1"),
        ),
        ("registry.cn-shanghai.aliyuncs.com/team/app", (), ("acr", "cn-shanghai", "team", "app", "latest")),
        ("registry-intl.eu-west-1.aliyuncs.com/team/app:1", ("acr", "quay"), ("acr", "eu-west-1", "team", "app", "1")),
        (
            "crpi-abc123.cn-beijing.personal.cr.aliyuncs.com/team/app:1",
            (),
            ("acr", "cn-beijing", "team", "app", "1"),
        ),
        ("harbor.example.com/project/sub/app:1", ("harbor",), ("harbor", None, "project", "sub/app", "1")),
        ("quay.example.com/org/app:1", ("quay",), ("quay", None, "org", "app", "1")),
        ("registry.example.com:5000/app:1", ("harbor",), ("harbor", None, None, "app", "1")),
        ("registry.example.com/team/app:1", (), (None, None, "team", "app", "1")),
        ("registry.example.com/team/app:1", ("harbor", "quay"), (None, None, "team", "app", "1")),
        (f"registry.example.com/team/app@sha256:{HEX[0]}", (), (None, None, "team", "app", None)),
        (f"registry.example.com/team/app:1@sha256:{HEX[0]}", (), (None, None, "team", "app", "1")),
        ("cr.aliyuncs.com.example.com/team/app:1", (), (None, None, "team", "app", "1")),
    ],
)
def test_a_reference_tells_its_place(reference, types, place):
    told = place_of(found(reference), ImageFilter(registry_types=types))
    assert told == Place(*place, HEX[0])


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (ImageFilter(registry_types=("harbor",)), "--registry-type harbor: "),
        (ImageFilter(registry_types=("harbor", "quay")), "is a host of ACR"),
        (ImageFilter(region_ids=("cn-shanghai",)), "--region-id cn-shanghai: "),
        (ImageFilter(region_ids=("cn-shanghai", "cn-beijing")), "is in cn-hangzhou"),
    ],
)
def test_what_its_host_contradicts_is_two(wanted, said):
    with pytest.raises(errors.ConfigurationError, match=said):
        place_of(found("team-registry.cn-hangzhou.cr.aliyuncs.com/team/app:1"), wanted)
    place_of(found("registry.example.com/team/app:1"), wanted)


@pytest.mark.parametrize("image", [resolved(name=None), resolved(identity(registry_digest=None))])
def test_an_image_of_no_registry_is_a_bug(image):
    with pytest.raises(errors.InternalError):
        place_of(image, EVERYTHING)


@pytest.mark.parametrize(("config", "image_id"), [(CONFIG, "c" * 64), (None, None)])
@pytest.mark.parametrize(("types", "names"), [(("harbor",), ("team", "app")), ((), (None, None))])
def test_what_names_it_to_the_service_is_what_its_registry_said(config, image_id, types, names):
    image = found("registry.example.com/team/app:1", config=config)
    told = submission_of(place_of(image, ImageFilter(registry_types=types)), image)
    request = told.request
    assert (request.namespace, request.repo_name) == names
    assert request.listed_name is None  # no row of this digest is another image, whatever its tag
    assert (request.digest, request.image_id, told.is_confirmed) == (HEX[0], image_id, True)


class TestFilter:
    """The filter of a precheck and a create."""

    ACR = Place("acr", "cn-hangzhou", "team", "app", "1", HEX[0])

    def test_without_references_it_is_that_of_the_options(self):
        wanted = ImageFilter(tags=("1",), repo_ids=("crr-1",))
        assert filter_of([], wanted) is wanted

    def test_references_are_meant_by_their_digests(self):
        web = replace(self.ACR, region_id="cn-shanghai", repo_name="web", digest=HEX[1])
        assert filter_of([self.ACR, web, self.ACR], EVERYTHING) == ImageFilter(
            registry_types=("acr",),
            region_ids=("cn-hangzhou", "cn-shanghai"),
            repo_namespaces=("team",),
            repo_names=("app", "web"),
            digests=HEX[:2],
        )

    def test_options_narrow_them(self):
        wanted = ImageFilter(
            registry_types=("acr",), instance_ids=("cri-1",), repo_ids=("crr-1",), source_ip="192.0.2.1"
        )
        told = filter_of([self.ACR], wanted)
        assert (told.instance_ids, told.repo_ids, told.source_ip) == (("cri-1",), ("crr-1",), "192.0.2.1")

    def test_of_a_kind_that_is_not_known_no_name_is_sent(self):
        """One filter is for all images: a region or namespace that one does not have would leave it out."""
        other = Place(None, None, "team", "app", "1", HEX[1])
        told = filter_of([self.ACR, other], ImageFilter(region_ids=("cn-hangzhou",)))
        assert told == ImageFilter(region_ids=("cn-hangzhou",), digests=HEX[:2])
        assert filter_of([self.ACR, other], EVERYTHING).region_ids == ()

    def test_a_type_of_one_image_leaves_out_no_other(self):
        """An ACR and a registry of a kind that nobody named."""
        other = Place(None, None, "team", "app", "1", HEX[1])
        assert filter_of([self.ACR, other], EVERYTHING).registry_types == ()

    def test_a_namespace_of_one_image_leaves_out_no_other(self):
        bare = Place("harbor", None, None, "app", "1", HEX[1])
        told = filter_of([replace(self.ACR, registry_type="harbor", region_id=None), bare], EVERYTHING)
        assert told.repo_namespaces == ()

    def test_a_region_of_one_image_leaves_out_no_other(self):
        """An ACR, whose host tells its region, and a Harbor, whose host tells none."""
        harbor = Place("harbor", None, "team", "app", "1", HEX[1])
        assert filter_of([self.ACR, harbor], ImageFilter(registry_types=("acr", "harbor"))).region_ids == ()


class TestNamed:
    """Images by digest."""

    def test_each_is_one(self):
        images = images_named(ImageFilter(digests=HEX[:2], tags=("1",)))
        assert [image.reference for image in images] == [f"sha256:{digest}" for digest in HEX[:2]]
        for image, digest in zip(images, HEX, strict=False):
            assert image.identity.registry_digest == f"sha256:{digest}"
            assert (image.submission.request.digest, image.submission.digest_from) == (digest, NAMED)
            assert (image.submission.request.tag, image.submission.is_confirmed) == ("1", True)

    def test_one_place_for_all_is_their_name(self):
        wanted = ImageFilter(digests=HEX[:1], repo_namespaces=("team",), repo_names=("app",), tags=("1",))
        (image,) = images_named(wanted)
        assert image.reference == f"team/app:1@sha256:{HEX[0]}"
        request = image.submission.request
        assert (request.namespace, request.repo_name, request.tag) == ("team", "app", "1")

    def test_of_several_places_nobody_knows_which(self):
        wanted = ImageFilter(digests=HEX[:1], repo_namespaces=("a", "b"), repo_names=("app", "web"), tags=("1", "2"))
        (image,) = images_named(wanted)
        request = image.submission.request
        assert (request.namespace, request.repo_name, request.tag) == (None, None, None)

    def test_without_digests_one_stands_for_all(self):
        (image,) = images_named(ImageFilter(tags=("1", "2"), repo_ids=("crr-1",)))
        assert (image.reference, image.identity, image.submission) == ("repoId=crr-1 tag=1,2", None, None)
        assert label_of(EVERYTHING) == "every image"


class TestListed:
    """Images as the service lists them."""

    @pytest.mark.parametrize("how", [LISTED, LISTED_TAG])
    def test_each_is_one_by_its_digest(self, how):
        rows = (listed(), listed(HEX[1], tag="2", repo_name="web"))
        images = images_listed(ImageList(rows, complete=True), how)
        assert [image.reference for image in images] == [
            f"team/app:1@sha256:{HEX[0]}",
            f"team/web:2@sha256:{HEX[1]}",
        ]
        assert {image.submission.digest_from for image in images} == {how}
        assert images[1].submission.request.listed_name.repo_name == "web"

    @pytest.mark.parametrize(
        ("images", "complaints", "said"),
        [
            ((), (), "0 of 0 are listed"),
            ((listed(), listed(None)), (), "1 of 2 are listed"),
            ((listed(), listed(tag=None)), (), "1 of 2 are listed"),
            ((listed(),), ("TotalCount says 2, rows received: 1",), "TotalCount says 2"),
        ],
    )
    def test_a_list_that_is_not_whole_is_seventeen(self, images, complaints, said):
        with pytest.raises(errors.IncompleteError, match=said) as caught:
            images_listed(ImageList(images, not complaints, complaints), LISTED)
        assert "--digest" in caught.value.remedy


def test_images_differ_by_their_digests():
    named = images_named(ImageFilter(digests=HEX[:3]))
    assert different(named) == 3
    assert different([*named, *images_named(ImageFilter(digests=HEX[:2], tags=("1",)))]) == 3
    assert different([ImageRun("every image")]) == 1


class TestForSync:
    """The one image of --sync."""

    WANTED = ImageFilter(
        registry_types=("acr",),
        region_ids=("cn-hangzhou",),
        instance_ids=("cri-1",),
        repo_namespaces=("team",),
        repo_ids=("crr-1",),
        repo_names=("app",),
        digests=HEX[:1],
        tags=("1",),
    )

    def test_options_may_tell_all_of_it(self):
        image = for_sync([], self.WANTED)
        assert (image.registry_type, image.tag, image.digest) == ("acr", "1", HEX[0])
        assert (image.create_time, image.update_time) == (None, None)

    @pytest.mark.parametrize("name", ["registry_types", "region_ids", "instance_ids", "repo_ids", "tags", "digests"])
    def test_what_is_not_known_is_two(self, name):
        with pytest.raises(errors.ConfigurationError, match="--sync needs the place of the image in full"):
            for_sync([], replace(self.WANTED, **{name: ()}))

    def test_a_reference_goes_before_options(self):
        place = Place("acr", "cn-hangzhou", "other", "web", "2", HEX[0])
        image = for_sync([place], self.WANTED)
        assert (image.repo_namespace, image.repo_name, image.tag) == ("other", "web", "2")


def test_an_index_is_submitted_by_the_image_that_was_chosen_from_it():
    image = found("registry.example.com/team/app:1")
    of_index = ResolvedImage(replace(image.identity, index_digest=f"sha256:{HEX[1]}"), image.name)
    assert submission_of(place_of(of_index, EVERYTHING), of_index).request.digest == HEX[0]
