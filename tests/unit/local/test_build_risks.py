"""Risks of the build, from config and history as each builder writes it; no secret is ever shown."""

import base64
import json
import re
from pathlib import Path

import pytest

from jenkins_scan.errors import UnreadableImage
from jenkins_scan.findings import Kind, Severity
from jenkins_scan.local import checks
from jenkins_scan.local.history import lines_of, settings_of
from tests.support.local_images import USUAL, analysis_of, ids

SECRET = "s3cr3tV4lue99"
KEY = "-----BEGIN RSA PRIVATE KEY-----\nMIIEpAIBAAKCAQEAuyGgLmYyfakekeyfakekeyfakekey\n-----END RSA PRIVATE KEY-----"
CLASSIC = "/bin/sh -c #(nop) "


def found(*history, **more):
    return analysis_of(history=history, **more).findings


@pytest.mark.parametrize("user", ["", "0", "root", "0:0", "root:root", "00", "0:1000", " root "])
def test_root_is_found(user):
    (finding,) = found(settings=USUAL | {"User": user})
    assert (finding.id, finding.kind, finding.severity) == ("local/runs-as-root", Kind.BUILD_RISK, Severity.MEDIUM)
    assert (finding.path, finding.layer, finding.source) == (None, None, "local")


@pytest.mark.parametrize("user", ["10001", "app", "app:root", "1000:0", "rooty"])
def test_another_user_is_not_root(user):
    assert found(settings=USUAL | {"User": user}) == ()


@pytest.mark.parametrize("check", [None, {}, {"Test": []}, {"Test": ["NONE"]}])
def test_a_missing_healthcheck_is_found(check):
    (finding,) = found(settings=USUAL | {"Healthcheck": check})
    assert (finding.id, finding.severity) == ("local/no-healthcheck", Severity.LOW)


@pytest.mark.parametrize(
    ("line", "missing"),
    [
        ('HEALTHCHECK &{["CMD" "/ok"] "0s" "0s" "0s" "0s" \'\\x00\'}', False),
        (CLASSIC + ' HEALTHCHECK &{["CMD-SHELL" "ok"]}', False),
        ('HEALTHCHECK &{["NONE"] "0s"}', True),
        ("RUN /bin/sh -c echo HEALTHCHECK # buildkit", True),
    ],
)
def test_a_healthcheck_that_a_conversion_lost_is_known_from_the_history(line, missing):
    assert [each.id for each in found(line, settings={"User": "1"})] == ["local/no-healthcheck"] * missing


@pytest.mark.parametrize(("port", "count"), [("22/tcp", 1), ("22", 1), ("22/udp", 0), ("2222/tcp", 0)])
def test_exposed_ssh(port, count):
    assert [each.id for each in found(settings=USUAL | {"ExposedPorts": {port: {}}})] == ["local/ssh-exposed"] * count


IN_ENV = "local/secret-in-env"
IN_ARG = "local/secret-in-arg"
IN_HISTORY = "local/secret-in-history"


