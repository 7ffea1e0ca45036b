"""Print the line of mosquitto's password file for USER; the password is read from stdin.

The salt is made of the password and the user, so that the same password gives the same line and a second run changes
nothing; it still differs between users and passwords. Format: mosquitto_passwd(1), PBKDF2 with SHA-512.
"""

import base64
import hashlib
import sys

ITERATIONS = 600_000

user, password = sys.argv[1], sys.stdin.read().encode()
salt = hashlib.blake2b(password, key=user.encode()[:64], digest_size=12, person=b"avatar").digest()
digest = hashlib.pbkdf2_hmac("sha512", password, salt, ITERATIONS)
encoded = (base64.b64encode(part).decode() for part in (salt, digest))
print(f"{user}:$7${ITERATIONS}${'$'.join(encoded)}")
