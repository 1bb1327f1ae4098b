"""The PyPI packages hl7 and hl7apy as a laboratory: they send over MLLP and read the acknowledgements.

Reads a JSON object from standard input: host and port of the line. Writes one line of JSON: what was sent.
"""

import json
import socket
import sys

import hl7
from hl7.client import MLLPClient
from hl7apy.core import Message
from hl7apy.parser import parse_message

given = json.load(sys.stdin)

ORU = "\r".join([
    "MSH|^~\\&|PYLAB|PEER|EHR|HERE|20260601100000||ORU^R01^ORU_R01|py-1|P|2.5.1",
    "PID|1||py-77^^^PEER^MR||Peer^Petra||19700101|F",
    "OBR|1||py-order-1^PEER|24326-1^Electrolytes^LN|||20260601080000|||||||||||||||20260601100000||LAB|F",
    "OBX|1|NM|2823-3^Potassium^LN||4.1|mmol/L|3.5-5.1|N|||F|||20260601080000",
]) + "\r"

with MLLPClient(given["host"], given["port"]) as client:
    answer = hl7.parse(client.send_message(ORU).decode().strip("\x0b\x1c\r") + "\r")
    assert str(answer.segment("MSA")[1]) == "AA" and str(answer.segment("MSA")[2]) == "py-1", answer
    first = str(answer)
    again = hl7.parse(client.send_message(ORU).decode().strip("\x0b\x1c\r") + "\r")
    assert str(again) == first, "the same message has the same answer"

adt = Message("ADT_A01", version="2.5")
adt.msh.msh_3 = "PYADT"
adt.msh.msh_4 = "PEER"
adt.msh.msh_7 = "20260601110000"
adt.msh.msh_9 = "ADT^A08^ADT_A01"
adt.msh.msh_10 = "py-2"
adt.msh.msh_11 = "P"
adt.evn.evn_2 = "20260601110000"
adt.pid.pid_3 = "py-78^^^PEER^MR"
adt.pid.pid_5 = "Peer^Paul"
adt.pid.pid_7 = "19710101"
adt.pid.pid_8 = "M"
adt.pv1.pv1_2 = "O"
with socket.create_connection((given["host"], given["port"])) as line:
    line.sendall(adt.to_mllp().encode())
    answer = b""
    while not answer.endswith(b"\x1c\r"):
        answer += line.recv(4096)
read = parse_message(answer.decode().strip("\x0b\x1c\r"))
assert read.msa.msa_1.value == "AA" and read.msa.msa_2.value == "py-2", answer

print(json.dumps({"orders": ["py-order-1"], "patients": ["py-77", "py-78"]}))
