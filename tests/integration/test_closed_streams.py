"""Whatever stream is closed at the start, and however the scan ends: the exit code says how. No engine is asked."""

import json

import pytest

from tests.support.closed_streams import scan_with_closed_streams
from tests.support.images import write_docker_archive


@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-", "<&-"])
def test_streams_that_are_closed_at_the_start_do_not_change_the_code(tmp_path, closed):
    write_docker_archive(tmp_path / "app.tar", "registry.example.com:5000/team/app:1")
    archive = f"docker-archive://{tmp_path}/app.tar"
    result = tmp_path / "scan-report" / "result.json"
    for arguments, code in (((), 0), (("--min-quota", "1000"), 12)):
        assert scan_with_closed_streams(closed, archive, *arguments) == code
        assert json.loads(result.read_text())["exit_code"] == code
    assert scan_with_closed_streams(closed, archive, "--nope") == 2
    assert not result.exists()
