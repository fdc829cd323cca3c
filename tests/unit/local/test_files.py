"""Files in layers: what each check notices, what it leaves alone, and what later layers do to a finding."""

import json

import pytest

from jenkins_scan.findings import Kind, Severity
from jenkins_scan.local import paths
from jenkins_scan.local.files import LARGEST, Search
from jenkins_scan.local.layer import Bounds, Layer
from tests.support.docker_archives import tar_of
from tests.support.local_images import KEY, analysis_of, digest_of, ids, member, stream

GITHUB = b"ghp_" + b"a1B2c3D4e5F6" * 3
AWS = b"AKIA" + b"Z2X4C6V8B0N1M3K5"
JWT = b"eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
AUTHS = json.dumps({"auths": {"registry.example.com": {"auth": "dXNlcjpwYXNzd29yZA=="}}}).encode()
KUBECONFIG = b"apiVersion: v1\nkind: Config\nusers:\n- name: a\n  user:\n    token: abcdef123456\n"

SENSITIVE = {
    "private-key": [
        ("app/id_rsa", KEY),
        ("etc/app.yaml", b"name: app\nkey: |\n" + KEY),
        ("app/service.json", b'{"private_key": "' + KEY.replace(b"\n", b"\\n") + b'"}'),
        ("app/short.pem", b"\n-----BEGIN EC PRIVATE KEY-----\nMHcCAQ\n-----END EC PRIVATE KEY-----\n"),
        ("app/ssh2", b"---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nP2/56\n"),
        ("app/key.asc", b"-----BEGIN PGP PRIVATE KEY BLOCK-----\n\nlQ==\n"),
        ("app/key.ppk", b"PuTTY-User-Key-File-3: ssh-rsa\n"),
        ("usr/share/doc/app/key.pem", KEY),
    ],
    "cloud-credentials": [
        ("root/.aws/credentials", b"[default]\naws_access_key_id = A\naws_secret_access_key = abcdefghij\n"),
        ("root/.aliyun/config.json", b'{"profiles": [{"access_key_secret": "abcdefgh"}]}'),
        ("root/.config/gcloud/application_default_credentials.json", b'{"refresh_token": "1//abc"}'),
        ("root/.config/gcloud/credentials.db", b"SQLite\0"),
        ("root/.azure/msal_token_cache.json", b'{"AccessToken": {"a": {"secret": "ey.abc"}}}'),
    ],
    "registry-credentials": [
        ("root/.docker/config.json", AUTHS),
        ("kaniko/.docker/config.json", AUTHS),
        ("run/containers/auth.json", AUTHS),
    ],
    "package-credentials": [
        ("app/.npmrc", b"//registry.npmjs.org/:_authToken=npm_abcdef\n"),
        ("app/auth.json", b'{"github-oauth": {"github.com": "abcdef"}}'),
        ("root/.pypirc", b"[pypi]\nusername = __token__\npassword = pypi-abc\n"),
        ("root/.m2/settings.xml", b"<server><password>geheim</password></server>"),
        ("root/.cargo/credentials.toml", b'[registry]\ntoken = "abcdef"\n'),
        ("root/.gem/credentials", b":rubygems_api_key: rubygems_abc\n"),
        ("etc/pip.conf", b"[global]\nindex-url = https://me:geheim9@pypi.example.com/simple\n"),
    ],
    "login-credentials": [
        ("root/.netrc", b"machine git.example.com login me password geheim9\n"),
        ("root/.git-credentials", b"https://me:geheim9@git.example.com\n"),
        ("root/.pgpass", b"db:5432:app:me:geheim9\n"),
        ("root/.my.cnf", b"[client]\npassword = geheim9\n"),
    ],
    "kubeconfig": [
        ("root/.kube/config", KUBECONFIG),
        ("app/prod-kubeconfig.yaml", KUBECONFIG),
        ("etc/kubernetes/admin.conf", KUBECONFIG),
        ("app/any.yaml", b"users:\n- user:\n    client-key-data: " + b"QUJD" * 20),
    ],
    "env-file": [
        ("app/.env", b"# DB\nPORT=80\nexport DB_PASSWORD='geheim9'\n"),
        ("app/.env.production", b"API_KEY=abc123def\n"),
        ("app/prod.env", b"URL=postgres://me:geheim9@db/app\n"),
    ],
    "password-store": [
        ("etc/shadow", b"daemon:*:1::\nroot:$6$abcdefgh$ABCDEFGHIJKLMNOP:1:0::\n"),
        ("etc/shadow-", b"root:!$y$j9T$abcdefghijkl:1:0::\n"),
        ("var/www/.htpasswd", b"me:$apr1$abc$def\n"),
        ("app/store.kdbx", b"\x03\xd9\xa2\x9a"),
    ],
    "key-store": [("app/server.p12", b"0\x82"), ("app/Server.JKS", b"\xfe\xed")],
    "token": [
        ("app/config.py", b'TOKEN = "' + GITHUB + b'"\n'),
        ("app/notes.txt", b"the key is " + AWS + b"\n"),
        ("app/a.tf", b'aws_secret_access_key = "' + b"aB3+" * 10 + b'"'),
        ("app/b.txt", b"x" * 3000 + b" glpat-" + b"abcDEF123_" * 2 + b" "),
        ("app/c.txt", b"https://hooks.slack.com/services/T0ABC/B0DEF/abcdef123"),
        ("app/d.js", b"stripe('sk_live_" + b"a1B2c3" * 4 + b"')"),
    ],
    "web-token": [("app/e.txt", b"Bearer " + JWT)],
}
HARMLESS = {
    "a public certificate": ("etc/ssl/cert.pem", b"-----BEGIN CERTIFICATE-----\nMIID\n-----END CERTIFICATE-----\n"),
    "a public key": ("app/key.pub", b"-----BEGIN PUBLIC KEY-----\nMIIB\n"),
    "a program that writes keys": ("app/write.py", b'HEAD = "-----BEGIN PRIVATE KEY-----\\n"\n'),
    "a document about keys": ("app/README", b"It begins with:\n-----BEGIN PRIVATE KEY-----\n...\n"),
    "a binary with the words": ("bin/tool", b"\0-----BEGIN PRIVATE KEY-----\n" + b"QUJD" * 30),
    "credentials to be filled in": ("root/.npmrc", b"//registry.npmjs.org/:_authToken=${NPM_TOKEN}\n"),
    "AWS settings without a secret": ("root/.aws/credentials", b"[default]\nrole_arn = x\n"),
    "credentials of something else": ("app/credentials", b"aws_secret_access_key = abcdefghij\n"),
    "a docker config without a login": ("root/.docker/config.json", b'{"auths": {"a": {}}, "credsStore": "pass"}'),
    "an example of variables": ("app/.env.example", b"DB_PASSWORD=geheim9\n"),
    "variables without secrets": ("app/.env", b"PORT=80\nTOKEN_URL=https://x\nSECRET=\nPASSWORD_FILE=/run/secrets/x\n"),
    "a folder's environment": ("app/.envoy", b"DB_PASSWORD=geheim9\n"),
    "locked accounts": ("etc/shadow", b"root:*:1:0:99999:7:::\nwww:!:1::\nx:!!:1::\n"),
    "the shadow of something else": ("app/shadow", b"root:$6$abcdefgh$ABCDEFGHIJKLMNOP:1:0::\n"),
    "the key of AWS's documentation": ("app/aws.rst", b"AKIAIOSFODNN7EXAMPLE"),
    "letters in something encoded": ("app/wasm.js", b"'" + b"QUJD" * 9 + AWS + b"QUJD'"),
    "something encoded that begins so": ("app/data.js", b"'" + AWS + b"QUJD'"),
    "no valid JWT": ("app/f.txt", b"eyJhYmM.eyJ."),
    "a cluster without a secret": ("root/.kube/config", b"kind: Config\nclusters: []\n"),
    "an empty key store": ("app/empty.p12", b""),
    "Git's file of a worktree": ("src/.git", b"gitdir: ../x\n"),
    "a name with git in it": ("src/.gitignore", b"*.pyc\n"),
    "a folder with git in its name": ("src/a.git/HEAD", b"ref"),
    "something else's login": ("app/auth.json", b'{"user": "me"}'),
    "an empty list of packages": ("var/lib/apt/lists/lock", b""),
}


