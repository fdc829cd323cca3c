"""What an engine says of an image, several answers damaged at once: an identity, or an error of an image (13)."""

import copy
import json

from hypothesis import given
from hypothesis import strategies as st

from jenkins_scan.errors import ImageError
from jenkins_scan.images import fields
from jenkins_scan.images.interface import ImageIdentity
from tests.fuzz.mutations import changed_bytes, damaged, json_values, require_shown
from tests.unit.images.engine.test_inspect_fuzz import BODIES, outcome

RECORDED = st.sampled_from(BODIES)


def ends(version, info, inspected, reference):
    found = outcome(version, info, inspected, reference)
    assert isinstance(found, ImageIdentity | ImageError)
    if isinstance(found, ImageIdentity):
        for digest in (found.image_id, found.config_digest, found.manifest_digest, found.registry_digest):
            assert digest is None or (digest.startswith("sha256:") and len(digest) == 71), digest
    else:
        require_shown(found, 13)


@given(st.data(), RECORDED, RECORDED)
def test_answers_of_two_engines_mixed_and_damaged(data, one, other):
    version = data.draw(st.sampled_from([one["version"], other["version"]]) | damaged(one["version"]))
    info = data.draw(st.sampled_from([one["info"], other["info"], None]) | damaged(one["info"]))
    ends(version, info, data.draw(damaged(copy.deepcopy(one["inspect"]), most=5)), one["reference"])


@given(st.data(), RECORDED)
def test_bytes_of_an_answer_changed(data, recorded):
    content = data.draw(changed_bytes(json.dumps(recorded["inspect"]).encode()))
    try:
        inspected = fields.parse_json(content, "The engine's answer")
    except ImageError:
        return
    ends(recorded["version"], recorded["info"], inspected, recorded["reference"])


@given(RECORDED, json_values(), json_values(), json_values())
def test_any_answers(recorded, version, info, inspected):
    ends(version, info, inspected, recorded["reference"])