@pytest.mark.parametrize(
    ("line", "name", "shown"),
    [
        (f"ENV API_KEY={SECRET}", IN_ENV, "ENV API_KEY=****"),
        (f"{CLASSIC} ENV DB_PASSWORD={SECRET}", IN_ENV, "ENV DB_PASSWORD=****"),
        (f'ENV A=b MY_SECRET="{SECRET} and more" C=d', IN_ENV, "ENV MY_SECRET=****"),
        (f"{CLASSIC} ENV GITHUB_TOKEN {SECRET}", IN_ENV, "ENV GITHUB_TOKEN=****"),
        (f"ENV URL=postgres://me:{SECRET}@db/x", IN_ENV, "ENV URL=****"),
        ("ENV HARMLESS=ghp_" + "a1B2c3D4e5F6" * 3, IN_ENV, "ENV HARMLESS=****"),
        (f"ARG NPM_TOKEN={SECRET}", IN_ARG, "ARG NPM_TOKEN=****"),
        (f"{CLASSIC} ARG NPM_TOKEN={SECRET}", IN_ARG, "ARG NPM_TOKEN=****"),
        (f"|1 TOKEN={SECRET} /bin/sh -c make", IN_ARG, "RUN |TOKEN=****|"),
        (f"RUN |2 A=b c TOKEN={SECRET} /bin/sh -c make # buildkit", IN_ARG, "RUN |TOKEN=****|"),
        (f"RUN |1 TOKEN={SECRET} x=y /bin/bash -o pipefail -c make # buildkit", IN_ARG, "RUN |TOKEN=****|"),
        (f"|1 TOKEN={SECRET}", IN_ARG, "RUN |TOKEN=****|"),
        (f"/bin/sh -c export APP_SECRET={SECRET} && make", IN_HISTORY, "RUN export APP_SECRET=**** …"),
        (f"RUN /bin/sh -c login --password {SECRET} x", IN_HISTORY, "RUN login --password **** x"),
        (f"RUN /bin/sh -c login --api-key='{SECRET}'", IN_HISTORY, "RUN login --api-key='****'"),
        (
            f'RUN /bin/sh -c get -H "Authorization: Bearer {SECRET}" x',
            IN_HISTORY,
            'RUN get -H "Authorization: Bearer ****" x',
        ),
        (
            f"RUN git clone https://me:{SECRET}@git.example.com/x",
            IN_HISTORY,
            "RUN git clone https://****@git.example.com/x",
        ),
        (f"RUN echo root:{SECRET} | chpasswd", IN_HISTORY, "RUN echo root:**** | chpasswd"),
        (f"RUN curl -u me:{SECRET} https://x", IN_HISTORY, "RUN curl -u **** https://x"),
        ("RUN echo AKIAZ2X4C6V8B0N1M3K5", IN_HISTORY, "RUN echo ****"),
        (f"COPY --secret-token={SECRET} a b", IN_HISTORY, "COPY --secret-token=**** a b"),
        (
            f"RUN aws configure --profile x set aws_secret_access_key {SECRET}",
            IN_HISTORY,
            "RUN aws configure --profile x set aws_secret_access_key ****",
        ),
        (f"RUN npm config set //r/:_authToken {SECRET}", IN_HISTORY, "RUN npm config set //r/:_authToken ****"),
        (f"RUN sshpass -p{SECRET} ssh x", IN_HISTORY, "RUN sshpass -p**** ssh x"),
        (f"RUN docker login -u me -p {SECRET} r", IN_HISTORY, "RUN docker login -u **** -p **** r"),
        (f"RUN mysql -uroot -p{SECRET} x", IN_HISTORY, "RUN mysql -uroot -p**** x"),
        (f"RUN redis-cli -h x -a {SECRET} ping", IN_HISTORY, "RUN redis-cli -h x -a **** ping"),
        (
            f"RUN printf '%s' {SECRET} | docker login --password-stdin r",
            IN_HISTORY,
            "RUN printf **** **** | docker login --password-stdin ****",
        ),
        (f"RUN printf '{KEY}' > /k", IN_HISTORY, "RUN printf '****"),
        (f"ENV HARMLESS={base64.b64encode(KEY.encode()).decode()}", IN_ENV, "ENV HARMLESS=****"),
        (f"ENV CONN=Server=db;Password={SECRET};X=1", IN_ENV, "ENV CONN=****"),
        (f'CMD ["app" "--password" "{SECRET}"]', IN_HISTORY, 'CMD ["app" "--password" ****]'),
    ],
)
def test_a_secret_is_found_and_not_shown(line, name, shown):
    (finding,) = found(line)
    assert (finding.id, finding.path, finding.layer) == (name, shown, "history line 1")
    assert finding.severity is Severity.HIGH
    assert SECRET not in repr(finding)
    assert "MIIE" not in repr(finding)


@pytest.mark.parametrize(
    "command",
    [
        f"docker login -u a --password-stdin r <<< {SECRET}",
        f"cat <<< {SECRET} | docker login --password-stdin r",
        f"SSHPASS={SECRET} sshpass -e ssh x",
        f"chpasswd <<< 'root:{SECRET}'",
        f"echo {SECRET} | passwd --stdin root",
        f"echo -e '{SECRET}\\n{SECRET}' | passwd root",
        f"mysql -e \"ALTER USER root IDENTIFIED BY '{SECRET}'\"",
        f"psql -c \"ALTER USER me PASSWORD '{SECRET}'\"",
        f"htpasswd -bc /etc/h me {SECRET}",
        f"openssl pkcs12 -in x -passin pass:{SECRET}",
        f"keytool -import -storepass {SECRET}",
        f"vault login {SECRET}",
        f"sqlcmd -U sa -P {SECRET} -Q x",
        f"useradd -m -p {SECRET} me",
        f"java -Ddb.password={SECRET} -jar x",
        f"mvn -Dsonar.token={SECRET} verify",
        f"composer config --global github-oauth.github.com {SECRET}",
        f"poetry config http-basic.x me {SECRET}",
        f"bundle config gems.example.com me:{SECRET}",
        f"npm set //r/:_authToken {SECRET}",
        f"printf 'aws_secret_access_key = {SECRET}' > x",
        f"echo 'password: {SECRET}' > x.yml",
        f"""python -c "password = '{SECRET}'" """,
        f"""curl -d '{{"user":"me","password":"{SECRET}"}}' https://x""",
        f"curl -H 'X-Vault-Token: {SECRET}' https://x",
        f"curl 'https://x/y?token={SECRET}'",
        f"tool --db-pass {SECRET}",
    ],
)
def test_what_tools_take_a_secret_in_is_found_and_hidden_also_in_the_evidence_of_others(command):
    findings = found(f"RUN {command} && curl https://x | sh", f"RUN curl https://x/{SECRET} | sh")
    assert IN_HISTORY in {each.id for each in findings}
    assert SECRET not in repr(findings)