@pytest.mark.parametrize(
    ("name", "path", "content"), [(name, *case) for name, cases in SENSITIVE.items() for case in cases]
)
def test_a_sensitive_file_is_found(name, path, content):
    found = analysis_of({"etc/hostname": b"x", path: content})
    (finding,) = found.findings
    assert (finding.id, finding.path) == (f"local/{name}", f"/{path}")
    assert (finding.kind, finding.source, finding.fixable) == (Kind.SENSITIVE_FILE, "local", True)
    medium = name in ("web-token", "key-store")
    assert finding.severity is (Severity.MEDIUM if medium else Severity.HIGH)
    assert finding.title.endswith("(in the final image)")
    assert finding.layer == digest_of(tar_of({"etc/hostname": b"x", path: content}))
    assert finding.fix.startswith("Revoke it")
    assert "geheim9" not in repr(finding)


@pytest.mark.parametrize("case", HARMLESS)
def test_a_harmless_file_is_left_alone(case):
    path, content = HARMLESS[case]
    assert ids(analysis_of({path: content})) == []


def test_of_a_large_file_the_beginning_is_looked_into():
    found = analysis_of({"app/first": KEY + b" " * LARGEST, "app/last": b" " * LARGEST + KEY})
    assert ([finding.path for finding in found.findings], found.notes) == (["/app/first"], ())


