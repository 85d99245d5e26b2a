"""The server's side of SRP, by other people's code: python's `srp`, with pyicloud's way of hashing the password.

A line of JSON with A is answered by a challenge, a line with the proofs by what they are worth: to `srp`, which hashes numbers
without leading zeros, and by the same arithmetic with every number filled up to 256 bytes, as Apple wants them.
"""

import hashlib
import importlib.util
import json
import os
import sys

import srp

srp.rfc5054_enable()
srp.no_username_in_x()


def pyicloud_srp_password():
    """The module alone: the package around it takes seconds to load."""
    package = importlib.util.find_spec("pyicloud")
    path = os.path.join(package.submodule_search_locations[0], "srp_password.py")
    spec = importlib.util.spec_from_file_location("srp_password", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


APPLE = pyicloud_srp_password()
N = int(
    "AC6BDB41324A9A9BF166DE5E1389582FAF72B6651987EE07FC3192943DB56050A37329CBB4A099ED8193E0757767A13DD52312AB4B03310D"
    "CD7F48A9DA04FD50E8083969EDB767B0CF6095179A163AB3661A05FBD5FAAAE82918A9962F0B93B855F97993EC975EEAA80D740ADBF4FF74"
    "7359D041D5C33EA71D281E446B14773BCA97B43A23FB801676BD207A436C6481F1D2B9078717461A5B9D32E688F87748544523B524B0D57D"
    "5EA77A2775D2ECFA032CFBDBF52FB3786160279004E57AE6AF874E7303CE53299CCC041C7BC308D82A5698F3A8D0C38271AE35F8E9DBFBB6"
    "94B5C803D89F7AE435DE236D525F54759B65E372FCD68EF20FA7111F9E4AFF73",
    16,
)


def number(data):
    return int.from_bytes(data, "big")


def padded(value):
    return value.to_bytes(256, "big")


def digest(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def stretched(request, salt):
    password = APPLE.SrpPassword(request["password"])
    protocol = APPLE.SrpProtocolType(request["protocol"])
    password.set_encrypt_info(salt, request["iterations"], 32, protocol)
    return password.encode()


def challenge(request):
    """The verifier from the password, and B from a random b."""
    salt = bytes.fromhex(request["salt"])
    v = pow(2, number(digest(salt, digest(b":", stretched(request, salt)))), N)
    secret = os.urandom(32)
    a = bytes.fromhex(request["a"])
    peer = srp.Verifier(
        request["account"], salt, padded(v), a, hash_alg=srp.SHA256, ng_type=srp.NG_2048, bytes_b=secret
    )
    _, public = peer.get_challenge()
    return {"peer": peer, "salt": salt, "v": v, "b": number(secret), "A": number(a), "B": number(public)}


def padded_proofs(request, state):
    """Protocol/auth.md §1.4, with integers."""
    u = number(digest(padded(state["A"]), padded(state["B"])))
    shared = pow(state["A"] * pow(state["v"], u, N), state["b"], N)
    key = digest(padded(shared))
    group = bytes(x ^ y for x, y in zip(digest(padded(N)), digest(padded(2))))
    name = digest(request["account"].encode())
    m1 = digest(group, name, state["salt"], padded(state["A"]), padded(state["B"]), key)
    zeros = any(padded(value)[0] == 0 for value in (state["A"], state["B"], shared)) or state["salt"][0] == 0
    return m1, digest(padded(state["A"]), m1, key), key, zeros


def judge(request, state, proofs):
    m1, m2, key, zeros = padded_proofs(request, state)
    sent = [bytes.fromhex(proofs[name]) for name in ("m1", "m2", "key")]
    answer = state["peer"].verify_session(sent[0])
    by_srp = answer == sent[1] and state["peer"].get_session_key() == sent[2] if answer else False
    return {"padded": sent == [m1, m2, key], "srp": by_srp, "zeros": zeros}


def answer(value):
    print(json.dumps(value), flush=True)


for line in sys.stdin:
    asked = json.loads(line)
    known = challenge(asked)
    answer({"b": padded(known["B"]).hex()})
    answer(judge(asked, known, json.loads(next(sys.stdin))))
