import pytest
from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ConfigurationError, InvalidReference
from jenkins_scan.images.interface import Platform, parse_platform
from jenkins_scan.images.reference import ImageId, ImageReference, parse_reference, parse_references, shown

HEX = "0123456789abcdef" * 4
SHA = f"sha256:{HEX}"
SHA512 = f"sha512:{HEX * 2}"


@pytest.mark.parametrize(
    ("text", "canonical", "namespace", "repository", "sent_tag"),
    [
        ("nginx", "docker.io/library/nginx:latest", None, "nginx", "latest"),
        ("nginx:1.27", "docker.io/library/nginx:1.27", None, "nginx", "1.27"),
        ("docker.io/nginx", "docker.io/library/nginx:latest", None, "nginx", "latest"),
        ("docker.io/library/nginx", "docker.io/library/nginx:latest", "library", "nginx", "latest"),
        ("index.docker.io/nginx", "docker.io/library/nginx:latest", None, "nginx", "latest"),
        ("team/app", "docker.io/team/app:latest", "team", "app", "latest"),
        ("team/sub/app:1", "docker.io/team/sub/app:1", "team/sub", "app", "1"),
        ("host:5000/app:1", "host:5000/app:1", None, "app", "1"),
        ("host:5000/team/app", "host:5000/team/app:latest", "team", "app", "latest"),
        ("[::1]:5000/team/app:1", "[::1]:5000/team/app:1", "team", "app", "1"),
        ("[2001:db8::1]/app", "[2001:db8::1]/app:latest", None, "app", "latest"),
        ("127.0.0.1/app", "127.0.0.1/app:latest", None, "app", "latest"),
        ("localhost/app", "localhost/app:latest", None, "app", "latest"),
        ("localhost:5000/a/b", "localhost:5000/a/b:latest", "a", "b", "latest"),
        ("HOST/app", "HOST/app:latest", None, "app", "latest"),
        ("Registry.Example/team/app", "Registry.Example/team/app:latest", "team", "app", "latest"),
        ("host/app", "docker.io/host/app:latest", "host", "app", "latest"),
        ("a__b/c.d-e--f_g", "docker.io/a__b/c.d-e--f_g:latest", "a__b", "c.d-e--f_g", "latest"),
        (f"app@{SHA}", f"docker.io/library/app@{SHA}", None, "app", None),
        (f"app:1@{SHA}", f"docker.io/library/app:1@{SHA}", None, "app", None),
        (f"r.io/t/app@{SHA512}", f"r.io/t/app@{SHA512}", "t", "app", None),
        ("app:_A.b-C", "docker.io/library/app:_A.b-C", None, "app", "_A.b-C"),
        (f"app:{'t' * 128}", f"docker.io/library/app:{'t' * 128}", None, "app", "t" * 128),
        (f"x.io/{'a' * 255}", f"x.io/{'a' * 255}:latest", None, "a" * 255, "latest"),
        ("oci:1", "docker.io/library/oci:1", None, "oci", "1"),
    ],
)
def test_a_reference_is_parsed_by_the_grammar(text, canonical, namespace, repository, sent_tag):
    reference = parse_reference(text)
    assert isinstance(reference, ImageReference)
    assert reference.canonical == canonical
    assert reference.namespace == namespace
    assert reference.repository == repository
    assert reference.sent_tag == sent_tag
    assert str(reference) == text


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        ("  ", "empty"),
        ("nginx ", "spaces at its ends"),
        ("ng inx", r"character ' '"),
        ("nginx\x1b[31m", r"'\\x1b'"),
        ("nginx\n", "spaces at its ends"),
        ("nüx", r"'\\xfc'"),
        ("nginx:", "tag after ':' is empty"),
        (":1", "no path"),
        ("host:5000/", "path has an empty part|no path"),
        ("/app", "empty part"),
        ("a//b", "empty part"),
        ("a/b/", "empty part"),
        ("Nginx", "upper case in 'Nginx'"),
        ("team/App", "upper case in 'App'"),
        ("_app", "'_app'"),
        ("app-", "'app-'"),
        ("a..b", "'a..b'"),
        ("a___b", "'a___b'"),
        ("app:-1", "tag '-1'"),
        ("app:.1", "tag '.1'"),
        ("a:b:c", "tag 'b:c'"),
        ("app:" + "t" * 129, "tag 'ttt"),
        ("x.io/" + "a" * 256, "longer than 255"),
        ("a" * 255, "longer than 255"),
        ("a" * 2000, "longer than 1024"),
        ("host:port/app", "'host:port' is no registry host"),
        ("-host.io/app", "'-host.io' is no registry host"),
        ("[::g]/app", "no registry host"),
        ("https://host.io/app", "'https':// is not part"),
        ("app@", "no digest"),
        ("app@sha256", "no digest"),
        (f"@{SHA}", "no path"),
        ("app@sha256:abc", "not 64 lower-case"),
        (f"app@{SHA.upper().replace('SHA', 'sha')}", "not 64 lower-case"),
        (f"app@md5:{HEX}", "algorithm 'md5'"),
        (f"{HEX}:1", "image id"),
        (f"{HEX}@{SHA}", "image id"),
        (f"app@{SHA}@{SHA}", "no digest"),
        ("docker:team/app", "'docker:team' is no registry host"),
    ],
)
def test_a_bad_reference_is_an_error_that_says_which_part_is_wrong(text, why):
    with pytest.raises(InvalidReference, match=why) as caught:
        parse_reference(text)
    assert caught.value.exit_code == 2
    assert "\x1b" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "better"),
    [
        ("nginx ", "'nginx'"),
        ("nginx:", "'nginx'"),
        (f"nginx:@{SHA}", f"'nginx@{SHA}'"),
        ("Nginx:Stable", "'nginx:Stable'"),
        ("Team/App:1", "'team/app:1'"),
        ("https://host.io/app", "'host.io/app'"),
        ("docker:team/app", "'docker://team/app'"),
        ("docker-archive:/tmp/x.tar", "'docker-archive:///tmp/x.tar'"),
        ("a//b", "'a/b'"),
        (f"app@sha256:{HEX.upper()}", f"'app@{SHA}'"),
    ],
)
def test_an_obvious_slip_gets_a_suggestion(text, better):
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert f"Did you mean {better}?" in caught.value.remedy


