"""What a RUN line does that it should not: by its commands, taken apart without being a shell."""

import re
import shlex
from collections.abc import Iterator, Sequence
from typing import Final

_COMMANDS: Final = re.compile(r"&&|\|\||[;\n]|(?<![|&>])&(?![&>\d])")
_SHELLS: Final = frozenset(
    ("sh", "bash", "dash", "zsh", "ash", "ksh", "python", "python3", "perl", "ruby", "node", "php")
)
_DOWNLOADS: Final = frozenset(("curl", "wget", "fetch"))
_BEFORE: Final = frozenset(
    ("sudo", "env", "exec", "command", "time", "nice", "eval", "then", "do", "else", "!", "(", "{")
)
_SUBSTITUTED: Final = re.compile(
    r"(?:\b(?:ba|da|z|k|a)?sh\s+(?:-\w+\s+){0,5}|\beval\s+|\bsource\s+|\s\.\s+)\"?(?:\$\(|<\(|`)\s*(?:curl|wget)\b"
)
_ASSIGNED: Final = re.compile(r"[A-Za-z_]\w*=")
_OCTAL: Final = re.compile(r"0?[2-7][0-7]{3}")
_SYMBOLIC: Final = re.compile(r"[ugoa]*[+=][rwxXst]*")
_CHMOD_OPTION: Final = re.compile(r"--chmod=(0?[2-7][0-7]{3}|[ugoa,]*[+=]\w*s\w*)\b")
_MOST_NAMES: Final = 5


def command_with(text: str, words: str) -> str:
    """The first command of the line that these words stand in; the line itself where they are more than one."""
    return next((command for command in _COMMANDS.split(text) if words in command), text)


def download_to_shell(text: str) -> str | None:
    """The command that runs what was just downloaded unseen."""
    if not any(program in text for program in _DOWNLOADS):
        return None
    for command in filter(str.strip, _COMMANDS.split(text)):
        stages = [_program(_words(stage)) for stage in command.split("|")]
        first = next((number for number, stage in enumerate(stages) if stage in _DOWNLOADS), None)
        if first is not None and not _SHELLS.isdisjoint(stages[first + 1 :]):
            return command
    substituted = _SUBSTITUTED.search(text)
    return None if substituted is None else command_with(text, substituted[0])


def owner_bits(text: str) -> str | None:
    """The chmod that sets the setuid or setgid bit."""
    for command, words in _commands(text) if "chmod" in text else ():
        if _program(words) == "chmod" and any(_has_owner_bit(word) for word in _behind_program(words)):
            return command
    return None


def copies_with_owner_bits(text: str) -> bool:
    """The same for `COPY --chmod=` and `ADD --chmod=`."""
    option = _CHMOD_OPTION.search(text)
    return option is not None and _has_owner_bit(option[1])


def unpinned(text: str) -> tuple[list[str], str]:
    """What is installed without a version, such as `apt-get: curl`, and the first command that does it."""
    found: dict[str, list[str]] = {}
    first = ""
    for command, words in _commands(text) if any(program in text for program in _INSTALLERS) else ():
        for tool, name in _unpinned(words):
            found.setdefault(tool, []).append(name)
            first = first or command
    return [f"{tool}: {_listed(names)}" for tool, names in found.items()], first


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMES} more" if len(names) > _MOST_NAMES else ""
    return f"{', '.join(names[:_MOST_NAMES])}{more}"


def _commands(text: str) -> Iterator[tuple[str, list[str]]]:
    for command in _COMMANDS.split(text):
        for stage in filter(str.strip, command.split("|")):
            yield command, _words(stage)


