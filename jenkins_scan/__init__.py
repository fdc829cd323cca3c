"""May this freshly built image ship? One step in a Jenkinsfile, answered by Alibaba Cloud Security Center."""

__version__ = "0.1.0"
