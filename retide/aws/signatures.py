"""Signatures made and checked by KMS with an asymmetric key: its private half never leaves it."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from retide.aws.clients import code

ALGORITHM: Final = "ECDSA_SHA_256"


class KmsSignatures:
    """`message` has at most 4,096 bytes, as KMS takes them whole."""

    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._said = {"KeyId": key, "MessageType": "RAW", "SigningAlgorithm": ALGORITHM}

    def sign(self, message: bytes) -> bytes:
        return bytes(self._client.sign(**self._said, Message=message)["Signature"])

    def verify(self, message: bytes, signature: bytes) -> bool:
        if not signature:
            return False
        try:
            answer = self._client.verify(**self._said, Message=message, Signature=signature)
        except ClientError as error:
            if code(error) == "KMSInvalidSignatureException":
                return False
            raise
        return bool(answer["SignatureValid"])
