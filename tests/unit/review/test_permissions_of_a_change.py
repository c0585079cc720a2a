"""What a change allows that was not allowed: every widening is found, and nothing else is told as one."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infra.review.permissions import broadenings, narrowings
from infra.review.templates import Assembly
from tests.unit.review.stages import Json, policy, role, stage, statement, with_policy

ACTIONS = ("s3:GetObject", "s3:PutObject", "sqs:SendMessage", "dynamodb:Query")
PLACES = ("arn:aws:s3:::one", "arn:aws:s3:::one/*", "arn:aws:s3:::two", "arn:aws:sqs:us-east-1:1:q")
CONDITIONS: tuple[Json, ...] = (
    {},
    {"StringEquals": {"aws:SourceAccount": "1"}},
    {"StringLike": {"s3:prefix": ["a/*", "b/*"]}},
)
BUCKET = {"Type": "AWS::S3::Bucket", "Properties": {}}


def lines(base: Assembly, head: Assembly) -> list[str]:
    return [f"{one.who} {one.what} {line}" for one in broadenings(base, head) for line in one.lines]


@st.composite
def statements(draw: st.DrawFn) -> Json:
    return statement(
        draw(st.lists(st.sampled_from(ACTIONS), min_size=1, unique=True)),
        draw(st.sampled_from(["Allow", "Allow", "Deny"])),
        Resource=draw(st.lists(st.sampled_from(PLACES), min_size=1, unique=True)),
        Condition=draw(st.sampled_from(CONDITIONS)),
    )


POLICIES = st.lists(statements(), min_size=1, max_size=4)


@given(given_already=POLICIES, place=st.sampled_from(PLACES))
def test_an_action_that_is_added_is_always_found(given_already: list[Json], place: str) -> None:
    head = with_policy(*given_already, statement("kms:Decrypt", Resource=place))
    assert lines(with_policy(*given_already), head) == [f"stack/Role may now kms:Decrypt on {place}"]


@given(given_already=POLICIES, place=st.sampled_from(PLACES))
def test_a_place_that_is_added_is_always_found(given_already: list[Json], place: str) -> None:
    wider = statement("s3:GetObject", Resource=[place, "arn:aws:s3:::elsewhere"])
    assert lines(with_policy(*given_already), with_policy(*given_already, wider))


@given(given_already=POLICIES, data=st.data())
def test_taking_away_what_is_allowed_is_never_told_as_broader(given_already: list[Json], data: st.DataObject) -> None:
    allowed = [one for one in given_already if one["Effect"] == "Allow"]
    kept = [one for one in given_already if one not in allowed or data.draw(st.booleans())]
    narrower = [{**one, "Action": data.draw(_some_of(one["Action"]))} if one in allowed else one for one in kept]
    assert lines(with_policy(*given_already), with_policy(*narrower)) == []


def _some_of(values: list[str]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True)


@given(given_already=POLICIES, data=st.data())
def test_another_order_is_never_told_as_broader(given_already: list[Json], data: st.DataObject) -> None:
    shuffled = [
        {
            **one,
            "Action": data.draw(st.permutations(one["Action"])),
            "Resource": data.draw(st.permutations(one["Resource"])),
        }
        for one in data.draw(st.permutations(given_already))
    ]
    assert lines(with_policy(*given_already), with_policy(*shuffled)) == []
    assert lines(with_policy(*shuffled), with_policy(*given_already)) == []


@given(given_already=POLICIES)
def test_statements_that_are_taken_apart_or_written_differently_say_the_same(given_already: list[Json]) -> None:
    apart = [
        {**one, "Action": action.upper(), "Resource": place}
        for one in given_already
        for action in one["Action"]
        for place in one["Resource"]
    ]
    assert lines(with_policy(*given_already), with_policy(*apart)) == []
    assert lines(with_policy(*apart), with_policy(*given_already)) == []


@given(given_already=POLICIES, data=st.data())
def test_a_denial_that_goes_is_always_found(given_already: list[Json], data: st.DataObject) -> None:
    denial = statement("*", "Deny", Resource="*")
    found = lines(with_policy(*given_already, denial), with_policy(*given_already))
    assert found == ["stack/Role is no longer denied * on *"]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (statement("s3:*", Resource="*"), statement(["s3:Get*", "S3:PUTobject"], Resource="arn:aws:s3:::b/*")),
        (statement("s3:**", Resource="*"), statement("s3:*", Resource="**")),
        (statement("*", Resource="*"), {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}),
        (
            {"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"},
            {"Effect": "Allow", "NotAction": ["iam:*", "s3:*"], "Resource": "*"},
        ),
        ({"Effect": "Allow", "NotAction": "iam:*", "Resource": "*"}, statement("s3:GetObject", Resource="x")),
        (
            {"Effect": "Allow", "Action": "s3:*", "NotResource": "arn:aws:s3:::secret*"},
            statement("s3:GetObject", Resource="arn:aws:s3:::open/*"),
        ),
        (
            statement("a:B", Resource="*", Condition={"StringLike": {"k": ["x*", "y"]}}),
            statement("a:B", Resource="*", Condition={"StringEquals": {"K": "xyz"}}),
        ),
        (
            statement("a:B", Resource="*", Condition={"StringNotEquals": {"k": "x"}}),
            statement("a:B", Resource="*", Condition={"StringNotEquals": {"k": ["x", "y"]}}),
        ),
        (
            statement("a:B", Resource="*", Condition={"BoolIfExists": {"k": "true"}}),
            statement("a:B", Resource="*", Condition={"Bool": {"k": True}, "StringEquals": {"j": "1"}}),
        ),
    ],
)
def test_what_is_narrower_in_other_words_is_not_told_and_the_way_back_is(before: Json, after: Json) -> None:
    assert lines(with_policy(before), with_policy(after)) == []
    if before != statement("s3:**", Resource="*"):
        assert lines(with_policy(after), with_policy(before))


@pytest.mark.parametrize(
    "after",
    [
        statement("s3:Get*", Resource="arn:aws:s3:::b"),
        statement("s3:GetObject", Resource="arn:aws:s3:::b*"),
        statement("s3:GetObject", Resource="arn:aws:s3:::b"),  # the condition is gone
        statement("s3:GetObject", Resource="arn:aws:s3:::b", Condition={"StringEquals": {"k": ["1", "2"]}}),
        statement("s3:GetObject", Resource="arn:aws:s3:::b", Condition={"StringEqualsIfExists": {"k": "1"}}),
        statement("s3:GetObject", Resource="arn:aws:s3:::b", Condition={"StringLike": {"k": "1*"}}),
        {"Effect": "Allow", "NotAction": "iam:*", "Resource": "arn:aws:s3:::b"},
        {"Effect": "Allow", "Action": "s3:GetObject", "NotResource": "arn:aws:s3:::c"},
        {"Fn::If": ["Wide", statement("s3:*", Resource="*"), {"Ref": "AWS::NoValue"}]},
    ],
)
def test_each_way_to_widen_a_statement_is_found(after: Json) -> None:
    before = statement("s3:GetObject", Resource="arn:aws:s3:::b", Condition={"StringEquals": {"k": "1"}})
    assert lines(with_policy(before), with_policy(after))


def test_a_narrowed_denial_is_found() -> None:
    before = statement("s3:*", "Deny", Resource="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    after = statement("s3:Put*", "Deny", Resource="*", Condition={"Bool": {"aws:SecureTransport": "false"}})
    found = lines(with_policy(before), with_policy(after))
    assert found == ["stack/Role is no longer denied s3:* on * if aws:securetransport bool false"]


def trusting(*principals: Any) -> Assembly:
    trust = {"Statement": [statement("sts:AssumeRole", Principal=one) for one in principals]}
    return stage(Role=role(AssumeRolePolicyDocument=trust))


@pytest.mark.parametrize(
    "added",
    [
        {"Service": "ec2.amazonaws.com"},
        {"AWS": "*"},
        "*",
        {"AWS": "123456789012"},
        {"Federated": "accounts.google.com"},
    ],
)
def test_whoever_else_may_assume_a_role_is_found(added: Any) -> None:
    before = {"Service": "lambda.amazonaws.com"}
    (found,) = lines(trusting(before), trusting(before, added))
    assert found.startswith("stack/Role may now be assumed sts:AssumeRole by ")


def test_an_account_and_its_root_are_one_principal() -> None:
    number, root = {"AWS": "123456789012"}, {"AWS": "arn:aws:iam::123456789012:root"}
    assert lines(trusting(number), trusting(root)) == lines(trusting(root), trusting(number)) == []


def bucket_policy(*statements_: Json) -> Json:
    document = {"Statement": list(statements_)}
    return {"Type": "AWS::S3::BucketPolicy", "Properties": {"Bucket": {"Ref": "Bucket"}, "PolicyDocument": document}}


TLS_ONLY = statement(
    "s3:*", "Deny", Principal={"AWS": "*"}, Resource="*", Condition={"Bool": {"aws:SecureTransport": "false"}}
)


def test_a_bucket_policy_that_goes_takes_its_denials_along_and_that_is_found() -> None:
    (found,) = lines(stage(Bucket=BUCKET, Policy=bucket_policy(TLS_ONLY)), stage(Bucket=BUCKET))
    assert found == "stack/Bucket is no longer denied s3:* by * on * if aws:securetransport bool false"


def test_what_goes_together_with_its_policy_is_no_broadening() -> None:
    assert lines(stage(Bucket=BUCKET, Policy=bucket_policy(TLS_ONLY)), stage()) == []
    assert lines(with_policy(statement("*", "Deny", Resource="*")), stage()) == []


QUEUE_POLICY = {
    "Type": "AWS::SQS::QueuePolicy",
    "Properties": {
        "Queues": [{"Ref": "Queue"}],
        "PolicyDocument": {"Statement": [statement("sqs:SendMessage", Principal="*", Resource="*")]},
    },
}
KEY = {
    "Type": "AWS::KMS::Key",
    "Properties": {"KeyPolicy": {"Statement": [statement("kms:*", Principal={"AWS": "999999999999"}, Resource="*")]}},
}
LOGS = {
    "Type": "AWS::Logs::ResourcePolicy",
    "Properties": {
        "PolicyDocument": {
            "Fn::Join": [
                "",
                ['{"Statement":[{"Effect":"Allow","Action":"logs:*","Principal":"*",', '"Resource":"*"}]}'],
            ]
        }
    },
}
INVOKE = {
    "Type": "AWS::Lambda::Permission",
    "Properties": {
        "FunctionName": {"Fn::GetAtt": ["F", "Arn"]},
        "Action": "lambda:InvokeFunction",
        "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::b",
    },
}


@pytest.mark.parametrize(
    ("resource", "told"),
    [
        (QUEUE_POLICY, "${Queue} is now open to sqs:SendMessage by * on *"),
        (KEY, "is now open to kms:* by AWS:arn:aws:iam::999999999999:root on *"),
        (LOGS, "is now open to logs:* by * on *"),
        (INVOKE, "lambda:InvokeFunction by Service:s3.amazonaws.com on * if aws:sourcearn arnlike arn:aws:s3:::b"),
        (role(ManagedPolicyArns=["arn:aws:iam::aws:policy/AdministratorAccess"]), "has the managed policy arn:aws"),
        ({"Type": "AWS::Lambda::Url", "Properties": {"AuthType": "NONE"}}, "has an address that anybody may call"),
        (
            {"Type": "AWS::IAM::OIDCProvider", "Properties": {"Url": "https://a.example", "ClientIdList": ["me"]}},
            "is now exposed trusts https://a.example for me",
        ),
    ],
    ids=lambda given: given["Type"] if isinstance(given, dict) else "",
)
def test_each_way_to_open_a_resource_is_found(resource: Json, told: str) -> None:
    found = lines(stage(), stage(New=resource))
    assert any(told in line for line in found), found
    assert lines(stage(New=resource), stage(New=resource)) == []


def test_a_denial_for_what_the_template_only_refers_to_is_missed_when_it_goes() -> None:
    denial = policy(statement("*", "Deny", Resource="*"), role="RoleByParameter")
    assert lines(stage(Policy=denial), stage()) == ["stack: ${RoleByParameter} is no longer denied * on *"]


def public(**switches: bool) -> Json:
    return {"Type": "AWS::S3::Bucket", "Properties": {"PublicAccessBlockConfiguration": switches}}


def test_public_access_that_is_no_longer_blocked_is_found() -> None:
    names = ("BlockPublicAcls", "BlockPublicPolicy", "IgnorePublicAcls", "RestrictPublicBuckets")
    closed = dict.fromkeys(names, True)
    (found,) = lines(stage(B=public(**closed)), stage(B=public(**closed | {"BlockPublicPolicy": False})))
    assert found == "stack/B is now exposed BlockPublicPolicy is off"


def test_a_boundary_that_goes_or_changes_is_found_and_one_that_comes_is_not() -> None:
    bound, free = stage(Role=role(PermissionsBoundary="arn:one")), stage(Role=role())
    assert lines(bound, free) == ["stack/Role no longer has the permissions boundary arn:one"]
    assert lines(bound, stage(Role=role(PermissionsBoundary="arn:two")))
    assert lines(free, bound) == []


def function(role_id: str) -> Json:
    return {"Type": "AWS::Lambda::Function", "Properties": {"Role": {"Fn::GetAtt": [role_id, "Arn"]}}}


def test_a_function_that_is_given_a_stronger_role_is_found_although_no_policy_changed() -> None:
    roles: dict[str, Json] = {
        "Weak": role(),
        "Strong": role(),
        "Little": policy(statement("s3:GetObject", Resource="*"), role="Weak"),
        "Much": policy(statement("s3:*", Resource="*"), role="Strong"),
    }
    weak, strong = stage(F=function("Weak"), **roles), stage(F=function("Strong"), **roles)
    assert lines(weak, strong) == ["stack/F now runs with ${Strong}, which may s3:* on *"]
    assert lines(strong, weak) == []


def test_a_broadening_is_named_by_what_it_allows_and_by_nothing_else() -> None:
    base = with_policy(statement("s3:GetObject", Resource="a"))
    (one,) = broadenings(base, with_policy(statement(["s3:GetObject", "s3:PutObject"], Resource="a")))
    (same,) = broadenings(base, with_policy(statement("s3:PutObject", Resource="a")))
    (wider,) = broadenings(base, with_policy(statement(["s3:PutObject", "s3:DeleteObject"], Resource="a")))
    assert one.id == same.id != wider.id


def test_what_is_no_longer_allowed_is_known_too() -> None:
    wide, narrow = (with_policy(statement(actions, Resource="a")) for actions in (["s3:*"], ["s3:GetObject"]))
    assert [one.lines for one in narrowings(wide, narrow)] == [("s3:* on a",)]
    assert narrowings(narrow, wide) == []