def test_a_note_counts_known_files_that_were_looked_into_at_their_beginning_alone():
    login = b"machine git.example.com login me password geheim9\n"
    found = analysis_of({"a/.netrc": login + b" " * LARGEST, "b/.NETRC": b" " * LARGEST + login, "c/x": b" " * LARGEST})
    assert [finding.path for finding in found.findings] == ["/a/.netrc"]
    assert found.notes == ("Files with names of credentials that were looked into only at their beginning: 2.",)


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be", "utf-8"])
@pytest.mark.parametrize(
    ("path", "text", "name"),
    [
        ("app/id_rsa", KEY, "private-key"),
        ("app/.env", b"DB_PASSWORD=geheim9\n", "env-file"),
        ("app/notes.txt", b"it is " + GITHUB, "token"),
    ],
)
def test_texts_of_windows_are_read_in_their_own_encoding(encoding, path, text, name):
    content = ("\ufeff" + text.decode()).encode(encoding)
    assert ids(analysis_of({path: content})) == [name]


@pytest.mark.parametrize(
    ("path", "content", "name"),
    [
        ("APP/.ENV", b"DB_PASSWORD=geheim9\n", "env-file"),
        ("app/.Env.PROD", b"DB_PASSWORD=geheim9\n", "env-file"),
        ("root/.AWS/Credentials", b"aws_secret_access_key = abcdefghij\n", "cloud-credentials"),
        ("app/.NPMRC", b"//registry.npmjs.org/:_authToken=npm_abcdef\n", "package-credentials"),
        ("root/.azure/ACCESSTOKENS.JSON", b'{"accessToken": "ey.abc"}', "cloud-credentials"),
        ("app/ID_RSA", KEY, "private-key"),
        ("etc/Kubernetes/ADMIN.CONF", KUBECONFIG, "kubeconfig"),
        ("app/KUBECONFIG-prod", KUBECONFIG, "kubeconfig"),
    ],
)
def test_names_are_known_in_any_case(path, content, name):
    assert ids(analysis_of({path: content})) == [name]


@pytest.mark.parametrize(
    ("path", "shown", "found_at"),
    [
        ("app/{}/id_rsa", "/app/****/id_rsa", "/app/****"),
        ("app/.env.{}", "/app/.env.****", "/app/.env.****"),
        ("{}/deep/x", "/****/deep/x", "/****"),
        ("app/key_{}é/x", "/app/key_****é/x", "/app/key_****é"),
    ],
)
def test_a_token_in_a_path_is_found_once_and_never_shown(path, shown, found_at):
    name = path.format(GITHUB.decode())
    found = analysis_of({name: KEY, f"{name}2": b"x"} if name.endswith("/x") else {name: KEY}).findings
    assert GITHUB.decode() not in repr(found)
    key, token = sorted(found, key=lambda finding: finding.id)
    assert (key.id, key.path) == ("local/private-key", shown)
    assert (token.id, token.path, token.title) == (
        "local/token",
        found_at,
        "GitHub Token in a file's name (in the final image)",
    )


def test_tokens_are_masked_wherever_a_path_is_shown():
    token = GITHUB.decode()
    found = analysis_of(
        {f"home/{token}/.npm/_cacache/x": b"x" * 99, f"src/{token}/.git/HEAD": b"x", f"s/{JWT.decode()}.txt": b"x"}
    ).findings
    assert {(finding.id, finding.path) for finding in found} == {
        ("local/package-cache", "/home/****/.npm/_cacache"),
        ("local/git-folder", "/src/****/.git"),
        ("local/token", "/home/****"),
        ("local/token", "/src/****"),
        ("local/web-token", "/s/****"),
    }
    assert token not in repr(found)