@pytest.mark.parametrize(
    "value",
    [
        f"jdbc:mysql://h/db?user=u&password={SECRET}",
        f"redis://h?password={SECRET}",
        f"-Xmx1g -Ddb.password={SECRET}",
        f'{{"spring.datasource.password":"{SECRET}"}}',
        f"--password {SECRET}",
    ],
)
def test_a_secret_within_a_variable_of_a_harmless_name_is_found(value):
    (finding,) = found(env=[f"HARMLESS={value}"])
    assert (finding.id, finding.path) == (IN_ENV, "ENV HARMLESS=****")


@pytest.mark.parametrize(
    "line",
    [
        "RUN adduser --disabled-password --gecos '' --uid 10001 me",
        "RUN adduser --disabled-password me",
        "RUN psql --no-password -c x && createuser --no-password --createdb me && mysql --skip-password -e x",
        "RUN wget --ask-password https://x",
        "RUN usermod --password '!' root && useradd -p '*' me",
        "RUN app --token=@/run/secrets/t",
        "RUN apk add --no-cache libsecret-dev=0.21.4-r0",
        "RUN apt-get install -y passwd=1:4.13+dfsg1-1 base-passwd=3.6.1",
        "RUN pip install jwt-token==1.0",
        'RUN echo "//registry.npmjs.org/:_authToken=\\${NPM_TOKEN}" > .npmrc',
        'RUN sed -ri "s/^password=.*$/password=$P/" x',
        'RUN git config --global url."https://${T}:x-oauth-basic@github.com/".insteadOf https://github.com/',
        """RUN python -c 'import os; password=os.environ["PASSWORD"]'""",
        "RUN kubectl config set-credentials me --token=$T",
        "ADD --checksum=sha256:24 https://x/y.tar.gz?token=abc /x",
        "RUN keytool -importcert -storepass changeit -keypass changeit",
        "RUN echo 'Enter the password: ' && read password",
        "RUN mysql -p$X -e x",
        "ENV SECRET_KEY=dummy-key-for-build",
        "ENV SECRET_KEY=not-a-secret",
        "ARG NPM_TOKEN=notoken",
        "ENV DATABASE_URL=postgresql://build:build@localhost/build",
        "ENV REDIS_URL=redis://default:redis@x",
        "ENV JAVA_OPTS=-Xmx1g",
    ],
)
def test_ordinary_lines_hold_no_secret(line):
    assert {each.id for each in found(line)} <= {"local/unpinned-install"}


def test_a_token_in_the_address_of_a_repository_is_found():
    (finding,) = found(f"RUN git clone https://{SECRET}{SECRET}@github.com/x")
    assert (finding.id, finding.path) == (IN_HISTORY, "RUN git clone https://****@github.com/x")


def test_evidence_is_the_one_command_and_not_what_stands_beside_it():
    (finding,) = found("RUN odd-tool x9Y8z7W6v5 && curl https://x | sh && other-tool u4T3s2")
    assert finding.path == "RUN … curl https://x | sh …"


def test_more_secrets_than_are_listed_are_noted():
    analysis = analysis_of(history=[f"RUN TOKEN{number}=v{number}alue9 make" for number in range(101)])
    assert (
        "Secrets were not looked for to the end of the build's steps and settings: there are too many."
        in analysis.notes
    )


