"""Files that tools keep credentials in: each is found with one, and left alone without."""

import signal
from contextlib import contextmanager

import pytest

from jenkins_scan.local import paths
from jenkins_scan.local.files import Search
from tests.support.local_images import analysis_of, ids

SECRET = "kX9-geheim-42"
PULL_SECRET = "type: kubernetes.io/dockerconfigjson\ndata:\n  .dockerconfigjson: "

HOLDING = {
    "cloud-credentials": [
        ("root/.boto", "[Credentials]\ngs_oauth2_refresh_token = {}\n"),
        ("root/.config/rclone/rclone.conf", "[remote]\ntype = sftp\npass = {}\n"),
        ("root/.config/doctl/config.yaml", "access-token: {}\ncontext: default\n"),
        ("root/.databrickscfg", "[DEFAULT]\nhost = https://x\ntoken = {}\n"),
        ("root/.terraformrc", 'credentials "app.terraform.io" {{\n  token = "{}"\n}}\n'),
        ("app/terraform.tfstate", '{{"resources": [{{"attributes": {{"name": "x", "db_password": "{}"}}}}]}}'),
        ("app/terraform.tfstate.backup", '{{"secret_key": "{}"}}'),
    ],
    "registry-credentials": [
        ("run/user/containers/0/auth.json", '{{"auths": {{"r": {{"auth": "{}"}}}}}}'),
        ("run/containers/1000/auth.json", '{{"auths": {{"r": {{"auth": "{}"}}}}}}'),
        ("app/.dockerconfigjson", '{{"auths": {{"r": {{"auth": "{}"}}}}}}'),
        ("app/pull.yaml", PULL_SECRET + "QUJD" * 12 + "{}"),
        ("app/pull.json", '{{"type": "kubernetes.io/dockerconfigjson", ".dockerconfigjson": "' + "QUJD" * 12 + '{}"}}'),
    ],
    "package-credentials": [
        ("app/.yarnrc.yml", 'npmAuthToken: "{}"\n'),
        ("root/.yarnrc.yml", "npmRegistries:\n  //npm.example.com:\n    npmAuthIdent: {}\n"),
        (
            "root/.nuget/NuGet/NuGet.Config",
            '<x><add key="Username" value="me" />\n<add key="ClearTextPassword" value="{}" />',
        ),
        ("root/.gradle/gradle.properties", "org.gradle.jvmargs=-Xmx2g\nsigning.password={}\n"),
        ("root/.kaggle/kaggle.json", '{{"username":"me","key":"{}"}}'),
        ("root/.cache/huggingface/token", "hf_" + "abcDEF" * 5 + "{}\n"),
        ("root/.huggingface/token", "hf_" + "abcDEF" * 5 + "{}\n"),
    ],
    "login-credentials": [
        ("root/.vault-token", "{}"),
        ("root/.config/gh/hosts.yml", "github.com:\n    user: me\n    oauth_token: {}\n"),
        ("root/.config/hub", "github.com:\n- user: me\n  oauth_token: {}\n"),
        ("root/.config/hub", "github.com:\n- oauth_token: {}\n"),
        ("root/.config/glab-cli/config.yml", "hosts:\n    gitlab.com:\n        token: !!null {}\n"),
        ("root/.config/glab-cli/config.yml", "hosts:\n    gitlab.com:\n        token: {}\n"),
        ("var/www/wp-config.php", "define( 'DB_PASSWORD', '{}' );\n"),
        ("app/config/master.key", "0123456789abcdef" * 2 + "\n"),
        ("app/application.yml", "spring:\n  datasource:\n    password: {}  # of the test\n"),
        ("app/application-prod.yaml", 'client-secret: "{}"\n'),
        ("app/application.properties", "spring.datasource.password = geheimnisvoll\n"),
        ("app/db.properties", "# settings\ndb.password={}\r\n"),
        ("root/.bash_history", "ls\nexport DB_PASSWORD={}\n"),
        ("root/.bash_history", "aws s3 ls\nmysql -u root -p{} app\n"),
        ("root/.bash_history", "docker login -u me -p {} r.example.com\n"),
        ("root/.zsh_history", ": 1700000000:0;deploy --api-token {}\n"),
        ("root/.ash_history", "git clone https://me:{}@git.example.com/x\n"),
        ("root/.python_history", "os.environ['API_TOKEN'] = '{}'\n"),
        ("root/.python_history", 'password = "{}"\n'),
        ("root/.mysql_history", "_HiStOrY_V2_\nALTER\\040USER\\040me\\040IDENTIFIED\\040BY\\040'{}';\n"),
        ("root/.psql_history", "create role me with password '{}';\n"),
    ],
    "private-key": [
        ("root/.gnupg/private-keys-v1.d/0123ABCD.key", "(21:protected-private-key {}"),
        ("root/.gnupg/secring.gpg", "\x05 {}"),
    ],
}
NOT_HOLDING = [
    ("app/terraform.tfstate", '{"attributes": {"name": "kX9-geheim-42", "password": "", "token": "${x}"}}'),
    ("app/terraform.tfstate", '{"attributes": {"db_password": "changeme"}}'),
    ("run/other/0/auth.json", '{"auths": {"r": {"auth": "dXNlcjpwdw=="}}}'),
    ("auth.json", '{"auths": {"r": {"auth": "dXNlcjpwdw=="}}}'),
    ("app/pull.yaml", PULL_SECRET + "<base64>"),
    ("app/.yarnrc.yml", "npmAuthToken: ${NPM_TOKEN}\n"),
    ("app/NuGet.Config", '<add key="ClearTextPassword" value="%NUGET_PASSWORD%" />'),
    ("root/.gradle/gradle.properties", "org.gradle.jvmargs=-Xmx2g\nsigning.password=\n"),
    ("app/token", "hf_" + "abcDEF" * 5),
    ("root/.cache/huggingface/token", "none"),
    ("root/.vault-token", "\n"),
    ("app/hosts.yml", "oauth_token: kX9-geheim-42\n"),
    ("root/.config/glab-cli/config.yml", "token: !!null\nhost: x\n"),
    ("var/www/wp-config.php", "define( 'DB_PASSWORD', getenv_docker('WORDPRESS_DB_PASSWORD', 'example password') );\n"),
    ("var/www/wp-config.php", "define( 'DB_PASSWORD', 'password_here' );\n"),
    ("app/master.key", "0123456789abcdef" * 2),
    ("app/config/master.key", "see the vault"),
    ("app/x.key", "(21:protected-private-key"),
    ("app/secring.gpg", "\x05"),
    *(
        ("app/application.yml", f"password: {value}\n")
        for value in (
            *(
                "${DB_PASSWORD}",
                "changeme",
                "'{cipher}AbCd1234'",
                "ENC(AbCd1234=)",
                "# none",
                "|",
                "!vault x1",
                "*one1",
            ),
            *("#{systemProperties['x']}", "file:/run/secrets/x1", "<yours1>", "two words1", '""', "@db.password@"),
        )
    ),
    ("app/application.yml", "token-url: kX9-geheim-42\npassword.file: kX9-geheim-42\n"),
    ("lib/Messages_de.properties", "login.password=Passwort\npassword=Passwort:\ntoken=Gib das 2. Token\n"),
    ("lib/Messages_es.properties", "password=Contrase\\u00f1a\n"),
    ("app/docker-compose.yml", "password: kX9-geheim-42\n"),
    (
        "root/.bash_history",
        "ls\nTOKEN=$(cat x)\nexport PASSWORD=\nmysql -p app\ndocker login -u me\nset --token-file /x\n",
    ),
    ("root/.bash_history", "docker login -p $PASSWORD\nmysql -pchangeme\nPATH=/x\nA_TOKEN=${B}\n"),
    ("root/.python_history", "token = get_token()\nprint('password')\nname = 'kX9'\n"),
    ("root/.psql_history", "alter role me with password null;\nselect password from users;\n"),
]


