"""The table of options: one declaration gives flag, variable, key, default and help."""

import click
import pytest
from click.testing import CliRunner

from jenkins_scan.config.file import KEYS
from jenkins_scan.config.option import Duration
from jenkins_scan.config.options import GLOBAL_OPTIONS, OPTIONS, options_of
from jenkins_scan.config.origin import Origin, origin_of

EVERY = [*OPTIONS, *GLOBAL_OPTIONS]
LEVELS = {"fail-on": "high", "warn-on": "low", "timeout": "90s"}
CHOICES = {"jenkins-env": "release", "color": "never", "registry-type": "acr"}
DOMAIN = {"min-quota": "7", "max-images": "7", "jobs": "7", "engine-wait": "7.5", **CHOICES, **LEVELS}
BAD = {
    "min-quota": "-1",
    "jobs": "0",
    "engine-wait": "601",
    "jenkins-env": "prod",
    "color": "purple",
    "fail-on": "bad",
    "timeout": "soon",
}


def probe(option):
    """A command with this option alone, which prints its value and origin."""

    @click.pass_context
    def show(context, **values):
        click.echo(f"{values[option.parameter]!r} {origin_of(context, option.parameter)}")

    return option.decorate(click.command("probe")(show))


def run(option, *arguments, env=None, file=None):
    return CliRunner().invoke(probe(option), arguments, env=env, default_map=file)


def shown(option, value):
    """How click hands over the text `value` of this option."""
    if option.switch or option.negatable:
        return "True"
    if isinstance(option.type, Duration):
        return "90.0"
    if option.repeatable:
        return repr((value,))
    return value if isinstance(option.type, click.IntRange | click.FloatRange) else repr(value)


@pytest.mark.parametrize("option", EVERY, ids=lambda option: f"{option.commands[0]} {option.name}")
def test_an_option_comes_from_flag_variable_file_and_default_in_this_order(option):
    value = DOMAIN.get(option.name, "x")
    switch = option.switch or option.negatable
    flag = [f"--{option.name}", *([] if switch else [value])]
    variable = {option.variable: "true" if switch else value}
    file = {option.parameter: True if switch else [value] if option.repeatable else value}
    expected = shown(option, value)
    assert run(option, *flag, env=variable, file=file).output == f"{expected} {Origin.FLAG}\n"
    assert run(option, env=variable, file=file).output == f"{expected} {Origin.ENVIRONMENT}\n"
    assert run(option, file=file).output == f"{expected} {Origin.FILE}\n"
    default = 900.0 if isinstance(option.type, Duration) else () if option.repeatable else option.default
    assert run(option).output == f"{default!r} {Origin.DEFAULT}\n"


@pytest.mark.parametrize("option", [option for option in EVERY if option.name in BAD], ids=lambda option: option.name)
def test_a_value_out_of_range_is_refused_from_wherever_it_comes(option):
    bad = BAD[option.name]
    for result in (
        run(option, f"--{option.name}", bad),
        run(option, env={option.variable: bad}),
        run(option, file={option.parameter: bad}),
    ):
        assert result.exit_code == 2
        assert f"--{option.name}" in result.output


def test_the_names_of_an_option_follow_from_one():
    (option,) = (option for option in OPTIONS if option.name == "min-quota")
    assert (option.parameter, option.variable, option.flags) == ("min_quota", "JENKINS_SCAN_MIN_QUOTA", "--min-quota N")
    assert option.default_text == "1"


@pytest.mark.parametrize(
    ("name", "flags", "default"),
    [
        ("output", "-o, --output FORMAT[=PATH]", ""),
        ("vpc", "--vpc", ""),
        ("color", "--color auto|always|never", "auto"),
        ("jenkins-env", "--jenkins-env ''|release", ""),
        ("waivers", "--waivers FILE", ""),
    ],
)
def test_the_docs_show_an_option_with_its_value(name, flags, default):
    shown = {(option.flags, option.default_text) for option in EVERY if option.name == name}
    assert shown == {(flags, default)}


def test_no_two_options_of_a_command_share_a_name_or_a_short_flag():
    for verb in {command for option in EVERY for command in option.commands}:
        mine = [option for option in EVERY if verb in option.commands]
        names = [option.name for option in mine] + [option.short for option in mine if option.short]
        assert len(names) == len(set(names))


def test_the_first_option_of_a_name_is_the_key_of_the_file():
    """`--digest` of `scan-registry` can be repeated, that of `scan` cannot: the file's is that of `scan`."""
    others = [option.name for option in EVERY if KEYS.get(option.name, option) is not option]
    assert others == ["digest", "tag", "baseline", "output", "output", "report-dir"]


def test_without_a_folder_named_only_a_check_writes_none():
    shown = {command: each.default_text for each in EVERY if each.name == "report-dir" for command in each.commands}
    assert [command for command, default in shown.items() if default != "scan-report"] == ["check"]


def test_no_option_takes_a_secret():
    assert not [option.name for option in EVERY if "secret" in option.name or "token" in option.name]


def test_no_option_that_redirects_or_weakens_may_stand_in_a_found_file():
    allowed = {option.name for option in EVERY if option.in_found_file}
    assert allowed == {
        *("platform", "output", "report-dir", "color"),
        *("timeout", "fail-on", "warn-on", "waivers", "baseline"),
    }


@pytest.mark.parametrize("command", ["scan", "scan-registry", "check", "inspect", "quota"])
def test_a_command_has_its_options_in_the_order_of_the_table(command):
    decorated = click.command(command)(options_of(command)(lambda: None))
    assert [parameter.name for parameter in decorated.params] == [
        option.parameter for option in OPTIONS if command in option.commands
    ]


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("90s", 90), ("15m", 900), ("1h", 3600), ("1h30m", 5400), (" 2M5S ", 125), ("24h", 86400)],
)
def test_a_time_span_is_read(text, seconds):
    assert Duration().convert(text, None, None) == seconds


@pytest.mark.parametrize("text", ["", "0", "25h", "-5", "1.5h", "1d", "m", "5 m", "1s1h", "9" * 400])
def test_what_is_no_time_span_is_refused(text):
    with pytest.raises(click.BadParameter):
        Duration().convert(text, None, None)


def test_the_two_words_of_a_choice_stand_in_the_docs():
    (option,) = (option for option in OPTIONS if option.name == "wait")
    assert option.flags == "--wait / --no-wait"
