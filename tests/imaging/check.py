"""Images of an archive that others wrote: an Orthanc holds studies that pydicom makes, the real program with its demo asks
it over DICOMweb, and a clinician sees what is theirs to see, once, and nothing of anybody else.

    python tests/imaging/check.py http://127.0.0.1:8080 continuo-demo/demo.json http://127.0.0.1:8042

Ends with 1 if anything is not as it should be.
"""

import base64
import http.cookiejar
import io
import json
import os
import re
import socket
import struct
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import ExplicitVRLittleEndian, generate_uid

BASE, DEMO, ARCHIVE = sys.argv[1:4]
ORG = json.load(open(DEMO, encoding="utf-8"))["organisations"][0]
ROOT = f"/{ORG['slug']}"
CT, US = "1.2.840.10008.5.1.4.1.1.2", "1.2.840.10008.5.1.4.1.1.3.1"


def image(patient, study, series, number, kind="CT", accession="", words="CT head", body="HEAD", frames=1, side=96):
    """A picture of one object: a disc in a ring, brighter from picture to picture."""
    it = Dataset()
    it.file_meta = FileMetaDataset()
    it.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    it.SOPClassUID = CT if kind == "CT" else US
    it.SOPInstanceUID = generate_uid()
    it.file_meta.MediaStorageSOPClassUID = it.SOPClassUID
    it.file_meta.MediaStorageSOPInstanceUID = it.SOPInstanceUID
    it.StudyInstanceUID, it.SeriesInstanceUID, it.SeriesNumber, it.InstanceNumber = study, series, 1, number
    it.PatientID, it.PatientName, it.PatientBirthDate, it.PatientSex = patient["number"], patient["name"], patient["born"], "O"
    it.StudyDate, it.StudyTime, it.AccessionNumber, it.StudyID = "20260601", "101500", accession, "1"
    it.Modality, it.StudyDescription, it.SeriesDescription, it.BodyPartExamined = kind, words, f"{words}, axial", body
    it.Rows = it.Columns = side
    it.SamplesPerPixel, it.PhotometricInterpretation, it.PixelRepresentation = 1, "MONOCHROME2", 0
    if frames > 1:
        it.NumberOfFrames = frames
    wide = kind == "CT"
    it.BitsAllocated, it.BitsStored, it.HighBit = (16, 12, 11) if wide else (8, 8, 7)
    if wide:
        it.RescaleIntercept, it.RescaleSlope, it.WindowCenter, it.WindowWidth = "-1024", "1", "40", "400"
    pixels = bytearray()
    for nth in range(frames):
        for y in range(side):
            for x in range(side):
                away = (x - side / 2) ** 2 + (y - side / 2) ** 2
                inside, ring = away < (side * 0.34) ** 2, away < (side * 0.4) ** 2
                if wide:
                    pixels += struct.pack("<H", 1040 + 12 * number if inside else 2000 if ring else 24)
                else:
                    pixels.append(90 + 40 * nth if inside else 220 if ring else 0)
    it.PixelData = bytes(pixels)
    it["PixelData"].VR = "OW" if wide else "OB"
    held = io.BytesIO()
    it.save_as(held, enforce_file_format=True)
    return held.getvalue()


def archived(data):
    secret = base64.b64encode(f"ehr:{os.environ['ARCHIVE_PASSWORD']}".encode()).decode()
    ask = urllib.request.Request(f"{ARCHIVE}/instances", data=data, headers={"authorization": f"Basic {secret}"})
    for attempt in range(100):
        try:
            with urllib.request.urlopen(ask, timeout=10) as answer:
                assert answer.status == 200
                return
        except (urllib.error.URLError, ConnectionError):
            if attempt == 99:
                raise
            time.sleep(0.1)


def fhir(path, body=None):
    headers = {"authorization": f"Bearer {ORG['token']}", "content-type": "application/fhir+json"}
    data = json.dumps(body).encode() if body else None
    ask = urllib.request.Request(f"{ORG['fhir']}/{path}", data=data, headers=headers, method="PUT" if body else "GET")
    with urllib.request.urlopen(ask, timeout=10) as answer:
        return json.load(answer)


def found(path):
    return [it["resource"] for it in fhir(path).get("entry", [])]


class Person:
    """Somebody who is signed in with a browser of their own."""

    def __init__(self, role):
        self.jar = http.cookiejar.CookieJar()
        self.browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))
        if role:
            login = next(it for it in ORG["logins"] if it["role"] == role)
            status, _, _ = self.open(f"{ROOT}/sign-in", {"username": login["username"], "password": login["password"]})
            assert status == 200, (role, status)

    def open(self, path, form=None):
        data = urllib.parse.urlencode(form).encode() if form is not None else None
        ask = urllib.request.Request(f"{BASE}{path}", data=data, headers={"origin": BASE, "sec-fetch-mode": "navigate"})
        try:
            with self.browser.open(ask, timeout=30) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()