@pytest.mark.parametrize(
    ("name", "path", "content"), [(name, *case) for name, cases in HOLDING.items() for case in cases]
)
def test_a_file_with_a_credential_is_found_and_the_credential_not_shown(name, path, content):
    (finding,) = analysis_of({path: content.format(SECRET).encode()}).findings
    assert (finding.id, finding.path) == (f"local/{name}", f"/{path}")
    assert SECRET not in repr(finding)


@pytest.mark.parametrize(("path", "content"), NOT_HOLDING)
def test_a_file_without_a_credential_is_left_alone(path, content):
    assert ids(analysis_of({path: content.encode()})) == []


def test_a_token_in_a_file_of_credentials_that_holds_no_other_is_found():
    token = b"ghp_" + b"a1B2c3D4e5F6" * 3
    assert ids(analysis_of({"root/.bash_history": b"gh auth login # " + token})) == ["token"]


# Hostile contents: as many beginnings of each pattern as fit in. What takes quadratic time would take minutes.

PATHS = [
    *(b".npmrc", b".netrc", b"k3s.yaml", b"etc/shadow", b".htpasswd", b".pgpass", b"wp-config.php", b"nuget.config"),
    *(
        b"auth.json",
        b".env",
        b".bash_history",
        b"application.yml",
        b"terraform.tfstate",
        b".m2/settings.xml",
        b".s3cfg",
    ),
    *(b"config/master.key", b".config/glab-cli/config.yml", b".cache/huggingface/token", b".yarnrc.yml", b"text"),
]
BEGINNINGS = [
    *(
        b'"',
        b"'",
        b'"a":',
        b'"token": ',
        b"token ",
        b"token: ",
        b"\n_auth ",
        b"_auth",
        b" ",
        b"\n ",
        b"a",
        b"a=",
        b"A='",
        b"a.-",
    ),
    *(b"password ", b"password='", b"identified by ", b"mysql ", b"mysql -p", b"docker login -", b"--a", b"--a-token="),
    *(b"password1", b"aa://", b"aa://a:", b"<password>", b'<add key="ClearTextPassword" ', b"define('DB_PASSWORD',"),
    *(b"a:", b"a:b:c:", b"a:$6$", b"token: !!null ", b"0", b"hf_", b"export A=", b"password=/a/", b"x]"),
]
KEY_BEGIN = b"-----BEGIN PRIVATE KEY-----"
LINES = [KEY_BEGIN, KEY_BEGIN + b"A" * 39 + b"\n", b"-----BEGIN A A A", b"client-key-data: "]
LINES += [b".dockerconfigjson: kubernetes.io/dockerconfigjson"]
SIZE = 256 * 1024
HANGS = 60
"""Seconds of processor time after which nobody waits any longer: a quadratic pattern takes more, others far less."""


@contextmanager
def no_hang():
    """Stops the pattern at work when it does not come to its end."""

    def stop(*_):
        raise AssertionError("It hangs.")

    before = signal.signal(signal.SIGVTALRM, stop)
    signal.setitimer(signal.ITIMER_VIRTUAL, HANGS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_VIRTUAL, 0)
        signal.signal(signal.SIGVTALRM, before)


@pytest.mark.slow
@pytest.mark.parametrize("path", PATHS)
def test_a_hostile_content_hangs_no_pattern(path):
    base = path.rpartition(b"/")[2]
    for begin in [*BEGINNINGS, *LINES]:
        with no_hang():
            list(Search(most_windows=100).by_content(path, base, begin * (SIZE // len(begin))))


def test_a_hostile_path_hangs_nothing():
    with no_hang():
        for begin in (b"a/", b"eyJ", b"ghp_", b"\x1b[", b" ", b"aws_secret'"):
            assert len(paths.shown(b"/" + begin * (4096 // len(begin)))) <= paths.LONGEST + 1
