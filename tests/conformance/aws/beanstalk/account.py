"""The account's quotas."""

from __future__ import annotations

from .registry import Answer, Context, Parameters, operation


@operation("DescribeAccountAttributes")
def describe_account_attributes(context: Context, parameters: Parameters) -> Answer:
    """The quotas of the region."""
    quotas = {
        "ApplicationQuota": 75,
        "ApplicationVersionQuota": context.world.scenario.version_quota,
        "EnvironmentQuota": 200,
        "ConfigurationTemplateQuota": 200,
        "CustomPlatformQuota": 50,
    }
    return {"ResourceQuotas": {name: {"Maximum": maximum} for name, maximum in quotas.items()}}