def size_of(jpeg):
    """Width and height, from the frame header (ITU-T T.81, B.2.2)."""
    at = 2
    while at < len(jpeg):
        marker, length = jpeg[at + 1], struct.unpack(">H", jpeg[at + 2 : at + 4])[0]
        if 0xC0 <= marker <= 0xC3:
            height, width = struct.unpack(">HH", jpeg[at + 5 : at + 9])
            return width, height
        at += 2 + length
    raise AssertionError("no picture")


def eventually(what, look):
    for _ in range(150):
        if it := look():
            return it
        time.sleep(0.2)
    raise AssertionError(f"{what} did not come about within half a minute")


def send(message):
    host, port = ORG["mllp"].split(":")
    with socket.create_connection((host, int(port)), timeout=10) as line:
        line.sendall(b"\x0b" + "\r".join(message).encode() + b"\x1c\r")
        said = b""
        while b"\x1c" not in said:
            said += line.recv(65536)
    assert b"MSA|AA|" in said, said


def main():
    chart = ORG["examples"][0]["patient"]
    known = fhir(f"Patient/{chart}")
    number = next(it for it in known["identifier"] if it.get("type", {}).get("coding", [{}])[0].get("code") == "MR")
    name = known["name"][0]
    patient = {"number": number["value"], "born": known["birthDate"].replace("-", ""), "name": f"{name['family']}^{name['given'][0]}"}
    stranger = {**patient, "number": f"{number['value']}9"}
    twin = {**patient, "born": "18991231"}
    stamp = str(time.time_ns())[-10:]
    head, ultrasound, foreign, other = (generate_uid() for _ in range(4))
    series = generate_uid()
    # What the archive holds before anybody asks: a study of the patient, one of somebody whose number begins alike, and
    # one under the patient's number that was born another day.
    for nth in (3, 1, 2):
        archived(image(patient, head, series, nth, accession=f"H{stamp}"))
    archived(image(stranger, foreign, generate_uid(), 1))
    archived(image(twin, other, generate_uid(), 1))

    clinician, desk, nobody = Person("clinician"), Person("front-desk"), Person(None)
    at = f"{ROOT}/patients/{chart}/imaging"
    status, _, page = clinician.open(at)
    assert status == 200 and b"Look for new studies" in page
    status, _, page = clinician.open(at, {})
    assert status == 200 and b"1 new studies" in page and b"One study was left out" in page, page[-3000:]
    by_name = f"ImagingStudy?identifier={urllib.parse.quote(f'urn:dicom:uid|urn:oid:{head}')}"
    [study] = found(by_name)
    assert study["subject"]["reference"] == f"Patient/{chart}"
    assert (study["numberOfSeries"], study["numberOfInstances"]) == (1, 3), study
    assert study["started"] == "2026-06-01T10:15:00+00:00" and study["modality"][0]["code"] == "CT"
    assert study["meta"]["tag"][0]["display"] == "Lakeside Imaging" and ARCHIVE not in json.dumps(study)
    for uid in (foreign, other):
        assert not found(f"ImagingStudy?identifier={urllib.parse.quote(f'urn:dicom:uid|urn:oid:{uid}')}")
    clinician.open(at, {})
    assert found(by_name)[0]["meta"]["versionId"] == study["meta"]["versionId"], "the same again says nothing new"

    # The pictures, in the order in which they were made, for who may see them.
    one = f"{at}/{study['id']}"
    status, _, page = clinician.open(f"{one}?frame=2")
    assert status == 200 and b"picture 2 of 3" in page
    frames = re.search(rb'data-frames="([^"]*)"', page).group(1).decode().split()
    assert len(frames) == 3 and ARCHIVE not in page.decode()
    pictures = [clinician.open(it) for it in frames]
    assert all(status == 200 and headers["content-type"] == "image/jpeg" for status, headers, _ in pictures)
    assert len({body for _, _, body in pictures}) == 3 and size_of(pictures[0][2]) == (96, 96)
    assert pictures[0][1]["cache-control"] == "no-store"
    _, _, brain = clinician.open(f"{frames[0]}?window=brain")
    assert brain.startswith(b"\xff\xd8") and brain != pictures[0][2], "a window changes what is seen"
    _, _, small = clinician.open(f"{frames[0]}?small=true")
    assert max(size_of(small)) == 160
    reads = found(f"AuditEvent?entity=ImagingStudy/{study['id']}&_count=200")
    assert len(reads) >= 5, f"{len(reads)} looks in the audit log"
    for who in (desk, nobody):
        for address in (one, frames[0]):
            status, headers, body = who.open(address)
            assert not body.startswith(b"\xff\xd8") and (status in (401, 404) or b"password" in body), (address, status)
    somebody = next(it["patient"] for it in ORG["examples"] if it["patient"] != chart)
    assert clinician.open(frames[0].replace(chart, somebody))[0] == 404
    for wrong in ("../../system", "1.2.3", "%2e%2e"):
        address = "/".join(frames[0].split("/")[:-2] + [urllib.parse.quote(wrong, safe="%"), "1"])
        assert clinician.open(address)[0] in (404, 400), wrong

    # An order, then its report with a PDF and its pictures: of one object with three pictures, which nobody asks for.
    order, accession = f"imaging-order-{stamp}", f"U{stamp}"
    coded = lambda system, code: [{"coding": [{"system": system, "code": code}]}]
    subject = {"reference": f"Patient/{chart}"}
    fhir(f"ServiceRequest/{order}", {"resourceType": "ServiceRequest", "id": order, "status": "active", "intent": "order",
        "subject": subject, "category": coded("http://snomed.info/sct", "363679005"), "code": {"text": "Ultrasound of the abdomen"},
        "identifier": [{"type": coded("http://terminology.hl7.org/CodeSystem/v2-0203", "ACSN")[0], "value": accession}]})
    fhir(f"Task/{order}", {"resourceType": "Task", "id": order, "status": "requested", "intent": "order", "for": subject,
        "code": coded("http://hl7.org/fhir/CodeSystem/task-code", "fulfill")[0], "focus": {"reference": f"ServiceRequest/{order}"}})
    archived(image(patient, ultrasound, generate_uid(), 1, kind="US", accession=accession, words="Upper abdomen", body="ABDOMEN", frames=3))
    pdf = base64.b64encode(b"%PDF-1.4\n%%EOF\n").decode()
    report = [
        f"MSH|^~\\&|RIS|LAKESIDE|EHR|RIVERSIDE|20260602100000||ORU^R01^ORU_R01|{stamp}|P|2.5.1",
        f"PID|1||{number['value']}^^^&{number['system']}&URI^MR||{patient['name']}||{patient['born']}|F",
        f"OBR|1|{accession}|F{stamp}^RIS|24558-9^Ultrasound of the abdomen^LN|||20260601101500|||||||||||{accession}||||20260602100000||RAD|F",
        "OBX|1|FT|24558-9^Ultrasound of the abdomen^LN||Several stones in the gallbladder.||||||F",
        f"OBX|2|ED|PDF^Report||RIS^application^pdf^Base64^{pdf}||||||F",
    ]
    send(report)
    [sent] = found(f"DiagnosticReport?patient=Patient/{chart}&identifier={accession}")
    assert sent["basedOn"][0]["reference"] == f"ServiceRequest/{order}", sent["basedOn"]
    assert len(found(f"ServiceRequest?patient=Patient/{chart}&identifier={accession}")) == 1
    eventually("the end of the order", lambda: fhir(f"ServiceRequest/{order}")["status"] == "completed")
    linked = eventually("the way from report to study", lambda: fhir(f"DiagnosticReport/{sent['id']}").get("imagingStudy"))
    study = fhir(linked[0]["reference"])
    assert study["identifier"][0]["value"] == f"urn:oid:{ultrasound}" and study["basedOn"][0]["reference"] == f"ServiceRequest/{order}"
    status, _, page = clinician.open(f"{at}/{study['id']}?frame=3")
    assert status == 200 and b"picture 3 of 3" in page and b"Read the report" in page
    status, _, page = clinician.open(f"{ROOT}/patients/{chart}/reports/DiagnosticReport/{sent['id']}")
    assert status == 200 and b"See the images" in page
    document = re.search(rb'href="([^"]*/documents/[^"]+)"', page).group(1).decode()
    status, headers, body = clinician.open(f"{document}/content/0")
    assert (status, headers["content-type"]) == (200, "application/pdf") and body.startswith(b"%PDF")
    versions = [fhir(f"{kind}")["meta"]["versionId"] for kind in (f"DiagnosticReport/{sent['id']}", linked[0]["reference"])]
    send(report)
    time.sleep(4)
    assert versions == [fhir(f"{kind}")["meta"]["versionId"] for kind in (f"DiagnosticReport/{sent['id']}", linked[0]["reference"])]
    print("an archive of others was asked; two studies, six pictures, one report with its document, nothing of anybody else")


main()