def test_what_stands_behind_a_root_user_is_not_shown():
    (finding,) = found(settings=USUAL | {"User": f"root:{SECRET}"})
    assert finding.title == "Containers run as root: USER root"


@pytest.mark.parametrize(
    ("settings", "shown"),
    [
        ({"Cmd": ["app", "--password", SECRET]}, "CMD app --password ****"),
        ({"Entrypoint": ["sh", "-c", f"curl -u me:{SECRET} x"]}, "ENTRYPOINT sh -c curl -u **** x"),
        ({"Labels": {"deploy_token": SECRET}}, "LABEL deploy_token=****"),
        ({"OnBuild": [f"RUN login --token {SECRET}"]}, "ONBUILD RUN login --token ****"),
        ({"Healthcheck": {"Test": ["CMD", "curl", "-u", f"me:{SECRET}"]}}, "HEALTHCHECK CMD curl -u ****"),
    ],
)
def test_a_secret_in_what_the_config_says_beside_its_variables_is_found(settings, shown):
    (finding,) = found(settings=USUAL | settings)
    assert (finding.id, finding.path, finding.layer) == ("local/secret-in-config", shown, None)


def test_what_a_step_said_is_not_said_again_of_the_config():
    (finding,) = found(f'CMD ["app" "--token={SECRET}"]', settings=USUAL | {"Cmd": ["app", f"--token={SECRET}"]})
    assert finding.layer == "history line 1"


def test_a_key_in_a_variable_of_a_harmless_name_is_found_in_the_config_and_hidden_in_its_line():
    findings = found(f"ENV HARMLESS={KEY}", env=[f"HARMLESS={KEY}"])
    assert [(each.id, each.path) for each in findings] == [(IN_ENV, "ENV HARMLESS=****")]


def test_a_comment_of_a_step_is_searched():
    lines = settings_of({"history": [{"created_by": "RUN a"}, {"comment": "by me", "author": "you"}], "author": "her"})
    assert [(line.number, line.instruction, line.text) for line in lines] == [
        (2, "COMMENT", "by me"),
        (None, "AUTHOR", "her"),
        (2, "AUTHOR", "you"),
    ]


def test_a_secret_in_the_config_alone_is_found():
    (finding,) = found(env=["PATH=/bin", f"AWS_ACCESS_KEY_ID={SECRET}"])
    assert (finding.id, finding.path, finding.layer) == (IN_ENV, "ENV AWS_ACCESS_KEY_ID=****", None)


def test_a_secret_is_reported_once_with_its_line_and_hidden_in_all_others():
    lines = [
        f"ENV TOKEN={SECRET}",
        f"|1 PASSWORD={SECRET}1 /bin/sh -c make",
        f"|1 PASSWORD={SECRET}1 /bin/sh -c curl {SECRET} | sh",
    ]
    findings = found(*lines, env=[f"TOKEN={SECRET}"])
    assert [(each.id, each.layer) for each in findings] == [
        (IN_ENV, "history line 1"),
        (IN_ARG, "history line 2"),
        ("local/piped-to-shell", "history line 3"),
    ]
    assert SECRET not in repr(findings)


def test_a_value_that_the_classic_builder_wrote_without_quotes_is_hidden_whole():
    (finding,) = found(f"{CLASSIC} ENV MY_PASSWORD=two words B=c", env=["MY_PASSWORD=two words", "B=c"])
    assert finding.path == "ENV MY_PASSWORD=****"


def test_a_variable_that_the_line_writes_in_another_way_is_reported_once_and_hidden_in_both():
    findings = found("ENV MY_PASSWORD=two\\ words9", "RUN echo 'two words9' | sh", env=["MY_PASSWORD=two words9"])
    assert [(each.id, each.path) for each in findings] == [(IN_ENV, "ENV MY_PASSWORD=****")]


def test_a_short_secret_is_hidden_where_it_stands():
    (finding,) = found("ENV MY_PAT=ab9 OTHER=cab9d")
    assert finding.path == "ENV MY_PAT=****"


@pytest.mark.parametrize("value", ["changeme", "changeit", "password", "Admin123", "guest", '"secret"'])
def test_a_password_that_everybody_guesses_is_a_weaker_finding(value):
    (finding,) = found(f"ENV DB_PASSWORD={value}")
    assert (finding.id, finding.severity) == ("local/default-password", Severity.MEDIUM)
    assert finding.path.strip('"').rstrip('"') == "ENV DB_PASSWORD=****" or value[0] == '"'