@pytest.mark.parametrize(
    "text",
    [
        "user:hunter2@host/app",
        "user:hunter2@host:5000/app:1",
        "user:hun@hunter2@host/app",
        "user:hunter2/x@host/app",
        "https://user:hunter2@host/app",
        f"user:hunter2@host/app@{SHA}",
        "host/app?token=hunter2",
        "dokcer://user:hunter2@host/app",
    ],
)
def test_a_password_in_a_reference_is_never_shown(text):
    with pytest.raises(InvalidReference) as caught:
        parse_reference(text)
    assert "hunter2" not in f"{caught.value} {caught.value.remedy}"


@pytest.mark.parametrize("text", [HEX, SHA])
def test_64_hex_digits_are_an_image_id(text):
    assert parse_reference(text) == ImageId(SHA)
    assert ImageId(SHA).asked == str(ImageId(SHA)) == SHA


@pytest.mark.parametrize(
    ("text", "prefix"),
    [
        ("abc123", "abc123"),
        ("cafe", "cafe"),
        ("sha256:abc123", "abc123"),
        ("sha256:1.0", None),
        ("sha256", None),
        ("cafe:1", None),
        ("team/cafe", None),
        ("r.io/cafe", None),
        (f"cafe@{SHA}", None),
        ("nginx", None),
    ],
)
def test_a_name_that_may_be_the_beginning_of_an_id_says_so(text, prefix):
    assert parse_reference(text).id_prefix == prefix


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("nginx", "nginx"),
        ("docker.io/nginx:1", "docker.io/nginx:1"),
        ("index.docker.io/nginx", "index.docker.io/nginx"),
        (f"r.io/app:1@{SHA}", f"r.io/app@{SHA}"),
        (f"app@{SHA}", f"app@{SHA}"),
    ],
)
def test_an_engine_is_asked_for_what_was_typed_without_a_tag_beside_a_digest(text, asked):
    assert parse_reference(text).asked == asked


