# %% [markdown]
# # A deployed stage, from a notebook
#
# The SageMaker SDK (version 3) as a client of a stage of Retide: read what is registered, ask what is served, and try
# a script of your own on the newest dataset. It knows nothing of Retide and is told nothing of the local cloud: both
# are found as AWS is.
#
#     retide up && retide push training/models/tumour/sample.csv --model tumour --watch
#     eval "$(retide env)"                          # on AWS leave this out: your profile and region count
#     .venv-sdk/bin/python examples/notebook.py     # `make test-sdk` makes the environment; or open it as a notebook

# %%
"""Read the registry, ask an endpoint and start a training job with the SageMaker SDK: cell by cell, or as a program."""

import json
import os
import tempfile
from pathlib import Path

import boto3
from sagemaker.core.helper.session_helper import Session
from sagemaker.core.resources import Endpoint, ModelPackage
from sagemaker.core.shapes.shapes import OutputDataConfig, S3DataSource
from sagemaker.core.training.configs import Compute, InputData, SourceCode
from sagemaker.train.model_trainer import ModelTrainer

MODEL = os.environ.get("RETIDE_MODEL", "tumour")
STAGE = os.environ.get("RETIDE_STAGE", "dev")
os.environ.setdefault("SAGEMAKER_VALIDATE_ROLE", "false")  # the jobs' role may less than the SDK expects of any role
session = boto3.Session()

# %% [markdown]
# Names and roles are outputs of the stacks.

# %%
cloudformation = session.client("cloudformation")
outputs = {
    output["OutputKey"]: output["OutputValue"]
    for stack in ("data", "retraining")
    for output in cloudformation.describe_stacks(StackName=f"retide-{STAGE}-{stack}")["Stacks"][0]["Outputs"]
}
bucket, role, image = (outputs[name] for name in ("DataBucket", "JobRoleArn", "ImageUri"))

# %% [markdown]
# ## What is registered
#
# The newest version of the model, with what Retide wrote beside it: who decided, the digests, the certificate.

# %%
packages = ModelPackage.get_all(
    model_package_group_name=f"retide-{STAGE}-{MODEL}", sort_by="CreationTime", sort_order="Descending", session=session
)
newest = ModelPackage.get(model_package_name=next(iter(packages)).model_package_arn, session=session)
print(f"{MODEL} version {newest.model_package_version}: {newest.model_approval_status} ({newest.approval_description})")
for name, value in sorted(newest.customer_metadata_properties.items()):
    print(f"  {name}: {value}")

# %% [markdown]
# ## What is served
#
# A client asks the parameter which endpoint serves, so that it never notices when that changes.

# %%
parameter = session.client("ssm").get_parameter(Name=f"/retide/{STAGE}/{MODEL}/endpoint")
endpoint = Endpoint.get(endpoint_name=parameter["Parameter"]["Value"], session=session)
rows = Path(__file__).resolve().parents[1] / f"training/models/{MODEL}/sample.csv"
three = "\n".join(rows.read_text().splitlines()[:4]) + "\n"
answer = endpoint.invoke(body=three, content_type="text/csv", accept="application/json", session=session)
print(json.dumps(json.loads(answer.body.read()), indent=1))

# %% [markdown]
# ## A script of your own
#
# The newest dataset comes as the very files that its manifest names. The script finds its folders where SageMaker's
# variables say. Everything lies under `experiments/`: the jobs' role may write there, and production never reads it.

# %%
SCRIPT = """
import os
from pathlib import Path

import pandas as pd

files = sorted(Path(os.environ["SM_CHANNEL_ROWS"]).rglob("*.parquet"))
rows = pd.concat(pd.read_parquet(file) for file in files)
summary = rows.describe().T[["count", "mean", "std"]]
summary.to_csv(Path(os.environ["SM_MODEL_DIR"]) / "summary.csv")
print(f"{len(rows)} rows, {len(rows.columns)} columns")
"""
place = f"experiments/{MODEL}/notebook"
listed = session.client("s3").list_objects_v2(Bucket=bucket, Prefix=f"datasets/{MODEL}/").get("Contents", [])
manifests = [found for found in listed if found["Key"].endswith("/files.manifest")]
dataset = max(manifests, key=lambda found: found["LastModified"])["Key"]

with tempfile.TemporaryDirectory() as folder:
    (Path(folder) / "summarise.py").write_text(SCRIPT)
    trainer = ModelTrainer(
        training_image=image,
        role=role,
        base_job_name=f"retide-{STAGE}-{MODEL}-n",
        source_code=SourceCode(source_dir=folder, entry_script="summarise.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=1),
        output_data_config=OutputDataConfig(s3_output_path=f"s3://{bucket}/{place}"),
        sagemaker_session=Session(boto_session=session, default_bucket=bucket, default_bucket_prefix=place),
    )
    source = S3DataSource(s3_data_type="ManifestFile", s3_uri=f"s3://{bucket}/{dataset}")
    trainer.train(input_data_config=[InputData(channel_name="rows", data_source=source)], logs=True)

# %%
job = trainer._latest_training_job
job.refresh()
print(f"{job.training_job_name}: {job.training_job_status}, {job.model_artifacts.s3_model_artifacts}")
