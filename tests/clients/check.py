"""fhirclient and fhirpy with tokens that others got: they read what the token opens and are refused the rest.

Reads a JSON object from standard input: the FHIR base, the token of a program, the token of an app of a patient, the
patient's id and another patient's.
"""

import json
import sys

from fhirclient import client, server
from fhirclient.models.condition import Condition
from fhirclient.models.observation import Observation
from fhirclient.models.patient import Patient
from fhirpy import SyncFHIRClient
from fhirpy.base.exceptions import ForbiddenError, OperationOutcome, ResourceNotFound

given = json.load(sys.stdin)


def refused(what, kinds):
    try:
        what()
    except kinds:
        return True
    return False


def with_fhirclient(token):
    smart = client.FHIRClient(settings={"app_id": "demo", "api_base": given["fhir"]})
    smart.server.session.headers["Authorization"] = f"Bearer {token}"
    return smart


def with_fhirpy(token):
    return SyncFHIRClient(given["fhir"], authorization=f"Bearer {token}")


NOT = (ForbiddenError, OperationOutcome, ResourceNotFound)
NO = (server.FHIRNotFoundException, server.FHIRPermissionDeniedException, server.FHIRUnauthorizedException)

# An app of a patient: their own record.
app = with_fhirclient(given["app"])
assert Patient.read(given["patient"], app.server).id == given["patient"]
found = Observation.where({"_count": "10"}).perform_resources(app.server)
mine = f"Patient/{given['patient']}"
assert all(it.subject.reference == mine for it in found if isinstance(it, Observation))
assert refused(lambda: Patient.read(given["other"], app.server), NO)
assert refused(lambda: Condition.where({}).perform_resources(app.server), (Exception,))

# A program: everybody, but only what it asked for.
program = with_fhirclient(given["program"])
assert Patient.read(given["other"], program.server).id == given["other"]
assert refused(lambda: Patient().create(program.server), (Exception,))

app = with_fhirpy(given["app"])
assert app.reference("Patient", given["patient"]).to_resource()["id"] == given["patient"]
assert {it["id"] for it in app.resources("Patient").fetch()} == {given["patient"]}
assert refused(lambda: app.reference("Patient", given["other"]).to_resource(), NOT)
assert refused(lambda: app.resources("Condition").fetch(), NOT)

program = with_fhirpy(given["program"])
assert len(program.resources("Patient").limit(5).fetch()) == 5
assert refused(lambda: program.resource("Patient", name=[{"family": "X"}]).save(), NOT)

nobody = with_fhirpy("not-a-token")
assert refused(lambda: nobody.resources("Patient").fetch(), (Exception,))
print("  fhirclient and fhirpy: fit")
