"""Workspaces in two subscriptions: what is one's is not the other's, as in Azure."""

from __future__ import annotations

from typing import TYPE_CHECKING

from local.config import REGION

if TYPE_CHECKING:
    from local.config import LocalConfig
    from tests.contract.azureml.arm import Arm

ML = "providers/Microsoft.MachineLearningServices"


def usages(arm: Arm, subscription: str) -> tuple[int, str]:
    answer = arm.get(f"/subscriptions/{subscription}/{ML}/locations/{REGION}/usages")
    body = answer.json()
    return answer.status_code, body["error"]["code"] if answer.is_error else body["value"][0]["id"]


def test_dev_and_qa_are_in_two_subscriptions(config: LocalConfig, arm: Arm) -> None:
    dev, qa = config.workspaces[:2]

    assert dev.subscription != qa.subscription
    assert [arm.get(w.id).json()["id"] for w in (dev, qa)] == [dev.id, qa.id]


def test_a_workspace_is_not_found_in_the_other_s_subscription(config: LocalConfig, arm: Arm) -> None:
    dev, qa = config.workspaces[:2]

    moved = arm.get(qa.id.replace(qa.subscription, dev.subscription))
    gone = arm.get(qa.id.replace(qa.subscription, qa.subscription.replace("4", "5")))

    assert (moved.status_code, moved.json()["error"]["code"]) == (404, "ResourceGroupNotFound")
    assert (gone.status_code, gone.json()["error"]["code"]) == (404, "SubscriptionNotFound")


def test_quota_is_each_subscription_s_own(config: LocalConfig, arm: Arm) -> None:
    for workspace in config.workspaces[:2]:
        status, first = usages(arm, workspace.subscription)
        assert status == 200
        assert first.startswith(f"/subscriptions/{workspace.subscription}/")

    assert usages(arm, "00000000-0000-4000-8000-00000000000f") == (404, "SubscriptionNotFound")


def test_an_operation_is_asked_about_in_its_own_subscription(config: LocalConfig, arm: Arm) -> None:
    body = {"location": REGION, "tags": {}, "properties": {"authMode": "Key"}}
    for workspace in config.workspaces[:2]:
        answer = arm.ask("PUT", workspace, f"/onlineEndpoints/apart-{workspace.env}", body)

        where = answer.headers["azure-asyncoperation"]
        assert f"/subscriptions/{workspace.subscription}/" in where
        assert arm.get(where.partition(config.arm_url)[2] or where).status_code == 200
