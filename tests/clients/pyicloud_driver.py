"""Signs in with pyicloud, as a program that uses this library does, and reports what it sees as JSON on stdout.

    pyicloud_driver.py APPLE_ID SESSION_FOLDER sms|device [LIBRARY/ALBUM]...

The password is the first line of stdin. Where pyicloud says that it needs a code, the driver writes "code?" to stderr and
reads it from the next line: the code of the text message that pyicloud asked for, or one that a device shows anyway. Of
each album named (LIBRARY as pyicloud keys it: "root" or "shared:ZONE") every photo's originals are downloaded and reported
by their SHA-1; of each library named all albums are listed. A refused sign-in ends with status 4.
"""

import hashlib
import json
import sys

from pyicloud import PyiCloudService
from pyicloud.exceptions import PyiCloudFailedLoginException

ORIGINALS = ("original", "alternative", "original_video")
REFUSED = 4


def sign_in(apple_id, folder, source):
    """Sign in as far as Apple asks; say whether a code was needed."""
    service = PyiCloudService(apple_id, next_line(), cookie_directory=folder)
    asked = service.requires_2fa
    if asked:
        if source == "device":
            service.use_existing_trusted_device_code()
        print("code?", file=sys.stderr, flush=True)
        if not service.validate_2fa_code(next_line()):
            raise PyiCloudFailedLoginException("the code was refused")
        if not service.is_trusted_session and not service.trust_session():
            raise PyiCloudFailedLoginException("the session is not trusted")
    return service, asked


def next_line():
    return sys.stdin.readline().rstrip("\n")


def albums(library):
    """Every album that pyicloud lists, and how many photos the count query promises. Smart albums go by their name."""
    return {album.id: len(album) for album in library.albums}


def download(libraries, place):
    key, _, name = place.partition("/")
    return [photo(asset) for asset in libraries[key].albums[name].photos]


def photo(asset):
    bodies = {version: asset.download(version) for version in ORIGINALS if version in asset.resources}
    return {"asset": asset.id, "originals": {version: sha1(body) for version, body in bodies.items() if body is not None}}


def sha1(body):
    return hashlib.sha1(body).hexdigest()


def main(apple_id, folder, source, *places):
    try:
        service, asked = sign_in(apple_id, folder, source)
    except PyiCloudFailedLoginException as refusal:
        print(f"refused: {refusal}", file=sys.stderr)
        return REFUSED
    libraries = service.photos.libraries if places else {}
    named = dict.fromkeys(place.partition("/")[0] for place in places)
    report = {
        "code_asked": asked,
        "trusted": service.is_trusted_session,
        "albums": {key: albums(libraries[key]) for key in named},
        "downloads": {place: download(libraries, place) for place in places},
    }
    json.dump(report, sys.stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
