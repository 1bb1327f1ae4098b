"""Holds C-CDA documents against the published rules: CDA_SDTC.xsd and the errors of the C-CDA 4.0 schematron.

    python check.py FOLDER_OF_RULES FOLDER_OF_DOCUMENTS [processes]

The rules are ISO schematron with XPath 1.0; libxslt runs them as lxml compiles them. Prints what failed, most frequent
first, and ends with 1 if anything did.
"""

import collections
import pathlib
import sys
from multiprocessing import Pool

from lxml import etree, isoschematron

rules, folder = (pathlib.Path(it) for it in sys.argv[1:3])
processes = int(sys.argv[3]) if len(sys.argv) > 3 else 2
XSD = "xsd/extensions/SDTC/infrastructure/cda/CDA_SDTC.xsd"
ASSERT = "{http://purl.oclc.org/dsdl/svrl}failed-assert"


schema = etree.XMLSchema(etree.parse(str(rules / XSD)))
# The published file has its variables after its patterns, which the grammar of schematron does not allow.
schematron = isoschematron.Schematron(
    etree.parse(str(rules / "CCDA-4.0.sch")), phase="errors", store_report=True, validate_schema=False
)


def check(path):
    found = []
    try:
        document = etree.parse(str(path), etree.XMLParser(resolve_entities=False, huge_tree=True))
    except etree.XMLSyntaxError as error:
        return path.name, [f"xml: {error}"]
    if not schema.validate(document):
        found += [f"xsd: {it.message}" for it in schema.error_log]
    if not schematron.validate(document):
        for failed in schematron.validation_report.iter(ASSERT):
            words = " ".join("".join(failed.itertext()).split())
            place = failed.get("location", "").replace("*[local-name()=", "").replace("namespace-uri()='urn:hl7-org:v3']", "")
            found.append(f"sch: {words} @ {place[-160:]}")
    return path.name, found


if __name__ == "__main__":
    documents = sorted(folder.glob("*.xml"), key=lambda it: (it.stat().st_size, it.name))
    kinds, broken = collections.Counter(), 0
    examples = {}
    with Pool(processes) as pool:
        for done, (name, found) in enumerate(pool.imap_unordered(check, documents, 4), 1):
            if done % 50 == 0:
                print(f"{done} of {len(documents)}, {broken} with errors", file=sys.stderr, flush=True)
            broken += bool(found)
            for it in found:
                kind = it.split(" @ ")[0]
                kinds[kind] += 1
                examples.setdefault(kind, f"{name} {it}")
    for kind, count in kinds.most_common(60):
        print(f"{count:6} {examples[kind][:420]}")
    print(f"{len(documents)} documents, {broken} with errors, {sum(kinds.values())} errors")
    sys.exit(1 if broken or not documents else 0)
