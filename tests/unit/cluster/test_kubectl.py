"""What kubectl is handed."""

import json

from tests.cluster.kubectl import as_text

ONE = {"kind": "ConfigMap", "metadata": {"name": "a"}}


def test_text_is_applied_as_it_is() -> None:
    assert as_text("kind: ConfigMap\n") == "kind: ConfigMap\n"


def test_one_object_is_applied_alone() -> None:
    assert json.loads(as_text(ONE)) == ONE


def test_several_objects_are_applied_as_a_list() -> None:
    assert json.loads(as_text([ONE, ONE])) == {
        "apiVersion": "v1", "kind": "List", "items": [ONE, ONE],
    }  # fmt: skip
