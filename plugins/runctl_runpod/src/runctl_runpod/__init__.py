"""RunPod for runctl: the plugin's description, and no operation yet."""

from runctl_core.api import ProviderInfo, hookimpl


@hookimpl
def runctl_provider() -> ProviderInfo:
    """Describe the provider; a capability is added together with the code that has it."""
    return ProviderInfo(
        name="runpod",
        summary="RunPod; this version has no operation yet.",
        credential_env=("RUNPOD_API_KEY",),
        docs_url="https://docs.runpod.io/",
    )
