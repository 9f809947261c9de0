"""Validates a bill of materials with the validators of its format's own project: KIND FILE."""

import sys


def spdx(path):
    from spdx_tools.spdx.parser.parse_anything import parse_file
    from spdx_tools.spdx.validation.document_validator import validate_full_spdx_document

    document = parse_file(path)
    faults = validate_full_spdx_document(document)
    return [fault.validation_message for fault in faults], len(document.packages)


def cyclonedx(path):
    import json

    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator

    with open(path, encoding="utf-8") as file:
        text = file.read()
    fault = JsonStrictValidator(SchemaVersion.V1_6).validate_str(text)
    return [fault] if fault else [], len(json.loads(text)["components"])


faults, count = {"spdx": spdx, "cyclonedx": cyclonedx}[sys.argv[1]](sys.argv[2])
for fault in faults:
    print(fault, file=sys.stderr)
if faults:
    sys.exit(f"images: {sys.argv[1]}: {len(faults)} faults")
print(f"images: {sys.argv[1]}: valid, {count} packages")