def test_names_that_are_none_are_left_out_of_a_list():
    assert [str(name) for name in parse_references(["<none>:<none>", "a:1", SHA, "B"])] == ["a:1"]


WORD = st.text("az09", min_size=1, max_size=5)
PART = st.builds("".join, st.tuples(WORD, st.sampled_from(["", "_", "__", "-", "---"]), WORD))
LAST_PART = PART | st.builds("{}.{}".format, PART, PART)
NAME = st.builds(lambda parts, last: "/".join([*parts, last]), st.lists(PART, max_size=3), LAST_PART)
REGISTRY = st.sampled_from(["", "r.io/", "host:5000/", "[::1]:80/", "localhost/", "UPPER/"])
TAG = st.sampled_from(["", ":1", ":_x.y-Z", ":" + "t" * 128])
DIGEST = st.sampled_from(["", f"@{SHA}", f"@{SHA512}"])


@given(st.builds(lambda *parts: "".join(parts), REGISTRY, NAME, TAG, DIGEST))
def test_whatever_the_grammar_makes_is_parsed_and_its_canonical_form_means_the_same(text):
    reference = parse_reference(text)
    assert isinstance(reference, ImageReference)
    assert str(reference) == text
    again = parse_reference(reference.canonical)
    assert again.canonical == reference.canonical
    assert again.repository_name == reference.repository_name


def complaint(text):
    try:
        parse_reference(text)
    except InvalidReference as exc:
        return f"{exc}{exc.remedy}"
    return "none"


@given(st.text(max_size=80) | st.text("ab/:@.-_ 5[]A?\x00", max_size=40))
def test_any_text_is_parsed_or_refused_and_an_error_is_printable(text):
    assert complaint(text).isprintable()
    assert complaint(text).isascii()


@given(st.text("pw0:/@?x", min_size=1, max_size=20), st.sampled_from(["host/app:1", "h.io:5000/a", "x"]))
def test_what_stands_before_the_host_is_hidden_whatever_it_is(secret, host):
    assert f"SECRET{secret}" not in shown(f"user:SECRET{secret}@{host}")


@pytest.mark.parametrize(
    "text", ["linux", "", "linux/", "linux/amd64/v8/x", "linux amd64", "linux/\x1b", "a" * 200, "/amd64"]
)
def test_a_bad_platform_is_a_configuration_error(text):
    with pytest.raises(ConfigurationError, match="is not a platform") as caught:
        parse_platform(text)
    assert caught.value.exit_code == 2


def test_a_platform_is_parsed_in_lower_case():
    assert parse_platform("Linux/ARM64/v8") == Platform("linux", "arm64", "v8")
    assert str(parse_platform("windows/amd64")) == "windows/amd64"


@pytest.mark.parametrize(
    ("there", "asked", "fits"),
    [
        ("linux/amd64", "linux/amd64", True),
        ("linux/amd64", "linux/arm64", False),
        ("windows/amd64", "linux/amd64", False),
        ("linux/arm64", "linux/arm64/v8", True),
        ("linux/arm64/v8", "linux/arm64", True),
        ("linux/aarch64", "linux/arm64", True),
        ("linux/x86_64", "linux/amd64", True),
        ("linux/arm/v6", "linux/arm", True),
        ("linux/arm/v6", "linux/arm/v7", False),
        ("linux/arm", "linux/armhf", True),
        ("linux/armel", "linux/arm/v6", True),
        ("linux/i386", "linux/386", True),
        ("linux/s390x", "linux/s390x", True),
    ],
)
def test_a_platform_fits_the_one_asked_for_in_any_of_its_spellings(there, asked, fits):
    assert parse_platform(there).fits(parse_platform(asked)) is fits