def test_a_token_that_appears_once_a_path_is_made_plain_is_masked():
    torn = GITHUB[:9] + b"\x1b[1m" + GITHUB[9:]
    assert paths.shown(b"app/" + torn + b"/id_rsa") == "/app/****/id_rsa"
    assert GITHUB.decode() not in paths.shown(b"a" * 990 + b"/" + GITHUB)


def test_a_token_whose_place_cannot_be_told_takes_the_whole_path_with_it():
    secret = 'aws_secret_é_key="' + "aB3+" * 10 + '"'
    assert paths.shown(f"app/ {secret}".encode()) == "/****"


def test_a_token_in_a_folder_is_deleted_with_it():
    found = analysis_of({f"app/{GITHUB.decode()}/x": b"x"}, {"app/.wh." + GITHUB.decode(): b""}).findings
    assert [finding.title.split(",")[0] for finding in found] == [
        "GitHub Token in a file's name (deleted in a later layer"
    ]


def test_names_are_searched_for_tokens_up_to_a_bound():
    search = Search(most_windows=1)
    found = analysis_of({f"a/{GITHUB.decode()}{number}": b"x" for number in range(3)}, bounds=Bounds(search))
    assert search.is_exhausted
    assert found.notes == ("Tokens were not looked for in all text files and names: there are too many.",)


def test_a_password_store_is_found_once_in_each_folder():
    found = analysis_of(
        {
            "root/.password-store/.gpg-id": b"me",
            "root/.password-store/a/b.gpg": b"\x85",
            "root/.password-store/c.gpg": b"\x85",
            "home/.password-store/.gpg-id": b"me",
        }
    ).findings
    assert [(finding.id, finding.path, finding.title) for finding in found] == [
        ("local/password-store", "/root/.password-store", "A password store of pass (in the final image)")
    ]


def test_a_repository_is_found_once_in_each_folder_and_layer():
    files = {"a/.git/HEAD": b"x", "a/.git/objects/1": b"x", ".git/HEAD": b"x"}
    found = analysis_of(files, {"a/.git/HEAD": b"y"})
    assert [(finding.path, finding.title) for finding in found.findings] == [
        ("/a/.git", "A Git repository (in the final image)"),
        ("/.git", "A Git repository (in the final image)"),
        ("/a/.git", "A Git repository (in the final image)"),
    ]


def test_a_password_in_a_remote_of_git_is_found():
    found = analysis_of({"a/.git/config": b"url = https://me:geheim9@git.example.com/x\n"})
    assert ids(found) == ["git-folder", "login-credentials"]


def test_several_kinds_of_tokens_in_one_file_are_one_finding():
    (finding,) = analysis_of({"app/t": GITHUB + b"\n" + AWS}).findings
    assert finding.title == "AWS Access Key and GitHub Token in a text file (in the final image)"


@pytest.mark.parametrize(
    ("later", "becomes"),
    [
        ({"app/.wh.id_rsa": b""}, "deleted"),
        ({".wh.app": b""}, "deleted"),
        ({"app/.wh..wh..opq": b""}, "deleted"),
        ({".wh..wh..opq": b""}, "deleted"),
        ({"app": b"a file in the folder's place"}, "deleted"),
        ({"app/id_rsa": b"x"}, "overwritten"),
        ({"app/.wh..wh..opq": b"", "app/id_rsa": b"x"}, "overwritten"),
        ({"app/.wh.other": b"", "app/.wh..wh.plnk": b"", "app/other": b"x"}, None),
    ],
)
def test_what_a_later_layer_does_to_a_key_is_told_and_the_key_still_reported(later, becomes):
    found = analysis_of({"app/id_rsa": KEY}, {"etc/x": b"x"}, later)
    (finding,) = found.findings
    assert finding.layer == digest_of(tar_of({"app/id_rsa": KEY}))
    if becomes is None:
        assert finding.title == "A private key (in the final image)"
    else:
        layer = digest_of(tar_of(later))[:19]
        assert finding.title == f"A private key ({becomes} in a later layer, {layer}, still shipped)"


