"""The code blocks of a page, and how each becomes a Jenkinsfile: by what it is, not by its name."""

import re

LIBRARY = "@Library('jenkins-scan') _\n"
AROUND = """
pipeline {
  agent any
  environment { IMAGE = 'registry.example.com/team/app:1.0' }
  stages {
    stage('Build') {
      steps { sh 'docker build -t "$IMAGE" .' }
    }
%s
    stage('Push') {
      steps { sh 'docker push "$IMAGE"' }
    }
  }
}
"""
SCANNED_BEFORE = """
    stage('Image scan') {
      steps {
        jenkinsScan(image: env.IMAGE, region: 'cn-hangzhou', failOn: 'high', junit: false, issues: false, html: false,
                    credentialsId: 'aliyun-image-scan', tokenCredentialsId: 'aliyun-image-scan-token')
      }
      post { always { script {
%s
      } } }
    }
"""
STEPS = """
    stage('Image scan') {
      steps { script {
%s
      } }
    }
"""


def blocks(page: str, language: str) -> dict[str, str]:
    """The blocks of a language by the heading above, with a number where there are several."""
    found: dict[str, str] = {}
    heading = ""
    for match in re.finditer(
        r"^## (?P<heading>[^\n]*)$|^```(?P<language>\w+)\n(?P<text>.*?)^```$", page, re.MULTILINE | re.DOTALL
    ):
        if match["heading"] is not None:
            heading = match["heading"]
        elif match["language"] == language:
            same = sum(name.startswith(heading) for name in found)
            found[f"{heading} {same + 1}" if same else heading] = match["text"]
    return found


def jenkinsfile(block: str) -> str:
    """A whole one is itself; a stage is put between a build and a push, and steps into such a stage."""
    if re.search(r"^(pipeline|node) \{", block, re.MULTILINE):
        whole = block
    elif block.startswith("stage("):
        whole = AROUND % block
    elif "jenkins-scan" in block or "jenkinsScan(" in block:
        whole = AROUND % (STEPS % block)
    else:
        whole = AROUND % (SCANNED_BEFORE % block)
    return whole if "@Library" in whole or "jenkinsScan(" not in whole else LIBRARY + whole
