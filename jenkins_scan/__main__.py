"""`python -m jenkins_scan`."""

from jenkins_scan.cli.main import run

if __name__ == "__main__":
    run()
