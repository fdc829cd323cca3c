"""The reports are, byte for byte, what was last looked at: `scripts/golden_reports.py` renews them."""

from scripts.golden_reports import GOLDEN, golden


def test_every_report_is_as_it_was_committed():
    committed = {
        path.relative_to(GOLDEN).as_posix(): path.read_text(encoding="utf-8")
        for path in GOLDEN.rglob("*")
        if path.is_file()
    }
    made = golden()
    assert sorted(made) == sorted(committed)
    assert [name for name, text in made.items() if text != committed[name]] == []
