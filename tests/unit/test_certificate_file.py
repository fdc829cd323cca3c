"""What may hold the certificates of authorities."""

import os

import pytest

from jenkins_scan.certificate_file import LARGEST_FILE, trusting


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: path.symlink_to("/dev/zero")])
def test_what_is_no_regular_file_is_not_opened(tmp_path, make):
    make(tmp_path / "ca.pem")
    with pytest.raises(OSError, match="not a regular file"):
        trusting(str(tmp_path / "ca.pem"))


def test_what_no_list_of_authorities_can_be_is_not_read(tmp_path):
    with (tmp_path / "ca.pem").open("wb") as file:
        file.truncate(LARGEST_FILE + 1)
    with pytest.raises(OSError, match="larger than 16 MiB"):
        trusting(str(tmp_path / "ca.pem"))
