"""What stays: the data bucket and the ledger."""

from __future__ import annotations

from typing import Any

from aws_cdk import CfnOutput, Stack
from aws_cdk import aws_lambda as lambda_
from constructs import Construct

from infra.bundles import Bundles
from infra.functions import EMPTY_BUCKET
from infra.parts.bucket import DataBucket
from infra.parts.function import FunctionDefaults
from infra.parts.ledger import ledger_table
from infra.parts.queues import dead_letter_queue
from infra.parts.removal import Removal
from infra.settings import Settings


class DataStack(Stack):
    """`bucket` and `ledger`; a stage that keeps nothing empties the bucket before it goes."""

    def __init__(self, scope: Construct, id_: str, *, settings: Settings, bundles: Bundles, **options: Any) -> None:
        super().__init__(scope, id_, **options)
        self.bucket = DataBucket(self, "Data", settings).bucket
        self.ledger = ledger_table(self, "Ledger", settings)
        if not settings.keep_data:
            self._empty_at_the_end(settings, bundles)
        CfnOutput(self, "DataBucket", value=self.bucket.bucket_name)
        CfnOutput(self, "LedgerTable", value=self.ledger.table_name)

    def _empty_at_the_end(self, settings: Settings, bundles: Bundles) -> None:
        defaults = FunctionDefaults(
            settings=settings,
            code=lambda_.Code.from_asset(str(bundles.functions)),
            dead=dead_letter_queue(self, "Failures"),
            places={"bucket": self.bucket.bucket_arn},
            variables={},
        )
        Removal(self, "EmptyBucket", EMPTY_BUCKET, defaults).of("Contents", {"Bucket": self.bucket.bucket_name})
