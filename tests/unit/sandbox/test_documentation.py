"""docs/sandbox.md shows the scenarios there are, and an example that loads."""

from pathlib import Path

from jenkins_scan.sandbox.operations import OPERATIONS
from jenkins_scan.sandbox.scenarios import load_scenario, scenario_table

PAGE = (Path(__file__).parents[3] / "docs" / "sandbox.md").read_text(encoding="utf-8")


def between(start, end):
    return PAGE.split(start, 1)[1].split(end, 1)[0]


def test_the_page_shows_the_ready_made_scenarios():
    assert between("<!-- scenarios -->\n", "\n<!-- /scenarios -->") == scenario_table()


def test_the_page_names_every_operation():
    assert all(f"`{operation}`" in PAGE for operation in OPERATIONS)


def test_the_example_of_the_page_plays_as_it_says(tmp_path, bench):
    (tmp_path / "example.toml").write_text(between("```toml\n", "```"))
    scenario = load_scenario("example.toml")
    here = bench(**scenario.model_dump())
    assert here.create().refusal == (400, "Throttling.User")
    assert here.create().status == 502
    assert len(here.state.tasks()) == 1
    assert here.create().status == 200
