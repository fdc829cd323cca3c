"""Files with credentials of package managers, build tools and model hubs.

Sources: the documentation of npm, Yarn, pip and twine, Maven, Gradle, Composer, Cargo, RubyGems, NuGet, Kaggle and
Hugging Face.
"""

from typing import Final

from jenkins_scan.local import checks
from jenkins_scan.local.credential_contents import (
    CredentialFile,
    Holds,
    json_text,
    matching,
    setting,
    settings,
    url_password,
    value,
)


def _file(what: str, holds: Holds, folder: bytes = b"") -> CredentialFile:
    return CredentialFile(checks.PACKAGE_CREDENTIALS, what, holds, folder)


def _composer(content: bytes) -> bool:
    return any(section in content for section in _COMPOSER) and _TEXTS(content)


_TEXTS: Final = value(rb'"[^"\s]+"\s*:\s*"([^"]+)"')
_COMPOSER: Final = (b'"github-oauth"', b'"http-basic"', b'"gitlab-token"', b'"gitlab-oauth"', b'"bearer"')
_HUB: Final = _file("A token of Hugging Face", matching(rb"\A\s*hf_\w{20}"))

BY_NAME: Final[dict[bytes, tuple[CredentialFile, ...]]] = {
    b"credentials": (
        _file("RubyGems credentials", setting(b":[a-z_]+"), b".gem"),
        _file("Cargo credentials", setting(b"token"), b".cargo"),
    ),
    b"credentials.toml": (_file("Cargo credentials", setting(b"token"), b".cargo"),),
    b"auth.json": (_file("Composer credentials", _composer),),
    b".npmrc": (_file("npm credentials", value(rb"^[^#;\n]*(?:_authToken|_auth|_password)[ \t]*=[ \t]*(\S+)")),),
    b".yarnrc.yml": (
        _file("Yarn credentials", value(rb"""^[ \t]*["']?npmAuth(?:Token|Ident)["']?:[ \t]*["']?([^\s"']+)""")),
    ),
    b".pypirc": (_file("PyPI credentials", setting(b"password")),),
    b"pip.conf": (_file("Credentials of a package index", url_password),),
    b"settings.xml": (_file("Maven credentials", value(rb"<password>([^<\n]+)</password>")),),
    b"gradle.properties": (_file("Gradle credentials", settings),),
    b"nuget.config": (
        _file(
            "NuGet credentials", value(rb"""<add\s{1,99}key=["']ClearTextPassword["']\s{1,99}value=["']([^"'\n]+)""")
        ),
    ),
    b"kaggle.json": (_file("Kaggle credentials", json_text(b"key"), b".kaggle"),),
    b"token": (
        CredentialFile(_HUB.check, _HUB.what, _HUB.holds, b".huggingface"),
        CredentialFile(_HUB.check, _HUB.what, _HUB.holds, b".cache/huggingface"),
    ),
}
"""By a file's name in lower case."""