def test_a_folder_in_the_place_of_a_key_overwrites_it_and_one_over_a_repository_does_not():
    later = tar_of({}, member("id_rsa", kind=b"5"), member("a/.git", kind=b"5"))
    key, git = analysis_of({"id_rsa": KEY, "a/.git/HEAD": b"x"}, later).findings
    assert key.title.startswith("A private key (overwritten")
    assert git.title == "A Git repository (in the final image)"


def test_a_repository_that_is_emptied_is_deleted():
    (git,) = analysis_of({"a/.git/HEAD": b"x"}, {"a/.git/.wh..wh..opq": b""}).findings
    assert git.title.startswith("A Git repository (deleted")


def test_a_whiteout_says_nothing_of_its_own_layer_or_a_later_one():
    found = analysis_of({"app/.wh.id_rsa": b"", "app/id_rsa": KEY}, {"etc/.wh.x": b""})
    assert [finding.title for finding in found.findings] == ["A private key (in the final image)"]


@pytest.mark.parametrize(
    ("info", "found"),
    [
        (member("app/tool", mode=0o4755), [("setuid-file", "A program that runs as user 0 (setuid)")]),
        (member("usr/bin/tool", mode=0o6755, uid=7), [("setuid-file", "A program that runs as user 7 (setuid)")]),
        (member("opt/su", mode=0o4755), [("setuid-file", "A program that runs as user 0 (setuid)")]),
        (member("app/tool", mode=0o2755), [("setgid-file", "A program that runs with another group (setgid)")]),
        (member("app/data", mode=0o2644), []),
        (member("usr/bin/passwd", mode=0o4755), []),
        (member("var/mail", mode=0o2775, kind=b"5"), []),
        (member("app/link", mode=0o4777, kind=b"2", link="tool"), []),
    ],
)
def test_owner_bits_of_files(info, found):
    findings = analysis_of(tar_of({}, info)).findings
    assert [(each.id, each.title.removesuffix(" (in the final image)")) for each in findings] == [
        (f"local/{name}", title) for name, title in found
    ]


@pytest.mark.parametrize(
    ("path", "folder"),
    [
        ("var/lib/apt/lists/deb_Packages", "/var/lib/apt/lists"),
        ("var/cache/apt/archives/curl.deb", "/var/cache/apt"),
        ("var/cache/apk/APKINDEX.1.tar.gz", "/var/cache/apk"),
        ("var/cache/dnf/x/packages/a.rpm", "/var/cache/dnf"),
        ("root/.cache/pip/http/a", "/root/.cache/pip"),
        ("home/me/.npm/_cacache/x", "/home/me/.npm/_cacache"),
        ("var/log/dpkg.log", None),
        ("opt/.cache/pip/x", None),
    ],
)
def test_caches_of_package_managers(path, folder):
    found = analysis_of({path: bytes(1500), f"{path}2": bytes(2 * 1024**2)}).findings
    assert [(each.id, each.path, each.title) for each in found] == (
        [] if folder is None else [("local/package-cache", folder, "A package manager left 2.0 MiB in its cache")]
    )


def test_a_small_cache_is_counted_in_kib():
    (finding,) = analysis_of({"var/cache/apk/x": bytes(1500)}).findings
    assert finding.title == "A package manager left 2 KiB in its cache"


def test_the_files_of_all_layers_are_counted():
    found = analysis_of({"a": b"12", "b": b"345"}, {"a": b"6", ".wh.b": b""})
    assert (found.layers, found.files, found.bytes, found.notes) == (2, 3, 6, ())


@pytest.mark.parametrize("search", [Search(most_texts=1), Search(most_bytes=60), Search(most_windows=0)])
def test_tokens_are_looked_for_up_to_a_bound_and_keys_beyond_it(search):
    layer = Layer()
    layer.read(stream(tar_of({"a": AWS, "b": AWS + b" " * 50, "c": KEY})), Bounds(search))
    assert search.is_exhausted
    assert [(hit.check.id, hit.path) for hit in layer.hits if hit.path != b"a"] == [("local/private-key", b"c")]


def test_findings_beyond_a_bound_are_counted_and_not_listed():
    bounds, layer = Bounds(hits=2), Layer()
    layer.read(stream(tar_of({f"{number}.p12": b"x" for number in range(5)} | {"z": KEY})), bounds)
    assert [hit.path for hit in layer.hits] == [b"0.p12", b"1.p12", b"z"]  # what is high is never lost in a flood
    assert bounds.dropped == 3
    caches = {f"home/{number}/.cache/pip/x": b"x" for number in range(150)}
    layer.read(stream(tar_of(caches)), bounds)
    assert (len(layer.caches), bounds.dropped) == (0, 153)
    layer.read(stream(tar_of(caches)), Bounds(hits=100))
    assert len(layer.caches) == 100


