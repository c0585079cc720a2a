"""Seals made and checked by KMS: the key never leaves it, and who may check a seal cannot make one."""

from __future__ import annotations

from typing import Any, Final

from botocore.exceptions import ClientError

from retide.aws.clients import code

ALGORITHM: Final = "HMAC_SHA_256"
LENGTH: Final = 32  # bytes; KMS calls another length an error of ours


class KmsSeals:
    def __init__(self, client: Any, key: str) -> None:
        self._client = client
        self._key = key

    def make(self, message: bytes) -> bytes:
        return bytes(self._client.generate_mac(KeyId=self._key, Message=message, MacAlgorithm=ALGORITHM)["Mac"])

    def check(self, message: bytes, seal: bytes) -> bool:
        if len(seal) != LENGTH:
            return False
        try:
            answer = self._client.verify_mac(KeyId=self._key, Message=message, MacAlgorithm=ALGORITHM, Mac=seal)
        except ClientError as error:
            if code(error) == "KMSInvalidMacException":
                return False
            raise
        return bool(answer["MacValid"])
