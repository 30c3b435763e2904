"""The one suite of HPKE that is spoken here; only this module of the client needs `cryptography`."""

from typing import Final

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite

_SUITE: Final = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


def seal(plaintext: bytes, public: bytes, info: bytes) -> bytes:
    """Encrypt for the holder of a private key: the encapsulated key, then the ciphertext with its tag."""
    return _SUITE.encrypt(plaintext, X25519PublicKey.from_public_bytes(public), info)


def open_sealed(sealed: bytes, private: X25519PrivateKey, info: bytes) -> bytes:
    """Decrypt what `seal` made; cryptography's InvalidTag for anything else."""
    return _SUITE.decrypt(sealed, private, info)