def _words(command: str) -> list[str]:
    lexer = shlex.shlex(command, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    try:
        words = list(lexer)
    except ValueError:  # quotes that do not end, as the split knew nothing of them
        words = command.split()
    start = 0
    while start < len(words) and (words[start] in _BEFORE or _ASSIGNED.match(words[start])):
        start += 1
        while words[start - 1] == "sudo" and start < len(words) and words[start].startswith("-"):
            words[start] = "sudo"
            start += 1
    return words[start:]


def _program(words: Sequence[str]) -> str:
    return words[0].lstrip("({").rpartition("/")[2] if words else ""


def _behind_program(words: Sequence[str]) -> Iterator[str]:
    """The first word behind the options: the mode."""
    yield from [word for word in words[1:] if not re.fullmatch(r"-[A-Za-z]*|--\w.*", word)][:1]


def _has_owner_bit(mode: str) -> bool:
    if _OCTAL.fullmatch(mode):
        return int(mode, 8) & 0o6000 != 0
    return any(_SYMBOLIC.fullmatch(part) and "s" in part for part in mode.split(","))


def _unpinned(words: list[str]) -> Iterator[tuple[str, str]]:
    program, rest = _program(words), words[1:]
    if re.fullmatch(r"python[\d.]*", program) and rest[:2] == ["-m", "pip"]:
        program, rest = "pip", rest[2:]
    if re.fullmatch(r"pip[\d.]*", program):
        program = "pip"
    kind = _INSTALLERS.get(program)
    if kind is None:
        return
    verbs, valued, pinned = kind
    # Options may stand before the verb: apt-get -y install curl.
    verb = next((number for number, word in enumerate(rest) if word in verbs), None)
    local = program == "npm" and not {"-g", "--global"}.intersection(rest)  # then a lock file is at hand
    if verb is None or local or (program == "gem" and {"-v", "--version"}.intersection(rest)):
        return
    for name in _names(rest[verb + 1 :], valued):
        if not pinned.search(name):
            yield program, name


_ELSEWHERE: Final = r"^[./~$]|/$|^https?:|^git\+|^file:|\.(?:deb|rpm|apk|whl|tgz|gz|zip)$|[*`$]|^\S*://"
"""No names of packages, but files, addresses and variables."""
_INSTALLERS: Final[dict[str, tuple[frozenset[str], frozenset[str], re.Pattern[str]]]] = {
    "apt-get": (
        frozenset({"install"}),
        frozenset({"-t", "--target-release", "-o", "-c", "--option", "--default-release"}),
        re.compile(rf"=|{_ELSEWHERE}"),
    ),
    "apk": (
        frozenset({"add"}),
        frozenset({"-t", "--virtual", "-X", "--repository", "-p", "--root", "--repositories-file"}),
        re.compile(rf"[=~<>@]|^\.|{_ELSEWHERE}"),
    ),
    "pip": (
        frozenset({"install"}),
        frozenset(
            ("-r", "--requirement", "-c", "--constraint", "-e", "--editable", "-i", "--index-url", "-t", "--target")
        )
        | {"--extra-index-url", "-f", "--find-links", "--prefix", "--root", "--trusted-host", "--cache-dir", "--proxy"},
        re.compile(rf"[=]=|@|{_ELSEWHERE}"),
    ),
    "npm": (
        frozenset({"install", "i", "add"}),
        frozenset({"--registry", "--prefix", "--cache"}),
        re.compile(rf"[^/]@\d|{_ELSEWHERE}"),
    ),
    "gem": (
        frozenset({"install"}),
        frozenset({"-i", "--install-dir", "-n", "--bindir", "--source", "-s", "-P"}),
        re.compile(rf":\d|{_ELSEWHERE}"),
    ),
}
"""By program: the verbs that install, the options that take a value, and what a name looks like that needs no more."""
_INSTALLERS["apt"] = _INSTALLERS["apt-get"]


def _names(words: Sequence[str], valued: frozenset[str]) -> Iterator[str]:
    skip = False
    for word in words:
        if skip:
            skip = False
        elif word.startswith((">", "<", "2>", "#")):
            return
        elif word.startswith("-"):
            skip = word in valued
        elif word not in (")", "}", "\\"):
            yield word.rstrip(")")
