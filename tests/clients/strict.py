"""hl7apy of PyPI reads messages strictly: segments, groups, required fields, data types and lengths of version 2.5.1.

Reads a JSON list of messages from standard input. Ends with 1 if one of them is not as the standard has it.
"""

import json
import sys

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

wrong = 0
kinds = []
for text in json.load(sys.stdin):
    header = text.split("\r")[0].split("|")
    kinds.append("^".join(header[8].split("^")[:2]))
    try:
        message = parse_message(text, validation_level=VALIDATION_LEVEL.STRICT, find_groups=True)
        message.validate()
    except Exception as error:  # whatever it finds
        wrong += 1
        print(f"{kinds[-1]}: {type(error).__name__}: {error}", file=sys.stderr)
if wrong:
    sys.exit(1)
print(f"hl7apy reads {len(kinds)} messages strictly: {' '.join(sorted(set(kinds)))}")