def test_a_guessed_password_in_a_command_is_one_too():
    (finding,) = found("RUN echo 'root:root' | chpasswd")
    assert (finding.id, finding.path) == ("local/default-password", "RUN echo 'root:****' | chpasswd")


@pytest.mark.parametrize(
    "line",
    [
        "ENV TOKEN=",
        "ENV TOKEN=${OTHER}",
        "ENV DB_PASSWORD=$DB",
        "ENV API_KEY=<your-key>",
        "ENV API_KEY=your-api-key",
        "ENV SECRET=xxxxxx",
        "ENV ALLOW_EMPTY_PASSWORD=yes",
        "ENV DB_PASSWORD_FILE=/run/secrets/db",
        "ENV DB_PASSWORD=/run/secrets/db",
        "ENV TOKEN_URL=https://example.com/token",
        "ENV GPG_KEY=0D96DF4D4110E5C43FBFB17F2D347EA6AA65421D",
        "ENV PUBLIC_KEY=abcdefghijk",
        "ENV PWD=/app",
        "ENV TOKENIZERS_PARALLELISM=false",
        "ENV URL=https://me:${PASSWORD}@db/x",
        "ARG TOKEN",
        "RUN |1 TOKEN= /bin/sh -c make # buildkit",
        'RUN /bin/sh -c curl -H "Authorization: Bearer $TOKEN" x',
        "RUN /bin/sh -c TOKEN=$(cat /run/secrets/token) make",
        "RUN /bin/sh -c login --password-stdin < x",
        "RUN /bin/sh -c TOKEN=`cat /run/secrets/token` make $1",
        "RUN curl -u $USER:$PASSWORD https://x",
        "RUN useradd -u 1000:geheim9 me",
        "LABEL token=x",
    ],
)
def test_what_holds_no_secret_is_left_alone(line):
    assert found(line) == ()


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("ADD https://example.com/x /x # buildkit", 1),
        ("ADD git@github.com:a/b.git /x # buildkit", 1),
        ("ADD --checksum=sha256:24 https://example.com/x /x # buildkit", 0),
        (f"{CLASSIC}ADD file:abc in / ", 0),
        ("COPY https:/x /x # buildkit", 0),
    ],
)
def test_add_from_a_url(line, count):
    assert [each.id for each in found(line)] == ["local/add-from-url"] * count


@pytest.mark.parametrize(
    ("command", "count"),
    [
        ("curl -fsSL https://x/install.sh | sh", 1),
        ("set -e; wget -qO- https://x | sudo -E bash -", 1),
        ("curl https://x | tee f | /bin/bash -s -- -y", 1),
        ("curl https://x | env A=b python3 -", 1),
        ('bash -c "$(curl -fsSL https://x)"', 1),
        ("bash <(curl -s https://x)", 1),
        ("eval `wget -qO- https://x`", 1),
        ("if true; then curl https://x | sh; fi", 1),
        ("curl -o f https://x && sh f", 0),
        ("curl https://x | tar xz", 0),
        ("cat f | sh", 0),
        ("echo curl https://x | sh", 0),
        ("curl https://x || sh fallback", 0),
    ],
)
def test_a_download_that_is_run_unseen(command, count):
    assert [each.id for each in found(f"RUN /bin/sh -c {command} # buildkit")] == ["local/piped-to-shell"] * count


@pytest.mark.parametrize(
    ("line", "count"),
    [
        ("RUN /bin/sh -c chmod u+s /x", 1),
        ("/bin/sh -c true && chmod -R g+s,o-r /x", 1),
        ("RUN chmod 4755 /x", 1),
        ("RUN sudo chmod --verbose 02755 /x", 1),
        ("RUN chmod a=rxs /x", 1),
        ("COPY --chmod=4755 a b # buildkit", 1),
        ("ADD --chmod=u+s a b", 1),
        ("COPY --chmod=755 a b", 0),
        ("RUN chmod 1777 /tmp", 0),
        ("RUN chmod 0755 /x", 0),
        ("RUN chmod +x /sets", 0),
        ("RUN chmod -s /x", 0),
        ("RUN echo chmod u+s", 0),
        ("RUN chmod", 0),
    ],
)
def test_owner_bits_set_by_the_build(line, count):
    assert [each.id for each in found(line)] == ["local/setuid-set"] * count


