"""Amazon EC2 for runctl: the plugin's description, and no operation yet."""

from runctl_core.api import ProviderInfo, hookimpl


@hookimpl
def runctl_provider() -> ProviderInfo:
    """Describe the provider; a capability is added together with the code that has it."""
    return ProviderInfo(
        name="aws",
        summary="Amazon EC2; this version has no operation yet.",
        credential_env=(
            "AWS_PROFILE",
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
        ),
        docs_url="https://docs.aws.amazon.com/ec2/",
    )