def test_notes_tell_what_was_not_looked_at():
    files = {"a": AWS, "b": AWS, "c.p12": b"x", "d.p12": b"x", "e.p12": b"x"}
    found = analysis_of(files, bounds=Bounds(Search(most_texts=1), hits=2))
    assert found.notes == (
        "Tokens were not looked for in all text files and names: there are too many.",
        "Files that should not be there and that are not listed, being too many: 1.",
    )


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("app/kubeconfig", True),
        ("app/prod-kubeconfig.yaml", True),
        ("app/kubeconfig.yml", True),
        ("lib/kubeconfig.py", False),
        ("lib/__pycache__/kubeconfig.cpython-311.pyc", False),
    ],
)
def test_a_kubeconfig_is_known_by_its_name_and_source_code_is_none(name, found):
    content = b"apiVersion: v1\nusers:\n- name: a\n  user:\n    token: abcdefghijklmnop\n"
    assert ("local/kubeconfig" in {finding.id for finding in analysis_of({name: content}).findings}) == found


@pytest.mark.parametrize(
    ("path", "content", "check"),
    [
        ("root/.config/git/credentials", b"https://me:Zq7hV9xKp2@github.com\n", "login-credentials"),
        ("etc/mysql/my.cnf", b"[client]\npassword = Zq7hV9xKp2\n", "login-credentials"),
        ("app/config/database.yml", b"production:\n  password: Zq7hV9xKp2\n", "login-credentials"),
        ("app/appsettings.Production.json", b'{"Db": {"Password": "Zq7hV9xKp2"}}', "login-credentials"),
        ("app/appsettings.json", b'{"C": {"Default": "Server=h;Password=Zq7hV9xKp2;"}}', "login-credentials"),
        ("root/.aws/config", b"[default]\naws_secret_access_key = Zq7hV9xKp2\n", "cloud-credentials"),
        ("infra/prod.tfvars", b'db_password = "Zq7hV9xKp2"\n', "cloud-credentials"),
        ("usr/share/maven/conf/settings.xml", b"<password>Zq7hV9xKp2</password>", "package-credentials"),
        ("app/NuGet.config", b"<add key='ClearTextPassword' value='Zq7hV9xKp2' />", "package-credentials"),
        ("app/a.txt", b"id: LTAI5tZq7hV9xKp2mW4tBn3c\n", "token"),
        ("app/b.txt", b"github_pat_" + b"A1b2C3d4E5" * 2 + b"F6_" + b"Z9" * 29 + b"Z\n", "token"),
        ("app/c.txt", b"npm_" + b"a1B2c3" * 6 + b"\n", "token"),
        ("app/d.txt", b"hf_" + b"aBcDeFgHiJkLmNoPqRsTuVwXyZaBcDeFgH" + b"\n", "token"),
        ("app/e.txt", b"AIzaSy" + b"A1b2C3d4E5f" * 3 + b"\n", "token"),
        ("app/f.txt", b"sk-ant-api03-" + b"Ab1_" * 20 + b"\n", "token"),
    ],
)
def test_more_places_and_tokens_are_found(path, content, check):
    assert ids(analysis_of({path: content})) == [check]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        ("app/.env.test", b"DB_PASSWORD=test\nMAIL_PASSWORD=secret\nAPI_KEY=changeme\n"),
        ("doc/key.md", b"-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----\n"),
        ("app/appsettings.json", b'{"Db": {"Password": "${DB_PASSWORD}"}, "C": "Server=h;Trusted_Connection=True"}'),
    ],
)
def test_what_only_shows_the_form_is_left_alone(path, content):
    assert ids(analysis_of({path: content})) == []


@pytest.mark.parametrize(
    ("path", "shown"),
    [
        ("d/password=Pw-qqqq-zz99/id_rsa", "/d/password=****/id_rsa"),
        ("u/https:/me:Pw-qqqq-zz99@h/id_rsa", "/u/https:/me:****@h/id_rsa"),
    ],
)
def test_what_a_path_tells_of_a_password_is_not_shown(path, shown):
    (finding,) = analysis_of({path: KEY}).findings
    assert finding.path == shown