@pytest.mark.parametrize(
    ("command", "listed"),
    [
        (
            "apt-get update && apt-get install -y --no-install-recommends curl git=1:2.30 -t stable vim",
            "apt-get: curl, vim",
        ),
        ("apt-get -y install curl && rm -rf /x", "apt-get: curl"),
        ("DEBIAN_FRONTEND=noninteractive apt install ./a.deb curl", "apt: curl"),
        ("apk add --no-cache --virtual .deps gcc musl-dev=1.2 'a~1'", "apk: gcc"),
        (
            "pip install --no-cache-dir -r requirements.txt requests flask==2.0 'a>=1' . git+https://x",
            "pip: requests, a>=1",
        ),
        ("python3 -m pip install -U pip", "pip: pip"),
        ("pip3 install -i https://x a b c d e f g > /dev/null", "pip: a, b, c, d, e and 2 more"),
        ("npm install -g yarn @a/b@1.2.3 n@9", "npm: yarn"),
        ("gem install bundler", "gem: bundler"),
        ("apt-get install curl; pip install x", "apt-get: curl; pip: x"),
        ("(apt-get install curl)", "apt-get: curl"),
        ("apt-get install 'unfinished curl", "apt-get: 'unfinished, curl"),
    ],
)
def test_installs_without_a_version(command, listed):
    (finding,) = found(f"RUN /bin/sh -c {command} # buildkit")
    assert (finding.id, finding.severity) == ("local/unpinned-install", Severity.LOW)
    assert finding.title == f"Installed without a version: {listed}"


@pytest.mark.parametrize(
    "command",
    [
        "apt-get update",
        "apt-get install",
        "npm install",
        "npm ci -g",
        "gem install bundler -v 2.1",
        "pip install -r requirements.txt",
        "pip install --requirement=requirements.txt $EXTRA",
        "apk add --no-cache curl=8.0",
        "echo apt-get install curl",
        "",
    ],
)
def test_installs_that_are_pinned_or_none(command):
    assert found(f"RUN {command}") == ()


def test_a_line_that_is_too_long_is_looked_at_in_part_and_said():
    analysis = analysis_of(history=["RUN chmod 4755 /x && " + "x" * 40_000 + " && curl x | sh"])
    assert ids(analysis) == ["setuid-set"]
    assert analysis.notes == ("Not all of history line 1 was looked at: it is too long.",)
    assert len(analysis.findings[0].path) < 300


def test_all_lines_together_have_a_bound_and_it_is_said():
    analysis = analysis_of(history=["RUN " + "x;" * 16_000] * 40, settings=USUAL | {"Cmd": ["x" * 600_000]})
    assert analysis.notes == (
        "Not all of history line 17, 18, 19, 20, 21, 22, 23, 24, 25, 26 and 14 more was looked at: it is too long.",
        "Not all of the config's commands, labels and comments was looked at: they are too long.",
    )


def test_evidence_is_one_line_without_control_characters():
    (finding,) = found("RUN echo \x1b[31m x && chmod 4755 /x\u202e &&\n\x1b[31m echo done")
    assert finding.path == "RUN … chmod 4755 /x …"


def test_secrets_have_a_bound():
    many = " ".join(f"A{number}_TOKEN=v{number}alue9" for number in range(110))
    assert len(found(f"ENV {many}")) == 100


@pytest.mark.parametrize(
    "config",
    [{"history": 1}, {"history": [1]}, {"history": [{"created_by": 2}]}],
    ids=json.dumps,
)
def test_a_history_that_is_none_is_refused(config):
    with pytest.raises(UnreadableImage):
        lines_of(config)


def test_lines_without_a_command_are_passed_over_and_counted():
    rows = [{"created_by": "RUN a"}, {"comment": "imported"}, {"created_by": "jib-maven-plugin:3"}]
    lines = lines_of({"history": rows})
    assert [(line.number, line.instruction, line.text) for line in lines] == [
        (1, "RUN", "a"),
        (3, "", "jib-maven-plugin:3"),
    ]
    assert lines_of({}) == []


def test_every_check_has_an_id_of_its_own():
    names = [check.id for check in checks.CHECKS]
    assert len(set(names)) == len(names) > 20
    assert all(name.startswith("local/") for name in names)


def test_the_page_of_the_checks_names_each_with_its_severity():
    page = (Path(__file__).parents[3] / "docs" / "local-checks.md").read_text()
    rows = re.findall(r"^\| `(local/[a-z-]+)` \| (\w+) \|", page, re.MULTILINE)
    assert sorted(rows) == sorted((check.id, check.severity.value) for check in checks.CHECKS)
