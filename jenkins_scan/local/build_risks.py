"""Risks of how an image was built, from its config and its history; no I/O."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from jenkins_scan.findings import Finding
from jenkins_scan.images import fields
from jenkins_scan.local import checks, shell
from jenkins_scan.local.checks import SOURCE, Check
from jenkins_scan.local.evidence import Evidence
from jenkins_scan.local.history import Line, lines_of, settings_of
from jenkins_scan.local.secrets_in_build import Secret, secrets_of
from jenkins_scan.local.tokens import Allowance
from jenkins_scan.plain_text import one_line

_ROOT: Final = ("", "0", "root")
_SSH: Final = ("22", "22/tcp")
_ADDRESS: Final = ("http://", "https://", "ftp://", "git@", "ssh://", "git://")
_LONGEST_NAME: Final = 80
_MOST_NAMED: Final = 10
"""History lines in a note."""


@dataclass(slots=True)
class BuildRisks:
    """The build of one image."""

    config: Mapping[str, Any]
    """The whole config of the image, as OCI and Docker write it."""
    windows: Allowance
    lines: list[Line] = field(init=False)
    said: list[Line] = field(init=False)
    """What the config says in words: commands, labels, comments."""
    has_more_secrets: bool = field(init=False, default=False)
    """Whether not all of them were looked for."""
    _settings: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.lines = lines_of(self.config)
        self.said = settings_of(self.config)
        self._settings = fields.inner(self.config, "config")

    def findings(self) -> list[Finding]:
        """All of them, each once. Raises `errors.UnreadableImage` (13) for a config of wrong types."""
        variables = [text.partition("=")[::2] for text in fields.texts(self._settings, "Env")]
        secrets, self.has_more_secrets = secrets_of(variables, [*self.lines, *self.said], self.windows)
        guessed = {secret.value for secret in secrets if secret.check is checks.DEFAULT_PASSWORD}
        evidence = Evidence({secret.value for secret in secrets} - guessed, guessed)
        found = [*self._of_settings(), *_of_secrets(secrets, evidence)]
        for line in self.lines:
            found += [
                _finding(check, title, line, evidence.of(line.around(part))) for check, title, part in _of_line(line)
            ]
        return list(dict.fromkeys(found))

    @property
    def notes(self) -> Iterator[str]:
        """What was not looked at."""
        cut = [str(line.number) for line in self.lines if line.is_cut]
        if cut:
            more = f" and {len(cut) - _MOST_NAMED} more" if len(cut) > _MOST_NAMED else ""
            yield f"Not all of history line {', '.join(cut[:_MOST_NAMED])}{more} was looked at: it is too long."
        if self.has_more_secrets:
            yield "Secrets were not looked for to the end of the build's steps and settings: there are too many."
        if any(line.is_cut for line in self.said):
            yield "Not all of the config's commands, labels and comments was looked at: they are too long."

    def _of_settings(self) -> Iterator[Finding]:
        user = (fields.text(self._settings, "User") or "").strip()
        name = user.partition(":")[0]
        if name in _ROOT or (name.isdecimal() and int(name[:_LONGEST_NAME]) == 0):
            said = f"USER {one_line(name, _LONGEST_NAME)}" if user else "no USER is named"
            yield _finding(checks.RUNS_AS_ROOT, f"Containers run as root: {said}")
        if not self._has_healthcheck():
            yield _finding(checks.NO_HEALTHCHECK, "There is no HEALTHCHECK: a container that hangs is not noticed")
        if not fields.inner(self._settings, "ExposedPorts").keys().isdisjoint(_SSH):
            yield _finding(checks.SSH_EXPOSED, "The port of ssh (22/tcp) is exposed")

    def _has_healthcheck(self) -> bool:
        test = fields.texts(fields.inner(self._settings, "Healthcheck"), "Test")
        if test:
            return test[0] != "NONE"
        # The OCI config has no such field: a conversion loses the check, and the history still tells of it.
        said = [line.text for line in self.lines if line.instruction == "HEALTHCHECK"]
        return bool(said) and "NONE" not in said[-1][:20]


def _of_line(line: Line) -> Iterator[tuple[Check, str, str]]:
    """What the step does that it should not, and the part of it that does."""
    fetched = line.instruction == "ADD" and any(word.startswith(_ADDRESS) for word in line.text.split())
    if fetched and "--checksum=" not in line.text:
        yield checks.ADD_FROM_URL, "ADD fetches from a URL what nobody checks", line.text
    if line.instruction in ("ADD", "COPY") and shell.copies_with_owner_bits(line.text):
        yield checks.SETUID_SET, "A setuid or setgid bit is set", line.text
    if line.instruction != "RUN":
        return
    if (command := shell.download_to_shell(line.text)) is not None:
        yield checks.PIPED_TO_SHELL, "What was downloaded is run unseen", command
    if (command := shell.owner_bits(line.text)) is not None:
        yield checks.SETUID_SET, "A setuid or setgid bit is set", command
    unpinned, command = shell.unpinned(line.text)
    if unpinned:
        yield checks.UNPINNED_INSTALL, f"Installed without a version: {one_line('; '.join(unpinned), 200)}", command


def _of_secrets(secrets: Sequence[Secret], evidence: Evidence) -> Iterator[Finding]:
    told = {secret.name for secret in secrets if secret.line is not None and secret.line.instruction == "ENV"}
    for secret in secrets:
        if secret.line is None and secret.name in told:
            continue  # the same variable, which its line writes in another way
        yield _finding(secret.check, evidence.title(secret.title), secret.line, evidence.of(secret.place))


def _finding(check: Check, title: str, line: Line | None = None, shown: str | None = None) -> Finding:
    return Finding(
        kind=check.kind,
        id=check.id,
        severity=check.severity,
        title=title,
        path=shown,
        fixable=True,
        fix=check.fix,
        layer=None if line is None or line.number is None else f"history line {line.number}",
        source=SOURCE,
    )
